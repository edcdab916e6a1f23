//! `outreach init --secrets`: what git does not have of a project. A file that is there stays as it is, whatever it holds.

use super::{NOTHING_FOR_GIT, write};
use crate::cli::secrets::{self, Needed};
use crate::cli::{End, quoted, say};
use crate::project::{Environment, Project};
use anyhow::{Context, anyhow, ensure};
use base64::Engine;
use outreach_engine::rule::diagnostic::Diagnostic;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path};

/// As a secret of 192 bits.
const SECRET_BYTES: usize = 24;
/// Beside a secret in a folder that was made for it: git takes nothing of it.
const LIST: &str = ".gitignore";

/// Makes the files that are missing and may be new; the others are told, with exit code 1.
pub(super) fn make_missing(dir: &Path) -> anyhow::Result<End> {
    let reading = Project::read(dir, &Environment::of_process());
    let is_about_settings = |problem: &Diagnostic| {
        problem.is_error() && ["outreach.toml", "environment"].contains(&problem.file.as_str())
    };
    let has_errors = reading.problems.iter().any(is_about_settings);
    let (here, place) = (dir.display(), quoted(dir));
    ensure!(
        dir.join("outreach.toml").exists(),
        "expected a project in {here}, found no outreach.toml: `outreach init {place}` makes one"
    );
    ensure!(
        !has_errors,
        "outreach.toml in {here} has errors, so nothing was written: `outreach check` shows them"
    );
    let process = reading.process.with_context(|| format!("outreach.toml in {here} cannot be read"))?;
    let mut left = false;
    let mut has_made = false;
    for needed in secrets::needed(&process) {
        match make(dir, &needed) {
            Ok(None) => {}
            Ok(Some(path)) => {
                has_made = true;
                let warning = if is_ignored(dir, &path) { "" } else { "; see that git ignores it" };
                say(&format!("made {path}: {}{warning}", needed.what));
            }
            Err(error) => {
                left = true;
                say(&format!("not made: {}: {error:#}", needed.what));
            }
        }
    }
    if has_made {
        say(
            "they are new, and for this machine: a service that is in use already keeps the secrets that it has",
        );
    } else if !left {
        say("no secret is missing");
    }
    Ok(if left { End::Findings } else { End::Ok })
}

/// The path of the file that was made; nothing when the secret is there.
fn make(dir: &Path, needed: &Needed<'_>) -> anyhow::Result<Option<String>> {
    let Err(error) = needed.place.read() else { return Ok(None) };
    let is_absent = secrets::is_absent(&error);
    let Some(file) = needed.place.file.as_deref().filter(|_| is_absent) else { return Err(error.into()) };
    ensure!(needed.can_be_new, "{:#}; it is another's to give", anyhow!(error));
    let path = file.strip_prefix(dir).ok().filter(|path| path.components().all(is_name));
    let path = path.and_then(Path::to_str).with_context(|| {
        format!("{} is not in the project's folder: put a secret there yourself", file.display())
    })?;
    let folder = Path::new(path).parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder.filter(|folder| !dir.join(folder).exists()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir.join(folder));
        made.with_context(|| format!("{} cannot be made", dir.join(folder).display()))?;
        let list = folder.join(LIST);
        write(dir, list.to_str().expect("it was a text"), NOTHING_FOR_GIT.1.as_bytes(), 0o644)?;
    }
    write(dir, path, secret()?.as_bytes(), 0o600)?;
    Ok(Some(path.to_owned()))
}

/// Whether a list of the project's folder or of the file's own plainly says so; git knows more ways.
fn is_ignored(dir: &Path, path: &str) -> bool {
    let lines = |list: &Path| std::fs::read_to_string(dir.join(list)).unwrap_or_default();
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let named = |line: &str| {
        let name = line.trim().trim_matches('/');
        Path::new(name) == folder && !name.is_empty() || name == path
    };
    lines(&folder.join(LIST)).lines().any(|line| line.trim() == "*")
        || lines(Path::new(LIST)).lines().any(named)
}

fn is_name(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(_))
}

/// Of the kernel's randomness, in letters that a header and a URL take.
pub(super) fn secret() -> anyhow::Result<String> {
    let mut bytes = [0_u8; SECRET_BYTES];
    let mut left = &mut bytes[..];
    while !left.is_empty() {
        // SAFETY: the pointer and the length are those of one slice of our own.
        let got = unsafe { libc::getrandom(left.as_mut_ptr().cast(), left.len(), 0) };
        match usize::try_from(got) {
            Ok(got) => left = &mut left[got..],
            Err(_) => {
                let error = std::io::Error::last_os_error();
                ensure!(error.kind() == ErrorKind::Interrupted, "no randomness for secrets: {error}");
            }
        }
    }
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes) + "\n")
}
