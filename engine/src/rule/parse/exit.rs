//! `[exit]`: an event, a condition about the person, or any of several of these.

use super::condition::{self, About};
use super::trigger::other_key;
use crate::rule::condition::Path;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems, Table};
use crate::rule::{EventMatch, Exit};
use std::sync::Arc;

/// All exits of a rule; `key` is the trigger's.
pub(super) fn parse(
    problems: &mut Problems,
    item: &Item<'_>,
    key: Option<&Path>,
    is_unproven: bool,
) -> Vec<Exit> {
    let Some(mut table) = item.table(problems) else { return Vec::new() };
    let Some(any) = table.take("any") else {
        return one(problems, table, key, is_unproven).into_iter().collect();
    };
    for beside in ["event", "where", "key"] {
        if let Some(item) = table.take(beside) {
            let message = format!("`any` stands alone in `exit`, found `{beside}` beside it");
            problems.error(Code::ContradictoryForm, &item.key_place, message).with_help("put it into `any`");
        }
    }
    table.finish(problems, &[]);
    let elements = any.elements(problems).unwrap_or_default();
    if elements.is_empty() && any.value.is_array() {
        problems.error(Code::BadValue, &any.place, "expected at least one exit in `any`");
    }
    let tables: Vec<_> = elements.iter().filter_map(|element| element.table(problems)).collect();
    tables.into_iter().filter_map(|table| one(problems, table, key, is_unproven)).collect()
}

fn one(problems: &mut Problems, mut table: Table<'_>, key: Option<&Path>, is_unproven: bool) -> Option<Exit> {
    let place = table.place.clone();
    let event = table.take("event");
    let tests = table.take("where");
    let other = table.take("key");
    table.finish(problems, &[]);
    let Some(event) = event else {
        if let Some(other) = other {
            let message = "`key` needs `event`: it says where the key stands in that event";
            problems.error(Code::ContradictoryForm, &other.key_place, message);
        }
        if tests.is_none() {
            let message = "missing key `event` or `where`: what ends the journey";
            problems
                .error(Code::MissingKey, &place, message)
                .with_help("add event = \"Project Created\", or leave [exit] out");
        }
        return condition::parse(problems, &tests?, About::PersonAndPast { is_unproven }).map(Exit::Person);
    };
    let condition =
        tests.and_then(|item| condition::parse(problems, &item, About::RecordAndPast { is_unproven }));
    let key = other.and_then(|item| other_key(problems, &item, key)).or_else(|| key.cloned());
    let event = event.words(problems)?;
    Some(Exit::Event(EventMatch { event: Arc::from(event), condition, key }))
}
