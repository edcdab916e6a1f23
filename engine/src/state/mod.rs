//! One partition's people in memory.
//!
//! Invariants:
//! - The state is a function of the records applied: people stand in the order in which they were first kept, every
//!   map is ordered, and nothing depends on where a process was stopped and restored.
//! - A person is filed under at most one due time (`Timers`), the earliest of all their waits and steps.
//! - Rules and releases are kept once, as numbers into the shard's tables, for the life of the shard.

mod before;
mod bytes;
mod heard;
mod history;
mod maybe_timestamp;
mod message_id;
mod people;
mod person;
mod profile;
mod quiet;
mod scan;
mod shown;
mod snapshot;
mod timers;

pub use heard::{HEARD_MAX, Heard};
pub use history::History;
pub(crate) use history::Room;
pub use maybe_timestamp::MaybeTimestamp;
pub use message_id::MessageId;
pub(crate) use person::Aside;
pub use person::{
    ANON_QUIET_MAX, Arm, Case, CaseState, Counted, Exited, Journey, JourneyState, MaybeSpan, Mute,
    Occurrence, OpenGoal, OptOuts, Past, Person, SeenEvent, Wait,
};
pub use profile::{PROFILE_BYTES_MAX, Profile};
pub use quiet::{Activity, Began, Quiet, Silence, Spell, Watch};
pub(crate) use scan::{Released, Scan};
pub use shown::{SHOWN_MAX, Shown};
pub use snapshot::SnapshotError;
pub use timers::Filed;
pub(crate) use timers::{Timers, Who};

use crate::event::{Origin, Subject, SubjectId};
use crate::time::Timestamp;
use indexmap::IndexSet;
use people::People;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use thin_vec::ThinVec;

/// A hasher without randomness: the order of the map is that of insertion, and its speed is nobody's secret.
pub(crate) type FixedHasher = foldhash::fast::FixedState;

/// The state of one partition.
#[derive(Clone, Debug, Default)]
pub struct Shard {
    /// The largest tick so far.
    pub(crate) now: Timestamp,
    /// The release announced last in this partition; empty before the first.
    pub(crate) release: Arc<str>,
    pub(crate) people: People,
    pub(crate) timers: Timers,
    /// Ids of rules that people's state names by number.
    pub(crate) rules: IndexSet<Arc<str>, FixedHasher>,
    /// Ids of releases that journeys entered with.
    pub(crate) releases: IndexSet<Arc<str>, FixedHasher>,
    /// The highest offset seen of each (source, partition).
    pub(crate) origins: BTreeMap<(u64, u32), u64>,
    /// The rules that are shown to everybody, by their numbers, as they were released.
    pub(crate) released: BTreeMap<u32, Released>,
    /// Those to whom they are still to be shown, oldest release first.
    pub(crate) scans: Vec<Scan>,
    /// What few shards have.
    pub(crate) turnover: Turnover,
}

/// What a shard remembers of the releases before, for the next one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Turnover {
    /// Questions about the past whose answers are kept: those of the release announced last, and of people inside an
    /// earlier one.
    pub asked: BTreeSet<u64>,
    /// Rules that were shadows, of which people may have marks and journeys.
    pub shadows: BTreeSet<Arc<str>>,
    /// Renames that were carried out, oldest first: the new id, and the old one.
    pub renamed: Vec<(Arc<str>, Arc<str>)>,
}

impl Shard {
    pub fn new() -> Shard {
        Shard { now: Timestamp::MIN, ..Shard::default() }
    }

    /// Engine time: the largest tick so far.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The id of the release that the shard decides by; empty before the first.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// When a tick would next judge somebody; a time already past when some were left over by the last tick.
    pub fn next_due_at(&self) -> Option<Timestamp> {
        if self.scans.is_empty() { self.timers.next_at() } else { Some(Timestamp::MIN) }
    }

    /// The next moment at which a tick with this `until` would judge somebody: what is due after `until` is left out.
    /// Somebody may be filed under a step that is left out and have an earlier one that is only ready later.
    pub fn next_due_until(&self, until: Timestamp) -> Option<Timestamp> {
        let mut next = (!self.scans.is_empty()).then_some(Timestamp::MIN);
        for (filed_at, who) in self.timers.filed() {
            // Nobody is ready before they are filed.
            if next.is_some_and(|next| next <= filed_at) {
                break;
            }
            let person = match who {
                Who::Number(number) => self.people.get_index(number).map(|(_, person)| person),
                Who::Subject(subject) => self.people.get(subject),
            };
            let timer = person.and_then(|person| person.next_timer(Some(until)));
            let ready_at = timer.map(|(ready_at, _)| ready_at.max(filed_at));
            next = [next, ready_at].into_iter().flatten().min();
        }
        next
    }

    pub fn people_count(&self) -> usize {
        self.people.len()
    }

    /// All people, in the order in which they were first kept.
    pub fn everybody(&self) -> impl Iterator<Item = (&SubjectId, &Person)> {
        self.people.iter()
    }

    pub fn person(&self, subject: Subject<'_>) -> Option<&Person> {
        self.people.get(&subject)
    }

    /// The id of the rule that a person's state names by this number.
    pub fn rule_id(&self, slot: u32) -> &Arc<str> {
        self.rules.get_index(slot as usize).expect("slots come from this table")
    }

    /// The id of the release that a journey names by this number.
    pub fn release_id(&self, slot: u32) -> &Arc<str> {
        self.releases.get_index(slot as usize).expect("slots come from this table")
    }

    pub(crate) fn rule_slot(&mut self, id: &Arc<str>) -> u32 {
        slot_of(&mut self.rules, id)
    }

    pub(crate) fn release_slot(&mut self, id: &Arc<str>) -> u32 {
        // Asked of every event that a rule looks at: it is nearly always the newest.
        match self.releases.last() {
            Some(newest) if newest == id => self.releases.len() as u32 - 1,
            Some(_) | None => slot_of(&mut self.releases, id),
        }
    }

    /// Notes a place in a source; false when this or a later one was seen before, so the record is a copy.
    pub(crate) fn is_first_sight(&mut self, origin: Origin) -> bool {
        let highest = self.origins.entry((origin.source, origin.partition)).or_insert(0);
        // Offsets are kept plus one, so that 0 says "none yet".
        let is_new = origin.offset >= *highest;
        if is_new {
            *highest = origin.offset + 1;
        }
        is_new
    }

    /// The number of a person, kept from now on.
    pub(crate) fn keep(&mut self, subject: Subject<'_>) -> usize {
        match self.people.get_index_of(&subject) {
            Some(index) => index,
            None => self.people.add(subject.to_owned()),
        }
    }

    /// Files a person under their earliest due time, after any change of their timers.
    pub(crate) fn refile(&mut self, index: usize) {
        let (subject, person) = self.people.get_index_mut(index).expect("an index from keep");
        let wanted = person.next_timer(None).map(|(ready_at, _)| ready_at);
        self.timers.file(index, subject, &mut person.filed, wanted);
    }

    /// Takes a person out of the timers.
    pub(crate) fn unfile(&mut self, index: usize) {
        let (subject, person) = self.people.get_index_mut(index).expect("an index from keep");
        self.timers.file(index, subject, &mut person.filed, None);
    }

    /// Forgets a person who is filed nowhere. The last of all gets their number.
    pub(crate) fn forget(&mut self, index: usize) {
        let forgotten = self.people.swap_remove_index(index);
        debug_assert!(forgotten.is_none_or(|(_, person)| person.filed == Filed::No));
        if let Some((_, moved)) = self.people.get_index(index) {
            self.timers.renumber(self.people.len(), index, moved.filed);
        }
        let last = self.people.len();
        self.scans.iter_mut().for_each(|scan| scan.forget(index, last));
    }

    /// Bytes of rule state that the people hold, profiles and ids aside: what the benchmark divides by their number.
    pub fn rule_state_bytes(&self) -> usize {
        self.people.values().map(Person::rule_state_bytes).sum::<usize>() + self.timers.bytes()
    }
}

/// When the trigger of a rule was announced as it is written; the least time where it was not.
pub(crate) fn released_at(
    released: &BTreeMap<u32, Released>,
    slot: u32,
    compiled: &crate::release::Compiled,
) -> Timestamp {
    let written = compiled.rule.trigger.written;
    let own = released.get(&slot).filter(|released| released.written == written);
    own.map_or(Timestamp::MIN, |released| released.at)
}

/// Pushes, and takes room for one alone: most people have one of each, and there are millions of them.
pub(crate) fn push_exactly<T>(list: &mut ThinVec<T>, item: T) {
    insert_exactly(list, list.len(), item);
}

/// Inserts, and takes room for one alone.
pub(crate) fn insert_exactly<T>(list: &mut ThinVec<T>, at: usize, item: T) {
    if list.len() < EXACT_MAX {
        list.reserve_exact(1);
    }
    list.insert(at, item);
}

/// From so many on a list grows as lists do.
const EXACT_MAX: usize = 8;

fn slot_of(table: &mut IndexSet<Arc<str>, FixedHasher>, id: &Arc<str>) -> u32 {
    match table.get_index_of(id) {
        Some(slot) => slot as u32,
        None => table.insert_full(id.clone()).0 as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thin_vec::thin_vec;

    #[test]
    fn the_end_of_time_waits_for_a_grace_behind_a_step_that_is_left_out() {
        let mut shard = Shard::new();
        let index = shard.keep(Subject::user("ada"));
        let journey = |due_at: i64, ready_at: i64| Journey {
            rule: 0,
            release: 0,
            key: None,
            occurrence: Occurrence {
                message_id: "m".into(),
                at: Timestamp(0),
                place: Default::default(),
                captured: None,
            },
            event_name: "E".into(),
            entered_at: Timestamp(0),
            arm: Arm::Treated,
            step: 0,
            state: JourneyState::Due {
                due_at: Timestamp(due_at),
                ready_at: Timestamp(ready_at),
                is_never_late: false,
            },
            exited: None,
            counts: false,
            is_shadow: false,
        };
        // Ada is filed under 12, which is due after the end at 11; what is due at 10 is ready at 13.
        shard.people[index].journeys = thin_vec![journey(12, 12), journey(10, 13)];
        shard.refile(index);
        let bob = shard.keep(Subject::user("bob"));
        shard.people[bob].journeys = thin_vec![journey(11, 14)];
        shard.refile(bob);
        assert_eq!(shard.next_due_at(), Some(Timestamp(12)));
        assert_eq!(shard.next_due_until(Timestamp(11)), Some(Timestamp(13)));
        assert_eq!(shard.next_due_until(Timestamp(9)), None);
    }

    #[test]
    fn the_last_of_all_stays_due_when_they_get_the_number_of_somebody_forgotten() {
        let mut shard = Shard::new();
        for (name, at) in [("ada", 1), ("bob", 2), ("cyd", 3)] {
            let index = shard.keep(Subject::user(name));
            shard.people[index].recheck(Timestamp(at));
            shard.refile(index);
        }
        assert!(shard.people[0].take_recheck());
        shard.refile(0);
        shard.forget(0);
        let filed = shard.timers.take_pending(Timestamp(3)).into_iter();
        let names = filed.map(|(at, number)| (at.0, shard.people.get_index(number).unwrap().0.to_string()));
        assert_eq!(names.collect::<Vec<_>>(), [(2, "user:bob".into()), (3, "user:cyd".into())]);
    }
}
