//! `event`, or another first part, + `without`, `within = "3 days"`: the first part at *t*, then no second event after it
//! in the person's order, up to and including the deadline *t* + 3 days.
//!
//! While a wait is pending (its deadline included) another first part changes nothing, or with `repeat = "restart"`
//! starts it anew; after the deadline it begins a new wait. A second event ends the waits that it stands inside of.
//! Waits are judged a grace after their deadline, so a case may hold one that is over and one that has begun.
//!
//! For records that come late in the log, or twice, a case keeps the newest second events, the span of the last wait that
//! was judged, and the hashes of the message ids of first events: a first part that one of these second events would have
//! ended, or from inside a judged wait, begins none, and neither does one that was seen before.
//!
//! A wait is its release's: another release may call its events otherwise, and both then say what ends it.

use super::{Met, OCCURRENCES_MAX, count, remember, sequence};
use crate::event::Place;
use crate::planted::{self, Bug};
use crate::release::Role;
use crate::rule::{FirstPart, Repeat};
use crate::state::{Case, CaseState, MaybeSpan, Occurrence, Past, SeenEvent, Wait, insert_exactly};
use crate::time::{Length, Timestamp};
use thin_vec::ThinVec;

/// Second events that are kept: repeats come soon after their first.
const WITHOUTS_MAX: usize = 4;

/// What a rule says of its absence.
#[derive(Clone, Copy)]
pub(crate) struct Form<'r> {
    pub first: &'r FirstPart,
    pub within: Length,
    pub repeat: Repeat,
}

pub(crate) fn notice(case: &mut Case, met: &Met<'_>, form: Form<'_>) {
    if !matches!(case.state, CaseState::Waits { .. }) {
        case.state = CaseState::Waits { waits: ThinVec::new(), past: None };
    }
    if case.occurrences.contains(&met.hash) {
        return;
    }
    let order = match (met.role, form.first) {
        (Role::Without, _) => None,
        (Role::First | Role::Step { .. } | Role::Activity { .. }, FirstPart::Event(_)) => Some(met.order),
        (Role::First | Role::Step { .. } | Role::Activity { .. }, FirstPart::Count { count, within, .. }) => {
            let Some(order) = count::complete(case, met, *count, *within) else { return };
            Some(order)
        }
        (Role::First | Role::Step { .. } | Role::Activity { .. }, FirstPart::Sequence { steps, within }) => {
            let Some(order) = sequence::complete(case, met, steps.len(), *within) else { return };
            Some(order)
        }
    };
    let CaseState::Waits { waits, past } = &mut case.state else { return };
    let used = match order {
        None => end(waits, past, SeenEvent::new(met.order, met.hash)),
        Some(order) => begin(waits, past.as_deref(), met, order, form),
    };
    remember_one(case, used);
}

/// Remembers what began a wait, or would have.
fn remember_one(case: &mut Case, used: Option<u64>) {
    // A great count has remembered all that it used up: none of that is forgotten for one of an older count.
    let is_whole_count = case.occurrences.len() > OCCURRENCES_MAX;
    if let Some(hash) = used.filter(|hash| !is_whole_count && !case.occurrences.contains(hash)) {
        remember(case, [hash], OCCURRENCES_MAX);
    }
}

/// The second event ends every wait that it stands inside of; what began the last of them.
fn end(waits: &mut ThinVec<Wait>, past: &mut Option<Box<Past>>, event: SeenEvent) -> Option<u64> {
    let withouts = &mut past.get_or_insert_default().withouts;
    if withouts.iter().any(|other| other.hash == event.hash) {
        return None;
    }
    if withouts.len() == WITHOUTS_MAX {
        withouts.remove(0);
    }
    insert_exactly(withouts, withouts.partition_point(|other| *other < event), event);
    // A record that comes twice does not end the wait that it began.
    end_inside(waits, event.order(), |wait| hash_of(&wait.occurrence) != event.hash)
}

/// Ends those waits that this place in the person's order stands inside of; what began the last of them.
fn end_inside(
    waits: &mut ThinVec<Wait>,
    order: (Timestamp, Place),
    is_meant: impl Fn(&Wait) -> bool,
) -> Option<u64> {
    let mut ended = None;
    waits.retain(|wait| {
        let ends = is_inside(wait, order) && is_meant(wait);
        ended = if ends { Some(hash_of(&wait.occurrence)) } else { ended };
        !ends
    });
    ended
}

/// Ends the waits of earlier releases to which the event is what `is_meant` says: the second event by their own rule.
pub(crate) fn end_earlier(case: &mut Case, event: SeenEvent, is_meant: impl Fn(&Wait) -> bool) {
    let CaseState::Waits { waits, past } = &mut case.state else { return };
    let is_repeated =
        past.as_ref().is_some_and(|past| past.withouts.iter().any(|other| other.hash == event.hash));
    if !is_repeated {
        let ended = end_inside(waits, event.order(), is_meant);
        remember_one(case, ended);
    }
}

/// The first part holds at `order`, and begins a wait or not; the hash that no wait holds then: its own, or that of the
/// wait it replaced.
fn begin(
    waits: &mut ThinVec<Wait>,
    past: Option<&Past>,
    met: &Met<'_>,
    order: (Timestamp, Place),
    form: Form<'_>,
) -> Option<u64> {
    let deadline = order.0 + form.within;
    let is_of_trigger = |wait: &Wait| (met.is_of_trigger)(wait.release);
    let running = waits.iter().position(|wait| is_inside(wait, order) && is_of_trigger(wait));
    if waits.iter().any(|wait| hash_of(&wait.occurrence) == met.hash) {
        return None;
    }
    if past.is_some_and(|past| is_decided(past, order, deadline)) {
        // What it would have begun anew was ended: the second event came after it.
        let ended = running.filter(|_| form.repeat == Repeat::Restart);
        return ended.map(|running| hash_of(&waits.remove(running).occurrence));
    }
    let wait = || {
        let occurrence = Occurrence { at: order.0, place: order.1, ..(met.occurrence)() };
        Wait::new(occurrence, deadline, met.compiled.rule.limits.grace, met.release)
    };
    // A first part that comes late in the log: the wait that now runs is the one that it would have begun.
    let is_overtaken = |wait: &Wait| wait.occurrence.order() > order && wait.occurrence.at <= deadline;
    if let Some(running) = running {
        if form.repeat != Repeat::Restart {
            return Some(met.hash);
        }
        // What it begins anew may be begun anew once more by one that came before it.
        if waits.iter().any(|wait| is_overtaken(wait) && is_of_trigger(wait)) {
            return Some(hash_of(&waits.remove(running).occurrence));
        }
        return Some(hash_of(&std::mem::replace(&mut waits[running], wait()).occurrence));
    }
    let overtaken = waits.iter_mut().find(|wait| is_overtaken(wait) && is_of_trigger(wait));
    match (overtaken, form.repeat) {
        (Some(_), Repeat::Restart) => Some(met.hash),
        (Some(running), Repeat::Keep) => {
            let exited = running.exited.take();
            let replaced = std::mem::replace(running, wait());
            running.exited = exited;
            Some(hash_of(&replaced.occurrence))
        }
        (None, Repeat::Keep | Repeat::Restart) => {
            let at = waits.partition_point(|other| other.deadline <= deadline);
            insert_exactly(waits, at, wait());
            None
        }
    }
}

/// Whether a first part of this order is known to begin nothing: the second event came after it, or its wait would be over
/// a part of the time of one that was judged.
fn is_decided(past: &Past, order: (Timestamp, Place), deadline: Timestamp) -> bool {
    let is_ended = |other: &SeenEvent| other.order() > order && other.at <= deadline;
    past.withouts.iter().any(is_ended) || past.last_over.meets(order, deadline)
}

/// Whether a place in the person's order is after a wait's beginning and not after its deadline.
fn is_inside(wait: &Wait, (at, place): (Timestamp, Place)) -> bool {
    (at, place) > wait.occurrence.order()
        && at <= wait.deadline
        && !(at == wait.deadline && planted::is_on(Bug::DeadlineLeftOut))
}

fn hash_of(occurrence: &Occurrence) -> u64 {
    xxhash_rust::xxh3::xxh3_64(occurrence.message_id.text(&mut [0; 36]).as_bytes())
}

/// Takes out all waits: the rule is off.
pub(crate) fn end_all(case: &mut Case) -> Vec<Wait> {
    end_some(case, |_| true)
}

/// Gives the waits that are meant to another release, by which they last this long.
pub(crate) fn follow(case: &mut Case, is_meant: impl Fn(&Wait) -> bool, release: u32, within: Length) {
    let waits = case.waits_mut();
    for wait in waits.iter_mut().filter(|wait| is_meant(wait)) {
        wait.release = release;
        wait.deadline = wait.occurrence.at + within;
    }
    waits.sort_by_key(|wait| wait.deadline);
}

/// Takes out the waits that are meant.
pub(crate) fn end_some(case: &mut Case, is_meant: impl Fn(&Wait) -> bool) -> Vec<Wait> {
    let CaseState::Waits { waits, .. } = &mut case.state else { return Vec::new() };
    let (ended, left): (Vec<Wait>, Vec<Wait>) = std::mem::take(waits).into_iter().partition(is_meant);
    *waits = left.into_iter().collect();
    ended.iter().for_each(|wait| remember_one(case, Some(hash_of(&wait.occurrence))));
    ended
}

/// Takes out the waits that are over and may be judged.
pub(crate) fn take_over(case: &mut Case, now: Timestamp, until: Option<Timestamp>) -> Vec<Wait> {
    let CaseState::Waits { waits, past } = &mut case.state else { return Vec::new() };
    let is_over = |wait: &Wait| wait.ready_at() <= now && until.is_none_or(|until| wait.deadline <= until);
    let (over, running): (Vec<Wait>, Vec<Wait>) = std::mem::take(waits).into_iter().partition(is_over);
    // Taken back in order, with room for no more.
    *waits = running.into_iter().collect();
    if let Some(last) = over.last() {
        past.get_or_insert_default().last_over = MaybeSpan::new(last.occurrence.order(), last.deadline);
        over.iter().for_each(|wait| remember_one(case, Some(hash_of(&wait.occurrence))));
    }
    over
}
