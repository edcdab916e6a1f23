//! The one thread that writes: group commit.
//!
//! It takes all that waits, joins the records of a partition over batches into frames of up to [`JOIN_BYTES_MAX`],
//! writes frames and marks in one transaction, which ends with an fsync, and only then calls each `done`, in order. The
//! longer an fsync takes, the more the next one carries.
//!
//! After a failed commit the connection is kept: its next transaction overwrites what the failed one may have left in
//! the write-ahead log, while a fresh connection might take it for done. A process that dies just between the two may
//! find such an append there, whole with its marks: to its caller that is an acknowledgement that got lost.

use super::day_file::{DayFile, Start, day_of, insert_frame, move_mark};
use super::queue::weight;
use super::{Shared, error};
use crate::clock::Clock;
use crate::log::{Batch, Done, Frame, LogError, Records};
use outreach_engine::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use std::path::PathBuf;
use std::sync::Arc;

/// How large a frame may become by joining, in bytes before compression: large enough that its own cost vanishes, small
/// enough that a reader's `bytes_max` means something.
const JOIN_BYTES_MAX: usize = 256 << 10;

pub(super) struct Appender {
    shared: Arc<Shared>,
    clock: Clock,
    dir: PathBuf,
    /// The newest file, and the one connection that writes to it.
    file: Arc<DayFile>,
    connection: Connection,
    next_offsets: Vec<u64>,
    last_at: Timestamp,
    joined: Records,
    frame: Vec<u8>,
}

impl Appender {
    pub(super) fn new(
        shared: Arc<Shared>,
        clock: Clock,
        dir: PathBuf,
        file: Arc<DayFile>,
        last_at: Timestamp,
    ) -> Result<Appender, LogError> {
        let connection = file.writer()?;
        let next_offsets = (0..shared.partitions).map(|partition| shared.heads.of(partition)).collect();
        let (joined, frame) = Default::default();
        Ok(Appender { shared, clock, dir, file, connection, next_offsets, last_at, joined, frame })
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let _closed_on_panic = CloseOnDrop(self.shared.clone());
        while let Some(appends) = self.shared.queue.take() {
            let (batches, dones): (Vec<Batch>, Vec<Done>) = appends.into_iter().unzip();
            let result = self.commit(&batches);
            if result.is_ok() {
                self.shared.heads.publish(&self.next_offsets);
            }
            self.shared.queue.release(batches.iter().map(weight).sum());
            for done in dones {
                done(result.clone());
            }
        }
    }

    /// All of `batches` durably, or nothing of them.
    fn commit(&mut self, batches: &[Batch]) -> Result<(), LogError> {
        let now = (self.clock)().max(self.last_at);
        self.roll(now)?;
        #[cfg(test)]
        self.shared.limit_pages(&self.connection);
        let next_offsets = self.next_offsets.clone();
        let result = self.write(batches, now);
        match &result {
            Ok(()) => self.last_at = now,
            Err(_) => self.next_offsets = next_offsets,
        }
        result.map_err(|error| error::sqlite(&self.file.path, &error))
    }

    /// Goes on in the file of the day of `now`; time never goes back, so neither does the day.
    fn roll(&mut self, now: Timestamp) -> Result<(), LogError> {
        if day_of(now) <= self.file.day {
            return Ok(());
        }
        let start = Start { bases: self.next_offsets.clone(), at: now, marks: self.file.marks()? };
        let (file, connection) = DayFile::create(&self.dir, day_of(now), &start)?;
        let old = std::mem::replace(&mut self.connection, connection);
        // Whether it succeeds or not: the next one who opens the old file does it.
        drop(old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        self.file = Arc::new(file);
        self.shared.add_file(self.file.clone());
        Ok(())
    }

    fn write(&mut self, batches: &[Batch], now: Timestamp) -> rusqlite::Result<()> {
        // An error on the way drops the transaction, which rolls it back.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut frames = Frames {
            connection: &transaction,
            now,
            next_offsets: &mut self.next_offsets,
            joined: &mut self.joined,
            bytes: &mut self.frame,
        };
        for partition in 0..self.shared.partitions {
            frames.write(partition, batches.iter().filter_map(|batch| batch.records.get(&partition)))?;
        }
        for mark in batches.iter().flat_map(|batch| &batch.marks) {
            move_mark(&transaction, mark)?;
        }
        transaction.commit()
    }
}

/// Makes frames of records.
struct Frames<'a> {
    connection: &'a Connection,
    now: Timestamp,
    next_offsets: &'a mut [u64],
    joined: &'a mut Records,
    bytes: &'a mut Vec<u8>,
}

impl Frames<'_> {
    fn write<'r>(&mut self, partition: u32, all: impl Iterator<Item = &'r Records>) -> rusqlite::Result<()> {
        self.joined.bytes.clear();
        self.joined.count = 0;
        for records in all {
            if self.joined.bytes.len() + records.bytes.len() > JOIN_BYTES_MAX {
                self.flush(partition)?;
            }
            self.joined.bytes.extend_from_slice(&records.bytes);
            self.joined.count += records.count;
        }
        self.flush(partition)
    }

    fn flush(&mut self, partition: u32) -> rusqlite::Result<()> {
        if self.joined.count == 0 {
            return Ok(());
        }
        Frame::encode_into(self.joined, self.bytes);
        let next = &mut self.next_offsets[partition as usize];
        insert_frame(self.connection, partition, *next, self.now, self.bytes)?;
        *next += 1;
        self.joined.bytes.clear();
        self.joined.count = 0;
        Ok(())
    }
}

/// Nobody hands over to a thread that is gone.
struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.queue.close();
        // Empty unless the thread panicked: these are told by their dropped `done`.
        drop(self.0.queue.take());
    }
}
