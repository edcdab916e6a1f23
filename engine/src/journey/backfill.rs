//! Rules that are shown to everybody when they are released: `backfill = true` asks for whom its trigger holds already.
//!
//! A tick shows them to some people; the order is that in which people were first kept. Whoever a record is about, or who
//! is judged, is shown them first ([`settle`]), so that it makes no difference when the walk comes to them.

use super::enter::{Entry, enter};
use super::silence;
use crate::effect::Effects;
use crate::event::Place;
use crate::policy::muted::Neighbours;
use crate::release::{Compiled, Release};
use crate::rule::{Status, TriggerForm, Turn};
use crate::state::{Case, Occurrence, Released, Scan, Shard};
use crate::time::Timestamp;
use crate::trigger::segment;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// People that one tick passes: some milliseconds, and a million people in eight partitions within two seconds.
pub const PEOPLE_PER_TICK_MAX: usize = 4_096;

/// When a release shows its rules, and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Announced {
    pub at: Timestamp,
    pub place: Place,
}

/// A release is announced: rules that are new, or whose trigger is written otherwise, are to be shown to all who are there.
/// A rule that was off or gone is new again.
pub(crate) fn announce(release: &Release, shard: &mut Shard, announced: Announced) {
    let before = std::mem::take(&mut shard.released);
    let mut now: BTreeMap<u32, Released> =
        before.iter().map(|(slot, known)| (*slot, Released { is_live: false, ..*known })).collect();
    let (mut new, mut changed) = (Vec::new(), BTreeSet::new());
    let is_live = |compiled: &&Arc<Compiled>| compiled.rule.status != Status::Off;
    for compiled in release.rules().filter(is_live) {
        let trigger = &compiled.rule.trigger;
        if !trigger.has_steps() && !trigger.is_shown_to_all() {
            continue;
        }
        let slot = shard.rule_slot(&compiled.rule.id);
        let known = before.get(&slot);
        let is_same = known.is_some_and(|known| known.written == trigger.written);
        if known.is_some() && !is_same {
            changed.insert(slot);
        }
        let known = known.filter(|known| is_same && known.is_live).copied();
        if known.is_none() && trigger.is_shown_to_all() {
            new.push(slot);
        }
        let released = Released { written: trigger.written, at: announced.at, is_live: true };
        now.insert(slot, known.unwrap_or(released));
    }
    shard.released = now;
    forget_windows(shard, &changed);
    for scan in &mut shard.scans {
        let is_there = |slot: &u32| shard.released.get(slot).is_some_and(|released| released.is_live);
        scan.rules.retain(|slot| is_there(slot) && !new.contains(slot));
    }
    shard.scans.push(Scan::new(announced.at, announced.place, new, shard.people.len()));
    shard.scans.retain(|scan| !scan.is_over());
}

/// What was seen for a trigger that is written otherwise now says nothing of it. All people are looked at, once a release
/// with such a rule.
fn forget_windows(shard: &mut Shard, changed: &BTreeSet<u32>) {
    if changed.is_empty() {
        return;
    }
    for index in 0..shard.people.len() {
        let is_of_one = |case: &Case| changed.contains(&case.rule) && !case.state.window().is_empty();
        // Looked at without a change: whoever may change is copied first where a snapshot is under way.
        if shard.people[index].cases.iter().any(is_of_one) {
            let cases = &mut shard.people[index].cases;
            cases.iter_mut().filter(|case| is_of_one(case)).for_each(|case| case.state.window_mut().clear());
        }
    }
}

/// Shows the rules to up to [`PEOPLE_PER_TICK_MAX`] people more.
pub(crate) fn go_on(release: &Release, shard: &mut Shard, effects: &mut Effects) {
    let mut left = PEOPLE_PER_TICK_MAX;
    for number in 0..shard.scans.len() {
        while let Some(index) = shard.scans[number].take_next(&mut left) {
            show_all(release, shard, number, index, effects);
        }
    }
    shard.scans.retain(|scan| !scan.is_over());
}

/// Shows them to one person before their turn: something is about to change for them.
pub(crate) fn settle(release: &Release, shard: &mut Shard, index: usize, effects: &mut Effects) {
    for number in 0..shard.scans.len() {
        if shard.scans[number].take(index) {
            show_all(release, shard, number, index, effects);
        }
    }
}

/// Before somebody is forgotten: the last of all, who gets their number, has had their turn.
pub(crate) fn settle_last(release: &Release, shard: &mut Shard, effects: &mut Effects) {
    if !shard.scans.is_empty() {
        settle(release, shard, shard.people.len() - 1, effects);
    }
}

fn show_all(release: &Release, shard: &mut Shard, scan: usize, index: usize, effects: &mut Effects) {
    let announced = Announced { at: shard.scans[scan].at, place: shard.scans[scan].place };
    for at in 0..shard.scans[scan].rules.len() {
        let slot = shard.scans[scan].rules[at];
        let id = shard.rule_id(slot).clone();
        if let Some(compiled) = release.rule(&id) {
            show(release, shard, index, compiled, announced, effects);
        }
    }
}

/// Shows one person a rule that was released.
fn show(
    release: &Release,
    shard: &mut Shard,
    index: usize,
    compiled: &Arc<Compiled>,
    announced: Announced,
    effects: &mut Effects,
) {
    match &compiled.rule.trigger.form {
        TriggerForm::Segment { condition, to } => {
            let is_inside = segment::holds(condition, &shard.people[index].profile);
            if is_inside == (*to == Turn::Enters) {
                enter_at_release(release, shard, index, compiled, announced, effects);
            }
        }
        TriggerForm::Inactive(_) => silence::show(release, shard, index, compiled, announced, effects),
        TriggerForm::Happens(_) | TriggerForm::Absence { .. } => {}
    }
}

/// The trigger held when the rule was released: that is its occurrence, and no record is.
pub(crate) fn enter_at_release(
    release: &Release,
    shard: &mut Shard,
    index: usize,
    compiled: &Arc<Compiled>,
    announced: Announced,
    effects: &mut Effects,
) {
    let Announced { at, place } = announced;
    let rule = shard.rule_slot(&compiled.rule.id);
    let release_slot = shard.release_slot(&release.id);
    let message_id = format!("release {} at {at}", release.id).as_str().into();
    let occurrence = Occurrence { message_id, at, place, captured: None };
    let (key, event_name, exited) = (None, Arc::from(RELEASED), None);
    let Shard { people, rules, releases, .. } = &mut *shard;
    let neighbours = Neighbours { release, rules, releases };
    let entry =
        Entry { release, compiled, rule, release_slot, key, occurrence, event_name, at, neighbours, exited };
    let (subject, person) = people.get_index_mut(index).expect("a number of somebody kept");
    enter(entry, subject, person, effects);
    shard.refile(index);
}

/// What a journey calls its beginning where it was no event.
pub(super) const RELEASED: &str = "release";
