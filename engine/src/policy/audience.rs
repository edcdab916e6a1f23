//! Audience: true at entry, and again when a message is standing.

use super::{Standing, Stop, refuse};
use crate::effect::Refusal;

pub(super) fn stops(standing: &Standing<'_>) -> Option<Stop> {
    let audience = standing.compiled.rule.audience.as_ref()?;
    if audience.holds(&standing.scope) { None } else { refuse(Refusal::Audience) }
}
