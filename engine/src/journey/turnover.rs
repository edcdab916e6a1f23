//! A release is announced: what becomes of people inside, by what it says of their rules.
//!
//! - A rule that is off ends its journeys and waits, for good: who was inside stays out when it comes back. What products
//!   show of it is taken back; mail on its way is the gate's to stop.
//! - What nobody asks of the past any more is forgotten: if it is asked again, it is kept from then on.
//!
//! People are looked at only where the release has something of this to say; all of them then, once.

use super::enter::count;
use super::shown;
use crate::effect::{Cancel, CancelReason, Effect, Effects, NonEntryReason};
use crate::release::{self, Release};
use crate::state::{Case, Person, Shard, Silence};
use crate::time::Timestamp;
use crate::trigger::absence;
use std::collections::BTreeSet;

/// What the release does to everybody.
pub(crate) fn take_over(release: &Release, shard: &mut Shard, effects: &mut Effects) {
    end_off(release, shard, effects);
    forget_past(release, shard);
}

/// Ends what people have under way by rules that are off.
fn end_off(release: &Release, shard: &mut Shard, effects: &mut Effects) {
    let slots = shard.rules.iter().enumerate().filter(|(_, id)| release.is_off(id));
    let off: BTreeSet<u32> = slots.map(|(slot, _)| slot as u32).collect();
    if off.is_empty() {
        return;
    }
    for index in 0..shard.people.len() {
        // Looked at without a change: whoever may change is copied first where a snapshot is under way.
        if !is_inside(&shard.people[index], &off) {
            continue;
        }
        let person = &mut shard.people[index];
        let ended = end(person, &off);
        let taken_back = shown::take_out(person, |shown| off.contains(&shown.rule));
        shard.refile(index);
        for (rule, at) in ended {
            count(shard.rule_id(rule), NonEntryReason::RuleOff, at, effects);
        }
        let (reason, at) = (CancelReason::RuleOff, shard.now);
        let cancel = |decision| Effect::Cancel(Cancel { decision, reason, at });
        effects.extend(taken_back.into_iter().map(cancel));
    }
}

fn is_inside(person: &Person, rules: &BTreeSet<u32>) -> bool {
    person.journeys.iter().any(|journey| rules.contains(&journey.rule))
        || person.shown().iter().any(|shown| rules.contains(&shown.rule))
        || person.cases.iter().any(|case| rules.contains(&case.rule) && is_waiting(case))
}

fn is_waiting(case: &Case) -> bool {
    let is_silent = |silence: &Silence| silence.quiet.is_some() || !silence.over.is_empty();
    !case.waits().is_empty() || case.silence().is_some_and(is_silent)
}

/// Ends the waits and journeys of these rules: of each its rule, and the moment at which it began, or would have.
fn end(person: &mut Person, rules: &BTreeSet<u32>) -> Vec<(u32, Timestamp)> {
    let mut ended = Vec::new();
    for case in person.cases.iter_mut().filter(|case| rules.contains(&case.rule)) {
        let rule = case.rule;
        ended.extend(absence::end_all(case).into_iter().map(|wait| (rule, wait.deadline)));
        if let Some(silence) = case.silence_mut() {
            silence.quiet = None;
            ended.extend(std::mem::take(&mut silence.over).into_iter().map(|spell| (rule, spell.deadline)));
        }
    }
    person.journeys.retain(|journey| {
        let is_over = rules.contains(&journey.rule);
        ended.extend(is_over.then_some((journey.rule, journey.entered_at)));
        !is_over
    });
    person.shrink();
    ended
}

/// Forgets the past that neither this release asks for nor an earlier one of which people are inside.
fn forget_past(release: &Release, shard: &mut Shard) {
    let before = std::mem::take(&mut shard.turnover.asked);
    let mut asked = release.questions().now();
    if before.is_subset(&asked) {
        shard.turnover.asked = asked;
        return;
    }
    let inside = asked_inside(release, shard);
    asked.extend(before.intersection(&inside));
    let is_asked = |question: u64| asked.contains(&question);
    for index in 0..shard.people.len() {
        if shard.people[index].history().is_some_and(|history| history.has_other(is_asked)) {
            shard.people[index].change_aside(|aside| aside.history.retain(is_asked));
        }
    }
    shard.turnover.asked = asked;
}

/// What rules ask by which people are inside.
fn asked_inside(release: &Release, shard: &Shard) -> BTreeSet<u64> {
    let mut rules: BTreeSet<(u32, u32)> = BTreeSet::new();
    for (_, person) in shard.people.iter() {
        rules.extend(person.journeys.iter().map(|journey| (journey.release, journey.rule)));
        rules.extend(person.shown().iter().map(|shown| (shown.release, shown.rule)));
        for case in &person.cases {
            rules.extend(case.waits().iter().map(|wait| (wait.release, case.rule)));
            let over = case.silence().into_iter().flat_map(|silence| &silence.over);
            rules.extend(over.map(|spell| (spell.release, case.rule)));
        }
    }
    let compiled = rules
        .into_iter()
        .filter_map(|(entered, rule)| release.rule_of(shard.release_id(entered), shard.rule_id(rule)));
    compiled.flat_map(|compiled| release::asked_by(&compiled.rule)).collect()
}
