//! Decisions as rows of NDJSON: the columns of rules.md ("What the tools say"), in its order.
//!
//! The same decisions give the same bytes: rows are sorted by `judged_at`, user, rule, key, step. Decisions come in order
//! of `judged_at`, so only those of one moment are held.

use outreach_engine::{Decision, Timestamp};
use serde::Serialize;
use std::io::{self, Write};

/// Writes rows.
pub struct Rows<W> {
    out: W,
    /// Of one `judged_at`.
    moment: Vec<Decision>,
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

impl<W: Write> Rows<W> {
    pub fn new(out: W) -> Rows<W> {
        Rows { out, moment: Vec::new() }
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
        Ok(self.out)
    }

    fn write_moment(&mut self) -> io::Result<()> {
        self.moment.sort_by(|a, b| order(a).cmp(&order(b)));
        for decision in self.moment.drain(..) {
            serde_json::to_writer(&mut self.out, &row(&decision))?;
            self.out.write_all(b"\n")?;
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
