//! Exit: a record after the one that completed the trigger ends the journey at once.

use super::render::Captured;
use crate::event::{Event, Place};
use crate::release::Compiled;
use crate::rule::{EventMatch, Exit, Scope};
use crate::state::{Exited, Journey, JourneyState, Profile};
use crate::value::Value;

/// Whether `event` ends this journey, and what follows for it: a step still to come is due at once, to be refused.
/// Returns whether it ended while a message is in flight, which is then to be taken back.
pub(crate) fn notice(
    journey: &mut Journey,
    compiled: &Compiled,
    event: &Event<'_>,
    place: Place,
    profile: &Profile,
) -> bool {
    let is_after = (event.occurred_at, place) > journey.occurrence.order();
    if journey.exited.is_some() || !is_after || event.message_id == *journey.occurrence.message_id {
        return false;
    }
    if !compiled.rule.exits.iter().any(|exit| is_met(exit, journey, event, profile)) {
        return false;
    }
    let event_name = if event.name.is_empty() { event.kind.as_str() } else { &event.name };
    journey.exited = Some(Exited {
        at: event.occurred_at,
        message_id: event.message_id.as_ref().into(),
        event_name: event_name.into(),
    });
    match &mut journey.state {
        JourneyState::Due { due_at, ready_at, is_held_by_cap } => {
            *due_at = (*due_at).min(event.occurred_at);
            *ready_at = (*ready_at).min(event.occurred_at);
            *is_held_by_cap = false;
            false
        }
        JourneyState::InFlight(_) => true,
    }
}

fn is_met(exit: &Exit, journey: &Journey, event: &Event<'_>, profile: &Profile) -> bool {
    match exit {
        Exit::Event(matched) => {
            *matched.event == *event.name
                && is_same_key(matched, journey, event, profile)
                && matched.condition.as_ref().is_none_or(|condition| condition.holds(&scope(event, profile)))
        }
        Exit::Person(condition) => {
            let captured = Captured::of(&journey.occurrence);
            condition.holds(&captured.scope(&journey.occurrence.event_name, profile, event.occurred_at))
        }
    }
}

/// What a condition on the event itself looks at.
pub(crate) fn scope<'a>(event: &'a Event<'_>, profile: &'a Profile) -> Scope<'a> {
    Scope {
        properties: &event.properties,
        context: &event.context,
        event_name: &event.name,
        profile,
        now: event.occurred_at,
    }
}

fn is_same_key(matched: &EventMatch, journey: &Journey, event: &Event<'_>, profile: &Profile) -> bool {
    match (&matched.key, &journey.key) {
        (Some(path), Some(key)) => key_of(&scope(event, profile), path).is_some_and(|found| *found == **key),
        (None, _) | (_, None) => true,
    }
}

/// The value of a trigger's key as text; nothing where the record has no such scalar.
pub(crate) fn key_of(scope: &Scope<'_>, path: &crate::rule::Path) -> Option<String> {
    match scope.look_up(path)?.into_value()? {
        Value::Null | Value::List(_) => None,
        Value::Text(text) => Some(text.into()),
        Value::Bool(is) => Some(is.to_string()),
        Value::Int(int) => Some(int.to_string()),
        Value::Float(float) => Some(float.to_string()),
    }
}
