//! `event`, `count = 3`, `within = "1 day"`: the third within any 24 hours, sliding, half-open `(t - 1 day, t]`. After
//! it holds the count starts anew.
//!
//! The window keeps the last `count` events in the person's order, by the hash of their message ids, so a repeated
//! record counts once. A late event takes its place in the order; it may complete a window whose last event came before.

use super::{Met, Noticed, has_entered_for_ever, remember};
use crate::event::Place;
use crate::state::{Case, CaseState, Occurrence, SeenEvent, insert_exactly};
use crate::time::{Length, Timestamp};
use thin_vec::ThinVec;

pub(crate) fn notice(case: &mut Case, met: &Met<'_>, count: u32, within: Length) -> Noticed {
    if !matches!(case.state, CaseState::Window(_)) {
        case.state = CaseState::Window(ThinVec::new());
    }
    let Some((at, place)) = complete(case, met, count, within) else { return Noticed::Nothing };
    if has_entered_for_ever(case, met) {
        Noticed::OnceEver(at)
    } else {
        Noticed::Holds(Box::new(Occurrence { at, place, ..(met.occurrence)() }))
    }
}

/// Counts the event in the case's window. Where that completes it, the place in the person's order at which it holds: that
/// of the newest event of the window, also when one before it came last.
pub(super) fn complete(
    case: &mut Case,
    met: &Met<'_>,
    count: u32,
    within: Length,
) -> Option<(Timestamp, Place)> {
    // A record that a completed count used up must not count in the next.
    if case.occurrences.contains(&met.hash) {
        return None;
    }
    let events = case.state.window_mut();
    let event = SeenEvent::new(met.order, met.hash);
    if events.iter().any(|seen| seen.hash == event.hash) {
        return None;
    }
    insert_exactly(events, events.partition_point(|seen| *seen < event), event);
    let Some(last) = completed(events, count as usize, within) else {
        if events.len() >= count as usize {
            events.remove(0);
        }
        return None;
    };
    let newest = events[last];
    let used: Vec<u64> = events.drain(..=last).map(|seen| seen.hash).collect();
    // The last completed count is remembered whole, however many it has.
    let count = used.len();
    remember(case, used, count);
    Some(newest.order())
}

/// The index of the last of `count` events that lie within the window.
fn completed(events: &[SeenEvent], count: usize, within: Length) -> Option<usize> {
    let mut windows = events.windows(count);
    windows.position(|window| window[0].at > window[count - 1].at - within).map(|first| first + count - 1)
}
