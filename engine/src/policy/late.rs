//! Late: judged too long after it was due. This one rule covers imported history, long stops and deadlines older than
//! the release (architecture.md, "Time"). It covers what has expired, too: no gate would let it leave, whatever held it
//! until now, so a replay must not say that it was sent.

use super::{Judged, Stop, refuse_because};
use crate::effect::Refusal;
use crate::release::Compiled;
use crate::rule::MessageStep;
use crate::time::Length;

/// How long after it was due a message step is still judged.
pub(crate) fn behind_max(compiled: &Compiled, message: &MessageStep) -> Length {
    compiled.rule.limits.late.min(message.expires)
}

pub(super) fn stops(judged: &Judged<'_>) -> Option<Stop> {
    // A message that waits for its cap may wait until it expires. One that an exit brought forward was due later.
    if judged.is_never_late {
        return None;
    }
    behind(judged, behind_max(judged.compiled, judged.message))
}

/// Asked of what [`stops`] passes over, and last of what refuses: it may have waited beyond its end.
pub(super) fn expired_stops(judged: &Judged<'_>) -> Option<Stop> {
    behind(judged, judged.message.expires)
}

fn behind(judged: &Judged<'_>, most: Length) -> Option<Stop> {
    let behind = judged.now.since(judged.due_at);
    if behind <= most {
        return None;
    }
    refuse_because(Refusal::Late, "judged", format!("{behind} after it was due, at most {most}"), None)
}
