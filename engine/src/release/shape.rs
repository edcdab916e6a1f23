//! Whether a rule is still what it was: its names and its status may change without anybody inside being asked.

use crate::rule::Rule;

/// Tells one shape of a rule from another, in this process: all that decides for those inside.
pub(super) fn of(rule: &Rule) -> u64 {
    let Rule { topic, priority, trigger, audience, exits, limits, goal, steps, .. } = rule;
    let decides =
        (topic, priority, &trigger.form, trigger.accepts_unproven, audience, exits, limits, goal, steps);
    xxhash_rust::xxh3::xxh3_64(format!("{decides:?}").as_bytes())
}
