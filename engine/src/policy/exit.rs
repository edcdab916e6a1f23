//! Exit: a record after the one that completed the trigger ended the journey.

use super::{Judged, Stop, refuse_because};
use crate::effect::Refusal;

pub(super) fn stops(judged: &Judged<'_>) -> Option<Stop> {
    let exited = judged.journey.exited.as_ref()?;
    let value = format!("{} at {}", exited.event_name, exited.at);
    refuse_because(Refusal::Exit, "exit", value, Some(&exited.message_id))
}
