//! A journey goes on: over waits, which need nobody's judgement, to the next step that a tick judges.

use super::wake;
use crate::release::{Compiled, Op, OpKind};
use crate::state::{Aside, Journey, JourneyState};
use crate::time::Timestamp;

/// From when the next step counts: the outcome of the one before, or the moment at which that was due if it takes no time.
#[derive(Clone, Copy, Debug)]
pub(super) struct From {
    pub at: Timestamp,
    pub is_never_late: bool,
}

impl From {
    /// The step before it is over at this time.
    pub fn outcome(at: Timestamp) -> From {
        From { at, is_never_late: false }
    }
}

/// Lets a journey go on with the step of this number. False when nothing is left to do. `aside` is its person's.
pub(super) fn advance(
    journey: &mut Journey,
    compiled: &Compiled,
    to: u32,
    from: From,
    aside: &mut Option<Box<Aside>>,
) -> bool {
    let From { at: mut due_at, mut is_never_late } = from;
    let mut grace = crate::time::Length::ZERO;
    journey.step = to;
    // Who has left waits no longer: the next message is refused at the next tick, and that is recorded.
    let waits = journey.exited.is_none();
    while let Some(op) = op_of(compiled, journey) {
        match &op.kind {
            OpKind::Wait(length) => {
                due_at = if waits { due_at + *length } else { due_at };
                journey.step = op.next;
            }
            OpKind::WaitUntil { otherwise, .. } if !waits => journey.step = *otherwise,
            OpKind::WaitUntil { timeout, then, .. } => {
                is_never_late = false;
                let Some(heard_at) = wake::take_heard(journey, due_at, *timeout, aside) else {
                    (due_at, grace) = (due_at + *timeout, compiled.rule.limits.grace);
                    break;
                };
                compiled.program.note_way(journey.step, *then);
                (due_at, journey.step) = (heard_at, *then);
            }
            OpKind::WaitFor(_) if !waits => journey.step = op.next,
            OpKind::WaitFor(_)
            | OpKind::Message(_)
            | OpKind::If { .. }
            | OpKind::Split(_)
            | OpKind::Set(_)
            | OpKind::Exit => break,
        }
    }
    journey.state = JourneyState::Due { due_at, ready_at: due_at + grace, is_never_late };
    op_of(compiled, journey).is_some()
}

/// The step at which a journey stands.
pub(super) fn op_of<'c>(compiled: &'c Compiled, journey: &Journey) -> Option<&'c Op> {
    compiled.program.op(journey.step)
}
