//! Which events could end a journey, or wake one that waits for them: asked of every event, so that most cost their people nothing.

use crate::event::Event;
use crate::rule::{EventMatch, Exit, Rule, StepKind};
use indexmap::IndexSet;
use std::sync::Arc;

/// The exits of all rules, of this release and of earlier ones, and what ends waits of earlier ones alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Exits {
    names: IndexSet<Arc<str>, foldhash::fast::FixedState>,
    /// Some rule's exit is about the person, so any record may meet it.
    has_person: bool,
}

impl Exits {
    pub fn add(&mut self, rule: &Rule) {
        for exit in &rule.exits {
            match exit {
                Exit::Event(matched) => drop(self.names.insert(matched.event.clone())),
                Exit::Person(_) => self.has_person = true,
            }
        }
        for step in rule.all_steps() {
            if let StepKind::WaitUntil(wait) = &step.kind {
                self.names.insert(wait.event.event.clone());
            }
        }
    }

    /// An event that ends waits of an earlier release, and is no such event now.
    pub fn add_second(&mut self, without: &EventMatch) {
        self.names.insert(without.event.clone());
    }

    pub fn may_be(&self, event: &Event<'_>) -> bool {
        self.has_person || (!self.names.is_empty() && self.names.contains(event.name.as_ref()))
    }
}
