//! `sequence = ["Cart Viewed", "Checkout Started"]`, `within = "1 hour"`: these in this order, others between allowed, the
//! first at most an hour before the last. Of several possible earlier events the latest is taken; each serves one match.
//!
//! The window keeps the steps that serve no match yet, in the person's order: one that comes late takes its place there,
//! and may complete a sequence whose last event came before. An event that could be two steps is kept as both, and goes
//! with the first match that it serves.

use super::{Met, Noticed, has_entered_for_ever, remember};
use crate::event::Place;
use crate::release::Role;
use crate::state::{Case, Occurrence, SeenEvent, insert_exactly};
use crate::time::{Length, Timestamp};

/// Events of one step that are kept; the oldest falls. Who does one thing more often within the window and then goes on is
/// no one whom it matters to match so often.
const EVENTS_PER_STEP_MAX: usize = 32;

/// Last events that completed nothing: kept for a step that comes late, which it does soon.
const LAST_EVENTS_MAX: usize = 4;

pub(crate) fn notice(case: &mut Case, met: &Met<'_>, steps: usize, within: Length) -> Noticed {
    let Some((at, place)) = complete(case, met, steps, within) else { return Noticed::Nothing };
    if has_entered_for_ever(case, met) {
        Noticed::OnceEver(at)
    } else {
        Noticed::Holds(Box::new(Occurrence { at, place, ..(met.occurrence)() }))
    }
}

/// Takes the event as the step that it was found for. Where that completes the sequence, the place in the person's order at
/// which it holds: that of its last event, also when one before it came last.
pub(super) fn complete(
    case: &mut Case,
    met: &Met<'_>,
    steps: usize,
    within: Length,
) -> Option<(Timestamp, Place)> {
    let Role::Step { after } = met.role else { return None };
    // A record that served a match serves no other.
    if case.occurrences.contains(&met.hash) {
        return None;
    }
    let events = case.state.window_mut();
    let mut event = SeenEvent::new(met.order, met.hash);
    event.step = after;
    if events.iter().any(|seen| seen.hash == event.hash && seen.step == after) {
        return None;
    }
    insert_exactly(events, events.partition_point(|seen| *seen < event), event);
    // Those before the new one completed nothing without it, and it stands behind them.
    let lasts = events.iter().filter(|last| last.step == 0 && last.order() >= event.order());
    let matched = lasts.clone().find_map(|last| Some((last.order(), chain(events, *last, steps, within)?)));
    let Some((order, used)) = matched else {
        forget_old(events, after, Length(within.0 + met.compiled.rule.limits.late.0));
        return None;
    };
    events.retain(|seen| !used.contains(&seen.hash));
    let count = used.len();
    remember(case, used, count);
    Some(order)
}

/// The hashes of a sequence that ends with `last`: of each step before it the latest.
fn chain(events: &[SeenEvent], last: SeenEvent, steps: usize, within: Length) -> Option<Vec<u64>> {
    let (mut used, mut first) = (vec![last.hash], last);
    for after in 1..steps {
        let is_step = |seen: &&SeenEvent| usize::from(seen.step) == after && seen.order() < first.order();
        first = *events.iter().rev().find(is_step)?;
        used.push(first.hash);
    }
    (first.at + within >= last.at).then_some(used)
}

/// What is too old for the newest, and for one that comes as late as it may, is forgotten; and so are too many.
fn forget_old(events: &mut thin_vec::ThinVec<SeenEvent>, step: u8, reach: Length) {
    if let Some(newest) = events.last().map(|newest| newest.at) {
        events.retain(|seen| seen.at + reach >= newest);
    }
    let max = if step == 0 { LAST_EVENTS_MAX } else { EVENTS_PER_STEP_MAX };
    if events.iter().filter(|seen| seen.step == step).count() > max
        && let Some(oldest) = events.iter().position(|seen| seen.step == step)
    {
        events.remove(oldest);
    }
}
