//! A line of `expect`: what is to be decided. What it does not say may be anything, but the verdict, which is to send.

use super::{one_of, time};
use outreach_engine::effect::Channel;
use outreach_engine::event::{SubjectId, SubjectKind};
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Item, Problems, Table};
use outreach_engine::{Decision, Refusal, Timestamp, Verdict};
use std::fmt;
use std::sync::Arc;

/// A decision that is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub due_at: Timestamp,
    pub subject: Option<SubjectId>,
    /// The channel, and the template.
    pub message: Option<(Channel, String)>,
    pub step: Option<String>,
    pub key: Option<String>,
    pub verdict: ExpectedVerdict,
    pub triggered_at: Option<Timestamp>,
    pub judged_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVerdict {
    Send,
    /// For this reason, or for any.
    Refuse(Option<Refusal>),
    Shadow,
    Holdout,
}

impl Expected {
    /// Whether this is the decision that was expected.
    pub fn is_met_by(&self, decision: &Decision) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        let at = |wanted: Option<Timestamp>, found| wanted.is_none_or(|wanted| wanted == found);
        let is_message = self.message.as_ref().is_none_or(|(channel, template)| {
            *channel == decision.channel && **template == *decision.template
        });
        self.due_at == decision.due_at
            && self.subject.as_ref().is_none_or(|subject| *subject == decision.subject)
            && is_message
            && is(&self.step, &decision.step)
            && is(&self.key, &decision.key)
            && at(self.triggered_at, decision.triggered_at)
            && at(self.judged_at, decision.judged_at)
            && self.verdict.is_met_by(decision.verdict)
    }
}

impl Expected {
    /// In what a decision is another than the expected one: a clause each.
    pub fn differences(&self, decision: &Decision) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, expected: Option<String>, came: String| {
            if let Some(expected) = expected.filter(|expected| *expected != came) {
                found.push(format!("{what} expected {expected}, came {came}"));
            }
        };
        let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
        compare("at:", Some(self.due_at.to_string()), decision.due_at.to_string());
        compare("user:", self.subject.as_ref().map(ToString::to_string), decision.subject.to_string());
        let message = self.message.as_ref().map(|(channel, name)| format!("{} {name}", channel.as_str()));
        compare("message:", message, format!("{} {}", decision.channel.as_str(), decision.template));
        compare("step:", self.step.clone(), decision.step.to_string());
        compare("key:", self.key.clone(), decision.key.to_string());
        compare("triggered_at:", at(self.triggered_at), decision.triggered_at.to_string());
        compare("judged_at:", at(self.judged_at), decision.judged_at.to_string());
        if !self.verdict.is_met_by(decision.verdict) {
            let reason = decision.verdict.refusal().map(|refusal| format!(" ({})", refusal.code()));
            let came = format!("{}{}", decision.verdict.code(), reason.unwrap_or_default());
            compare("verdict:", Some(self.verdict.to_string()), came);
        }
        found
    }
}

impl fmt::Display for ExpectedVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpectedVerdict::Send => f.write_str("send"),
            ExpectedVerdict::Refuse(None) => f.write_str("refuse"),
            ExpectedVerdict::Refuse(Some(reason)) => write!(f, "refuse ({})", reason.code()),
            ExpectedVerdict::Shadow => f.write_str("shadow"),
            ExpectedVerdict::Holdout => f.write_str("holdout"),
        }
    }
}

impl ExpectedVerdict {
    fn is_met_by(self, verdict: Verdict) -> bool {
        match self {
            ExpectedVerdict::Send => verdict == Verdict::Send,
            ExpectedVerdict::Shadow => verdict == Verdict::Shadow,
            ExpectedVerdict::Holdout => verdict == Verdict::Holdout,
            ExpectedVerdict::Refuse(Some(reason)) => verdict == Verdict::Refuse(reason),
            ExpectedVerdict::Refuse(None) => verdict.refusal().is_some(),
        }
    }
}

/// As one line of a diff.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.due_at)?;
        if let Some(subject) = &self.subject {
            write!(f, " {subject}")?;
        }
        write!(f, " {}", self.verdict)?;
        if let Some((channel, template)) = &self.message {
            write!(f, " {} {template}", channel.as_str())?;
        }
        let texts = [("step", &self.step), ("key", &self.key)];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            write!(f, ", {name} {text}")?;
        }
        let times = [("triggered at", self.triggered_at), ("judged at", self.judged_at)];
        for (name, at) in times.into_iter().filter_map(|(name, at)| Some((name, at?))) {
            write!(f, ", {name} {at}")?;
        }
        Ok(())
    }
}

pub(super) fn read(problems: &mut Problems, item: &Item<'_>) -> Option<Expected> {
    let mut table = item.table(problems)?;
    let due_at = table
        .require(problems, "at", "add at = \"2026-03-02T10:00Z\": when the message is due")
        .and_then(|item| time(problems, &item));
    let subject = subject(problems, &mut table);
    let message = one_of(problems, &mut table, &["email", "in_product"]);
    let message = message.map(|(channel, item)| (Channel::parse(channel), item.words(problems)));
    let mut words = |key| table.take(key).and_then(|item: Item<'_>| item.words(problems));
    let (step, key) = (words("step"), words("key"));
    let verdict = verdict(problems, &mut table);
    let mut times = |key| table.take(key).map(|item| time(problems, &item));
    let (triggered_at, judged_at) = (times("triggered_at"), times("judged_at"));
    table.finish(problems, &[]);
    let message = match message {
        Some((channel, template)) => Some((channel?, template?)),
        None => None,
    };
    // A line with a time that cannot be read expects nothing.
    let (triggered_at, judged_at) = (known(triggered_at)?, known(judged_at)?);
    Some(Expected {
        due_at: due_at?,
        subject,
        message,
        step,
        key,
        verdict: verdict?,
        triggered_at,
        judged_at,
    })
}

/// Absent is fine, unreadable is not.
fn known<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        Some(value) => value.map(Some),
        None => Some(None),
    }
}

fn subject(problems: &mut Problems, table: &mut Table<'_>) -> Option<SubjectId> {
    let (key, item) = one_of(problems, table, &["user", "anonymous"])?;
    let kind = if key == "user" { SubjectKind::User } else { SubjectKind::Anon };
    Some(SubjectId { kind, id: Arc::from(item.words(problems)?) })
}

fn verdict(problems: &mut Problems, table: &mut Table<'_>) -> Option<ExpectedVerdict> {
    let reasons = Refusal::ALL.map(|refusal| (refusal.code(), refusal));
    let reason = table.take("reason");
    let refusal = reason.as_ref().map(|item| item.choice(problems, &reasons));
    let default = if reason.is_some() { ExpectedVerdict::Refuse(None) } else { ExpectedVerdict::Send };
    let verdicts = [
        ("send", ExpectedVerdict::Send),
        ("refuse", ExpectedVerdict::Refuse(None)),
        ("shadow", ExpectedVerdict::Shadow),
        ("holdout", ExpectedVerdict::Holdout),
    ];
    let verdict = table.take("verdict").map(|item| item.choice(problems, &verdicts));
    let refusal = known(refusal)?;
    match (known(verdict)?.unwrap_or(default), reason) {
        (ExpectedVerdict::Refuse(_), _) => Some(ExpectedVerdict::Refuse(refusal)),
        (verdict, None) => Some(verdict),
        (_, Some(item)) => {
            let message = "expected `reason` only where the verdict is \"refuse\"";
            problems.error(Code::ContradictoryForm, &item.key_place, message);
            None
        }
    }
}
