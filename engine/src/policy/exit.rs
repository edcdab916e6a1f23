//! Exit: a record after the one that completed the trigger ended the journey.

use super::{Standing, Stop, refuse_because};
use crate::effect::Refusal;

pub(super) fn stops(standing: &Standing<'_>) -> Option<Stop> {
    let exited = standing.exited?;
    let value = format!("{} at {}", exited.event_name, exited.at);
    // What a step has set came with no event.
    let event = Some(&*exited.message_id).filter(|id| !id.is_empty());
    refuse_because(Refusal::Exit, "exit", value, event)
}
