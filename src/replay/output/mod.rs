//! Decisions as rows: the columns of rules.md ("What the tools say"), in its order; as NDJSON, CSV or Parquet.
//!
//! The same decisions give the same bytes: rows are sorted by `judged_at`, user, rule, key, step. Decisions come in order
//! of `judged_at`, so only those of one moment are held, and of Parquet those of one row group.

mod csv;
mod parquet;

use outreach_engine::{Decision, Timestamp};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// What the decisions are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutFormat {
    Ndjson,
    Csv,
    Parquet,
}

impl OutFormat {
    /// What a file's name ends in.
    pub fn of(path: &Path) -> Option<OutFormat> {
        let ending = path.extension()?.to_string_lossy().to_lowercase();
        match ending.as_str() {
            "ndjson" | "jsonl" => Some(OutFormat::Ndjson),
            "csv" => Some(OutFormat::Csv),
            "parquet" => Some(OutFormat::Parquet),
            _ => None,
        }
    }
}

/// Writes rows.
pub struct Rows<W: Write + Send> {
    sink: Sink<W>,
    /// Of one `judged_at`.
    moment: Vec<Decision>,
}

enum Sink<W: Write + Send> {
    Ndjson(W),
    Csv(W),
    Parquet(Box<parquet::RowGroups<W>>),
}

/// One row. What there is none of is null.
#[derive(Serialize)]
struct Row<'d> {
    rule: &'d str,
    user: &'d str,
    kind: &'static str,
    key: Option<&'d str>,
    step: &'d str,
    channel: &'static str,
    template: &'d str,
    verdict: &'static str,
    reason: Option<&'static str>,
    triggered_at: String,
    due_at: String,
    judged_at: String,
}

/// How many columns there are.
const COLUMNS: usize = 12;

impl Row<'_> {
    const NAMES: [&'static str; COLUMNS] = [
        "rule",
        "user",
        "kind",
        "key",
        "step",
        "channel",
        "template",
        "verdict",
        "reason",
        "triggered_at",
        "due_at",
        "judged_at",
    ];

    /// In the order of the names.
    fn values(&self) -> [Option<&str>; COLUMNS] {
        [
            Some(self.rule),
            Some(self.user),
            Some(self.kind),
            self.key,
            Some(self.step),
            Some(self.channel),
            Some(self.template),
            Some(self.verdict),
            self.reason,
            Some(&self.triggered_at),
            Some(&self.due_at),
            Some(&self.judged_at),
        ]
    }
}

impl<W: Write + Send> Rows<W> {
    /// Begins a file in `out`.
    pub fn new(mut out: W, format: OutFormat) -> io::Result<Rows<W>> {
        let sink = match format {
            OutFormat::Ndjson => Sink::Ndjson(out),
            OutFormat::Csv => {
                csv::write(&mut out, Row::NAMES.map(Some))?;
                Sink::Csv(out)
            }
            OutFormat::Parquet => Sink::Parquet(Box::new(parquet::RowGroups::new(out)?)),
        };
        Ok(Rows { sink, moment: Vec::new() })
    }

    /// Takes a decision, judged no earlier than those before.
    pub fn take(&mut self, decision: Decision) -> io::Result<()> {
        if self.moment.first().is_some_and(|first| first.judged_at < decision.judged_at) {
            self.write_moment()?;
        }
        self.moment.push(decision);
        Ok(())
    }

    /// Writes what is held, and gives back what was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_moment()?;
        match self.sink {
            Sink::Ndjson(out) | Sink::Csv(out) => Ok(out),
            Sink::Parquet(groups) => groups.finish(),
        }
    }

    fn write_moment(&mut self) -> io::Result<()> {
        self.moment.sort_by(|a, b| order(a).cmp(&order(b)));
        for decision in self.moment.drain(..) {
            let row = row(&decision);
            match &mut self.sink {
                Sink::Ndjson(out) => {
                    serde_json::to_writer(&mut *out, &row)?;
                    out.write_all(b"\n")?;
                }
                Sink::Csv(out) => csv::write(out, row.values())?,
                Sink::Parquet(groups) => groups.push(row.values())?,
            }
        }
        Ok(())
    }
}

/// The order of rules.md; what stands behind the step only makes it total.
fn order(decision: &Decision) -> impl Ord + '_ {
    let Decision { judged_at, subject, rule, key, step, due_at, triggered_at, id, .. } = decision;
    let stated = (*judged_at, &*subject.id, &**rule, &**key, &**step);
    (stated, subject.kind, *due_at, *triggered_at, *id)
}

fn row(decision: &Decision) -> Row<'_> {
    let time = |at: Timestamp| at.to_string();
    Row {
        rule: &decision.rule,
        user: &decision.subject.id,
        kind: decision.subject.kind.as_str(),
        key: Some(&*decision.key).filter(|key| !key.is_empty()),
        step: &decision.step,
        channel: decision.channel.as_str(),
        template: &decision.template,
        verdict: decision.verdict.code(),
        reason: decision.verdict.refusal().map(|refusal| refusal.code()),
        triggered_at: time(decision.triggered_at),
        due_at: time(decision.due_at),
        judged_at: time(decision.judged_at),
    }
}
