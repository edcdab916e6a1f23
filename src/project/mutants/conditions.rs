//! `where` and its like: tests taken away, comparisons turned, groups confused.

use super::draft::{Down, Drafts, below, element};
use super::{lengths, rule};
use toml::{Table, Value};

const WITHOUT_TEST: &str = "a test with somebody or something that only this condition keeps out";
const TURNED: &str = "a test on either side of the condition, and one at its very boundary";
const VALUE: &str = "a test that passes by this very value";

/// What each operator is taken for.
const OTHERS: [(&str, &[&str]); 12] = [
    ("gt", &["gte", "lt"]),
    ("gte", &["gt", "lte"]),
    ("lt", &["lte", "gt"]),
    ("lte", &["lt", "gte"]),
    ("not", &["equal"]),
    ("in", &["not_in"]),
    ("not_in", &["in"]),
    ("starts_with", &["ends_with", "contains"]),
    ("ends_with", &["starts_with", "contains"]),
    ("contains", &["starts_with"]),
    ("did", &["did_not"]),
    ("did_not", &["did"]),
];

/// A table of tests. The last one does not go: what holds it goes as a whole, see [`remove_whole`].
pub(super) fn change(drafts: &mut Drafts<'_>, place: &[Down], tests: &Table) {
    for (key, value) in tests {
        let place = below(place, key);
        if tests.len() > 1 {
            drafts.remove(&place, &[], WITHOUT_TEST);
        }
        match (key.as_str(), value) {
            ("any" | "all" | "none", Value::Array(parts)) => group(drafts, &place, key, parts),
            ("did" | "did_not", Value::Table(table)) => {
                turn(drafts, &place, key);
                rule::change_table(drafts, &place, table);
            }
            (_, Value::Table(operators)) => change_operators(drafts, &place, operators),
            (_, value) => {
                let mut not = Table::new();
                not.insert("not".to_owned(), value.clone());
                drafts.set(&place, Value::Table(not), TURNED);
            }
        }
    }
}

/// The whole `where` of something that needs none.
pub(super) fn remove_whole(drafts: &mut Drafts<'_>, place: &[Down]) {
    drafts.remove(place, &[], WITHOUT_TEST);
}

fn group(drafts: &mut Drafts<'_>, place: &[Down], key: &str, parts: &[Value]) {
    let other = if key == "all" { "any" } else { "all" };
    drafts.rename(place, other, TURNED);
    for (at, part) in parts.iter().enumerate() {
        let place = element(place, at);
        if parts.len() > 1 {
            drafts.remove(&place, &[], WITHOUT_TEST);
        }
        if let Value::Table(tests) = part {
            change(drafts, &place, tests);
        }
    }
}

/// `{ gte = 10, lt = 20 }`, of a value or of a count.
pub(super) fn change_operators(drafts: &mut Drafts<'_>, place: &[Down], operators: &Table) {
    for (name, operand) in operators {
        let place = below(place, name);
        if operators.len() > 1 {
            drafts.remove(&place, &[], WITHOUT_TEST);
        }
        turn(drafts, &place, name);
        match operand {
            Value::Boolean(is) => drafts.set(&place, Value::Boolean(!is), TURNED),
            Value::Array(values) if name == "between" => ends(drafts, &place, values),
            Value::Array(values) if values.len() > 1 => {
                (0..values.len()).for_each(|at| drafts.remove(&element(&place, at), &[], VALUE));
            }
            Value::Integer(number) => lengths::change_count(drafts, &place, *number),
            Value::String(text) => relative(drafts, &place, text),
            Value::Float(_) | Value::Array(_) | Value::Table(_) | Value::Datetime(_) => {}
        }
    }
}

fn turn(drafts: &mut Drafts<'_>, place: &[Down], name: &str) {
    let others = OTHERS.iter().find(|(operator, _)| *operator == name).map(|(_, others)| *others);
    for other in others.unwrap_or_default() {
        // Equality has no name.
        if *other == "equal" {
            let Some((_, parent)) = place.split_last() else { return };
            let change = "not is equal".to_owned();
            drafts.add(place, parent, change, TURNED, |value| {
                if let Some(operand) = value.as_table().and_then(|table| table.get("not")).cloned() {
                    *value = operand;
                }
            });
        } else {
            drafts.rename(place, other, TURNED);
        }
    }
}

fn ends(drafts: &mut Drafts<'_>, place: &[Down], values: &[Value]) {
    for (at, value) in values.iter().enumerate() {
        let place = element(place, at);
        match value {
            Value::Integer(number) => lengths::change_count(drafts, &place, *number),
            Value::String(text) => relative(drafts, &place, text),
            _ => {}
        }
    }
}

/// `now - 7 days`: another sign.
fn relative(drafts: &mut Drafts<'_>, place: &[Down], text: &str) {
    if !text.starts_with("now") {
        return;
    }
    let other = if text.contains('-') { text.replacen('-', "+", 1) } else { text.replacen('+', "-", 1) };
    if other != text {
        drafts.set(place, Value::String(other), TURNED);
    }
}
