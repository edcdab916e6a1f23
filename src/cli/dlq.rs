//! `outreach dlq list|show|replay`: what could not be used, and why.

use super::ask::ask;
use super::{End, Format, print_json, say};
use crate::app::operations::Request;
use serde_json::Value;
use std::path::Path;

/// Dead letters.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// One line a letter, oldest first.
    List {
        /// Only letters with a higher number.
        #[arg(long, default_value_t = 0)]
        after: i64,
        #[arg(long, default_value_t = 100)]
        count: u32,
    },
    /// One letter with its input.
    Show { id: i64 },
    /// Enter letters once more, after what made them unusable was mended.
    Replay {
        #[arg(required = true)]
        ids: Vec<i64>,
    },
}

pub(super) fn run(dir: &Path, format: Format, command: &Command) -> anyhow::Result<End> {
    match command {
        Command::List { after, count } => {
            let letters = ask(dir, &Request::DeadLetters { after: *after, count: *count })?;
            if format == Format::Json {
                return print_json(&letters);
            }
            let letters = letters.as_array().map_or(&[][..], Vec::as_slice);
            letters.iter().for_each(|letter| say(&line(letter)));
            if letters.is_empty() {
                eprintln!("no dead letters");
            }
        }
        Command::Show { id } => {
            let letter = ask(dir, &Request::DeadLetter { id: *id })?;
            if format == Format::Json {
                return print_json(&letter);
            }
            say(&format!("{}\n\n{}", line(&letter), letter["payload"].as_str().unwrap_or_default()));
        }
        Command::Replay { ids } => return replay(dir, ids),
    }
    Ok(End::Ok)
}

/// All are tried; those that are still refused are told, and make findings.
fn replay(dir: &Path, ids: &[i64]) -> anyhow::Result<End> {
    let mut end = End::Ok;
    for id in ids {
        match ask(dir, &Request::Replay { id: *id }) {
            Ok(_) => say(&format!("{id}: replayed")),
            Err(reason) => {
                say(&format!("{id}: {reason:#}"));
                end = End::Findings;
            }
        }
    }
    Ok(end)
}

/// `17  2026-11-24T…Z  kafka:billing billing/3 @ 1207  bad-time: expected … (replayed …)`.
fn line(letter: &Value) -> String {
    let text = |key: &str| letter[key].as_str().unwrap_or_default();
    let place = match letter["topic"].as_str() {
        Some(topic) => format!(" {topic}/{} @ {}", letter["partition"], letter["offset"]),
        None => String::new(),
    };
    let replayed = letter["replayed_at"].as_str().map_or(String::new(), |at| format!(" (replayed {at})"));
    let came = match letter["count"].as_u64() {
        Some(count) if count > 1 => format!(" (came {count} times)"),
        Some(_) | None => String::new(),
    };
    let (source, code, reason) = (text("source"), text("code"), text("reason"));
    format!("{}  {}  {source}{place}  {code}: {reason}{came}{replayed}", letter["id"], text("received_at"))
}
