//! `sequence`: events in their order, each by its name or with tests of its own.

use super::condition::{self, About};
use super::trigger::{Keys, other_key};
use crate::rule::condition::Path;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems};
use crate::rule::{EventMatch, FirstPart};
use crate::time::Length;
use std::sync::Arc;

/// What a person keeps of a sequence is bounded for each step: this bounds all of it (16 kB).
const STEPS_MAX: usize = 16;

pub(super) fn parse(
    problems: &mut Problems,
    item: &Item<'_>,
    keys: &Keys<'_>,
    key: Option<&Path>,
    within: Option<Length>,
) -> Option<FirstPart> {
    if keys.within.is_none() {
        let message = "`sequence` needs `within`: how long there may be from the first to the last";
        problems
            .error(Code::ContradictoryForm, &item.key_place, message)
            .with_help("add within = \"1 hour\"");
    }
    let elements = item.elements(problems)?;
    if !(2..=STEPS_MAX).contains(&elements.len()) {
        let message = format!("expected 2 to {STEPS_MAX} events in their order, found {}", elements.len());
        problems.error(Code::BadValue, &item.place, message).with_help("a single one is `event`");
        return None;
    }
    let steps: Vec<_> = elements.iter().filter_map(|element| step(problems, element, key)).collect();
    (steps.len() == elements.len()).then_some(FirstPart::Sequence { steps, within: within? })
}

fn step(problems: &mut Problems, item: &Item<'_>, key: Option<&Path>) -> Option<EventMatch> {
    if item.value.is_str() {
        let event = item.words(problems)?;
        return Some(EventMatch { event: Arc::from(event), condition: None, key: key.cloned() });
    }
    if !item.value.is_table() {
        item.wrong_type(problems, "an event's name, or a table { event, where }");
        return None;
    }
    let mut table = item.table(problems)?;
    let event =
        table.require(problems, "event", "add event = \"Cart Viewed\"").and_then(|item| item.words(problems));
    let condition = table.take("where").and_then(|item| condition::parse(problems, &item, About::Record));
    let own_key = table.take("key").and_then(|item| other_key(problems, &item, key));
    table.finish(problems, &[]);
    let key = own_key.or_else(|| key.cloned());
    Some(EventMatch { event: Arc::from(event?), condition, key })
}
