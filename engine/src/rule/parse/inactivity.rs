//! `inactive_for`: how long nothing was done, and what would have been something.

use super::trigger::Keys;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems};
use crate::rule::{EventMatch, Inactivity, TriggerForm};
use std::sync::Arc;

/// Events that one rule may name; more are said by naming none.
const EVENTS_MAX: usize = 100;

pub(super) fn parse(problems: &mut Problems, keys: &Keys<'_>, item: &Item<'_>) -> Option<TriggerForm> {
    let after = item.length(problems);
    let key = keys.key_path(problems);
    let names = match &keys.events {
        Some(item) => {
            let names = item.texts(problems)?;
            if !(1..=EVENTS_MAX).contains(&names.len()) {
                let message = format!("expected 1 to {EVENTS_MAX} names of events, found {}", names.len());
                let help = "without `events` all that a person does counts";
                problems.error(Code::BadValue, &item.place, message).with_help(help);
                return None;
            }
            names
        }
        None => Vec::new(),
    };
    if let (Some(key), None) = (&keys.key, &keys.events) {
        let message = "`key` needs `events`: it is looked for in them";
        problems
            .error(Code::ContradictoryForm, &key.key_place, message)
            .with_help("add events = [\"Document Opened\"]");
    }
    let or_never = keys.or_never.as_ref().and_then(|item| item.boolean(problems)).unwrap_or_default();
    if let (Some(_), Some(item), true) = (&keys.key, &keys.or_never, or_never) {
        let message =
            "`or_never` counts a person from their first record, and `key` a value in one of the events";
        problems.error(Code::ContradictoryForm, &item.key_place, message).with_help("leave one of them out");
    }
    let event = |name: String| EventMatch { event: Arc::from(name), condition: None, key: key.clone() };
    let events = names.into_iter().map(event).collect();
    Some(TriggerForm::Inactive(Inactivity { after: after?, events, or_never }))
}
