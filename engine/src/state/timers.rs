//! Who is due when.
//!
//! A person is filed once, under the moment at which the earliest of their timers is ready to be judged (due, and grace
//! over), by their number in the shard. At a tick all that are ready move to a second order, that of judging: (earliest
//! `due_at`, subject); a tick takes so many from its front, and the rest stay for the next (architecture.md, "Time").

use crate::event::SubjectId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    pending: BTreeSet<(Timestamp, usize)>,
    ready: BTreeSet<(Timestamp, SubjectId)>,
}

/// Where a person is filed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filed {
    #[default]
    No,
    Pending(Timestamp),
    Ready(Timestamp),
}

/// Somebody who is filed, by what they are filed under.
pub(crate) enum Who<'a> {
    Number(usize),
    Subject(&'a SubjectId),
}

impl Timers {
    /// Files person `number`, who is `subject`, under `wanted`, or nowhere.
    pub fn file(&mut self, number: usize, subject: &SubjectId, filed: &mut Filed, wanted: Option<Timestamp>) {
        if let (Filed::Pending(at), Some(wanted)) = (*filed, wanted)
            && at == wanted
        {
            return;
        }
        self.unfile(number, subject, filed);
        if let Some(at) = wanted {
            self.pending.insert((at, number));
            *filed = Filed::Pending(at);
        }
    }

    /// Puts somebody back where a snapshot had them.
    pub fn restore(&mut self, number: usize, subject: &SubjectId, filed: Filed) {
        match filed {
            Filed::No => false,
            Filed::Pending(at) => self.pending.insert((at, number)),
            Filed::Ready(due_at) => self.ready.insert((due_at, subject.clone())),
        };
    }

    fn unfile(&mut self, number: usize, subject: &SubjectId, filed: &mut Filed) {
        match std::mem::take(filed) {
            Filed::No => {}
            Filed::Pending(at) => {
                self.pending.remove(&(at, number));
            }
            Filed::Ready(due_at) => {
                self.ready.remove(&(due_at, subject.clone()));
            }
        }
    }

    /// Somebody has another number from now on.
    pub fn renumber(&mut self, old: usize, new: usize, filed: Filed) {
        match filed {
            Filed::Pending(at) => {
                self.pending.remove(&(at, old));
                self.pending.insert((at, new));
            }
            Filed::No | Filed::Ready(_) => {}
        }
    }

    /// The earliest filed moment; the least time there is when some were left ready by the last tick.
    pub fn next_at(&self) -> Option<Timestamp> {
        if self.ready.is_empty() { self.pending.first().map(|(at, _)| *at) } else { Some(Timestamp::MIN) }
    }

    /// All that are filed: the ready first, then by time.
    pub fn filed(&self) -> impl Iterator<Item = (Timestamp, Who<'_>)> {
        let ready = self.ready.iter().map(|(_, subject)| (Timestamp::MIN, Who::Subject(subject)));
        ready.chain(self.pending.iter().map(|(at, number)| (*at, Who::Number(*number))))
    }

    /// Takes out those who are filed at or before `now`.
    pub fn take_pending(&mut self, now: Timestamp) -> Vec<(Timestamp, usize)> {
        let mut taken = Vec::new();
        while let Some(first) = self.pending.first() {
            if first.0 > now {
                break;
            }
            taken.extend(self.pending.pop_first());
        }
        taken
    }

    /// Puts somebody back whom nothing is to be judged of.
    pub fn put_back(&mut self, at: Timestamp, number: usize) {
        self.pending.insert((at, number));
    }

    /// Puts somebody into the order of judging.
    pub fn make_ready(&mut self, due_at: Timestamp, subject: SubjectId) {
        self.ready.insert((due_at, subject));
    }

    /// The next to be judged.
    pub fn pop_ready(&mut self) -> Option<SubjectId> {
        self.ready.pop_first().map(|(_, subject)| subject)
    }

    /// A rough count of the bytes held.
    pub fn bytes(&self) -> usize {
        // A set's node has room for eleven; filled in the order of time, as it is, it is little more than half full.
        let pending = self.pending.len() * size_of::<(Timestamp, usize)>();
        let ready = self.ready.len() * size_of::<(Timestamp, SubjectId)>();
        (pending + ready) * 2
    }
}
