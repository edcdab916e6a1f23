//! Appends that wait for the appender, bounded in bytes.

use crate::log::{Batch, Done, LogError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Appends in the order in which they were handed over. Beyond its bound it refuses at once: who waits in a queue
/// without end is lost all the same, only later.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Default)]
struct Waiting {
    appends: Vec<(Batch, Done)>,
    /// Of those that wait and those that are being written.
    bytes: usize,
    is_closed: bool,
}

/// What waits and is being written, at most, in bytes: a second of the fastest traffic aimed at, compressed by nothing.
pub(super) const QUEUE_BYTES_MAX: usize = 64 << 20;

/// What an append or a mark costs beside its records, in bytes, so that small ones are bounded too.
const OVERHEAD_BYTES: usize = 128;

impl Queue {
    /// Adds an append, or gives `done` back with the reason.
    pub(super) fn push(&self, batch: Batch, done: Done) -> Result<(), (Done, LogError)> {
        let bytes = weight(&batch);
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err((done, LogError::Unavailable { reason: "the log has stopped".into() }));
        }
        if waiting.bytes + bytes > QUEUE_BYTES_MAX {
            let reason = format!("{} bytes wait to be written, at most {QUEUE_BYTES_MAX}", waiting.bytes);
            return Err((done, LogError::Unavailable { reason }));
        }
        waiting.bytes += bytes;
        waiting.appends.push((batch, done));
        self.filled.notify_one();
        Ok(())
    }

    /// All that waits, as soon as something does; nothing once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<(Batch, Done)>> {
        let waiting = self.lock();
        let mut waiting = self
            .filled
            .wait_while(waiting, |waiting| waiting.appends.is_empty() && !waiting.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        (!waiting.appends.is_empty()).then(|| std::mem::take(&mut waiting.appends))
    }

    /// Makes room for what `take` gave and is now written, or has failed.
    pub(super) fn release(&self, bytes: usize) {
        self.lock().bytes -= bytes;
    }

    /// Refuses all that comes from now on.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a batch counts for in the queue, in bytes.
pub(super) fn weight(batch: &Batch) -> usize {
    let records: usize = batch.records.values().map(|records| records.bytes.len() + OVERHEAD_BYTES).sum();
    OVERHEAD_BYTES + records + batch.marks.len() * OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Records;

    fn batch(bytes: usize) -> Batch {
        Batch { records: [(0, Records { bytes: vec![0; bytes], count: 1 })].into(), marks: Vec::new() }
    }

    #[test]
    fn a_full_queue_refuses_at_once_until_what_was_taken_is_written() {
        let queue = Queue::default();
        let half = QUEUE_BYTES_MAX / 2;
        queue.push(batch(half), Box::new(drop)).map_err(|(_, error)| error).unwrap();
        assert!(queue.push(batch(half), Box::new(drop)).is_err());
        let taken = queue.take().unwrap();
        assert!(queue.push(batch(half), Box::new(drop)).is_err(), "what is being written still counts");
        queue.release(taken.iter().map(|(batch, _)| weight(batch)).sum());
        assert!(queue.push(batch(half), Box::new(drop)).is_ok());
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_then_nothing() {
        let queue = Queue::default();
        assert!(queue.push(batch(1), Box::new(drop)).is_ok());
        queue.close();
        assert!(queue.push(batch(1), Box::new(drop)).is_err());
        assert_eq!(queue.take().map(|taken| taken.len()), Some(1));
        assert!(queue.take().is_none());
    }
}
