//! The order of keys, as rules.md's example has it. Keys that it does not name follow as they were written.

use super::Kind;
use toml_edit::{Item, Table};

const RULE: [&str; 17] = [
    "name",
    "description",
    "owner",
    "topic",
    "status",
    "tags",
    "priority",
    "unproven",
    "formerly",
    "on_change",
    "trigger",
    "audience",
    "exit",
    "limits",
    "goal",
    "expect",
    "step",
];
const TRIGGER: [&str; 20] = [
    "event",
    "sequence",
    "where",
    "key",
    "inactive_for",
    "events",
    "or_never",
    "enters",
    "leaves",
    "date",
    "offset",
    "at",
    "cron",
    "timezone",
    "spread",
    "count",
    "without",
    "within",
    "repeat",
    "backfill",
];
const EVENT: [&str; 5] = ["event", "where", "key", "within", "holdout"];
const LIMITS: [&str; 5] = ["once_per", "late", "grace", "max_per_hour", "mutes"];
const STEP: [&str; 18] = [
    "name",
    "email",
    "in_product",
    "webhook",
    "wait",
    "wait_until",
    "wait_for",
    "if",
    "split",
    "set",
    "exit",
    "topic",
    "on_cap",
    "expires",
    "transactional",
    "then",
    "else",
    "steps",
];
const TEST: [&str; 5] = ["name", "given", "until", "arm", "expect"];

/// The order of the keys of a table, by its name; none for those that may be in any.
pub(super) fn keys(kind: Kind, table: &str) -> Vec<&'static str> {
    match (kind, table) {
        (Kind::Rule, "") => RULE.to_vec(),
        (Kind::Rule, "trigger") => TRIGGER.to_vec(),
        (Kind::Rule, "exit" | "goal" | "audience") => EVENT.to_vec(),
        (Kind::Rule, "limits") => LIMITS.to_vec(),
        (Kind::Rule, "step" | "then" | "else") => STEP.to_vec(),
        (Kind::RuleTest, "test") => TEST.to_vec(),
        // In outreach.toml sections and their comments are in the order that their writer tells them in.
        (Kind::Settings | Kind::Rule | Kind::RuleTest, _) => Vec::new(),
    }
}

/// As `keys`; where a `without` has a `within` of its own, the trigger's belongs to the count and goes before it.
pub(super) fn keys_beside(kind: Kind, name: &str, table: &Table) -> Vec<&'static str> {
    let mut order = keys(kind, name);
    let has_long_form = table.get("without").is_some_and(Item::is_table_like);
    if let (true, Some(without)) = (has_long_form, order.iter().position(|key| *key == "without")) {
        order.swap(without, without + 1);
    }
    order
}

pub(super) fn rank(order: &[&str], key: &str) -> usize {
    order.iter().position(|known| *known == key).unwrap_or(order.len())
}
