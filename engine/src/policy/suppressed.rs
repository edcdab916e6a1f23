//! Suppressed: nothing may go to this person, or to this address. Not even what is transactional.

use super::{Standing, Stop, refuse_because};
use crate::effect::{Channel, Refusal};

pub(super) fn stops(standing: &Standing<'_>) -> Option<Stop> {
    let opt_outs = standing.person.opt_outs()?;
    // "All off" is about marketing; a bounce or a complaint is about the address, whatever is said to it.
    if opt_outs.all && !standing.is_transactional {
        return refuse_because(Refusal::Suppressed, "opt-out", "all messages off".into(), None);
    }
    let address = standing.person.address().filter(|_| standing.channel == Channel::Email)?;
    if !opt_outs.addresses.iter().any(|out| out.eq_ignore_ascii_case(address)) {
        return None;
    }
    refuse_because(Refusal::Suppressed, "address", "it bounced, or its owner complained".into(), None)
}
