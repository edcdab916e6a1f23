//! `outreach dlq list|show|replay`: what could not be used, and why.

use super::ask::ask;
use super::{End, Format, print_json, say};
use crate::app::operations::Request;
use serde_json::{Value, json};
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
        Command::Replay { ids } => return replay(dir, format, ids),
    }
    Ok(End::Ok)
}

/// All are tried; those that are still refused are told, and make findings.
fn replay(dir: &Path, format: Format, ids: &[i64]) -> anyhow::Result<End> {
    let mut end = End::Ok;
    let mut answers = Vec::new();
    for id in ids {
        let reason = ask(dir, &Request::Replay { id: *id }).err().map(|reason| format!("{reason:#}"));
        if reason.is_some() {
            end = End::Findings;
        }
        if format == Format::Text {
            say(&format!("{id}: {}", reason.as_deref().unwrap_or("replayed")));
        }
        answers.push(json!({ "id": id, "replayed": reason.is_none(), "reason": reason }));
    }
    if format == Format::Json {
        print_json(&answers.into())?;
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
