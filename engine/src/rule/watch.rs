//! Who looks on while a rule decides: which way a condition came out, to which steps journeys came and how they went on.
//! For coverage alone: nothing that is decided reads it, and where nobody looks it is an empty option.

use super::condition::{Condition, Did, Test};
use super::{EventMatch, Exit, Rule, Step, StepKind, TriggerForm};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one condition or step was seen to do. Clones look on together.
#[derive(Clone, Default)]
pub struct Watch(Option<Arc<AtomicU64>>);

/// A condition that did not hold.
pub const FAILED: u32 = 0;
/// A condition that held.
pub const HELD: u32 = 1;
/// A journey came to the step.
pub const REACHED: u32 = 0;
/// Ways beyond these are seen as the last of them: what is seen is one word.
const WAY_MAX: u32 = 63;

impl Watch {
    /// One that looks.
    pub fn on() -> Watch {
        Watch(Some(Arc::default()))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn note(&self, what: u32) {
        if let Some(seen) = &self.0 {
            seen.fetch_or(1 << what.min(WAY_MAX), Ordering::Relaxed);
        }
    }

    /// Whether this was seen.
    pub fn has_seen(&self, what: u32) -> bool {
        let seen = self.0.as_ref().map_or(0, |seen| seen.load(Ordering::Relaxed));
        seen & (1 << what.min(WAY_MAX)) != 0
    }
}

/// Two rules say the same whoever looks on.
impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// A condition that is looked at.
#[derive(Clone, Debug)]
pub struct WatchedCondition {
    /// Where it stands: `trigger`, `audience`, `exit`, or `step` and its name.
    pub part: String,
    /// As it is compared: `"traits.seats" gte 10`.
    pub says: String,
    pub watch: Watch,
}

impl Rule {
    /// Lets somebody look at every test and question of its conditions, in the order in which they are asked.
    pub fn watch_conditions(&mut self) -> Vec<WatchedCondition> {
        let mut found = Vec::new();
        self.each_condition(&mut |part, condition| look(part, condition, &mut found));
        found
    }

    fn each_condition(&mut self, show: &mut dyn FnMut(&str, &mut Condition)) {
        match &mut self.trigger.form {
            TriggerForm::Happens(first) => each_of(first.events_mut(), show),
            TriggerForm::Absence { first, without, .. } => {
                each_of(first.events_mut(), show);
                each_of(std::slice::from_mut(without), show);
            }
            TriggerForm::Inactive(inactivity) => each_of(&mut inactivity.events, show),
            TriggerForm::Segment { condition, .. } => show("trigger", condition),
        }
        if let Some(audience) = &mut self.audience {
            show("audience", audience);
        }
        for exit in &mut self.exits {
            match exit {
                Exit::Event(matched) => {
                    matched.condition.iter_mut().for_each(|condition| show("exit", condition));
                }
                Exit::Person(condition) => show("exit", condition),
            }
        }
        each_of_steps(&mut self.steps, show);
    }
}

fn each_of(events: &mut [EventMatch], show: &mut dyn FnMut(&str, &mut Condition)) {
    events.iter_mut().filter_map(|event| event.condition.as_mut()).for_each(|own| show("trigger", own));
}

fn each_of_steps(steps: &mut [Step], show: &mut dyn FnMut(&str, &mut Condition)) {
    for Step { name, kind } in steps {
        let part = format!("step {name}");
        match kind {
            StepKind::WaitUntil(wait) => {
                wait.event.condition.iter_mut().for_each(|condition| show(&part, condition));
                each_of_steps(&mut wait.then, show);
                each_of_steps(&mut wait.otherwise, show);
            }
            StepKind::If(branch) => {
                show(&part, &mut branch.condition);
                each_of_steps(&mut branch.then, show);
                each_of_steps(&mut branch.otherwise, show);
            }
            StepKind::Split(parts) => parts.iter_mut().for_each(|part| each_of_steps(&mut part.steps, show)),
            StepKind::Message(_)
            | StepKind::Wait(_)
            | StepKind::WaitFor(_)
            | StepKind::Set(_)
            | StepKind::Exit => {}
        }
    }
}

fn look(part: &str, condition: &mut Condition, found: &mut Vec<WatchedCondition>) {
    let (says, watch) = match condition {
        Condition::All(parts) | Condition::Any(parts) | Condition::None(parts) => {
            parts.iter_mut().for_each(|condition| look(part, condition, found));
            return;
        }
        Condition::Test(test) => (test.says(), &mut test.watch),
        Condition::Did(did) => (did.says(), &mut did.watch),
    };
    *watch = Watch::on();
    found.push(WatchedCondition { part: part.to_owned(), says, watch: watch.clone() });
}

impl Test {
    fn says(&self) -> String {
        super::canonical::of_test(self)
    }
}

impl Did {
    fn says(&self) -> String {
        let word = if self.is_not { "did_not" } else { "did" };
        format!("{word} {:?}", self.question.event)
    }
}
