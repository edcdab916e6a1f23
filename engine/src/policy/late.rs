//! Late: judged too long after it was due. This one rule covers imported history, long stops and deadlines older than
//! the release (architecture.md, "Time").

use super::{Judged, Stop, refuse_because};
use crate::effect::Refusal;

pub(super) fn stops(judged: &Judged<'_>) -> Option<Stop> {
    // A message that waits for its cap may wait until it expires; then it is the cap that refused it. One that an exit
    // brought forward was due later.
    if judged.is_never_late {
        return None;
    }
    let behind = judged.now.since(judged.due_at);
    let late = judged.compiled.rule.limits.late;
    if behind <= late {
        return None;
    }
    refuse_because(Refusal::Late, "judged", format!("{behind} after it was due, at most {late}"), None)
}
