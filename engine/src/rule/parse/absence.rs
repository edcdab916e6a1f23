//! `without` beside a first part, and `repeat`: what must not happen after it.

use super::condition::{self, About};
use super::trigger::{Keys, other_key};
use crate::rule::condition::Path;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems};
use crate::rule::{EventMatch, FirstPart, Repeat, TriggerForm};
use crate::time::Length;
use std::sync::Arc;
use toml::de::DeValue;

/// The form that begins with this first part; `within` is what stands in `[trigger]`.
pub(super) fn parse(
    problems: &mut Problems,
    keys: &Keys<'_>,
    first: Option<FirstPart>,
    key: Option<&Path>,
    within: Option<Length>,
) -> Option<TriggerForm> {
    if let (Some(repeat), None) = (&keys.repeat, &keys.without) {
        let message = "`repeat` says what a pending wait does: it needs `without`";
        problems.error(Code::ContradictoryForm, &repeat.key_place, message);
    }
    let Some(without) = &keys.without else {
        if let (Some(within), None) = (&keys.within, keys.whose_within()) {
            let message = "`within` needs `count` or `without`: how often within, or what does not happen";
            problems.error(Code::ContradictoryForm, &within.key_place, message);
        }
        return first.map(TriggerForm::Happens);
    };
    let repeat = keys.repeat.as_ref().and_then(|item| item.choice(problems, &[("restart", Repeat::Restart)]));
    let (without, within) = absence(problems, without, keys, key, within)?;
    Some(TriggerForm::Absence { first: first?, without, within, repeat: repeat.unwrap_or_default() })
}

impl Keys<'_> {
    /// The first part that has a `within` of its own.
    fn whose_within(&self) -> Option<&'static str> {
        let sequence = self.sequence.as_ref().map(|_| "sequence");
        sequence.or(self.count.as_ref().map(|_| "count"))
    }
}

/// What must not happen, and within what time. With a first part that has a `within` of its own only the long form says it:
/// in the short one a single `within` would have two meanings.
fn absence(
    problems: &mut Problems,
    item: &Item<'_>,
    keys: &Keys<'_>,
    key: Option<&Path>,
    outer: Option<Length>,
) -> Option<(EventMatch, Length)> {
    if let (Some(whose), DeValue::String(event)) = (keys.whose_within(), item.value) {
        let help = format!("write without = {{ event = \"{event}\", within = \"3 days\" }}");
        let message = format!("with `{whose}`, `within` is the {whose}'s: `without` needs one of its own");
        problems.error(Code::ContradictoryForm, &item.key_place, message).with_help(help);
        return None;
    }
    let without = without_match(problems, item, key)?;
    if keys.whose_within().is_some() {
        without.require_within(problems, item);
        return Some((without.matching?, without.within?));
    }
    match (&keys.within, &without.within_item) {
        (Some(_), Some(inner)) => {
            let message = "`within` is said twice: in `trigger` and in `without`";
            problems
                .error(Code::ContradictoryForm, &inner.key_place, message)
                .with_help("leave one of them out");
        }
        (None, _) => without.require_within(problems, item),
        (Some(_), None) => {}
    }
    Some((without.matching?, without.within.or(outer)?))
}
/// What must not happen, in either form.
struct Without<'d> {
    matching: Option<EventMatch>,
    within: Option<Length>,
    within_item: Option<Item<'d>>,
}

impl Without<'_> {
    fn require_within(&self, problems: &mut Problems, item: &Item<'_>) {
        if self.within_item.is_none() {
            let message = "`without` needs `within`: how long to wait for it";
            problems
                .error(Code::ContradictoryForm, &item.key_place, message)
                .with_help("add within = \"3 days\"");
        }
    }
}

fn without_match<'d>(problems: &mut Problems, item: &Item<'d>, key: Option<&Path>) -> Option<Without<'d>> {
    if item.value.is_str() {
        let event = item.words(problems)?;
        let matching = EventMatch { event: Arc::from(event), condition: None, key: key.cloned() };
        return Some(Without { matching: Some(matching), within: None, within_item: None });
    }
    if !item.value.is_table() {
        item.wrong_type(problems, "an event's name, or a table { event, where, within }");
        return None;
    }
    let mut table = item.table(problems)?;
    let event = table
        .require(problems, "event", "add event = \"Project Created\"")
        .and_then(|item| item.words(problems));
    let condition = table.take("where").and_then(|item| condition::parse(problems, &item, About::Record));
    let own_key = table.take("key").and_then(|item| other_key(problems, &item, key));
    let within_item = table.take("within");
    table.finish(problems, &[]);
    let within = within_item.as_ref().and_then(|item| item.length(problems));
    let key = own_key.or_else(|| key.cloned());
    let matching = event.map(|event| EventMatch { event: Arc::from(event), condition, key });
    Some(Without { matching, within, within_item })
}
