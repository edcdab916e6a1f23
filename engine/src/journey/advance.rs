//! A journey goes on: over waits, which need nobody's judgement, to the next step that a tick judges.

use crate::release::{Compiled, Op, OpKind};
use crate::state::{Journey, JourneyState};
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

/// Lets a journey go on with the step of this number. False when nothing is left to do.
pub(super) fn advance(journey: &mut Journey, compiled: &Compiled, to: u32, from: From) -> bool {
    let mut due_at = from.at;
    let mut number = to;
    while let Some(op) = compiled.program.op(number) {
        let OpKind::Wait(length) = &op.kind else { break };
        // Who has left waits no longer: the next message is refused at the next tick, and that is recorded.
        if journey.exited.is_none() {
            due_at = due_at + *length;
        }
        number = op.next;
    }
    journey.step = number;
    journey.state = JourneyState::Due { due_at, ready_at: due_at, is_never_late: from.is_never_late };
    compiled.program.op(number).is_some()
}

/// The step at which a journey stands.
pub(super) fn op_of<'c>(compiled: &'c Compiled, journey: &Journey) -> Option<&'c Op> {
    compiled.program.op(journey.step)
}
