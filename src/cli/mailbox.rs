//! `outreach mailbox`: a mail server that delivers to nobody and prints what it takes.

use super::End;
use crate::demo;
use std::path::PathBuf;

/// What `mailbox` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Of this machine alone; the settings that `outreach init` writes send here.
    #[arg(long, default_value_t = 1025)]
    port: u16,
    /// Keeps each mail in this folder, as it came.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> anyhow::Result<End> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(demo::mailbox(options.port, options.out.as_deref(), std::io::stdout()))?;
    Ok(End::Ok)
}
