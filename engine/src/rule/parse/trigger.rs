//! `[trigger]`: which of the forms it is, and that its keys belong to that form.

use super::condition::{self, About};
use super::{absence, inactivity, segment, sequence};
use crate::rule::condition::Path;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Place, Problems};
use crate::rule::{EventMatch, FirstPart, Trigger, TriggerForm};
use crate::time::Length;
use std::sync::Arc;

const NOT_BUILT: [&str; 10] =
    ["sequence", "inactive_for", "events", "or_never", "date", "offset", "at", "cron", "timezone", "spread"];

/// A sliding count keeps its last `count` events of each person and key: this bounds what it keeps (8 kB).
const COUNT_MAX: i64 = 1_000;

/// The keys that tell a form, and those that may stand beside each.
const FORMS: [(&str, &[&str]); 5] = [
    ("event", &["where", "key", "count", "within", "without", "repeat"]),
    ("sequence", &["key", "within", "without", "repeat"]),
    ("inactive_for", &["events", "or_never", "key", "backfill"]),
    ("enters", &["backfill"]),
    ("leaves", &[]),
];

/// The keys of the table.
pub(super) struct Keys<'d> {
    pub place: Place<'d>,
    pub event: Option<Item<'d>>,
    pub sequence: Option<Item<'d>>,
    pub inactive_for: Option<Item<'d>>,
    pub events: Option<Item<'d>>,
    pub or_never: Option<Item<'d>>,
    pub enters: Option<Item<'d>>,
    pub leaves: Option<Item<'d>>,
    pub condition: Option<Item<'d>>,
    pub key: Option<Item<'d>>,
    pub count: Option<Item<'d>>,
    pub within: Option<Item<'d>>,
    pub without: Option<Item<'d>>,
    pub repeat: Option<Item<'d>>,
    pub backfill: Option<Item<'d>>,
}

pub(super) fn parse(problems: &mut Problems, item: &Item<'_>, accepts_unproven: bool) -> Option<Trigger> {
    let mut table = item.table(problems)?;
    let keys = Keys {
        place: table.place.clone(),
        event: table.take("event"),
        sequence: table.take("sequence"),
        inactive_for: table.take("inactive_for"),
        events: table.take("events"),
        or_never: table.take("or_never"),
        enters: table.take("enters"),
        leaves: table.take("leaves"),
        condition: table.take("where"),
        key: table.take("key"),
        count: table.take("count"),
        within: table.take("within"),
        without: table.take("without"),
        repeat: table.take("repeat"),
        backfill: table.take("backfill"),
    };
    let backfill = keys.backfill.as_ref().and_then(|item| item.boolean(problems));
    // With a form that is not built, what goes together is that form's to say.
    let form = if table.finish(problems, &NOT_BUILT) { None } else { form(problems, &keys) };
    Some(Trigger {
        form: form?,
        accepts_unproven,
        backfills: backfill.unwrap_or_default(),
        written: item.fingerprint(),
    })
}

/// The path of a key: in the record.
pub(super) fn key_path(problems: &mut Problems, item: &Item<'_>) -> Option<Path> {
    let text = item.text(problems)?;
    condition::path(problems, text, &item.place, About::Record)
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

fn form(problems: &mut Problems, keys: &Keys<'_>) -> Option<TriggerForm> {
    let mut told = FORMS.iter().filter_map(|(form, beside)| Some((*form, *beside, keys.get(form)?)));
    let Some((form, beside, item)) = told.next() else {
        let message = "missing key `event` in `trigger`: what sets the rule off";
        problems.error(Code::MissingKey, &keys.place, message).with_help("add event = \"Signed Up\"");
        return None;
    };
    for (other, _, item) in told {
        let message = format!("`{form}` and `{other}` are two forms of a trigger: a rule has one");
        let help = "leave one of them out, or write two rules";
        problems.error(Code::ContradictoryForm, &item.key_place, message).with_help(help);
    }
    keys.go_with(problems, form, beside);
    match form {
        "inactive_for" => inactivity::parse(problems, keys, item),
        "enters" | "leaves" => segment::parse(problems, form, item),
        _ => after(problems, keys),
    }
}

impl<'d> Keys<'d> {
    fn get(&self, key: &str) -> Option<&Item<'d>> {
        self.all().into_iter().flatten().find(|item| item.key == key)
    }

    fn all(&self) -> [Option<&Item<'d>>; 14] {
        [
            self.event.as_ref(),
            self.sequence.as_ref(),
            self.inactive_for.as_ref(),
            self.events.as_ref(),
            self.or_never.as_ref(),
            self.enters.as_ref(),
            self.leaves.as_ref(),
            self.condition.as_ref(),
            self.key.as_ref(),
            self.count.as_ref(),
            self.within.as_ref(),
            self.without.as_ref(),
            self.repeat.as_ref(),
            self.backfill.as_ref(),
        ]
    }

    /// Each key that stands there goes with the form.
    fn go_with(&self, problems: &mut Problems, form: &str, beside: &[&str]) {
        let is_form = |key: &str| FORMS.iter().any(|(form, _)| *form == key);
        let others = self.all().into_iter().flatten().filter(|item| !is_form(item.key));
        for item in others.filter(|item| !beside.contains(&item.key)) {
            let (key, mut home) = (item.key, Vec::new());
            home.extend(
                FORMS.iter().filter(|(_, beside)| beside.contains(&key)).map(|(form, _)| format!("`{form}`")),
            );
            let message = format!("`{key}` does not go with `{form}`: it belongs to {}", home.join(" or "));
            let help = "leave it out, or say the form that it belongs to";
            problems.error(Code::ContradictoryForm, &item.key_place, message).with_help(help);
        }
    }

    /// The path of the trigger's key.
    pub fn key_path(&self, problems: &mut Problems) -> Option<Path> {
        self.key.as_ref().and_then(|item| key_path(problems, item))
    }
}

/// An event, or so many of it, or several in order; then perhaps not another.
fn after(problems: &mut Problems, keys: &Keys<'_>) -> Option<TriggerForm> {
    let event = keys.event.as_ref().and_then(|item| item.words(problems));
    let condition = keys.condition.as_ref().and_then(|item| condition::parse(problems, item, About::Record));
    let key = keys.key_path(problems);
    let event = event.map(|event| EventMatch { event: Arc::from(event), condition, key: key.clone() });
    let within = keys.within.as_ref().and_then(|item| item.length(problems));
    let first = match (&keys.sequence, &keys.count) {
        (Some(item), _) => sequence::parse(problems, item, keys, key.as_ref(), within),
        (None, Some(count)) => count_form(problems, count, keys, event, within),
        (None, None) => event.map(FirstPart::Event),
    };
    absence::parse(problems, keys, first, key.as_ref(), within)
}

fn count_form(
    problems: &mut Problems,
    item: &Item<'_>,
    keys: &Keys<'_>,
    event: Option<EventMatch>,
    within: Option<Length>,
) -> Option<FirstPart> {
    let count = item.integer(problems, 1..=COUNT_MAX);
    if keys.within.is_none() {
        let message = "`count` needs `within`: the window in which it is counted";
        problems.error(Code::ContradictoryForm, &item.key_place, message).with_help("add within = \"1 day\"");
    }
    let count = u32::try_from(count?).ok()?;
    Some(FirstPart::Count { event: event?, count, within: within? })
}
