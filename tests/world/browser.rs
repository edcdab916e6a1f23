//! Chromium by playwright-core: scripts of `tests/browser/`, run to their end. `scripts/setup` brings Node, the packages
//! and Chromium.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A tool of the packages in `tests/browser/`, run by that Node.
#[track_caller]
pub fn tool(name: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tool = root.join("tests/browser/node_modules/.bin").join(name);
    assert!(tool.exists(), "expected {name} at {}: run scripts/setup", tool.display());
    let mut command = Command::new(root.join(".cache/node/bin/node"));
    command.arg(tool);
    command
}

/// Runs a script with `settings` as its argument; what it printed last, as JSON. It must end well.
#[track_caller]
pub fn run(script: &str, settings: &Value) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let node = root.join(".cache/node/bin/node");
    assert!(node.exists(), "expected Node at {}: run scripts/setup", node.display());
    let folder = root.join("tests/browser");
    let output = Command::new(node).arg(script).arg(settings.to_string()).current_dir(&folder).output();
    let output = output.expect("Node starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}: {}\n{out}{err}", output.status);
    let last = out.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{script}: {error}: {out}{err}"))
}
