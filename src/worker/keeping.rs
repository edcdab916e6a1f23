//! When a worker's state is kept, and how: copied a slice a step, so that the shard does not stand still, then handed
//! over to be compressed and written behind its back.
//!
//! A snapshot is begun only of a state that the ledger stands at. It counts once it was written; one that was not, by a
//! full disk or a crash, is simply not there, and the log still holds what it would have held.

use super::{Worker, has_passed};
use crate::ledger::Ledger;
use crate::log::Log;
use crate::worker::snapshots::SnapshotsError;
use outreach_engine::{Length, Timestamp};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// How often the state is written down: bounds how long a restart reads.
const SNAPSHOT_EVERY: Length = Length::minutes(5);
/// So many people are copied in one step: two to five milliseconds, in which nobody else is waited for.
pub const SNAPSHOT_SLICE: usize = 4_096;
/// The partitions take turns within [`SNAPSHOT_EVERY`]: each snapshot takes memory and a core for a while.
const TURNS: u32 = 8;

/// The snapshot under way, and the last one.
pub(super) struct Keeping {
    /// The last was begun then.
    begun_at: Timestamp,
    /// The newest that is kept; where the worker started, while there is none.
    offset: u64,
    /// One is copied, as of this offset.
    copied: Option<u64>,
    /// One is being written.
    written: Option<Written>,
    /// The state that this engine took over bears the name of another, or none.
    is_unsigned: bool,
}

struct Written {
    offset: u64,
    ended: Receiver<Result<(), SnapshotsError>>,
}

impl Keeping {
    /// For a worker that starts at `offset`.
    pub fn new(partition: u32, now: Timestamp, offset: u64, is_unsigned: bool) -> Keeping {
        let turn = Length(SNAPSHOT_EVERY.0 / i64::from(TURNS) * i64::from(partition % TURNS));
        Keeping { begun_at: now - turn, offset, copied: None, written: None, is_unsigned }
    }

    pub fn is_copying(&self) -> bool {
        self.copied.is_some()
    }

    /// Hears how the writing ended.
    fn hear(&mut self, partition: u32) {
        let Some(Written { offset, ended }) = &self.written else { return };
        match ended.try_recv() {
            Err(TryRecvError::Empty) => return,
            Ok(Ok(())) => self.offset = *offset,
            // The log still holds what this one would have: the next may succeed.
            Ok(Err(error)) => tracing::warn!(partition, %error, "no snapshot was kept"),
            Err(TryRecvError::Disconnected) => tracing::warn!(partition, "nobody has written a snapshot"),
        }
        self.written = None;
    }
}

impl<L: Log, D: Ledger> Worker<L, D> {
    /// Keeps the state that was taken over under this engine's name before anything is decided by it: whoever starts
    /// next must not take what follows for the other's. False while that cannot be done.
    pub(super) fn sign(&mut self) -> bool {
        if !self.snapshot.is_unsigned {
            return true;
        }
        let kept = self.tools.snapshots.put(self.partition, self.next, &self.shard.to_bytes());
        if let Err(error) = &kept {
            tracing::warn!(partition = self.partition, %error, "nothing is decided before a snapshot can be kept");
        }
        self.snapshot.is_unsigned = kept.is_err();
        kept.is_ok()
    }

    /// Begins a snapshot every [`SNAPSHOT_EVERY`] where there was something; only of a state that the ledger stands at.
    pub(super) fn snapshot_when_due(&mut self, now: Timestamp) {
        self.snapshot.hear(self.partition);
        let is_under_way = self.snapshot.copied.is_some() || self.snapshot.written.is_some();
        let is_due = has_passed(self.snapshot.begun_at, SNAPSHOT_EVERY, now) && self.is_worth_keeping();
        if is_due && !is_under_way {
            self.snapshot.begun_at = now;
            self.snapshot.copied = Some(self.position);
            self.shard.begin_bytes();
        }
    }

    /// Copies the next slice; the whole copy is handed over.
    pub(super) fn copy_on(&mut self) {
        let Some(offset) = self.snapshot.copied else { return };
        let Some(bytes) = self.shard.more_bytes(self.tools.snapshot_slice) else { return };
        self.snapshot.copied = None;
        let (end, ended) = channel();
        self.snapshot.written = Some(Written { offset, ended });
        let (snapshots, partition) = (self.tools.snapshots.clone(), self.partition);
        // Who does not listen any more needs no answer.
        (self.tools.writer)(Box::new(move || drop(end.send(snapshots.put(partition, offset, &bytes)))));
    }

    /// The snapshot of the ordered end, at once. One that is still being written is older, and may end as it likes.
    pub(super) fn last_snapshot(&mut self) {
        self.snapshot.hear(self.partition);
        if !self.is_worth_keeping() {
            return;
        }
        match self.tools.snapshots.put(self.partition, self.position, &self.shard.to_bytes()) {
            Ok(()) => self.snapshot.offset = self.position,
            Err(error) => tracing::warn!(partition = self.partition, %error, "no snapshot was kept"),
        }
    }

    fn is_worth_keeping(&self) -> bool {
        self.position == self.next && self.position > self.snapshot.offset
    }
}
