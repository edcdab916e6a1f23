//! What the rules ask of people's past (`did`, `did_not`): which events are kept of everybody who does them.
//!
//! Earlier releases ask too, for the people inside them. What they ask is kept as long as there are such people, which the
//! shard knows: a question of an earlier release alone is not kept for its own sake.

use crate::rule::{Condition, Exit, Question, Rule, Status, Step, StepKind};
use crate::state::Room;
use indexmap::IndexMap;
use std::collections::BTreeSet;
use std::sync::Arc;

type ByName = IndexMap<Arc<str>, Vec<Asked>, foldhash::fast::FixedState>;

/// All questions, by the name of their event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Questions {
    by_name: ByName,
}

/// A question, and what of the past is needed for it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub question: Question,
    pub room: Room,
    /// By a rule of this release.
    pub is_now: bool,
}

impl Questions {
    /// Adds what a rule asks, of this release (`is_now`) or of an earlier one.
    pub fn add(&mut self, rule: &Rule, is_now: bool) {
        each_did(rule, &mut |did| {
            let room = Room { events: did.times.enough() as usize, within: did.within };
            let asked = self.by_name.entry(did.question.event.clone()).or_default();
            match asked.iter_mut().find(|asked| asked.question.id == did.question.id) {
                Some(asked) => {
                    asked.is_now |= is_now;
                    asked.room.events = asked.room.events.max(room.events);
                    asked.room.within = asked.room.within.zip(room.within).map(|(one, other)| one.max(other));
                }
                None => asked.push(Asked { question: did.question.clone(), room, is_now }),
            }
        });
    }

    /// The ids of those that this release asks.
    pub fn now(&self) -> BTreeSet<u64> {
        let all = self.by_name.values().flatten();
        all.filter(|asked| asked.is_now).map(|asked| asked.question.id).collect()
    }

    /// The questions that an event of this name may answer.
    pub fn about(&self, name: &str) -> &[Asked] {
        if self.by_name.is_empty() {
            return &[];
        }
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The ids of what one rule asks.
pub(crate) fn asked_by(rule: &Rule) -> BTreeSet<u64> {
    let mut ids = BTreeSet::new();
    each_did(rule, &mut |did| {
        ids.insert(did.question.id);
    });
    ids
}

/// Every question of a rule that is not off: in its audience, its exits and its steps.
fn each_did(rule: &Rule, visit: &mut dyn FnMut(&crate::rule::Did)) {
    if rule.status == Status::Off {
        return;
    }
    let exits = rule.exits.iter().filter_map(|exit| match exit {
        Exit::Event(matched) => matched.condition.as_ref(),
        Exit::Person(condition) => Some(condition),
    });
    let mut all: Vec<&Condition> = rule.audience.iter().chain(exits).collect();
    all.extend(rule.all_steps().into_iter().filter_map(condition_of));
    all.into_iter().for_each(|condition| condition.each_did(visit));
}

/// The condition that a step asks.
fn condition_of(step: &Step) -> Option<&Condition> {
    match &step.kind {
        StepKind::If(branch) => Some(&branch.condition),
        StepKind::Message(_)
        | StepKind::Wait(_)
        | StepKind::WaitUntil(_)
        | StepKind::WaitFor(_)
        | StepKind::Split(_)
        | StepKind::Set(_)
        | StepKind::Exit => None,
    }
}
