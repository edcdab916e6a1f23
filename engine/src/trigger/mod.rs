//! When a rule's journey begins: one file a trigger form. A form looks at one event and the case that it keeps, and
//! says whether the trigger holds. Triggers know nothing of entries.

pub(crate) mod absence;
pub(crate) mod count;
pub(crate) mod event;
pub(crate) mod inactivity;
pub(crate) mod segment;
pub(crate) mod sequence;

use crate::release::{Compiled, Role};
use crate::rule::{FirstPart, OncePer, TriggerForm};
use crate::state::{Case, CaseState, Occurrence, Person, Silence, push_exactly};
use crate::time::{Length, Timestamp};
use inactivity::Asking;
use std::sync::Arc;

/// Open keys a person may have of one rule; the oldest falls (rules.md, "Triggers").
pub const KEYS_MAX: usize = 100;

/// Keys that a person may have entered one rule for. Beyond it nothing is entered any more, with a reason: forgetting one
/// would let it enter twice.
pub const MARKS_MAX: usize = 1_000;

/// Occurrences whose message ids a case remembers (architecture.md, "State is bounded").
const OCCURRENCES_MAX: usize = 16;

/// What an event did to a trigger.
pub(crate) enum Noticed {
    /// Nothing that begins a journey now.
    Nothing,
    /// It holds: at the event.
    Holds(Box<Occurrence>),
    /// It would hold then, but the person entered once for ever.
    OnceEver(Timestamp),
    /// The person may be inactive then: when that is due, and when its grace is over.
    MayBeInactive(Timestamp, Timestamp),
}

/// An event that passed the test of one of a trigger's parts.
pub(crate) struct Met<'a> {
    pub compiled: &'a Compiled,
    pub role: Role,
    pub hash: u64,
    /// Makes the occurrence, with what is captured; asked only when it is kept.
    pub occurrence: &'a dyn Fn() -> Occurrence,
    pub order: (Timestamp, crate::event::Place),
    /// The number of the release that decides now.
    pub release: u32,
    /// Whether what began in a release did by the first part that this rule has now: that one may have had another.
    pub is_of_trigger: &'a dyn Fn(u32) -> bool,
    /// What a journey calls the record.
    pub event_name: &'a Arc<str>,
    /// Whether somebody vouches for it, or the rule asks nobody to.
    pub may_begin: bool,
    /// When the trigger was released here, as it is written; the least time where that is not known.
    pub since: Timestamp,
}

/// Shows an event to a trigger's case.
pub(crate) fn notice(case: &mut Case, met: &Met<'_>) -> Noticed {
    match &met.compiled.rule.trigger.form {
        TriggerForm::Happens(FirstPart::Event(_)) => event::notice(case, met),
        TriggerForm::Happens(FirstPart::Count { count, within, .. }) => {
            count::notice(case, met, *count, *within)
        }
        TriggerForm::Happens(FirstPart::Sequence { steps, within }) => {
            sequence::notice(case, met, steps.len(), *within)
        }
        TriggerForm::Absence { first, within, repeat, .. } => {
            let form = absence::Form { first, within: *within, repeat: *repeat };
            absence::notice(case, met, form);
            Noticed::Nothing
        }
        TriggerForm::Segment { .. } => event::notice(case, met),
        TriggerForm::Inactive(_) => {
            let asking = Asking::of(met.compiled, met.since, met.release).expect("it is one");
            let silence = case.make_silence();
            inactivity::notice(silence, met, asking);
            let over = silence.quiet.as_ref().and_then(|quiet| asking.over(quiet, Some(silence)));
            over.map_or(Noticed::Nothing, |(due_at, ready_at)| Noticed::MayBeInactive(due_at, ready_at))
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

/// What became of a search for the case of (rule, key).
pub(crate) enum Found<'p> {
    Case(&'p mut Case),
    /// Made, and the oldest of too many open keys fell for it.
    InsteadOf(&'p mut Case),
    /// Nothing is kept: the person entered for so many keys that the marks are full, and none may be forgotten.
    Full,
}

/// The case of (rule, key), made when it is not there.
pub(crate) fn case_of<'p>(
    person: &'p mut Person,
    rule: u32,
    key: Option<&str>,
    once_per: OncePer,
    at: Timestamp,
) -> Found<'p> {
    let found = person.cases.iter().position(|case| case.rule == rule && case.key.as_deref() == key);
    if let Some(at) = found {
        return Found::Case(&mut person.cases[at]);
    }
    let has_fallen = match key.map(|_| make_room(person, rule, |entered_at| binds(once_per, entered_at, at)))
    {
        Some(Room::None) => return Found::Full,
        Some(Room::ByFall) => true,
        Some(Room::Free) | None => false,
    };
    push_exactly(&mut person.cases, Case { rule, key: key.map(Arc::from), ..Case::default() });
    let case = person.cases.last_mut().expect("just pushed");
    if has_fallen { Found::InsteadOf(case) } else { Found::Case(case) }
}

/// Whether an entry still keeps its key from entering again.
fn binds(once_per: OncePer, entered_at: Timestamp, at: Timestamp) -> bool {
    match once_per {
        OncePer::Ever => true,
        OncePer::Always => false,
        OncePer::Length(length) => at.since(entered_at) < length,
        // The longest a local date of somebody who travels can last.
        OncePer::CalendarDay => at.since(entered_at) < Length::hours(50),
    }
}

enum Room {
    Free,
    ByFall,
    None,
}

/// Open keys are bounded by [`KEYS_MAX`]: what is decided and leaves no mark goes first, then the oldest that is open.
/// Marks that still bind are never forgotten, since who entered would enter again: at [`MARKS_MAX`] no more are made.
fn make_room(person: &mut Person, rule: u32, binds: impl Fn(Timestamp) -> bool) -> Room {
    let is_marked = |case: &Case| case.entered_at.get().is_some_and(&binds);
    let of_rule = || person.cases.iter().enumerate().filter(|(_, case)| case.rule == rule);
    if of_rule().filter(|(_, case)| is_marked(case)).count() >= MARKS_MAX {
        return Room::None;
    }
    if of_rule().filter(|(_, case)| !is_marked(case)).count() < KEYS_MAX {
        return Room::Free;
    }
    let unmarked = of_rule().filter(|(_, case)| !is_marked(case));
    let (least, case) = unmarked.min_by_key(|(_, case)| case.is_open()).expect("there are many");
    let has_fallen = case.is_open();
    person.cases.remove(least);
    if has_fallen { Room::ByFall } else { Room::Free }
}

impl Case {
    /// Whether something of it is still to be decided.
    fn is_open(&self) -> bool {
        match &self.state {
            CaseState::Window(events) => !events.is_empty(),
            CaseState::Waits { waits, past } => {
                let is_silent = |silence: &Silence| silence.quiet.is_some() || !silence.over.is_empty();
                !waits.is_empty()
                    || past.as_ref().is_some_and(|past| {
                        !past.window.is_empty() || past.silence.as_deref().is_some_and(is_silent)
                    })
            }
        }
    }
}
