//! Topic opt-out: the person wants no more of this topic.

use super::{Standing, Stop, refuse_because};
use crate::effect::Refusal;

pub(super) fn stops(standing: &Standing<'_>) -> Option<Stop> {
    let topic = standing.topic.filter(|_| !standing.is_transactional)?;
    if !standing.person.opt_outs()?.has_topic(topic) {
        return None;
    }
    refuse_because(Refusal::TopicOptOut, "opt-out", topic.to_string(), None)
}
