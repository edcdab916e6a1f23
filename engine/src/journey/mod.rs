//! A person's way through the steps of a rule: it is entered, its message steps are judged, and it goes on, or ends.

pub(crate) mod backfill;
pub(crate) mod begin;
mod decide;
pub(crate) mod enter;
pub(crate) mod exit;
pub(crate) mod judge;
pub(crate) mod outcome;
pub(crate) mod past;
pub mod render;
pub(crate) mod silence;
mod shown;
pub(crate) mod turnover;

use crate::release::Compiled;
use crate::rule::{Rule, StepKind};
use crate::state::{Journey, JourneyState};
use crate::time::{Length, Timestamp};

/// The first message step from the step `from` on, and how long is waited before it.
fn next_message(rule: &Rule, from: usize) -> Option<(usize, Length)> {
    let mut waited = Length::ZERO;
    for (index, step) in rule.steps.iter().enumerate().skip(from) {
        match &step.kind {
            StepKind::Message(_) => return Some((index, waited)),
            StepKind::Wait(length) => waited.0 += length.0,
        }
    }
    None
}

/// Moves a journey on to its next message step, counted from the outcome of the one before. False when there is none.
fn advance(journey: &mut Journey, compiled: &Compiled, outcome_at: Timestamp) -> bool {
    let Some((step, waited)) = next_message(&compiled.rule, journey.step as usize + 1) else { return false };
    journey.step = step as u32;
    // Who has left waits no longer: the step is refused at the next tick, and that is recorded.
    let due_at = if journey.exited.is_some() { outcome_at } else { outcome_at + waited };
    journey.state = JourneyState::Due { due_at, ready_at: due_at, is_never_late: false };
    true
}
