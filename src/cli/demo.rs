//! `outreach demo`: the service with a sample product, in one process.

use super::End;
use crate::app::telemetry;
use crate::demo;
use std::io::IsTerminal;
use std::path::PathBuf;

/// What the demo may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Plays the same people with the same ids again.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Writes the mails into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Leaves the mails in their temporary folder.
    #[arg(long, conflicts_with = "out")]
    keep: bool,
}

pub(super) fn run(options: &Options) -> anyhow::Result<End> {
    // The story is what is to be seen; what goes wrong is seen all the same.
    telemetry::start_logs("error", false);
    let is_terminal = std::io::stdout().is_terminal();
    let options = demo::Options {
        seed: options.seed,
        out: options.out.clone(),
        keeps_mails: options.keep,
        is_plain: !is_terminal || std::env::var_os("NO_COLOR").is_some(),
        is_watched: is_terminal,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(demo::run(options, std::io::stdout()))?;
    Ok(End::Ok)
}
