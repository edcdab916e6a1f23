//! A process that may die at any call: from then on nothing it calls does anything.

use crate::dice::Dice;
use crate::time::TrueTime;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

/// One incarnation of an owner's process.
#[derive(Debug)]
pub struct Life {
    pub owner: usize,
    time: TrueTime,
    died_at: AtomicI64,
    /// The furthest that its clock was ahead (negative: behind) since it began.
    ahead_max: AtomicI64,
}

impl Life {
    pub fn new(owner: usize, time: TrueTime, ahead: i64) -> Arc<Life> {
        let (died_at, ahead_max) = (AtomicI64::new(i64::MAX), AtomicI64::new(ahead));
        Arc::new(Life { owner, time, died_at, ahead_max })
    }

    /// Its clock was set.
    pub fn saw_clock(&self, ahead: i64) {
        self.ahead_max.fetch_max(ahead, Ordering::Relaxed);
    }

    pub fn ahead_max(&self) -> i64 {
        self.ahead_max.load(Ordering::Relaxed)
    }

    pub fn is_over(&self) -> bool {
        self.died_at() != i64::MAX
    }

    /// True time of its death; `i64::MAX` while it lives.
    pub fn died_at(&self) -> i64 {
        self.died_at.load(Ordering::Relaxed)
    }

    pub fn end(&self) {
        if !self.is_over() {
            self.died_at.store(self.time.now(), Ordering::Relaxed);
        }
    }
}

/// What may go wrong at a call to the log or the ledger, in a million; changed while the world runs.
#[derive(Debug)]
pub struct Trouble {
    pub dice: Dice,
    is_calm: AtomicBool,
    errors: AtomicU32,
    crashes: AtomicU32,
}

/// What goes wrong at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    None,
    /// Nothing is done, and the caller hears so.
    ErrorBefore,
    /// It is done, and the caller hears that it was not.
    ErrorAfter,
    CrashBefore,
    CrashAfter,
}

impl Trouble {
    pub fn new(dice: Dice) -> Arc<Trouble> {
        Arc::new(Trouble {
            dice,
            is_calm: AtomicBool::new(true),
            errors: AtomicU32::new(0),
            crashes: AtomicU32::new(0),
        })
    }

    pub fn set(&self, errors: u32, crashes: u32) {
        self.errors.store(errors, Ordering::Relaxed);
        self.crashes.store(crashes, Ordering::Relaxed);
        self.is_calm.store(errors == 0 && crashes == 0, Ordering::Relaxed);
    }

    /// Does something while calls kill so often.
    pub fn while_calls_kill<T>(&self, crashes: u32, work: impl FnOnce() -> T) -> T {
        let before = (self.errors.load(Ordering::Relaxed), self.crashes.load(Ordering::Relaxed));
        self.set(before.0, crashes);
        let done = work();
        self.set(before.0, before.1);
        done
    }

    pub fn mishap(&self) -> Mishap {
        if self.is_calm.load(Ordering::Relaxed) {
            return Mishap::None;
        }
        let is_before = self.dice.happens(500_000);
        if self.dice.happens(self.crashes.load(Ordering::Relaxed)) {
            return if is_before { Mishap::CrashBefore } else { Mishap::CrashAfter };
        }
        if self.dice.happens(self.errors.load(Ordering::Relaxed)) {
            return if is_before { Mishap::ErrorBefore } else { Mishap::ErrorAfter };
        }
        Mishap::None
    }
}
