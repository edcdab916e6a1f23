//! What a replay comes to, in numbers.

use outreach_engine::effect::{NonEntry, NonEntryReason};
use outreach_engine::rule::Step;
use outreach_engine::rule::step::entered;
use outreach_engine::{Decision, Refusal, Release, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The numbers of all rules, by id.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Tally {
    rules: BTreeMap<Arc<str>, RuleTally>,
}

/// The numbers of one rule.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RuleTally {
    /// Journeys whose first message was judged.
    pub entered: u64,
    pub sent: u64,
    /// Journeys that get nothing and are compared.
    pub holdout: u64,
    /// Decided by a shadow rule.
    pub shadow: u64,
    /// Judged message steps that were not sent, by the reason's code.
    pub refused: BTreeMap<&'static str, u64>,
    /// Triggers that held and began no journey, by the reason's code.
    pub not_entered: BTreeMap<&'static str, u64>,
    /// A refusal of its first message does not end a journey: what tells entries from later steps.
    #[serde(skip)]
    steps: Steps,
}

/// A rule's steps, and how often the message of each was judged.
#[derive(Clone, Debug, Default)]
struct Steps {
    all: Vec<Step>,
    judged: BTreeMap<Arc<str>, u64>,
}

impl Tally {
    /// All rules of the release, with nothing counted: a rule that did nothing is seen too.
    pub fn of(release: &Release) -> Tally {
        let rules = release.rules().map(|compiled| {
            let rule = &compiled.rule;
            let steps = Steps { all: rule.steps.clone(), judged: BTreeMap::new() };
            (rule.id.clone(), RuleTally { steps, ..RuleTally::default() })
        });
        Tally { rules: rules.collect() }
    }

    pub fn rules(&self) -> impl Iterator<Item = (&str, &RuleTally)> {
        self.rules.iter().map(|(id, rule)| (&**id, rule))
    }

    pub(super) fn count(&mut self, decision: &Decision) {
        let rule = self.rules.entry(decision.rule.clone()).or_default();
        let Steps { all, judged } = &mut rule.steps;
        *judged.entry(decision.step.clone()).or_default() += 1;
        rule.entered = entered(all, &|name| judged.get(name).copied().unwrap_or_default());
        match decision.verdict {
            Verdict::Send => rule.sent += 1,
            Verdict::Holdout => rule.holdout += 1,
            Verdict::Shadow => rule.shadow += 1,
            Verdict::Refuse(refusal) => *rule.refused.entry(Refusal::code(refusal)).or_default() += 1,
        }
    }

    pub(super) fn count_non_entry(&mut self, non_entry: &NonEntry) {
        let rule = self.rules.entry(non_entry.rule.clone()).or_default();
        *rule.not_entered.entry(NonEntryReason::code(non_entry.reason)).or_default() += 1;
    }
}
