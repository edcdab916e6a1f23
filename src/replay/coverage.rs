//! What the tests of a rule have seen of it: steps, branches, conditions, reasons.

use super::rule_test::Trial;
use outreach_engine::effect::{Channel, NonEntryReason};
use outreach_engine::release::Settings;
use outreach_engine::rule::watch::{self, Watch, WatchedCondition};
use outreach_engine::rule::{OncePer, Rule, Step, StepKind};
use outreach_engine::{Refusal, Verdict};
use serde::Serialize;
use std::collections::BTreeSet;

/// Who looks on while the tests of one rule run.
pub struct Coverage {
    rule: Rule,
    steps: Vec<Watch>,
    conditions: Vec<WatchedCondition>,
    /// Reasons that this rule can give in a test.
    possible: Vec<String>,
    given: BTreeSet<String>,
}

/// What was to be seen and was not, and of how much.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    pub rule: String,
    pub all: usize,
    pub seen: usize,
    pub unseen: Vec<Unseen>,
}

/// One thing that no test has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unseen {
    /// `step`, `branch`, `condition` or `reason`.
    pub kind: &'static str,
    pub what: String,
    /// `never reached`, `never taken`, `never true`, `never false`, `never given`.
    pub how: &'static str,
}

impl Coverage {
    /// Looks at `rule` from now on, whose project has these settings and other rules. The rule to run is
    /// [`Coverage::rule`].
    pub(super) fn new(rule: &Rule, settings: &Settings, others: &[Rule]) -> Coverage {
        let mut rule = rule.clone();
        let conditions = rule.watch_conditions();
        let steps = rule.all_steps().iter().map(|_| Watch::on()).collect();
        let possible = possible(&rule, settings, others);
        Coverage { rule, steps, conditions, possible, given: BTreeSet::new() }
    }

    pub(super) fn rule(&self) -> &Rule {
        &self.rule
    }

    pub(super) fn steps(&self) -> &[Watch] {
        &self.steps
    }

    /// Takes what one test has brought.
    pub fn add(&mut self, trial: &Trial) {
        let refusals = trial.verdicts.iter().filter_map(|verdict| verdict.refusal());
        self.given.extend(refusals.map(|refusal| refusal.code().to_owned()));
        if trial.verdicts.contains(&Verdict::Holdout) {
            self.given.insert(HOLDOUT.to_owned());
        }
        self.given.extend(trial.non_entries.iter().map(|entry| of_entry(entry.reason)));
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        let mut seen = Seen { rule: self.rule.id.to_string(), all: 0, seen: 0, unseen: Vec::new() };
        for (step, watch) in self.rule.all_steps().into_iter().zip(&self.steps) {
            let name = format!("step {}", step.name);
            seen.count("step", &name, "never reached", watch.has_seen(watch::REACHED));
            for (way, list) in ways(step).into_iter().enumerate() {
                seen.count(
                    "branch",
                    &format!("{name}: {list}"),
                    "never taken",
                    watch.has_seen(1 + way as u32),
                );
            }
        }
        for WatchedCondition { part, says, watch } in &self.conditions {
            let what = format!("[{part}] {says}");
            seen.count("condition", &what, "never true", watch.has_seen(watch::HELD));
            seen.count("condition", &what, "never false", watch.has_seen(watch::FAILED));
        }
        for reason in &self.possible {
            seen.count("reason", reason, "never given", self.given.contains(reason));
        }
        seen
    }
}

impl Seen {
    fn count(&mut self, kind: &'static str, what: &str, how: &'static str, is_seen: bool) {
        self.all += 1;
        if is_seen {
            self.seen += 1;
        } else {
            self.unseen.push(Unseen { kind, what: what.to_owned(), how });
        }
    }
}

const HOLDOUT: &str = "holdout";

fn of_entry(reason: NonEntryReason) -> String {
    format!("{} at entry", reason.code())
}

/// How it may go on from a step that has branches.
fn ways(step: &Step) -> Vec<String> {
    match &step.kind {
        StepKind::WaitUntil(_) | StepKind::If(_) => vec!["then".to_owned(), "else".to_owned()],
        StepKind::Split(parts) => (1..=parts.len()).map(|part| format!("part {part}")).collect(),
        StepKind::Message(_)
        | StepKind::Wait(_)
        | StepKind::WaitFor(_)
        | StepKind::Set(_)
        | StepKind::Exit => Vec::new(),
    }
}

/// Suppressions and opt-outs are not here: a test gives events, and neither is one.
fn possible(rule: &Rule, settings: &Settings, others: &[Rule]) -> Vec<String> {
    let caps = &settings.caps;
    let is_capped = |channel: Channel| {
        let own = caps.by_channel.get(&channel).is_some_and(|own| !own.is_empty());
        own || (channel != Channel::InProduct && !caps.all.is_empty())
    };
    let mutes = |other: &Rule| {
        let mutes = other.limits.mutes.as_ref().filter(|_| other.id != rule.id);
        mutes.is_some_and(|mutes| mutes.tags.iter().any(|tag| rule.tags.contains(tag)))
    };
    let is_muted = others.iter().any(mutes);
    let refusals = [
        (Refusal::Late, true),
        (Refusal::Exit, !rule.exits.is_empty()),
        (Refusal::Audience, rule.audience.is_some()),
        (Refusal::NoAddress, rule.sends_by(Channel::Email)),
        (Refusal::Muted, is_muted),
        (
            Refusal::Cap,
            rule.messages().any(|message| !message.is_transactional && is_capped(message.channel)),
        ),
    ];
    let entries = [
        (NonEntryReason::Audience, rule.audience.is_some()),
        (NonEntryReason::OncePer, rule.limits.once_per != OncePer::Always),
        (NonEntryReason::Muted, is_muted),
    ];
    let refusals = refusals.into_iter().filter(|(_, may)| *may).map(|(refusal, _)| refusal.code().to_owned());
    let entries = entries.into_iter().filter(|(_, may)| *may).map(|(reason, _)| of_entry(reason));
    let has_arm = rule.goal.as_ref().is_some_and(|goal| goal.holdout.is_some());
    refusals.chain(entries).chain(has_arm.then(|| HOLDOUT.to_owned())).collect()
}
