//! `event` + `without`, `within = "3 days"`: the first event at *t*, then no second one after it in the person's order,
//! up to and including the deadline *t* + 3 days.
//!
//! While a wait is pending (its deadline included) another first event changes nothing, or with `repeat = "restart"`
//! starts it anew; after the deadline it begins a new wait. A second event ends the waits that it stands inside of.
//! Waits are judged a grace after their deadline, so a case may hold one that is over and one that has begun.
//!
//! For records that come late in the log, or twice, a case keeps the newest second events, the span of the last wait that
//! was judged, and the hashes of the message ids of first events: a first event that one of these second events would have
//! ended, or from inside a judged wait, begins none, and neither does one that was seen before.

use super::{Met, OCCURRENCES_MAX, remember};
use crate::event::Place;
use crate::release::Role;
use crate::rule::Repeat;
use crate::state::{Case, CaseState, Occurrence, Past, SeenEvent, Wait, insert_exactly};
use crate::time::{Length, Timestamp};
use thin_vec::ThinVec;

/// Second events that are kept: repeats come soon after their first.
const WITHOUTS_MAX: usize = 4;

pub(crate) fn notice(case: &mut Case, met: &Met<'_>, within: Length, repeat: Repeat, grace: Length) {
    if !matches!(case.state, CaseState::Waits { .. }) {
        case.state = CaseState::Waits { waits: ThinVec::new(), past: None };
    }
    let CaseState::Waits { waits, past } = &mut case.state else { return };
    let (at, place) = met.order;
    if case.occurrences.contains(&met.hash) {
        return;
    }
    let used = match met.role {
        Role::Without => end(waits, past, SeenEvent { at, place, hash: met.hash }),
        Role::First => begin(waits, past.as_deref(), met, within, repeat, grace),
    };
    if let Some(hash) = used {
        remember(case, [hash], OCCURRENCES_MAX);
    }
}

/// The second event ends every wait that it stands inside of; what began the last of them.
fn end(waits: &mut ThinVec<Wait>, past: &mut Option<Box<Past>>, event: SeenEvent) -> Option<u64> {
    let withouts = &mut past.get_or_insert_default().withouts;
    if withouts.iter().any(|other| other.hash == event.hash) {
        return None;
    }
    let mut ended = None;
    waits.retain(|wait| {
        let ends = is_inside(wait, (event.at, event.place));
        ended = if ends { Some(hash_of(&wait.occurrence)) } else { ended };
        !ends
    });
    if withouts.len() == WITHOUTS_MAX {
        withouts.remove(0);
    }
    insert_exactly(withouts, withouts.partition_point(|other| *other < event), event);
    ended
}

/// The first event begins a wait, or not; the hash that no wait holds then: its own, or that of the wait it replaced.
fn begin(
    waits: &mut ThinVec<Wait>,
    past: Option<&Past>,
    met: &Met<'_>,
    within: Length,
    repeat: Repeat,
    grace: Length,
) -> Option<u64> {
    let order = met.order;
    let deadline = order.0 + within;
    if past.is_some_and(|past| is_decided(past, order, deadline))
        || waits.iter().any(|wait| hash_of(&wait.occurrence) == met.hash)
    {
        return None;
    }
    let wait = |exited| Wait { occurrence: (met.occurrence)(), deadline, ready_at: deadline + grace, exited };
    if let Some(running) = waits.iter_mut().find(|wait| is_inside(wait, order)) {
        if repeat != Repeat::Restart {
            return Some(met.hash);
        }
        return Some(hash_of(&std::mem::replace(running, wait(None)).occurrence));
    }
    // A first event that comes late in the log: the wait that now runs is the one that it would have begun.
    let overtaken =
        waits.iter_mut().find(|wait| wait.occurrence.order() > order && wait.occurrence.at <= deadline);
    match (overtaken, repeat) {
        (Some(_), Repeat::Restart) => Some(met.hash),
        (Some(running), Repeat::Keep) => {
            let exited = running.exited.take();
            Some(hash_of(&std::mem::replace(running, wait(exited)).occurrence))
        }
        (None, Repeat::Keep | Repeat::Restart) => {
            let at = waits.partition_point(|other| other.deadline <= deadline);
            insert_exactly(waits, at, wait(None));
            None
        }
    }
}

/// Whether a first event of this order is known to begin nothing: the second came after it, or it stands inside of a wait
/// that was judged.
fn is_decided(past: &Past, order: (Timestamp, Place), deadline: Timestamp) -> bool {
    let is_ended = |other: &SeenEvent| (other.at, other.place) > order && other.at <= deadline;
    let is_over = |(at, place, deadline)| order >= (at, place) && order.0 <= deadline;
    past.withouts.iter().any(is_ended) || past.last_over.is_some_and(is_over)
}

/// Whether a place in the person's order is after a wait's beginning and not after its deadline.
fn is_inside(wait: &Wait, (at, place): (Timestamp, Place)) -> bool {
    (at, place) > wait.occurrence.order() && at <= wait.deadline
}

fn hash_of(occurrence: &Occurrence) -> u64 {
    xxhash_rust::xxh3::xxh3_64(occurrence.message_id.text(&mut [0; 36]).as_bytes())
}

/// Takes out the waits that are over and may be judged.
pub(crate) fn take_over(case: &mut Case, now: Timestamp, until: Option<Timestamp>) -> Vec<Wait> {
    let CaseState::Waits { waits, past } = &mut case.state else { return Vec::new() };
    let is_over = |wait: &Wait| wait.ready_at <= now && until.is_none_or(|until| wait.deadline <= until);
    let (over, running): (Vec<Wait>, Vec<Wait>) = std::mem::take(waits).into_iter().partition(is_over);
    // Taken back in order, with room for no more.
    *waits = running.into_iter().collect();
    if let Some(last) = over.last() {
        let (at, place) = last.occurrence.order();
        past.get_or_insert_default().last_over = Some((at, place, last.deadline));
        remember(case, over.iter().map(|wait| hash_of(&wait.occurrence)), OCCURRENCES_MAX);
    }
    over
}
