//! A walk over all who were there when a release was announced: each of them is shown its new rules, some people a tick.
//!
//! It decides as if all had been shown them in the moment of the release: whoever a record is about meanwhile, or who is
//! judged, is shown them before, so nobody has changed since; and who came later is shown none.

use crate::event::Place;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who is still to be shown which rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scan {
    /// When the release was announced, and where.
    pub at: Timestamp,
    pub place: Place,
    /// The rules, by their numbers in the shard.
    pub rules: Vec<u32>,
    /// People there were, and the first who was not come to yet.
    count: usize,
    next: usize,
    /// Those behind `next` who were shown them before their turn.
    early: BTreeSet<usize>,
}

/// A rule as it was released last: what is shown to everybody is shown once, and what was kept of another trigger is not
/// of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Released {
    /// Its trigger, as it is written.
    pub written: u64,
    pub at: Timestamp,
    /// Neither off nor gone.
    pub is_live: bool,
}

impl Scan {
    pub fn new(at: Timestamp, place: Place, rules: Vec<u32>, count: usize) -> Scan {
        Scan { at, place, rules, count, next: 0, early: BTreeSet::new() }
    }

    /// Whether this person is still to be shown the rules; asked once, for then they are shown them.
    pub fn take(&mut self, index: usize) -> bool {
        (self.next..self.count).contains(&index) && self.early.insert(index)
    }

    /// The next whose turn it is, of up to `*left` people that are passed.
    pub fn take_next(&mut self, left: &mut usize) -> Option<usize> {
        while self.next < self.count && *left > 0 {
            let index = self.next;
            (self.next, *left) = (index + 1, *left - 1);
            if !self.early.remove(&index) {
                return Some(index);
            }
        }
        None
    }

    pub fn is_over(&self) -> bool {
        self.next >= self.count || self.rules.is_empty()
    }

    /// Somebody is forgotten, and `last`, who was shown the rules or came later, gets their number.
    pub fn forget(&mut self, index: usize, last: usize) {
        self.early.remove(&last);
        self.count = self.count.min(last);
        if (self.next..self.count).contains(&index) {
            self.early.insert(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(count: usize) -> Scan {
        Scan::new(Timestamp(1), Place::default(), vec![0], count)
    }

    fn rest(scan: &mut Scan) -> Vec<usize> {
        std::iter::from_fn(|| scan.take_next(&mut 100)).collect()
    }

    #[test]
    fn everybody_has_one_turn() {
        let mut scan = scan(5);
        assert!(scan.take(3) && !scan.take(3));
        let mut left = 2;
        assert_eq!((scan.take_next(&mut left), scan.take_next(&mut left)), (Some(0), Some(1)));
        assert_eq!(scan.take_next(&mut left), None, "two people are passed");
        assert!(!scan.take(1) && !scan.take(5), "one had their turn, one came later");
        assert_eq!(rest(&mut scan), [2, 4]);
        assert!(scan.is_over());
    }

    #[test]
    fn who_gets_the_number_of_somebody_forgotten_has_no_second_turn() {
        let mut scan = scan(4);
        assert_eq!(scan.take_next(&mut 1), Some(0));
        assert!(scan.take(3));
        scan.forget(1, 3);
        assert_eq!(rest(&mut scan), [2]);
    }
}
