//! What products show of a person: a message is noted when it is decided, and is over when it expires, is dismissed, did
//! not arrive, or is taken back.
//!
//! Its journey may have gone on meanwhile, or be over: what would have kept the message from being sent takes it back all
//! the same, by the rule of the release that the journey was entered with.

use super::render::Captured;
use crate::effect::{Cancel, CancelReason, Channel, Decision, DecisionId};
use crate::event::{OutcomeKind, SubjectKind};
use crate::policy::{self, Standing};
use crate::release::Compiled;
use crate::rule::{Exit, Root};
use crate::state::{Person, SHOWN_MAX, Shown, push_exactly};
use crate::time::Timestamp;
use std::sync::Arc;
use thin_vec::ThinVec;

/// Whether a message that ended so is shown no more. What may have arrived is taken for shown.
pub(super) fn is_over_by(kind: OutcomeKind) -> bool {
    match kind {
        OutcomeKind::Failed
        | OutcomeKind::Cancelled
        | OutcomeKind::Expired
        | OutcomeKind::Skipped
        | OutcomeKind::Dismissed => true,
        // Who has seen it, or followed it, still has it before their eyes.
        OutcomeKind::Sent | OutcomeKind::Unknown | OutcomeKind::Seen | OutcomeKind::Clicked => false,
    }
}

/// Notes the message that journey `at` sends, if a product shows it. The one that makes room for it is taken back.
pub(super) fn note(
    person: &mut Person,
    at: usize,
    decision: &Decision,
    compiled: &Compiled,
) -> Option<Cancel> {
    // A product knows only users: what is kept for somebody anonymous is shown to nobody.
    if decision.channel != Channel::InProduct || decision.subject.kind == SubjectKind::Anon {
        return None;
    }
    let journey = &person.journeys[at];
    let mut occurrence = journey.occurrence.clone();
    occurrence.captured = occurrence.captured.filter(|_| reads_record(compiled));
    let shown = Shown {
        decision: decision.id,
        rule: journey.rule,
        release: journey.release,
        key: journey.key.clone(),
        occurrence,
        event_name: journey.event_name.clone(),
        topic: decision.topic.clone(),
        is_transactional: decision.is_transactional,
        expires_at: decision.expires_at,
        exited: None,
    };
    person.change_aside(|aside| {
        let soonest = aside.shown.iter().enumerate().min_by_key(|(_, shown)| shown.expires_at);
        let soonest = soonest.map(|(at, _)| at).filter(|_| aside.shown.len() >= SHOWN_MAX);
        let fallen = soonest.map(|at| aside.shown.remove(at));
        push_exactly(&mut aside.shown, shown);
        let (reason, at) = (CancelReason::InboxFull, decision.judged_at);
        fallen.map(|fallen| Cancel { decision: fallen.decision, reason, at })
    })
}

/// Whether the rule's audience or exits look into the record that completed the trigger.
fn reads_record(compiled: &Compiled) -> bool {
    let exits = compiled.rule.exits.iter().filter_map(|exit| match exit {
        Exit::Person(condition) => Some(condition),
        Exit::Event(_) => None,
    });
    let mut reads = false;
    for condition in exits.chain(&compiled.rule.audience) {
        condition.each_test(&mut |test| reads |= matches!(test.path.root, Root::Properties | Root::Context));
    }
    reads
}

/// A message is shown no more.
pub(super) fn forget(person: &mut Person, decision: DecisionId) {
    drop(take_out(person, |shown| shown.decision == decision));
}

/// Forgets what has expired.
pub(super) fn expire(person: &mut Person, now: Timestamp) {
    drop(take_out(person, |shown| shown.expires_at <= now));
}

/// Takes out those that are `over`, in the order in which they were decided.
pub(super) fn take_out(person: &mut Person, mut over: impl FnMut(&Shown) -> bool) -> Vec<DecisionId> {
    let mut taken = Vec::new();
    if !person.shown().is_empty() {
        person.change_aside(|aside| {
            aside.shown.retain(|shown| {
                let is_over = over(shown);
                taken.extend(is_over.then_some(shown.decision));
                !is_over
            });
            aside.shown.shrink_to_fit();
        });
    }
    taken
}

/// Takes back what the person left, what they want no more, and what lost its rule.
pub(super) fn take_back<'r>(
    person: &mut Person,
    rule_of: impl Fn(&Shown) -> Option<&'r Arc<Compiled>>,
    now: Timestamp,
) -> Vec<Cancel> {
    let mut cancels = Vec::new();
    if person.shown().is_empty() {
        return cancels;
    }
    let all = person.change_aside(|aside| std::mem::take(&mut aside.shown));
    let mut left = ThinVec::with_capacity(all.len());
    for shown in all {
        let reason = match rule_of(&shown) {
            Some(compiled) => stops(&shown, compiled, person, now),
            None => Some(CancelReason::RuleOff),
        };
        match reason {
            Some(reason) => cancels.push(Cancel { decision: shown.decision, reason, at: now }),
            None => left.push(shown),
        }
    }
    if !left.is_empty() {
        left.shrink_to_fit();
        person.change_aside(|aside| aside.shown = left);
    }
    cancels
}

fn stops(shown: &Shown, compiled: &Compiled, person: &Person, now: Timestamp) -> Option<CancelReason> {
    let standing = Standing {
        compiled,
        person,
        exited: shown.exited.as_deref(),
        channel: Channel::InProduct,
        topic: shown.topic.as_deref(),
        is_transactional: shown.is_transactional,
        scope: Captured::of(&shown.occurrence).scope_of(&shown.event_name, person, now),
    };
    policy::takes_back(&standing).map(CancelReason::from)
}
