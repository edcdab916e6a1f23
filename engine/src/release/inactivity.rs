//! Which rules ask whether somebody is inactive: those that name no events hear of all that a person does.

use super::Compiled;
use crate::event::{Event, EventKind};
use crate::rule::{Inactivity, Status};
use crate::time::Length;
use std::sync::Arc;

/// The rules whose trigger is an inactivity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inactivities {
    /// Those that name no events: first those that take nothing unproven.
    groups: [Group; 2],
    /// Those that count who never did it from their first record.
    or_never: Vec<u32>,
}

/// Rules that hear of the same records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub accepts_unproven: bool,
    pub rules: Vec<u32>,
    /// Of the rule that is over first, and of the one whose grace is.
    pub shortest: Length,
    pub shortest_with_grace: Length,
}

impl Inactivities {
    pub(super) fn new(rules: &[Arc<Compiled>]) -> Inactivities {
        let mut all = Inactivities::default();
        all.groups[1].accepts_unproven = true;
        for (number, compiled) in
            rules.iter().enumerate().filter(|(_, other)| other.rule.status != Status::Off)
        {
            let trigger = &compiled.rule.trigger;
            let Some(Inactivity { after, events, or_never }) = trigger.form.inactivity() else { continue };
            all.or_never.extend(or_never.then_some(number as u32));
            if events.is_empty() {
                let group = &mut all.groups[usize::from(trigger.accepts_unproven)];
                let with_grace = Length(after.0 + compiled.rule.limits.grace.0);
                let least = |old: Length, new| if group.rules.is_empty() { new } else { old.min(new) };
                group.shortest = least(group.shortest, *after);
                group.shortest_with_grace = least(group.shortest_with_grace, with_grace);
                group.rules.push(number as u32);
            }
        }
        all
    }

    /// The groups that have rules.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| !group.rules.is_empty())
    }

    pub fn or_never(&self) -> &[u32] {
        &self.or_never
    }

    /// Whether a rule that names no events may hear of this record.
    pub fn hears(&self, event: &Event<'_>) -> bool {
        !self.or_never.is_empty() || (is_activity(event.kind) && self.groups().next().is_some())
    }
}

/// What a person does: what is said of them is none.
pub(crate) fn is_activity(kind: EventKind) -> bool {
    match kind {
        EventKind::Track | EventKind::Page | EventKind::Screen => true,
        EventKind::Identify | EventKind::Group | EventKind::Alias => false,
    }
}
