//! The next offset of each partition, as far as it is durable, and who waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Rises only after the frames below it are on the disk.
pub(super) struct Heads {
    next: Mutex<Vec<u64>>,
    moved: Condvar,
    roused: AtomicU64,
}

impl Heads {
    pub(super) fn new(next: Vec<u64>) -> Heads {
        Heads { next: Mutex::new(next), moved: Condvar::new(), roused: AtomicU64::new(0) }
    }

    pub(super) fn of(&self, partition: u32) -> u64 {
        self.lock()[partition as usize]
    }

    pub(super) fn publish(&self, next: &[u64]) {
        self.lock().copy_from_slice(next);
        self.moved.notify_all();
    }

    /// Returns when `partition` has a frame at `offset`, after `timeout`, or when all are roused.
    pub(super) fn wait(&self, partition: u32, offset: u64, timeout: Duration) {
        let next = self.lock();
        let before = self.roused.load(Ordering::Relaxed);
        let is_still = |next: &mut Vec<u64>| {
            next[partition as usize] <= offset && self.roused.load(Ordering::Relaxed) == before
        };
        drop(self.moved.wait_timeout_while(next, timeout, is_still));
    }

    /// Ends all waits that are under way.
    pub(super) fn rouse(&self) {
        let held = self.lock();
        self.roused.fetch_add(1, Ordering::Relaxed);
        drop(held);
        self.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn who_waits_is_roused_though_nothing_came() {
        let heads = Arc::new(Heads::new(vec![0]));
        let waiting = heads.clone();
        let waits = std::thread::spawn(move || waiting.wait(0, 0, Duration::from_secs(3_600)));
        while !waits.is_finished() {
            heads.rouse();
            std::thread::yield_now();
        }
        waits.join().unwrap();
        assert_eq!(heads.of(0), 0);
    }
}
