//! What became of a message: its place under the caps is kept or given back, and the journey goes on.

use super::advance::{From, advance, op_of};
use super::judge::{give_back, mark};
use super::shown;
use crate::event::{Outcome, OutcomeKind};
use crate::policy::{cap, muted};
use crate::release::Release;
use crate::state::{FixedHasher, JourneyState, Mute, Person, Shard};
use crate::time::{Length, Timestamp};
use indexmap::IndexSet;
use std::sync::Arc;

/// Takes in an outcome. One that was had before, or that names no message in flight, changes nothing; of what a person did
/// with a message, only that it was dismissed.
pub(crate) fn take_in(release: &Release, shard: &mut Shard, outcome: &Outcome<'_>) {
    let ends_showing = shown::is_over_by(outcome.kind);
    if outcome.kind.is_reaction() && !ends_showing {
        return;
    }
    let Some(index) = shard.people.get_index_of(&outcome.subject) else { return };
    if ends_showing && shard.people[index].shown().iter().any(|shown| shown.decision == outcome.decision) {
        shown::forget(&mut shard.people[index], outcome.decision);
        shard.refile(index);
    }
    if outcome.kind.is_reaction() {
        return;
    }
    let (rules, releases, now) = (&shard.rules, &shard.releases, shard.now);
    let (_, person) = shard.people.get_index_mut(index).expect("just found");
    let is_this =
        |counted: &&mut crate::state::Counted| counted.decision == outcome.decision && counted.is_in_flight;
    let Some(counted) = person.messages.iter_mut().find(is_this) else { return };
    counted.is_in_flight = false;
    let rule = counted.rule;
    if !outcome.kind.counts_as_sent() {
        person.messages.retain(|counted| counted.decision != outcome.decision);
        wake_held(person, outcome.at);
    }
    let journey =
        person.journeys.iter().position(|journey| journey.state == JourneyState::InFlight(outcome.decision));
    if outcome.kind.counts_as_sent() {
        let entered = journey.map(|at| person.journeys[at].release);
        mute(release, (rules, releases), person, (rule, entered), outcome.at);
    }
    if let Some(at) = journey {
        if outcome.kind == OutcomeKind::Expired {
            give_back(person, at);
        } else {
            mark(person, at, true);
        }
        let Person { journeys, aside, .. } = &mut *person;
        let journey = &mut journeys[at];
        let id = rules.get_index(journey.rule as usize).expect("slots come from this table");
        let entered = releases.get_index(journey.release as usize).expect("slots come from this table");
        let goes_on = match release.rule_of(entered, id) {
            Some(compiled) => op_of(compiled, journey)
                .is_some_and(|op| advance(journey, compiled, op.next, From::outcome(outcome.at), aside)),
            None => false,
        };
        if !goes_on {
            person.journeys.remove(at);
        }
    }
    muted::forget(person, now);
    // What no cap counts any more is not kept until somebody is judged again: most people never are.
    cap::forget(person, &release.settings.caps, now);
    person.shrink();
    shard.refile(index);
}

type Ids = IndexSet<Arc<str>, FixedHasher>;

/// The message left: its rule mutes others from now on for so long, by the release that its journey was entered with; that
/// of now where the journey is over.
fn mute(
    release: &Release,
    (rules, releases): (&Ids, &Ids),
    person: &mut Person,
    (rule, entered): (u32, Option<u32>),
    at: Timestamp,
) {
    let known = entered.or_else(|| releases.get_index_of(&release.id).map(|slot| slot as u32));
    let Some(by) = known else { return };
    let compiled = release.rule_of(&releases[by as usize], &rules[rule as usize]);
    let mutes = compiled.and_then(|compiled| compiled.rule.limits.mutes.as_ref());
    if let Some(mutes) = mutes.filter(|mutes| mutes.length > Length::ZERO) {
        muted::note(person, Mute { rule, release: by, until: at + mutes.length });
    }
}

/// A message gave its place under the caps back: what waits for one is judged again, not before it was due.
fn wake_held(person: &mut Person, at: Timestamp) {
    for journey in &mut person.journeys {
        if let JourneyState::Due { due_at, ready_at, is_never_late: true } = &mut journey.state {
            *ready_at = (*ready_at).min(at).max(*due_at);
        }
    }
}
