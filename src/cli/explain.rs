//! `outreach explain`: what a code of `check` means. A word is a code if it is one of the known; else it names a rule.

use super::{End, Format, pages, print_json, say};
use anyhow::bail;
use outreach_engine::rule::document::closest;
use std::path::Path;

/// What is to be explained.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A code of `outreach check`, such as unknown-key
    #[arg(value_name = "CODE")]
    what: String,
}

pub(super) fn run(dir: &Path, format: Format, options: &Options) -> anyhow::Result<End> {
    match pages::page(&options.what) {
        Some(page) => code(&options.what, page, format),
        None => rule(dir, format, options),
    }
}

fn code(code: &str, page: &str, format: Format) -> anyhow::Result<End> {
    match format {
        Format::Text => say(page.trim_end()),
        Format::Json => {
            return print_json(
                &serde_json::json!({ "code": code, "meaning": pages::meaning(page), "page": page }),
            );
        }
    }
    Ok(End::Ok)
}

/// Anything that is no code.
fn rule(_: &Path, _: Format, options: &Options) -> anyhow::Result<End> {
    let what = &options.what;
    let hint = match closest(what, pages::codes()) {
        Some(code) => format!("did you mean {code}?"),
        None => "`outreach check` names them beside its problems".to_owned(),
    };
    bail!("expected a code of `outreach check`, found {what}: {hint}")
}
