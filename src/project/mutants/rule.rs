//! The tables of a rule, key by key: what a key means is the same wherever it stands.

use super::draft::{Down, Drafts, below, element};
use super::{conditions, lengths, steps};
use toml::{Table, Value};

/// What no rule test can see: words, the arms, the gate, and the order among rules.
const UNSEEN: [&str; 14] = [
    "name",
    "description",
    "owner",
    "topic",
    "tags",
    "status",
    "priority",
    "on_change",
    "formerly",
    "goal",
    "expect",
    "max_per_hour",
    "template",
    "set",
];

const NEVER_HAPPENS: &str = "a test in which this event changes what is sent";
const UNASKED: &str = "a test in which this changes what is sent";
const KEPT_OUT: &str = "a test with somebody who is left alone because of this";

pub(super) fn change(drafts: &mut Drafts<'_>) {
    change_table(drafts, &[], drafts.original());
}

/// Every key of a table, and what is inside it.
pub(super) fn change_table(drafts: &mut Drafts<'_>, place: &[Down], table: &Table) {
    for (key, value) in table.iter().filter(|(key, _)| !UNSEEN.contains(&key.as_str())) {
        change_key(drafts, &below(place, key), key, value, place.is_empty());
    }
}

fn change_key(drafts: &mut Drafts<'_>, place: &[Down], key: &str, value: &Value, is_top: bool) {
    match (key, value) {
        ("event", Value::String(name)) => event(drafts, place, name),
        ("without", value) => {
            // A window alone means nothing.
            drafts.remove(place, &["within", "repeat"], NEVER_HAPPENS);
            match value {
                Value::String(name) => event(drafts, place, name),
                Value::Table(table) => change_table(drafts, place, table),
                _ => {}
            }
        }
        ("sequence" | "events", Value::Array(events)) => list_of_events(drafts, place, key, events),
        ("where", Value::Table(tests)) => {
            conditions::remove_whole(drafts, place);
            conditions::change(drafts, place, tests);
        }
        ("if" | "enters" | "leaves", Value::Table(tests)) => conditions::change(drafts, place, tests),
        ("audience", Value::Table(table)) => audience(drafts, place, table),
        ("exit", Value::Table(table)) if is_top => exit(drafts, place, table),
        ("step" | "then" | "else" | "steps", Value::Array(list)) => steps::change(drafts, place, list),
        ("split", Value::Array(parts)) => {
            for (at, part) in parts.iter().enumerate() {
                let Value::Table(table) = part else { continue };
                change_table(drafts, &element(place, at), table);
            }
        }
        ("count", Value::Integer(count)) => lengths::change_count(drafts, place, *count),
        ("count", Value::Table(operators)) => conditions::change_operators(drafts, place, operators),
        ("count", _) => {}
        ("once_per", Value::String(text)) => once_per(drafts, place, text),
        ("at" | "wait_for", Value::String(text)) => lengths::change_time_of_day(drafts, place, text),
        ("cron", Value::String(text)) => lengths::change_cron(drafts, place, text),
        ("offset", Value::String(text)) => {
            drafts.remove(place, &[], UNASKED);
            lengths::change(drafts, place, text);
        }
        ("repeat" | "key" | "on_cap", Value::String(_)) => drafts.remove(place, &[], UNASKED),
        ("or_never" | "backfill" | "unproven" | "transactional", Value::Boolean(true)) => {
            drafts.remove(place, &[], UNASKED);
        }
        ("mutes", Value::Table(table)) => {
            drafts.remove(place, &[], KEPT_OUT);
            change_table(drafts, place, table);
        }
        ("within" | "wait" | "inactive_for" | "late" | "grace" | "expires" | "for" | "timeout", value) => {
            if let Value::String(text) = value {
                lengths::change(drafts, place, text);
            }
        }
        (_, Value::Table(table)) => change_table(drafts, place, table),
        (_, _) => {}
    }
}

/// One that never comes.
fn event(drafts: &mut Drafts<'_>, place: &[Down], name: &str) {
    drafts.set(place, Value::String(format!("{name} (never)")), NEVER_HAPPENS);
}

fn list_of_events(drafts: &mut Drafts<'_>, place: &[Down], key: &str, events: &[Value]) {
    for (at, value) in events.iter().enumerate() {
        let place = element(place, at);
        match value {
            Value::String(name) => event(drafts, &place, name),
            Value::Table(table) => change_table(drafts, &place, table),
            _ => {}
        }
        if events.len() > 1 {
            drafts.remove(&place, &[], NEVER_HAPPENS);
        }
        if at > 0 && key == "sequence" {
            let change = format!("sequence step {at} and {} change places", at + 1);
            drafts.swap(&place, change, "a test with these events the other way round");
        }
    }
}

/// It goes with its `where`.
fn audience(drafts: &mut Drafts<'_>, place: &[Down], table: &Table) {
    drafts.remove(place, &[], KEPT_OUT);
    if let Some(Value::Table(tests)) = table.get("where") {
        conditions::change(drafts, &below(place, "where"), tests);
    }
}

fn exit(drafts: &mut Drafts<'_>, place: &[Down], table: &Table) {
    drafts.remove(place, &[], "a test in which somebody leaves between two steps");
    let Some(Value::Array(any)) = table.get("any") else {
        change_table(drafts, place, table);
        return;
    };
    let place = below(place, "any");
    for (at, value) in any.iter().enumerate() {
        let place = element(&place, at);
        if any.len() > 1 {
            drafts.remove(&place, &[], "a test in which somebody leaves by this");
        }
        if let Value::Table(table) = value {
            change_table(drafts, &place, table);
        }
    }
}

fn once_per(drafts: &mut Drafts<'_>, place: &[Down], text: &str) {
    let hint = "a test in which the trigger holds twice: soon, and after all of it is over";
    drafts.remove(place, &[], hint);
    if text != "always" {
        drafts.set(place, Value::String("always".to_owned()), hint);
    }
    lengths::change(drafts, place, text);
}
