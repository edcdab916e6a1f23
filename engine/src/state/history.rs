//! What is kept of a person's past: for each question that a rule asks of it (`did`, `did_not`), the newest of the events
//! that answer it, as many as are enough to know.
//!
//! A record that comes twice is one event: a repeat stands where the first stood, or is older than all that is kept.

use crate::time::{Length, Timestamp};
use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

/// Beyond what is enough for now so many events are kept, and so long beyond the window, for judging a moment that lies
/// back: a deadline after which events came within the grace, a record that comes late in the log.
const BEYOND_EVENTS: usize = 8;
const BEYOND: Length = Length::days(1);

/// The past of one person. Most have none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    kept: ThinVec<Kept>,
}

/// What answers one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    question: u64,
    /// Times and hashes of message ids, in order of time.
    events: ThinVec<(Timestamp, u64)>,
}

/// How much of the past a question needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    pub events: usize,
    /// Nothing: as long as there are people.
    pub within: Option<Length>,
}

impl History {
    /// Takes in an event that answers a question; false where it was there already, or is older than what is kept.
    pub(crate) fn add(&mut self, question: u64, room: Room, at: Timestamp, hash: u64) -> bool {
        let kept = match self.kept.iter().position(|kept| kept.question == question) {
            Some(place) => &mut self.kept[place],
            None => {
                super::push_exactly(&mut self.kept, Kept { question, events: ThinVec::new() });
                self.kept.last_mut().expect("just pushed")
            }
        };
        if kept.events.iter().any(|(_, other)| *other == hash) {
            return false;
        }
        let place = kept.events.partition_point(|(other, _)| *other <= at);
        super::insert_exactly(&mut kept.events, place, (at, hash));
        let newest = kept.events.last().expect("just inserted").0;
        let over = room
            .within
            .map_or(0, |within| kept.events.partition_point(|(other, _)| *other <= newest - within - BEYOND));
        let excess = kept.events.len().saturating_sub(room.events + BEYOND_EVENTS);
        kept.events.drain(..over.max(excess));
        place >= over.max(excess)
    }

    /// How many events that answer the question lie in `(since, until]`; right up to what is enough to know.
    pub(crate) fn times(&self, question: u64, since: Option<Timestamp>, until: Timestamp) -> u32 {
        let kept = self.kept.iter().find(|kept| kept.question == question);
        let events = kept.map_or(&[][..], |kept| &kept.events);
        let is_inside = |at: Timestamp| at <= until && since.is_none_or(|since| at > since);
        events.iter().filter(|(at, _)| is_inside(*at)).count() as u32
    }

    /// Bytes asked of the allocator.
    pub(super) fn heap_bytes(&self) -> usize {
        let events = self.kept.iter().map(|kept| super::bytes::list_bytes(&kept.events)).sum::<usize>();
        super::bytes::list_bytes(&self.kept) + events
    }

    /// Forgets what nobody asks any more.
    pub(crate) fn retain(&mut self, is_asked: impl Fn(u64) -> bool) {
        self.kept.retain(|kept| is_asked(kept.question));
    }

    /// Whether something is kept that [`History::retain`] would forget.
    pub(crate) fn has_other(&self, is_asked: impl Fn(u64) -> bool) -> bool {
        self.kept.iter().any(|kept| !is_asked(kept.question))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: Room = Room { events: 2, within: Some(Length::days(7)) };

    fn day(day: i64) -> Timestamp {
        Timestamp::EPOCH + Length::days(day)
    }

    #[test]
    fn no_more_is_kept_than_is_enough_to_know_and_to_look_back() {
        let mut history = History::default();
        let ever = Room { events: 2, within: None };
        for n in 0..100 {
            history.add(1, ever, day(n), n as u64);
        }
        assert_eq!(history.kept[0].events.len(), 2 + BEYOND_EVENTS);
        for n in 0..100 {
            history.add(2, WEEK, day(200 + 9 * n), n as u64);
        }
        assert_eq!(history.kept[1].events.len(), 1, "a day beyond the window is enough");
        assert_eq!(history.times(1, None, day(100)), 2 + BEYOND_EVENTS as u32);
        assert_eq!(history.times(3, None, day(100)), 0);
    }

    #[test]
    fn what_comes_twice_counts_once_even_after_it_was_forgotten() {
        let mut history = History::default();
        assert!(history.add(1, WEEK, day(1), 7));
        assert!(!history.add(1, WEEK, day(1), 7));
        for n in 2..30 {
            history.add(1, Room { events: 1, within: None }, day(n), 100 + n as u64);
        }
        let before = history.clone();
        assert!(!history.add(1, Room { events: 1, within: None }, day(1), 7));
        assert_eq!(history, before);
    }

    #[test]
    fn a_window_is_half_open_and_looks_back_from_any_moment() {
        let mut history = History::default();
        for (at, hash) in [(3, 3), (1, 1), (2, 2)] {
            assert!(history.add(1, WEEK, day(at), hash));
        }
        let times = |since, until| history.times(1, Some(day(since)), day(until));
        assert_eq!((times(0, 3), times(1, 3), times(1, 2), times(3, 4)), (3, 2, 1, 0));
    }
}
