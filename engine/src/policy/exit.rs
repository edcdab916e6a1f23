//! Exit: a record after the one that completed the trigger ended the journey.

use super::{Standing, Stop, refuse_because};
use crate::effect::Refusal;

pub(super) fn stops(standing: &Standing<'_>) -> Option<Stop> {
    let exited = standing.exited?;
    let value = format!("{} at {}", exited.event_name, exited.at);
    refuse_because(Refusal::Exit, "exit", value, Some(&exited.message_id))
}
