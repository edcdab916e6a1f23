//! The Python that `scripts/setup` puts into `.cache/python`, with the packages of `tests/python/requirements.txt`.

use std::path::Path;
use std::process::Command;

/// A program of it: `python`, or what a package brings.
#[track_caller]
pub fn command(program: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/python/bin").join(program);
    assert!(path.exists(), "expected {program} at {}: run scripts/setup", path.display());
    Command::new(path)
}
