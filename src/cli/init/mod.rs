//! `outreach init`: a project's folder to begin with. Nothing that is there is written over.

mod settings;

use super::{End, say};
use crate::project::{SchemaOf, schema};
use anyhow::{Context, ensure};
use base64::Engine;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What `init` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The folder; made if it is not there.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The one address that mail may go to, until outreach.toml says otherwise [default: none, mail goes to nobody]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<lettre::Address>,
}

macro_rules! file {
    ($path:literal) => {
        ($path, include_str!(concat!("project/", $path)))
    };
}

/// A rule, what it says, its tests.
const FILES: [(&str, &str); 6] = [
    file!("rules/welcome.toml"),
    file!("rules/welcome.test.toml"),
    file!("templates/welcome/subject.hbs"),
    file!("templates/welcome/body.mjml"),
    file!("templates/welcome/text.hbs"),
    file!("templates/welcome/sample.json"),
];
/// A folder may be a repository already: its own list stays.
const IGNORED: (&str, &str) = (".gitignore", "/data/\n/secrets/\n*.eml\n");
/// Beside the secrets, so that no list above can be forgotten: git takes nothing of this folder.
const NOTHING_FOR_GIT: (&str, &str) = ("secrets/.gitignore", "*\n");
const SECRETS: [&str; 2] = ["secrets/backend.key", "secrets/unsubscribe.key"];
/// As a secret of 192 bits.
const SECRET_BYTES: usize = 24;

pub(super) fn run(options: &Options) -> anyhow::Result<End> {
    let settings = settings::text(options.to.as_ref().map(AsRef::as_ref));
    let schemas = SchemaOf::ALL.map(|of| (of.path(), schema(of)));
    let mut files: Vec<(&str, &str)> = vec![("outreach.toml", &settings)];
    files.extend(FILES);
    files.extend(schemas.iter().map(|(path, text)| (*path, text.as_str())));
    files.push(NOTHING_FOR_GIT);
    let paths = files.iter().map(|(path, _)| *path).chain(SECRETS);
    let there: Vec<&str> = paths.filter(|path| options.dir.join(path).symlink_metadata().is_ok()).collect();
    let dir = options.dir.display();
    ensure!(
        there.is_empty(),
        "expected a folder without a project, found {} in {dir}: nothing was written",
        there.join(", ")
    );
    for (path, text) in &files {
        write(&options.dir, path, text.as_bytes(), 0o644)?;
    }
    for path in SECRETS {
        write(&options.dir, path, secret()?.as_bytes(), 0o600)?;
    }
    let has_list = options.dir.join(IGNORED.0).symlink_metadata().is_ok();
    if !has_list {
        write(&options.dir, IGNORED.0, IGNORED.1.as_bytes(), 0o644)?;
    }
    say(told(options, has_list).trim_end());
    Ok(End::Ok)
}

/// What was made, and what comes next.
fn told(options: &Options, has_list: bool) -> String {
    let mail = match &options.to {
        Some(to) => format!("mail goes to {to} and to nobody else, until [delivery] says otherwise"),
        None => "mail goes to nobody, until deliver_only_to of [delivery] names an address".to_owned(),
    };
    let list = if has_list { "add /data/ to your .gitignore; secrets/ is ignored already\n" } else { "" };
    let place =
        if options.dir == Path::new(".") { String::new() } else { format!("cd {}; ", options.dir.display()) };
    format!(
        "a project in {}: outreach.toml explains every key, rules/welcome.toml is the first rule\n\
         {mail}\n{list}\
         next: {place}outreach check; outreach test; outreach mailbox in one terminal, outreach run in another\n",
        options.dir.display()
    )
}

/// Writes a file that is not there yet, with the folders on its way. Secrets and their folder are for this user alone.
fn write(dir: &Path, path: &str, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let path_in_project = path;
    let path = dir.join(path);
    let folder = path.parent().expect("a file stands in a folder");
    let folder_mode = if path_in_project.starts_with("secrets/") { 0o700 } else { 0o755 };
    let made = std::fs::DirBuilder::new().recursive(true).mode(folder_mode).create(folder);
    let file =
        made.and_then(|()| std::fs::File::options().write(true).create_new(true).mode(mode).open(&path));
    let written = file.and_then(|mut file| file.write_all(bytes));
    written.with_context(|| format!("{} cannot be written", path.display()))
}

/// Of the kernel's randomness, in letters that a header and a URL take.
fn secret() -> anyhow::Result<String> {
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
