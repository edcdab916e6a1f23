//! The people of a shard, in the order in which they were first kept, and a copy of them as bytes that is made little by
//! little while they go on.
//!
//! A shard of many people takes longer to write than it may stand still. So whoever is changed while a copy is under way
//! is written first, as they stood when it was begun; the others are written in their order, some at a time. There is no
//! way to change somebody that goes round this: the map is borrowed for reading alone.

use super::{FixedHasher, Person};
use crate::event::SubjectId;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::ops::{Deref, Index, IndexMut};

pub(super) type Map = IndexMap<SubjectId, Person, FixedHasher>;

#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    all: Map,
    copy: Option<Box<Copying>>,
}

/// A copy under way.
#[derive(Clone, Debug)]
struct Copying {
    bytes: Vec<u8>,
    /// People there were when it was begun.
    count: usize,
    /// The first who is not in `bytes` yet.
    next: usize,
    /// Those who changed since, by the number that they had.
    before: BTreeMap<usize, Vec<u8>>,
}

impl People {
    pub fn get_index_mut(&mut self, index: usize) -> Option<(&SubjectId, &mut Person)> {
        self.before_change(index);
        self.all.get_index_mut(index)
    }

    /// Keeps somebody new, and gives their number.
    pub fn add(&mut self, subject: SubjectId) -> usize {
        self.all.insert_full(subject, Person::default()).0
    }

    /// Takes somebody out; the last of all gets their number.
    pub fn swap_remove_index(&mut self, index: usize) -> Option<(SubjectId, Person)> {
        self.before_change(index);
        self.before_change(self.all.len() - 1);
        self.all.swap_remove_index(index)
    }

    /// Begins a copy of all as they stand, behind `bytes`; one under way is given up.
    pub fn begin_copy(&mut self, bytes: Vec<u8>) {
        let count = self.all.len();
        self.copy = Some(Box::new(Copying { bytes, count, next: 0, before: BTreeMap::new() }));
    }

    /// Writes up to `count_max` people more; the bytes, when that were all.
    pub fn copy_on(&mut self, count_max: usize) -> Option<Vec<u8>> {
        let copy = self.copy.as_deref_mut()?;
        let end = copy.count.min(copy.next.saturating_add(count_max));
        for index in copy.next..end {
            match copy.before.remove(&index) {
                Some(bytes) => copy.bytes.extend_from_slice(&bytes),
                None => {
                    let entry = self.all.get_index(index).expect("whoever went was written before");
                    copy.bytes = write(entry, std::mem::take(&mut copy.bytes));
                }
            }
        }
        copy.next = end;
        if end < copy.count {
            return None;
        }
        self.copy.take().map(|copy| copy.bytes)
    }

    fn before_change(&mut self, index: usize) {
        if let Some(copy) = &mut self.copy {
            copy.keep(index, &self.all);
        }
    }
}

impl Copying {
    /// Keeps somebody as they stand, unless they are written, or were kept, or came later.
    #[cold]
    fn keep(&mut self, index: usize, all: &Map) {
        if (self.next..self.count).contains(&index) && !self.before.contains_key(&index) {
            let entry = all.get_index(index).expect("a number of somebody kept");
            self.before.insert(index, write(entry, Vec::new()));
        }
    }
}

/// Writes one person behind `bytes`.
pub(super) fn write(entry: (&SubjectId, &Person), bytes: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(&entry, bytes).expect("memory takes all bytes")
}

impl From<Map> for People {
    fn from(all: Map) -> People {
        People { all, copy: None }
    }
}

impl Deref for People {
    type Target = Map;
    fn deref(&self) -> &Map {
        &self.all
    }
}

impl Index<usize> for People {
    type Output = Person;
    fn index(&self, index: usize) -> &Person {
        &self.all[index]
    }
}

impl IndexMut<usize> for People {
    fn index_mut(&mut self, index: usize) -> &mut Person {
        self.before_change(index);
        &mut self.all[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Subject;
    use crate::time::Timestamp;

    fn people(names: &[&str]) -> People {
        let mut people = People::default();
        for name in names {
            people.add(Subject::user(name).to_owned());
        }
        people
    }

    fn whole(people: &People) -> Vec<u8> {
        people.iter().fold(Vec::new(), |bytes, entry| write(entry, bytes))
    }

    fn rest(people: &mut People) -> Vec<u8> {
        (0..100).find_map(|_| people.copy_on(1)).expect("a copy that ends")
    }

    #[test]
    fn a_copy_is_of_all_as_they_stood_when_it_was_begun() {
        let mut people = people(&["ada", "bob", "cyd", "dan", "eve"]);
        let expected = whole(&people);
        people.begin_copy(Vec::new());
        assert_eq!(people.copy_on(2), None);
        // One is written, one is not; one goes, whose number the last one gets, and one comes.
        for index in [0, 3] {
            people[index].recheck(Timestamp(1));
        }
        people.swap_remove_index(2);
        people[2].recheck(Timestamp(2));
        people.get_index_mut(3).expect("dan").1.recheck(Timestamp(3));
        let new = people.add(Subject::user("fay").to_owned());
        people[new].recheck(Timestamp(4));
        assert_eq!(rest(&mut people), expected);
        assert_ne!(whole(&people), expected);
        assert_eq!(people.copy_on(1), None, "none is under way");
    }

    #[test]
    fn all_may_go_while_they_are_copied() {
        let mut people = people(&["ada", "bob", "cyd"]);
        let expected = whole(&people);
        people.begin_copy(Vec::new());
        (0..3).for_each(|_| drop(people.swap_remove_index(0)));
        people.add(Subject::user("fay").to_owned());
        assert_eq!(rest(&mut people), expected);
    }

    #[test]
    fn nobody_is_copied_too() {
        let mut people = People::default();
        people.begin_copy(vec![7]);
        assert_eq!(people.copy_on(1), Some(vec![7]));
    }
}
