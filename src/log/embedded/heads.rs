//! The next offset of each partition, as far as it is durable, and who waits for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Rises only after the frames below it are on the disk.
pub(super) struct Heads {
    next: Mutex<Vec<u64>>,
    moved: Condvar,
}

impl Heads {
    pub(super) fn new(next: Vec<u64>) -> Heads {
        Heads { next: Mutex::new(next), moved: Condvar::new() }
    }

    pub(super) fn of(&self, partition: u32) -> u64 {
        self.lock()[partition as usize]
    }

    pub(super) fn publish(&self, next: &[u64]) {
        self.lock().copy_from_slice(next);
        self.moved.notify_all();
    }

    /// Returns when `partition` has a frame at `offset`, or after `timeout`.
    pub(super) fn wait(&self, partition: u32, offset: u64, timeout: Duration) {
        let next = self.lock();
        drop(self.moved.wait_timeout_while(next, timeout, |next| next[partition as usize] <= offset));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
