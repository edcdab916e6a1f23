//! `outreach init`: a project's folder to begin with, or the secrets that a clone of one lacks. Nothing that is there is
//! written over.

mod secret_files;
mod settings;

use super::{End, quoted, say};
use crate::project::{SchemaOf, schema};
use anyhow::{Context, ensure};
use secret_files::secret;
use std::io::Write;
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
    /// Make nothing but the secret files that the project's outreach.toml names and that are missing, as in a fresh clone
    #[arg(long, conflicts_with = "to")]
    secrets: bool,
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
const IGNORED: (&str, &str) = (".gitignore", "/data/\n/secrets/\n*.eml\nnode_modules/\n");
/// Beside the secrets, so that no list above can be forgotten: git takes nothing of this folder.
const NOTHING_FOR_GIT: (&str, &str) = ("secrets/.gitignore", "*\n");
const SECRETS: [&str; 2] = ["secrets/backend.key", "secrets/unsubscribe.key"];
/// So many of the files that are in the way are named.
const NAMED_MAX: usize = 3;

pub(super) fn run(options: &Options) -> anyhow::Result<End> {
    ensure!(!options.dir.is_file(), "expected a folder, found a file: {}", options.dir.display());
    if options.secrets {
        return secret_files::make_missing(&options.dir);
    }
    let settings = settings::text(options.to.as_ref().map(AsRef::as_ref));
    let schemas = SchemaOf::ALL.map(|of| (of.path(), schema(of)));
    let mut files: Vec<(&str, &str)> = vec![("outreach.toml", &settings)];
    files.extend(FILES);
    files.extend(schemas.iter().map(|(path, text)| (*path, text.as_str())));
    files.push(NOTHING_FOR_GIT);
    let paths = files.iter().map(|(path, _)| *path).chain(SECRETS);
    let there: Vec<&str> = paths.filter(|path| options.dir.join(path).symlink_metadata().is_ok()).collect();
    ensure!(there.is_empty(), "{}", in_the_way(&options.dir, &there));
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

/// Why nothing was written.
fn in_the_way(dir: &Path, there: &[&str]) -> String {
    let more = there.len().saturating_sub(NAMED_MAX);
    let named = there[..there.len() - more].join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let help = if there.contains(&"outreach.toml") {
        "\nsecret files that the project lacks are made by `outreach init --secrets`"
    } else {
        ""
    };
    format!(
        "expected a folder without a project, found {named}{more} in {}: nothing was written{help}",
        dir.display()
    )
}

/// What was made, and what comes next.
fn told(options: &Options, has_list: bool) -> String {
    let mail = match &options.to {
        Some(to) => format!("mail goes to {to} and to nobody else, until [delivery] says otherwise"),
        None => "mail goes to nobody, until deliver_only_to of [delivery] names an address".to_owned(),
    };
    let list = if has_list {
        "add /data/ and node_modules/ to your .gitignore; secrets/ is ignored already\n"
    } else {
        ""
    };
    let place =
        if options.dir == Path::new(".") { String::new() } else { format!("cd {}; ", quoted(&options.dir)) };
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
