//! One rule as written and checked: the parts of rules.md as types.
//!
//! `parse` reads a file and gives a rule or all its problems; what stands here is already checked.

mod canonical;
pub mod condition;
pub mod evaluate;
pub mod diagnostic;
pub mod document;
pub mod parse;
mod share;
pub mod watch;
pub mod step;

use crate::time::Length;
pub use condition::{Bound, Condition, Did, Operator, Path, Question, Root, Test, Times};
pub use diagnostic::{Code, Diagnostic, Severity};
pub use evaluate::Scope;
pub use parse::{Known, parse};
use std::sync::Arc;
pub use step::{IfStep, MessageStep, SplitPart, Step, StepKind, WaitUntilStep};

/// A checked rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The file's stem: `[a-z0-9-]`, at most 64 characters.
    pub id: Arc<str>,
    pub name: String,
    pub description: String,
    pub owner: Option<String>,
    /// What a recipient can opt out of; required where mail is sent.
    pub topic: Option<Arc<str>>,
    pub status: Status,
    pub tags: Vec<String>,
    /// Higher goes first among one person's steps that are due together.
    pub priority: i64,
    /// What becomes of those inside when the rule changes.
    pub on_change: OnChange,
    /// The id it had before a rename: it takes over what that one knows.
    pub formerly: Option<Arc<str>>,
    pub trigger: Trigger,
    pub audience: Option<Condition>,
    /// The journey ends when one of these holds.
    pub exits: Vec<Exit>,
    pub limits: Limits,
    pub goal: Option<Goal>,
    /// How much is expected of it: held above, an alarm below. Asked at the gate.
    pub expect: Option<Expect>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Live,
    /// Decides and records, and sends nothing.
    Shadow,
    Off,
}

/// What becomes of people inside a rule when it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnChange {
    /// They finish by the release that they entered with.
    #[default]
    Keep,
    /// They go on by the new one, from the step of the same name.
    Follow,
    /// They leave.
    Leave,
}

/// Messages that a rule is expected to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    pub per_day: PerDay,
}

/// At least one bound; `min <= max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerDay {
    pub min: Option<u32>,
    pub max: Option<u32>,
}

/// A record that has this name and passes this test.
#[derive(Clone, Debug)]
pub struct EventMatch {
    pub event: Arc<str>,
    pub condition: Option<Condition>,
    /// The path of the key in this event, where the trigger has one.
    pub key: Option<Path>,
}

/// When a rule's journey begins.
#[derive(Clone, Debug)]
pub struct Trigger {
    pub form: TriggerForm,
    /// May be set off by events that nobody vouches for.
    pub accepts_unproven: bool,
    /// Also for those for whom it holds already when the rule is released.
    pub backfills: bool,
    /// Tells `[trigger]` as it is written from what another release has there, in every version of the engine alike.
    pub written: u64,
}

#[derive(Clone, Debug)]
pub enum TriggerForm {
    /// It holds when this happens.
    Happens(FirstPart),
    /// The first part, then not the second up to and including the deadline.
    Absence { first: FirstPart, without: EventMatch, within: Length, repeat: Repeat },
    /// None of these events for so long after the last of them.
    Inactive(Inactivity),
    /// By a record the condition about the person turns to what `to` says.
    Segment { condition: Condition, to: Turn },
}

/// Nothing done for so long.
#[derive(Clone, Debug)]
pub struct Inactivity {
    pub after: Length,
    /// What is something done; empty: any track, page or screen.
    pub events: Vec<EventMatch>,
    /// Who never did any of it is counted from their first record.
    pub or_never: bool,
}

/// Which way a segment's condition turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// From false to true.
    Enters,
    /// From true to false.
    Leaves,
}

/// What happens first: alone it sets the rule off, before `without` it begins a wait.
#[derive(Clone, Debug)]
pub enum FirstPart {
    Event(EventMatch),
    /// The `count`th within any window of this length, sliding, half-open `(t - within, t]`.
    Count {
        event: EventMatch,
        count: u32,
        within: Length,
    },
    /// These in this order, others between allowed, the first at most this length before the last.
    Sequence {
        steps: Vec<EventMatch>,
        within: Length,
    },
}

/// What another first event does to a pending wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeat {
    /// Nothing.
    #[default]
    Keep,
    /// It starts the wait anew.
    Restart,
}

/// Ends a journey, by a record after the one that completed the trigger.
#[derive(Clone, Debug)]
pub enum Exit {
    Event(EventMatch),
    /// The condition about the person is true after a record.
    Person(Condition),
}

#[derive(Clone, Debug)]
pub struct Limits {
    pub once_per: OncePer,
    /// A step judged longer after it was due is skipped. Default 1 day.
    pub late: Length,
    /// Absence is judged this long after it is due, for events on their way. Default 1 minute.
    pub grace: Length,
    /// More messages than these in an hour are held at the gate.
    pub max_per_hour: Option<u32>,
    pub mutes: Option<Mutes>,
}

/// Other rules with one of these tags are refused for a person while the rule's journey runs, and so long after its last
/// message.
#[derive(Clone, Debug)]
pub struct Mutes {
    /// At least one.
    pub tags: Vec<String>,
    pub length: Length,
}

/// From entry to entry, per person and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OncePer {
    Ever,
    Always,
    /// Over at exactly its length.
    Length(Length),
    /// Once a local date of the person.
    CalendarDay,
}

/// Whether it helped: checked and kept; counted by a later version, but for the holdout.
#[derive(Clone, Debug)]
pub struct Goal {
    pub event: Option<EventMatch>,
    pub within: Option<Length>,
    pub holdout: Option<Share>,
}

/// A part of everybody, in millionths: above 0, below 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub u32);

impl FirstPart {
    /// The event that completes it.
    pub fn event(&self) -> &EventMatch {
        self.events().last().expect("a sequence has two steps at least")
    }

    fn events_mut(&mut self) -> &mut [EventMatch] {
        match self {
            FirstPart::Event(event) | FirstPart::Count { event, .. } => std::slice::from_mut(event),
            FirstPart::Sequence { steps, .. } => steps,
        }
    }

    /// The events it is made of, in their order.
    pub fn events(&self) -> &[EventMatch] {
        match self {
            FirstPart::Event(event) | FirstPart::Count { event, .. } => std::slice::from_ref(event),
            FirstPart::Sequence { steps, .. } => steps,
        }
    }
}

impl TriggerForm {
    /// What happens first, where the form has such a part.
    pub fn first(&self) -> Option<&FirstPart> {
        match self {
            TriggerForm::Happens(first) | TriggerForm::Absence { first, .. } => Some(first),
            TriggerForm::Inactive(_) | TriggerForm::Segment { .. } => None,
        }
    }

    /// What must not happen after the first part.
    pub fn without(&self) -> Option<&EventMatch> {
        match self {
            TriggerForm::Absence { without, .. } => Some(without),
            TriggerForm::Happens(_) | TriggerForm::Inactive(_) | TriggerForm::Segment { .. } => None,
        }
    }

    /// The events this form looks at.
    pub fn matches(&self) -> impl Iterator<Item = &EventMatch> {
        let of_inactivity = self.inactivity().map_or(&[][..], |inactivity| &inactivity.events);
        self.first().map_or(of_inactivity, FirstPart::events).iter().chain(self.without())
    }

    pub fn inactivity(&self) -> Option<&Inactivity> {
        match self {
            TriggerForm::Inactive(inactivity) => Some(inactivity),
            TriggerForm::Happens(_) | TriggerForm::Absence { .. } | TriggerForm::Segment { .. } => None,
        }
    }

    /// Whether each value of a key is its own case.
    pub fn is_keyed(&self) -> bool {
        self.matches().any(|event| event.key.is_some())
    }
}

impl Trigger {
    /// Whether what a case keeps says which part of the trigger it was: of another trigger it would be misread.
    pub fn has_steps(&self) -> bool {
        match self.form.first() {
            Some(FirstPart::Sequence { .. }) => true,
            Some(FirstPart::Event(_) | FirstPart::Count { .. }) | None => false,
        }
    }

    /// Whether everybody who is known is shown the rule when it is released.
    pub fn is_shown_to_all(&self) -> bool {
        match &self.form {
            TriggerForm::Segment { .. } => self.backfills,
            // Another length may be over earlier than anybody is looked at.
            TriggerForm::Inactive(_) => true,
            TriggerForm::Happens(_) | TriggerForm::Absence { .. } => false,
        }
    }
}
