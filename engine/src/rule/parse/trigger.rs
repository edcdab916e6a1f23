//! `[trigger]`: which of the forms it is, and that its keys belong to that form.

use super::condition::{self, About};
use crate::rule::condition::Path;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Place, Problems};
use crate::rule::{EventMatch, FirstPart, Repeat, Trigger, TriggerForm};
use crate::time::Length;
use std::sync::Arc;
use toml::de::DeValue;

const NOT_BUILT: [&str; 13] = [
    "sequence",
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
    "backfill",
];

/// A sliding count keeps its last `count` events of each person and key: this bounds what it keeps (8 kB).
const COUNT_MAX: i64 = 1_000;

/// The keys of the table, each read by itself.
struct Parts<'d> {
    place: Place<'d>,
    event: Option<EventMatch>,
    count: Option<Item<'d>>,
    within: Option<Item<'d>>,
    without: Option<Item<'d>>,
    repeat: Option<Item<'d>>,
}

pub(super) fn parse(problems: &mut Problems, item: &Item<'_>, accepts_unproven: bool) -> Option<Trigger> {
    let mut table = item.table(problems)?;
    let event_item = table.take("event");
    let event = event_item.as_ref().and_then(|item| item.words(problems));
    let condition = table.take("where").and_then(|item| condition::parse(problems, &item, About::Record));
    let key = table.take("key").and_then(|item| key_path(problems, &item));
    let parts = Parts {
        place: table.place.clone(),
        event: event.map(|event| EventMatch { event: Arc::from(event), condition, key }),
        count: table.take("count"),
        within: table.take("within"),
        without: table.take("without"),
        repeat: table.take("repeat"),
    };
    let has_other_form = table.finish(problems, &NOT_BUILT);
    if event_item.is_none() && !has_other_form {
        let message = "missing key `event` in `trigger`: what sets the rule off";
        problems.error(Code::MissingKey, &parts.place, message).with_help("add event = \"Signed Up\"");
    }
    // With a form that is not built, what goes together is that form's to say.
    let form = if has_other_form { None } else { form(problems, parts) };
    form.map(|form| Trigger { form, accepts_unproven })
}

/// The path of a key: in the record.
pub(super) fn key_path(problems: &mut Problems, item: &Item<'_>) -> Option<Path> {
    let text = item.text(problems)?;
    condition::path(problems, text, &item.place, About::Record)
}

fn form(problems: &mut Problems, parts: Parts<'_>) -> Option<TriggerForm> {
    if let (Some(repeat), None) = (&parts.repeat, &parts.without) {
        let message = "`repeat` says what a pending wait does: it needs `without`";
        problems.error(Code::ContradictoryForm, &repeat.key_place, message);
    }
    let within = parts.within.as_ref().and_then(|item| item.length(problems));
    let first = match &parts.count {
        Some(count) => count_form(problems, count, &parts, within),
        None => parts.event.clone().map(FirstPart::Event),
    };
    let Some(without) = &parts.without else {
        if let (Some(within), None) = (&parts.within, &parts.count) {
            let message = "`within` needs `count` or `without`: how often within, or what does not happen";
            problems.error(Code::ContradictoryForm, &within.key_place, message);
        }
        return first.map(TriggerForm::Happens);
    };
    let repeat =
        parts.repeat.as_ref().and_then(|item| item.choice(problems, &[("restart", Repeat::Restart)]));
    let (without, within) = absence(problems, without, &parts, within)?;
    Some(TriggerForm::Absence { first: first?, without, within, repeat: repeat.unwrap_or_default() })
}

fn count_form(
    problems: &mut Problems,
    item: &Item<'_>,
    parts: &Parts<'_>,
    within: Option<Length>,
) -> Option<FirstPart> {
    let count = item.integer(problems, 1..=COUNT_MAX);
    if parts.within.is_none() {
        let message = "`count` needs `within`: the window in which it is counted";
        problems.error(Code::ContradictoryForm, &item.key_place, message).with_help("add within = \"1 day\"");
    }
    let count = u32::try_from(count?).ok()?;
    Some(FirstPart::Count { event: parts.event.clone()?, count, within: within? })
}

/// What must not happen, and within what time. With a first part that has a `within` of its own only the long form says it:
/// in the short one a single `within` would have two meanings.
fn absence(
    problems: &mut Problems,
    item: &Item<'_>,
    parts: &Parts<'_>,
    outer: Option<Length>,
) -> Option<(EventMatch, Length)> {
    if let (Some(_), DeValue::String(event)) = (&parts.count, item.value) {
        let help = format!("write without = {{ event = \"{event}\", within = \"3 days\" }}");
        let message = "with `count`, `within` is the count's: `without` needs one of its own";
        problems.error(Code::ContradictoryForm, &item.key_place, message).with_help(help);
        return None;
    }
    let key = parts.event.as_ref().and_then(|event| event.key.as_ref());
    let without = without_match(problems, item, key)?;
    if parts.count.is_some() {
        without.require_within(problems, item);
        return Some((without.matching?, without.within?));
    }
    match (&parts.within, &without.within_item) {
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

/// A `key` beside another event names where the trigger's key stands there.
pub(super) fn other_key(problems: &mut Problems, item: &Item<'_>, key: Option<&Path>) -> Option<Path> {
    if key.is_none() {
        let message =
            "`key` here names the place of the trigger's key in another event: the trigger has none";
        problems.error(Code::ContradictoryForm, &item.key_place, message).with_help("give [trigger] a key");
    }
    key_path(problems, item)
}
