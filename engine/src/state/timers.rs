//! Who is due when.
//!
//! A person is filed once, under the moment at which the earliest of their timers is ready to be judged (due, and grace
//! over). At a tick all that are ready move to a second order, that of judging: (earliest `due_at`, subject); a tick
//! takes so many from its front, and the rest stay for the next (architecture.md, "Time").

use crate::event::SubjectId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    pending: BTreeSet<(Timestamp, SubjectId)>,
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

impl Timers {
    /// Files `subject` under `wanted`, or nowhere.
    pub fn file(&mut self, subject: &SubjectId, filed: &mut Filed, wanted: Option<Timestamp>) {
        if let (Filed::Pending(at), Some(wanted)) = (*filed, wanted)
            && at == wanted
        {
            return;
        }
        self.unfile(subject, filed);
        if let Some(at) = wanted {
            self.pending.insert((at, subject.clone()));
            *filed = Filed::Pending(at);
        }
    }

    /// Puts somebody back where a snapshot had them.
    pub fn restore(&mut self, subject: &SubjectId, filed: Filed) {
        match filed {
            Filed::No => false,
            Filed::Pending(at) => self.pending.insert((at, subject.clone())),
            Filed::Ready(due_at) => self.ready.insert((due_at, subject.clone())),
        };
    }

    pub fn unfile(&mut self, subject: &SubjectId, filed: &mut Filed) {
        match std::mem::take(filed) {
            Filed::No => {}
            Filed::Pending(at) => {
                self.pending.remove(&(at, subject.clone()));
            }
            Filed::Ready(due_at) => {
                self.ready.remove(&(due_at, subject.clone()));
            }
        }
    }

    /// The earliest filed moment; the least time there is when some were left ready by the last tick.
    pub fn next_at(&self) -> Option<Timestamp> {
        if self.ready.is_empty() { self.pending.first().map(|(at, _)| *at) } else { Some(Timestamp::MIN) }
    }

    /// All that are filed: the ready first, then by time.
    pub fn filed(&self) -> impl Iterator<Item = (Timestamp, &SubjectId)> {
        let ready = self.ready.iter().map(|(_, subject)| (Timestamp::MIN, subject));
        ready.chain(self.pending.iter().map(|(at, subject)| (*at, subject)))
    }

    /// Takes out those who are filed at or before `now`.
    pub fn take_pending(&mut self, now: Timestamp) -> Vec<(Timestamp, SubjectId)> {
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
    pub fn put_back(&mut self, at: Timestamp, subject: SubjectId) {
        self.pending.insert((at, subject));
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
        // A set's node holds eleven of them on average two thirds full.
        (self.pending.len() + self.ready.len()) * size_of::<(Timestamp, SubjectId)>() * 3 / 2
    }
}
