//! `outreach pause` and `outreach resume`: hold messages at the gate, of one rule or of all, within a second.

use super::ask::ask;
use super::{End, Format, print_json, say};
use crate::app::operations::Request;
use std::path::Path;

/// What `pause` and `resume` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only this rule's messages; all without it.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
}

pub(super) fn run(dir: &Path, format: Format, options: &Options, is_on: bool) -> anyhow::Result<End> {
    let rule = options.rule.clone();
    let request = if is_on { Request::Pause { rule } } else { Request::Resume { rule } };
    let answer = ask(dir, &request)?;
    if format == Format::Json {
        return print_json(&answer);
    }
    let paused = answer["paused"].as_array().map_or(&[][..], Vec::as_slice);
    if paused.is_empty() {
        say("nothing is paused");
    }
    for pause in paused {
        let rule = pause["rule"].as_str().unwrap_or("everything");
        say(&format!("paused: {rule}, since {}", pause["since"].as_str().unwrap_or_default()));
    }
    Ok(End::Ok)
}
