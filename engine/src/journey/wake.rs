//! An event for which a journey waits: `wait_until`.
//!
//! It counts by when it occurred: from when the wait began, up to and including its timeout. The log may bring it before
//! the engine knows that the wait has begun (a message's outcome, a tick), so what a later step of the journey waits for is
//! kept aside. Each event ends one wait of a journey.

use super::advance::{From, advance};
use super::begin::may_end;
use super::exit::{Seen, is_this};
use crate::event::{Event, Place};
use crate::release::{Compiled, OpKind, Release};
use crate::state::{Aside, HEARD_MAX, Heard, Journey, JourneyState, Person, Shard};
use crate::time::{Length, Timestamp};

/// Shows an event to the journeys of its person.
pub(crate) fn journeys(release: &Release, shard: &mut Shard, index: usize, place: Place, event: &Event<'_>) {
    let Shard { people, rules, releases, .. } = shard;
    if people[index].journeys.is_empty() {
        return;
    }
    let Person { profile, journeys, aside, .. } = &mut people[index];
    let seen = Seen { event, place, profile, history: None };
    let is_going_on = |journey: &mut Journey| {
        let id = &rules[journey.rule as usize];
        let compiled = release.rule_of(&releases[journey.release as usize], id);
        match compiled.filter(|compiled| may_end(event, &compiled.rule.trigger)) {
            Some(compiled) => notice(journey, compiled, seen, aside),
            None => true,
        }
    };
    journeys.retain_mut(is_going_on);
}

/// Shows an event to a journey. False when it ended by it: nothing was left to do.
fn notice(
    journey: &mut Journey,
    compiled: &Compiled,
    seen: Seen<'_>,
    aside: &mut Option<Box<Aside>>,
) -> bool {
    let (event, occurrence) = (seen.event, &journey.occurrence);
    let is_after = (event.occurred_at, seen.place) > occurrence.order()
        && event.message_id != occurrence.message_id.text(&mut [0; 36]);
    if journey.exited.is_some() || !is_after {
        return true;
    }
    let hash = xxhash_rust::xxh3::xxh3_64(event.message_id.as_bytes());
    for (number, matched, timeout) in compiled.program.awaiting() {
        if number < journey.step || !is_this(matched, journey.key.as_deref(), seen) {
            continue;
        }
        if number > journey.step {
            keep(aside, Heard { hash, ..heard(journey, number, event.occurred_at) });
        } else if is_within(journey, timeout, event.occurred_at) {
            return end_wait(journey, compiled, event.occurred_at, aside);
        }
    }
    true
}

/// Whether a time lies in the wait at which the journey stands, both ends included.
fn is_within(journey: &Journey, timeout: Length, at: Timestamp) -> bool {
    match journey.state {
        JourneyState::Due { due_at, .. } => (due_at - timeout..=due_at).contains(&at),
        JourneyState::AwaitsClock { .. } | JourneyState::InFlight(_) => false,
    }
}

fn end_wait(
    journey: &mut Journey,
    compiled: &Compiled,
    at: Timestamp,
    aside: &mut Option<Box<Aside>>,
) -> bool {
    let op = compiled.program.op(journey.step);
    let Some(OpKind::WaitUntil { then, .. }) = op.map(|op| &op.kind) else { return true };
    compiled.program.note_way(journey.step, *then);
    advance(journey, compiled, *then, From::outcome(at), aside)
}

fn heard(journey: &Journey, step: u32, at: Timestamp) -> Heard {
    Heard { rule: journey.rule, begun: journey.occurrence.order(), step, at, hash: 0 }
}

fn keep(aside: &mut Option<Box<Aside>>, heard: Heard) {
    let list = &mut aside.get_or_insert_default().heard;
    if list.iter().any(|other| Heard { at: heard.at, ..*other } == heard) {
        return;
    }
    if list.len() == HEARD_MAX {
        list.remove(0);
    }
    crate::state::push_exactly(list, heard);
}

/// When the event came for which the journey's step waits from `since` on, if it came already; it counts no more then.
pub(super) fn take_heard(
    journey: &Journey,
    since: Timestamp,
    timeout: Length,
    aside: &mut Option<Box<Aside>>,
) -> Option<Timestamp> {
    let list = &mut aside.as_deref_mut()?.heard;
    let is_own = |heard: &Heard| heard.rule == journey.rule && heard.begun == journey.occurrence.order();
    let within = |heard: &&Heard| {
        is_own(heard) && heard.step == journey.step && (since..=since + timeout).contains(&heard.at)
    };
    let first = *list.iter().filter(within).min_by_key(|heard| heard.at)?;
    list.retain(|heard| !is_own(heard) || heard.hash != first.hash);
    Some(first.at)
}

/// Forgets what no journey of the person waits for any more.
pub(super) fn forget(person: &mut Person) {
    let Person { aside, journeys, .. } = person;
    let Some(list) = aside.as_deref_mut().map(|aside| &mut aside.heard).filter(|list| !list.is_empty())
    else {
        return;
    };
    let is_awaited = |heard: &Heard| {
        let mut journeys = journeys.iter();
        journeys.any(|journey| {
            heard.rule == journey.rule
                && heard.begun == journey.occurrence.order()
                && heard.step > journey.step
        })
    };
    list.retain(|heard| is_awaited(heard));
    // No box where it would be empty.
    person.change_aside(|_| {});
}
