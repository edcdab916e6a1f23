//! The sample product, its stream and a mail catcher: the whole service in one process, nothing to install.
//!
//! Nothing is staged but the story. The service is the one of `outreach run`, with a project of its own in a temporary
//! folder; events come in by its HTTP door, reasons are read from its ledger, mails arrive over SMTP. All of it is on
//! loopback, and nothing is left behind but the mails, if they are wanted.
//!
//! Two forms: `once` plays scenes on the terminal and ends; `live` goes on in quickened time until it is stopped, with
//! pages beside the dashboard's own.

mod acts;
mod catcher;
mod caught;
mod folder;
mod life;
mod live;
mod mailbox;
mod once;
mod pages;
mod people;
mod project;
mod report;
mod scribe;
mod seed;
mod stage;
mod story;
mod ticker;
mod time;
mod world;

pub use live::run as go_live;
pub use mailbox::mailbox;
pub use once::run as play_once;
pub use time::SPEED_MAX;

use crate::project::Project;
use anyhow::Context;
use folder::Folder;
use outreach_engine::Length;
use std::path::PathBuf;

/// What the demo may be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who plays which part, and all ids; any when absent.
    pub seed: Option<u64>,
    /// The mails go there, and stay.
    pub out: Option<PathBuf>,
    /// The mails stay in their temporary folder.
    pub keeps_mails: bool,
    /// No colours.
    pub is_plain: bool,
    /// Somebody reads along: pauses between scenes.
    pub is_watched: bool,
    /// Of the pages, on loopback; when absent [`live::PORT`], or any where that is taken.
    pub port: Option<u16>,
    /// What passes in a second of the live form, up to [`SPEED_MAX`].
    pub speed: Length,
}

fn mails_folder(options: &Options, folder: &Folder) -> anyhow::Result<PathBuf> {
    let mails = match &options.out {
        Some(out) => out.clone(),
        None if options.keeps_mails => return Ok(folder::make("outreach-demo-mails")?),
        None => folder.path().join("mails"),
    };
    std::fs::create_dir_all(&mails)
        .with_context(|| format!("the folder {} cannot be made", mails.display()))?;
    Ok(mails)
}

fn write_key(project: &Project) -> anyhow::Result<String> {
    let key = project.process.write_keys.first().context("the demo's project has no write key")?;
    Ok(key.key.read()?.reveal().to_owned())
}

/// `outreach demo | head` has seen enough: that is no failure.
fn nobody_reads_on(error: anyhow::Error) -> anyhow::Result<()> {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    if kind == Some(std::io::ErrorKind::BrokenPipe) { Ok(()) } else { Err(error) }
}
