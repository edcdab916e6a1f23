//! A release is announced: what becomes of people inside, by what it says of their rules.
//!
//! - A renamed rule takes over what is known by its old id ([`rename`]).
//! - A rule that is off ends its journeys and waits, for good: who was inside stays out when it comes back. What products
//!   show of it is taken back; mail on its way is the gate's to stop.
//! - What people did or were by a shadow ends when it becomes live: its journeys, and its marks. Its waits go on, as the
//!   live rule's: they are its trigger's, and nobody has entered yet.
//! - Of a rule that changed, those inside finish by the release that they entered with; or leave, or follow, if it says so.
//! - What nobody asks of the past any more is forgotten: if it is asked again, it is kept from then on.
//!
//! People are looked at only where the release has something of this to say; all of them then, once.

use super::enter::count;
use super::{follow, rename, shown};
use crate::effect::{Cancel, CancelReason, Effect, Effects, NonEntryReason};
use crate::release::{self, Compiled, Release};
use crate::rule::{OnChange, Status, TriggerForm};
use crate::state::{Case, JourneyState, Person, Shard, Silence};
use crate::time::Timestamp;
use crate::trigger::absence;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the release does to everybody.
pub(crate) fn take_over(release: &Release, shard: &mut Shard, effects: &mut Effects) {
    rename::take_over(release, shard);
    let turns = turns(release, shard);
    if !turns.is_empty() {
        turn_all(release, shard, &turns, effects);
    }
    forget_past(release, shard);
}

/// What becomes of those inside a rule.
enum Turn {
    /// It is off.
    End,
    /// It was a shadow, and is live.
    EndShadow,
    /// It changed: those of these releases, by number, leave.
    Leave(BTreeSet<u32>),
    /// It changed: those of these releases, by number, follow.
    Follow(BTreeSet<u32>),
}

/// The rules, by number, that people may have to be asked about.
fn turns(release: &Release, shard: &mut Shard) -> BTreeMap<u32, Vec<Turn>> {
    let mut turns: BTreeMap<u32, Vec<Turn>> = BTreeMap::new();
    let mut shadows = std::mem::take(&mut shard.turnover.shadows);
    for (slot, id) in shard.rules.iter().enumerate() {
        let Some(compiled) = release.rule(id) else { continue };
        let mut add = |turn| turns.entry(slot as u32).or_default().push(turn);
        match compiled.rule.status {
            Status::Off => {
                add(Turn::End);
                continue;
            }
            Status::Live if shadows.remove(id) => add(Turn::EndShadow),
            Status::Live | Status::Shadow => {}
        }
        match compiled.rule.on_change {
            OnChange::Keep => {}
            OnChange::Follow => add(Turn::Follow(others(release, shard, id))),
            OnChange::Leave => add(Turn::Leave(others(release, shard, id))),
        }
    }
    let is_shadow = |compiled: &&Arc<Compiled>| compiled.rule.status == Status::Shadow;
    shadows.extend(release.rules().filter(is_shadow).map(|compiled| compiled.rule.id.clone()));
    shard.turnover.shadows = shadows;
    turns
}

fn turn_all(release: &Release, shard: &mut Shard, turns: &BTreeMap<u32, Vec<Turn>>, effects: &mut Effects) {
    for index in 0..shard.people.len() {
        // Looked at without a change: whoever may change is copied first where a snapshot is under way.
        if !concerns(&shard.people[index], turns) {
            continue;
        }
        for (rule, turn) in turns.iter().flat_map(|(rule, all)| all.iter().map(|turn| (*rule, turn))) {
            match turn {
                Turn::End => end(shard, index, rule, effects),
                Turn::EndShadow => end_shadow(shard, index, rule),
                Turn::Leave(others) => leave(shard, index, (rule, others), effects),
                Turn::Follow(others) => go_along(release, shard, index, (rule, others)),
            }
        }
        shard.people[index].shrink();
        shard.refile(index);
    }
}

fn concerns(person: &Person, turns: &BTreeMap<u32, Vec<Turn>>) -> bool {
    person.journeys.iter().any(|journey| turns.contains_key(&journey.rule))
        || person.shown().iter().any(|shown| turns.contains_key(&shown.rule))
        || person
            .cases
            .iter()
            .any(|case| turns.contains_key(&case.rule) && (is_waiting(case) || case.is_shadow))
}

fn is_waiting(case: &Case) -> bool {
    let is_silent = |silence: &Silence| silence.quiet.is_some() || !silence.over.is_empty();
    !case.waits().is_empty() || case.silence().is_some_and(is_silent)
}

/// Ends the waits and journeys of a rule that is off.
fn end(shard: &mut Shard, index: usize, rule: u32, effects: &mut Effects) {
    let person = &mut shard.people[index];
    let mut ended = Vec::new();
    for case in person.cases.iter_mut().filter(|case| case.rule == rule) {
        ended.extend(absence::end_all(case).into_iter().map(|wait| wait.deadline));
        if let Some(silence) = case.silence_mut() {
            silence.quiet = None;
            ended.extend(std::mem::take(&mut silence.over).into_iter().map(|spell| spell.deadline));
        }
    }
    person.journeys.retain(|journey| {
        let is_over = journey.rule == rule;
        ended.extend(is_over.then_some(journey.entered_at));
        !is_over
    });
    let taken_back = shown::take_out(person, |shown| shown.rule == rule);
    let (reason, at) = (CancelReason::RuleOff, shard.now);
    count_all(shard, rule, NonEntryReason::RuleOff, ended, effects);
    let cancel = |decision| Effect::Cancel(Cancel { decision, reason, at });
    effects.extend(taken_back.into_iter().map(cancel));
}

/// What was a shadow's ends: it was recorded, and nothing of it was said.
fn end_shadow(shard: &mut Shard, index: usize, rule: u32) {
    let person = &mut shard.people[index];
    person.journeys.retain(|journey| journey.rule != rule || !journey.is_shadow);
    for case in person.cases.iter_mut().filter(|case| case.rule == rule && case.is_shadow) {
        case.entered_at = None.into();
        case.is_shadow = false;
    }
}

/// The rule says that those inside leave, and it is not what it was when they came.
fn leave(shard: &mut Shard, index: usize, (rule, is_other): (u32, &BTreeSet<u32>), effects: &mut Effects) {
    let now = shard.now;
    let person = &mut shard.people[index];
    let mut ended = Vec::new();
    for case in person.cases.iter_mut().filter(|case| case.rule == rule) {
        let left = absence::end_some(case, |wait| is_other.contains(&wait.release));
        ended.extend(left.into_iter().map(|wait| wait.deadline));
    }
    let mut taken_back = Vec::new();
    person.journeys.retain(|journey| {
        let leaves = journey.rule == rule && is_other.contains(&journey.release);
        if leaves {
            ended.push(journey.entered_at);
            taken_back.extend(match journey.state {
                JourneyState::InFlight(decision) => Some(decision),
                JourneyState::Due { .. } | JourneyState::AwaitsClock { .. } => None,
            });
        }
        !leaves
    });
    let shown = shown::take_out(person, |shown| shown.rule == rule && is_other.contains(&shown.release));
    taken_back
        .extend(shown.into_iter().filter(|decision| !taken_back.contains(decision)).collect::<Vec<_>>());
    count_all(shard, rule, NonEntryReason::RuleChanged, ended, effects);
    let cancel = |decision| Effect::Cancel(Cancel { decision, reason: CancelReason::RuleChanged, at: now });
    effects.extend(taken_back.into_iter().map(cancel));
}

/// The rule says that those inside go on by it as it is now.
fn go_along(release: &Release, shard: &mut Shard, index: usize, (rule, is_other): (u32, &BTreeSet<u32>)) {
    let current = shard.release_slot(&release.id);
    let Shard { people, rules, releases, .. } = shard;
    let id = &rules[rule as usize];
    let Some(new) = release.rule(id) else { return };
    let person = &mut people[index];
    let within = match &new.rule.trigger.form {
        TriggerForm::Absence { within, .. } => Some(*within),
        TriggerForm::Happens(_) | TriggerForm::Segment { .. } | TriggerForm::Inactive(_) => None,
    };
    if let Some(within) = within {
        for case in person.cases.iter_mut().filter(|case| case.rule == rule) {
            absence::follow(case, |wait| is_other.contains(&wait.release), current, within);
        }
    }
    person.journeys.retain_mut(|journey| {
        if journey.rule != rule || !is_other.contains(&journey.release) {
            return true;
        }
        let old = release.rule_of(&releases[journey.release as usize], id);
        journey.release = current;
        old.is_some_and(|old| follow::follow(journey, &old.rule, &new.rule))
    });
}

/// The releases, by number, in which the rule is not what it is now.
fn others(release: &Release, shard: &Shard, id: &Arc<str>) -> BTreeSet<u32> {
    let now = release.rule(id).map(|compiled| compiled.shape);
    let shape = |entered: &Arc<str>| release.rule_of(entered, id).map(|compiled| compiled.shape);
    let all = shard.releases.iter().enumerate().filter(|(_, entered)| shape(entered) != now);
    all.map(|(slot, _)| slot as u32).collect()
}

fn count_all(shard: &Shard, rule: u32, reason: NonEntryReason, ended: Vec<Timestamp>, effects: &mut Effects) {
    ended.into_iter().for_each(|at| count(shard.rule_id(rule), reason, at, effects));
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
