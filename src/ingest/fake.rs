//! A log and a letter box in memory, which can be told to fail.

use super::dead_letters::DeadLetters;
use crate::ledger::{DeadLetter, LedgerError};
use crate::log::{Batch, Done, Entry, Log, LogError, SourceMark};
use outreach_engine::event::Body;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct FakeLog {
    partitions: u32,
    appended: Mutex<Vec<Batch>>,
    is_down: AtomicBool,
    /// Appends wait here, not durable yet, while `holds` is set.
    waiting: Mutex<Vec<(Batch, Done)>>,
    holds: AtomicBool,
}

impl FakeLog {
    pub fn new(partitions: u32) -> Arc<FakeLog> {
        Arc::new(FakeLog {
            partitions,
            appended: Mutex::default(),
            is_down: AtomicBool::new(false),
            waiting: Mutex::default(),
            holds: AtomicBool::new(false),
        })
    }

    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    pub fn hold(&self) {
        self.holds.store(true, Ordering::SeqCst);
    }

    pub fn waiting_count(&self) -> usize {
        self.waiting.lock().unwrap().len()
    }

    /// Makes all that waits durable.
    pub fn release(&self) {
        for (batch, done) in self.waiting.lock().unwrap().drain(..) {
            self.appended.lock().unwrap().push(batch);
            done(Ok(()));
        }
    }

    pub fn bodies_count(&self) -> usize {
        let mut count = 0;
        self.each(|_, _| count += 1);
        count
    }

    /// Shows all records: by append, then by partition.
    pub fn each(&self, mut look: impl FnMut(u32, Body<'_>)) {
        for batch in self.appended.lock().unwrap().iter() {
            for (partition, records) in &batch.records {
                let mut bytes = records.bytes.as_slice();
                while !bytes.is_empty() {
                    look(*partition, Body::decode(&mut bytes).unwrap());
                }
            }
        }
    }
}

impl Log for FakeLog {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn submit(&self, batch: Batch, done: Done) {
        if self.is_down.load(Ordering::SeqCst) {
            done(Err(LogError::Unavailable { reason: "told so".into() }));
        } else if self.holds.load(Ordering::SeqCst) {
            self.waiting.lock().unwrap().push((batch, done));
        } else {
            self.appended.lock().unwrap().push(batch);
            done(Ok(()));
        }
    }

    fn read(&self, _partition: u32, _from: u64, _bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        unreachable!("doors do not read the log")
    }

    fn bounds(&self, _partition: u32) -> Result<Range<u64>, LogError> {
        unreachable!("doors do not read the log")
    }

    fn source_marks(&self) -> Result<Vec<SourceMark>, LogError> {
        Ok(self.appended.lock().unwrap().iter().flat_map(|batch| batch.marks.clone()).collect())
    }

    fn wait(&self, _partition: u32, _offset: u64, _timeout: Duration) {
        unreachable!("doors do not read the log")
    }
}

#[derive(Default)]
pub struct FakeLetters {
    kept: Mutex<Vec<DeadLetter>>,
    is_down: AtomicBool,
}

impl FakeLetters {
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    pub fn kept(&self) -> Vec<DeadLetter> {
        self.kept.lock().unwrap().clone()
    }
}

impl DeadLetters for FakeLetters {
    fn put(&self, letters: &[DeadLetter]) -> Result<(), LedgerError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(LedgerError::Unavailable { reason: "told so".into() });
        }
        self.kept.lock().unwrap().extend_from_slice(letters);
        Ok(())
    }
}
