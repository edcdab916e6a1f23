//! Audience: true at entry, and again when a message is judged.

use super::{Judged, Stop, refuse};
use crate::effect::Refusal;

pub(super) fn stops(judged: &Judged<'_>) -> Option<Stop> {
    let audience = judged.compiled.rule.audience.as_ref()?;
    if audience.holds(&judged.scope) { None } else { refuse(Refusal::Audience) }
}
