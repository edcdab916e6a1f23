//! Exit: a record after the one that completed the trigger ends the journey at once.

use super::render::Captured;
use crate::event::{Event, Place};
use crate::release::Compiled;
use crate::rule::{EventMatch, Exit, Scope};
use crate::state::{
    Exited, History, Journey, JourneyState, Occurrence, Profile, Quiet, Shown, Wait, push_exactly,
};
use crate::time::Timestamp;
use crate::value::Value;

/// An event, where it stands, and what is known of the person after it.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub event: &'a Event<'a>,
    pub place: Place,
    pub profile: &'a Profile,
    pub history: Option<&'a History>,
}

/// What is known of a person at a tick.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub profile: &'a Profile,
    pub history: Option<&'a History>,
}

impl<'a> Seen<'a> {
    /// What a condition on the event looks at, where it may ask of the past.
    fn scope(self) -> Scope<'a> {
        Scope { history: self.history, ..scope(self.event, self.profile) }
    }
}

/// Whether the event ends this journey, and what follows for it: a step still to come is due at once, to be refused.
/// Returns whether it ended while a message is in flight, which is then to be taken back.
pub(crate) fn notice(journey: &mut Journey, compiled: &Compiled, seen: Seen<'_>) -> bool {
    if journey.exited.is_some() {
        return false;
    }
    let begun =
        Begun { key: journey.key.as_deref(), event: &journey.event_name, occurrence: &journey.occurrence };
    met(compiled, begun, seen).is_some_and(|exited| leave(journey, exited))
}

/// An exit was met: what is still to come is due at once. Whether a message is in flight.
pub(super) fn leave(journey: &mut Journey, exited: Exited) -> bool {
    let at = exited.at;
    journey.exited = Some(exited);
    match &mut journey.state {
        JourneyState::Due { due_at, ready_at, is_never_late } => {
            // It was due later: that the record came late in the log makes the step no later.
            *is_never_late |= at < *due_at;
            *due_at = (*due_at).min(at);
            *ready_at = (*ready_at).min(at);
            false
        }
        // It waits no longer, and the next message is refused.
        JourneyState::AwaitsClock { due_at, .. } => {
            let due_at = (*due_at).min(at);
            journey.state = JourneyState::Due { due_at, ready_at: due_at, is_never_late: true };
            false
        }
        JourneyState::InFlight(_) => true,
    }
}

/// Whether what is now known of the person is an exit of the journey, or of what a wait would begin.
pub(super) fn is_met_by_journey(
    journey: &Journey,
    compiled: &Compiled,
    known: Known<'_>,
    now: Timestamp,
) -> bool {
    let begun =
        Begun { key: journey.key.as_deref(), event: &journey.event_name, occurrence: &journey.occurrence };
    compiled.rule.exits.iter().any(|exit| is_met_by_person(exit, begun, known, now))
}

pub(super) fn is_met_by_shown(shown: &Shown, compiled: &Compiled, known: Known<'_>, now: Timestamp) -> bool {
    let begun = Begun { key: shown.key.as_deref(), event: &shown.event_name, occurrence: &shown.occurrence };
    compiled.rule.exits.iter().any(|exit| is_met_by_person(exit, begun, known, now))
}

pub(super) fn is_met_by_wait(wait: &Wait, compiled: &Compiled, known: Known<'_>, now: Timestamp) -> bool {
    let Some(first) = compiled.rule.trigger.form.first() else { return false };
    let begun = Begun { key: None, event: &first.event().event, occurrence: &wait.occurrence };
    compiled.rule.exits.iter().any(|exit| is_met_by_person(exit, begun, known, now))
}

/// Whether the event meets an exit of what waits for its deadline: the journey will end where it begins.
pub(crate) fn notice_wait(wait: &mut Wait, key: Option<&str>, compiled: &Compiled, seen: Seen<'_>) {
    if let (None, Some(first)) = (&wait.exited, compiled.rule.trigger.form.first()) {
        let event = &first.event().event;
        let begun = Begun { key, event, occurrence: &wait.occurrence };
        wait.exited = met(compiled, begun, seen).map(Box::new);
    }
}

/// Whether the event meets an exit of what a message in the product came of: it is then to be taken back.
pub(crate) fn notice_shown(shown: &mut Shown, compiled: &Compiled, seen: Seen<'_>) -> bool {
    let begun = Begun { key: shown.key.as_deref(), event: &shown.event_name, occurrence: &shown.occurrence };
    let exited = if shown.exited.is_none() { met(compiled, begun, seen) } else { None };
    let is_met = exited.is_some();
    shown.exited = exited.map(Box::new).or(shown.exited.take());
    is_met
}

/// The same of what a silence would begin by one rule.
pub(crate) fn notice_quiet(
    quiet: &mut Quiet,
    rule: u32,
    key: Option<&str>,
    compiled: &Compiled,
    seen: Seen<'_>,
) {
    if quiet.exits.iter().all(|(other, _)| *other != rule) {
        let begun = Begun { key, event: &quiet.event_name, occurrence: &quiet.last };
        if let Some(exited) = met(compiled, begun, seen) {
            push_exactly(&mut quiet.exits, (rule, Box::new(exited)));
        }
    }
}

/// What an exit would end: its key, and the record that began it.
#[derive(Clone, Copy)]
struct Begun<'a> {
    key: Option<&'a str>,
    /// The name of the occurrence's event.
    event: &'a str,
    occurrence: &'a Occurrence,
}

/// Exits look only at records after the one of the occurrence.
fn met(compiled: &Compiled, begun: Begun<'_>, seen: Seen<'_>) -> Option<Exited> {
    let (event, occurrence) = (seen.event, begun.occurrence);
    let is_after = (event.occurred_at, seen.place) > occurrence.order();
    if compiled.rule.exits.is_empty()
        || !is_after
        || event.message_id == occurrence.message_id.text(&mut [0; 36])
    {
        return None;
    }
    if !compiled.rule.exits.iter().any(|exit| is_met(exit, begun, seen)) {
        return None;
    }
    let event_name = if event.name.is_empty() { event.kind.as_str() } else { &event.name };
    let (at, message_id) = (event.occurred_at, event.message_id.as_ref().into());
    Some(Exited { at, message_id, event_name: event_name.into() })
}

fn is_met(exit: &Exit, begun: Begun<'_>, seen: Seen<'_>) -> bool {
    match exit {
        Exit::Event(matched) => is_this(matched, begun.key, seen),
        Exit::Person(_) => {
            let known = Known { profile: seen.profile, history: seen.history };
            is_met_by_person(exit, begun, known, seen.event.occurred_at)
        }
    }
}

fn is_met_by_person(exit: &Exit, begun: Begun<'_>, known: Known<'_>, now: Timestamp) -> bool {
    match exit {
        Exit::Person(condition) => {
            let captured = Captured::of(begun.occurrence);
            condition
                .holds(&Scope { history: known.history, ..captured.scope(begun.event, known.profile, now) })
        }
        Exit::Event(_) => false,
    }
}

/// Whether the event is this one, for this key.
pub(crate) fn is_this(matched: &EventMatch, key: Option<&str>, seen: Seen<'_>) -> bool {
    *matched.event == *seen.event.name
        && is_same_key(matched, key, seen)
        && matched.condition.as_ref().is_none_or(|condition| condition.holds(&seen.scope()))
}

/// What a condition on the event itself looks at; triggers ask nothing of the past.
pub(crate) fn scope<'a>(event: &'a Event<'_>, profile: &'a Profile) -> Scope<'a> {
    Scope {
        properties: &event.properties,
        context: &event.context,
        event_name: &event.name,
        profile,
        history: None,
        now: event.occurred_at,
    }
}

fn is_same_key(matched: &EventMatch, key: Option<&str>, seen: Seen<'_>) -> bool {
    match (&matched.key, key) {
        (Some(path), Some(key)) => {
            key_of(&scope(seen.event, seen.profile), path).is_some_and(|found| found == key)
        }
        (None, _) | (_, None) => true,
    }
}

/// As long as the longest id. It is kept with every case of the person, so a whole text is no key.
const KEY_BYTES_MAX: usize = 256;

/// The value of a trigger's key as text; nothing where the record has no such scalar, or none that could be an id.
pub(crate) fn key_of(scope: &Scope<'_>, path: &crate::rule::Path) -> Option<String> {
    match scope.look_up(path)?.into_value()? {
        Value::Null | Value::List(_) => None,
        Value::Text(text) => Some(String::from(text)).filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len())),
        Value::Bool(is) => Some(is.to_string()),
        Value::Int(int) => Some(int.to_string()),
        Value::Float(float) => Some(float.to_string()),
    }
}
