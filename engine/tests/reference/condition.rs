//! Conditions of rules.md over plain JSON, each test written out.

use serde_json::Value as Json;
use std::cmp::Ordering;
use toml::{Table, Value};

/// What a condition may look at.
#[derive(Clone, Copy)]
pub struct Scope<'s> {
    pub properties: &'s Json,
    pub traits: &'s Json,
    pub context: &'s Json,
    pub event_name: &'s str,
}

/// All tests of a table hold.
pub fn holds(condition: &Table, scope: Scope<'_>) -> bool {
    let each = |list: &Value| -> Vec<bool> {
        let list = list.as_array().expect("a list").iter();
        list.map(|one| holds(one.as_table().expect("a condition"), scope)).collect()
    };
    condition.iter().all(|(path, test)| match path.as_str() {
        "any" => each(test).contains(&true),
        "all" => !each(test).contains(&false),
        "none" => !each(test).contains(&true),
        path => test_holds(test, value_at(path, scope).as_ref()),
    })
}

fn test_holds(test: &Value, found: Option<&Json>) -> bool {
    let Some(tests) = test.as_table() else { return found.is_some_and(|found| equal(found, test)) };
    tests.iter().all(|(word, wanted)| one_holds(word, wanted, found))
}

/// A missing path makes every test false, save `exists = false`, `not` and `not_in`.
fn one_holds(word: &str, wanted: &Value, found: Option<&Json>) -> bool {
    let list = || wanted.as_array().expect("a list");
    match (word, found) {
        ("exists", found) => wanted.as_bool() == Some(found.is_some()),
        ("not", found) => !found.is_some_and(|found| equal(found, wanted)),
        ("not_in", found) => !found.is_some_and(|found| list().iter().any(|one| equal(found, one))),
        (_, None) => false,
        ("in", Some(found)) => list().iter().any(|one| equal(found, one)),
        ("gt", Some(found)) => compare(found, wanted) == Some(Ordering::Greater),
        ("gte", Some(found)) => compare(found, wanted).is_some_and(Ordering::is_ge),
        ("lt", Some(found)) => compare(found, wanted) == Some(Ordering::Less),
        ("lte", Some(found)) => compare(found, wanted).is_some_and(Ordering::is_le),
        ("between", Some(found)) => {
            compare(found, &list()[0]).is_some_and(Ordering::is_ge)
                && compare(found, &list()[1]).is_some_and(Ordering::is_le)
        }
        ("starts_with", Some(found)) => text(found, wanted).is_some_and(|(all, part)| all.starts_with(part)),
        ("ends_with", Some(found)) => text(found, wanted).is_some_and(|(all, part)| all.ends_with(part)),
        ("contains", Some(Json::Array(items))) => items.iter().any(|item| equal(item, wanted)),
        ("contains", Some(found)) => text(found, wanted).is_some_and(|(all, part)| all.contains(part)),
        (other, Some(_)) => panic!("no test: {other}"),
    }
}

fn text<'v>(found: &'v Json, wanted: &'v Value) -> Option<(&'v str, &'v str)> {
    Some((found.as_str()?, wanted.as_str()?))
}

fn equal(found: &Json, wanted: &Value) -> bool {
    match (found, wanted) {
        (Json::String(found), Value::String(wanted)) => found == wanted,
        (Json::Bool(found), Value::Boolean(wanted)) => found == wanted,
        _ => compare(found, wanted) == Some(Ordering::Equal),
    }
}

/// Numbers compare as numbers, whatever way they are written.
fn compare(found: &Json, wanted: &Value) -> Option<Ordering> {
    let wanted = wanted.as_float().or_else(|| wanted.as_integer().map(|whole| whole as f64))?;
    found.as_f64()?.partial_cmp(&wanted)
}

/// What stands at a path; `null` is as good as missing.
pub fn value_at(path: &str, scope: Scope<'_>) -> Option<Json> {
    if path == "event.name" {
        return Some(scope.event_name.into());
    }
    let mut names = path.split('.');
    let root = match names.next() {
        Some("properties") => scope.properties,
        Some("traits") => scope.traits,
        Some("context") => scope.context,
        other => panic!("no root: {other:?}"),
    };
    let found = names.try_fold(root, |value, name| match value {
        Json::Array(items) => items.get(name.parse::<usize>().ok()?),
        value => value.get(name),
    })?;
    (!found.is_null()).then(|| found.clone())
}

/// The text of a value that may be a key.
pub fn key_at(path: &str, scope: Scope<'_>) -> Option<String> {
    match value_at(path, scope)? {
        Json::String(text) => (!text.is_empty()).then_some(text),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Array(_) | Json::Object(_) | Json::Null => None,
    }
}
