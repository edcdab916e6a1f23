//! When a rule's journey begins: one file a trigger form. A form looks at one event and the case that it keeps, and
//! says whether the trigger holds. Triggers know nothing of entries.

pub(crate) mod absence;
pub(crate) mod count;
pub(crate) mod event;

use crate::release::{Compiled, Role};
use crate::rule::{OncePer, TriggerForm};
use crate::state::{Case, CaseState, Occurrence, Person, push_exactly};
use std::sync::Arc;

/// Open keys a person may have of one rule; the oldest falls (rules.md, "Triggers").
pub const KEYS_MAX: usize = 100;

/// Occurrences whose message ids a case remembers (architecture.md, "State is bounded").
const OCCURRENCES_MAX: usize = 16;

/// What an event did to a trigger.
pub(crate) enum Noticed {
    /// Nothing that begins a journey now.
    Nothing,
    /// It holds: at the event.
    Holds(Box<Occurrence>),
    /// It would hold, but the person entered once for ever.
    OnceEver,
}

/// An event that passed the test of one of a trigger's parts.
pub(crate) struct Met<'a> {
    pub compiled: &'a Compiled,
    pub role: Role,
    pub hash: u64,
    /// Makes the occurrence, with what is captured; asked only when it is kept.
    pub occurrence: &'a dyn Fn() -> Occurrence,
    pub order: (crate::time::Timestamp, crate::event::Place),
}

/// Shows an event to a trigger's case.
pub(crate) fn notice(case: &mut Case, met: &Met<'_>) -> Noticed {
    match &met.compiled.rule.trigger.form {
        TriggerForm::Event(_) => event::notice(case, met),
        TriggerForm::Count { count, within, .. } => count::notice(case, met, *count, *within),
        TriggerForm::Absence { within, repeat, .. } => {
            let grace = met.compiled.rule.limits.grace;
            absence::notice(case, met, *within, *repeat, grace);
            Noticed::Nothing
        }
    }
}

/// Remembers message ids that were used up, at least the last 16.
fn remember(case: &mut Case, hashes: impl IntoIterator<Item = u64>, at_most: usize) {
    hashes.into_iter().for_each(|hash| push_exactly(&mut case.occurrences, hash));
    let excess = case.occurrences.len().saturating_sub(at_most.max(OCCURRENCES_MAX));
    case.occurrences.drain(..excess);
}

/// Notes an occurrence; false when its record is one of the last that were noted.
fn is_new_occurrence(case: &mut Case, met: &Met<'_>) -> bool {
    if case.occurrences.contains(&met.hash) {
        return false;
    }
    // Nobody enters twice, so nothing can count twice.
    if met.compiled.rule.limits.once_per == OncePer::Ever && case.entered_at.get().is_some() {
        return true;
    }
    remember(case, [met.hash], OCCURRENCES_MAX);
    true
}

/// Whether the case has entered once for ever, so that an occurrence would begin nothing.
fn has_entered_for_ever(case: &Case, met: &Met<'_>) -> bool {
    met.compiled.rule.limits.once_per == OncePer::Ever && case.entered_at.get().is_some()
}

/// The case of (rule, key), made when it is not there. True when the person had too many open keys, and the oldest fell.
pub(crate) fn case_of<'p>(person: &'p mut Person, rule: u32, key: Option<&str>) -> (&'p mut Case, bool) {
    let found = person.cases.iter().position(|case| case.rule == rule && case.key.as_deref() == key);
    if let Some(at) = found {
        return (&mut person.cases[at], false);
    }
    let mut has_fallen = false;
    if key.is_some() && person.cases.iter().filter(|case| case.rule == rule).count() >= KEYS_MAX {
        // What is decided and leaves no mark goes first, then marks, then what is still open: the oldest of each.
        let loss = |case: &Case| (case.is_open(), case.entered_at.get().is_some());
        let of_rule = person.cases.iter().enumerate().filter(|(_, case)| case.rule == rule);
        let (least, case) = of_rule.min_by_key(|(_, case)| loss(case)).expect("there are many");
        has_fallen = case.is_open();
        person.cases.remove(least);
    }
    push_exactly(&mut person.cases, Case { rule, key: key.map(Arc::from), ..Case::default() });
    (person.cases.last_mut().expect("just pushed"), has_fallen)
}

impl Case {
    /// Whether something of it is still to be decided.
    fn is_open(&self) -> bool {
        match &self.state {
            CaseState::Window(events) => !events.is_empty(),
            CaseState::Waits { waits, .. } => !waits.is_empty(),
        }
    }
}
