//! No address: mail for somebody without `traits.email`.

use super::{Judged, Stop, refuse};
use crate::effect::{Channel, Refusal};

pub(super) fn stops(judged: &Judged<'_>) -> Option<Stop> {
    match judged.message.channel {
        Channel::Email if judged.person.address().is_none() => refuse(Refusal::NoAddress),
        Channel::Email | Channel::InProduct => None,
    }
}
