//! Topic opt-out: the person wants no more of this topic.

use super::{Judged, Stop, refuse_because};
use crate::effect::Refusal;

pub(super) fn stops(judged: &Judged<'_>) -> Option<Stop> {
    let topic = judged.message.topic.as_deref().filter(|_| !judged.message.is_transactional)?;
    if !judged.person.opt_outs()?.has_topic(topic) {
        return None;
    }
    refuse_because(Refusal::TopicOptOut, "opt-out", topic.to_string(), None)
}
