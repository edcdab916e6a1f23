//! `outreach topics accept`: how to go on with a topic that was created anew, or whose wanted offset is gone.

use super::{End, Format, ask, print_json, say};
use crate::app::sources;
use crate::ingest::kafka::{Start, accept_topic};
use crate::ledger::Ledger;
use crate::log::{Log, SourceMark};
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// The product's topics.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Go on with the topic as it is now; the service must be stopped.
    Accept {
        /// The source's name in outreach.toml.
        source: String,
        /// Where to go on in partitions whose position is gone.
        #[arg(long, value_parser = ["earliest", "latest"])]
        from: String,
    },
}

pub(super) fn run(dir: &Path, format: Format, command: &Command) -> anyhow::Result<End> {
    let Command::Accept { source: name, from } = command;
    let process = ask::process(dir)?;
    let source = process.sources.iter().find(|source| source.name == *name);
    let source = source
        .with_context(|| format!("expected the name of a [[sources]] of outreach.toml, found {name}"))?;
    let from = if from == "earliest" { Start::Earliest } else { Start::Latest };
    let storage = ask::storage(&process)?;
    let ids = |marks: Vec<SourceMark>| -> BTreeSet<String> {
        marks.into_iter().filter(|mark| mark.source == *name).map(|mark| mark.topic_id).collect()
    };
    let before = ids(storage.log.source_marks()?);
    let marks = accept_topic(&sources::config(source)?, &process.kafka, &*storage.log, from)?;
    if ids(storage.log.source_marks()?) != before {
        // The new topic gives the old one's offsets again: a letter of it is another letter.
        let now = (storage.clock)();
        storage
            .ledger
            .transaction(|transaction| transaction.retire_dead_letters(&format!("kafka:{name}"), now))?;
    }
    if format == Format::Json {
        return print_json(&view(&source.topic, &marks));
    }
    for mark in marks {
        say(&format!("{}/{}: goes on at offset {}", source.topic, mark.partition, mark.next_offset));
    }
    Ok(End::Ok)
}

fn view(topic: &str, marks: &[SourceMark]) -> Value {
    let mark = |mark: &SourceMark| json!({ "topic": topic, "partition": mark.partition, "next_offset": mark.next_offset });
    marks.iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_and_where_it_goes_on_is_an_object_of_json() {
        let mark = SourceMark { source: "s".into(), topic_id: "i".into(), partition: 3, next_offset: 7 };
        assert_eq!(view("t", &[mark]), json!([{ "topic": "t", "partition": 3, "next_offset": 7 }]));
        assert_eq!(view("t", &[]), json!([]));
    }
}
