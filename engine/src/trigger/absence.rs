//! `event` + `without`, `within = "3 days"`: the first event at *t*, then no second one after it in the person's order,
//! up to and including the deadline *t* + 3 days.
//!
//! While a wait is pending (its deadline included) another first event changes nothing, or with `repeat = "restart"`
//! starts it anew; after the deadline it begins a new wait. A second event ends the waits that it stands inside of.
//! Waits are judged a grace after their deadline, so a case may hold one that is over and one that has begun. The
//! newest second event is kept: a first event that comes late in the log, from before it, begins no wait.

use super::Met;
use crate::release::Role;
use crate::rule::Repeat;
use crate::state::{Case, CaseState, SeenEvent, Wait};
use crate::time::{Length, Timestamp};

pub(crate) fn notice(case: &mut Case, met: &Met<'_>, within: Length, repeat: Repeat, grace: Length) {
    if !matches!(case.state, CaseState::Waits { .. }) {
        case.state = CaseState::Waits { waits: Vec::new(), last_without: None };
    }
    let CaseState::Waits { waits, last_without } = &mut case.state else { return };
    let (at, place) = met.order;
    match met.role {
        Role::Without => end(waits, last_without, SeenEvent { at, place, hash: met.hash }),
        Role::First => begin(waits, *last_without, met, within, repeat, grace),
    }
}

/// The second event ends every wait that it stands inside of.
fn end(waits: &mut Vec<Wait>, last_without: &mut Option<SeenEvent>, event: SeenEvent) {
    if last_without.is_some_and(|last| last.hash == event.hash) {
        return;
    }
    waits.retain(|wait| !is_inside(wait, (event.at, event.place)));
    if last_without.is_none_or(|last| last < event) {
        *last_without = Some(event);
    }
}

fn begin(
    waits: &mut Vec<Wait>,
    last_without: Option<SeenEvent>,
    met: &Met<'_>,
    within: Length,
    repeat: Repeat,
    grace: Length,
) {
    let order = met.order;
    let deadline = order.0 + within;
    let was_ended = last_without.is_some_and(|last| (last.at, last.place) > order && last.at <= deadline);
    if was_ended {
        return;
    }
    let wait = || Wait { occurrence: (met.occurrence)(), deadline, ready_at: deadline + grace };
    if let Some(running) = waits.iter_mut().find(|wait| is_inside(wait, order)) {
        if repeat == Repeat::Restart {
            *running = wait();
        }
        return;
    }
    // A first event that comes late in the log: the wait that now runs is the one that it would have begun.
    let overtaken =
        waits.iter_mut().find(|wait| wait.occurrence.order() > order && wait.occurrence.at <= deadline);
    match (overtaken, repeat) {
        (Some(_), Repeat::Restart) => {}
        (Some(running), Repeat::Keep) => *running = wait(),
        (None, Repeat::Keep | Repeat::Restart) => {
            let at = waits.partition_point(|other| other.deadline <= deadline);
            waits.insert(at, wait());
        }
    }
}

/// Whether a place in the person's order is after a wait's beginning and not after its deadline.
fn is_inside(wait: &Wait, (at, place): (Timestamp, crate::event::Place)) -> bool {
    (at, place) > wait.occurrence.order() && at <= wait.deadline
}

/// Takes out the waits that are over and may be judged.
pub(crate) fn take_over(case: &mut Case, now: Timestamp, until: Option<Timestamp>) -> Vec<Wait> {
    let CaseState::Waits { waits, .. } = &mut case.state else { return Vec::new() };
    let (over, running) = std::mem::take(waits)
        .into_iter()
        .partition(|wait| wait.ready_at <= now && until.is_none_or(|until| wait.deadline <= until));
    *waits = running;
    over
}
