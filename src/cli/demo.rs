//! `outreach demo`: the service with a sample product, in one process.

use super::End;
use crate::app::telemetry;
use crate::demo;
use outreach_engine::Length;
use std::io::IsTerminal;
use std::path::PathBuf;

/// What the demo may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Plays scenes on the terminal and ends, without pages; so it does, too, where the output is no terminal.
    #[arg(long, conflicts_with_all = ["port", "speed"])]
    once: bool,
    /// Has the pages at this port, 0 for any; and has them though the output is no terminal.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// So much time passes in a second: "10 minutes", "6 hours"; "1 second" is time as it is.
    #[arg(long, value_name = "LENGTH", default_value = "1 hour", value_parser = speed)]
    speed: Length,
    /// Plays the same people with the same ids again; whom one can be also depends on the hour, since it is not night
    /// where they are.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Writes the mails into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Leaves the mails in their temporary folder.
    #[arg(long, conflicts_with = "out")]
    keep: bool,
}

fn speed(text: &str) -> Result<Length, String> {
    let speed = Length::parse(text)?;
    let (least, most) = (Length::seconds(1), demo::SPEED_MAX);
    if speed < least || speed > most {
        return Err(format!("expected {least} to {most}, found {speed}"));
    }
    Ok(speed)
}

pub(super) fn run(options: &Options) -> anyhow::Result<End> {
    // The story is what is to be seen; what goes wrong is seen all the same.
    telemetry::start_logs("error", false);
    let is_terminal = std::io::stdout().is_terminal();
    let goes_on = !options.once && (is_terminal || options.port.is_some());
    let options = demo::Options {
        seed: options.seed,
        out: options.out.clone(),
        keeps_mails: options.keep,
        is_plain: !is_terminal || std::env::var_os("NO_COLOR").is_some(),
        is_watched: is_terminal,
        port: options.port,
        speed: options.speed,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if goes_on {
        runtime.block_on(demo::go_live(options, std::io::stdout()))?;
    } else {
        runtime.block_on(demo::play_once(options, std::io::stdout()))?;
    }
    Ok(End::Ok)
}
