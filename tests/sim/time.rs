//! Simulated time: the true one, and machines whose clocks are off.

use outreach::clock::Clock;
use outreach_engine::{Length, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// The true time: that of the log, of the mail server and of everybody outside.
#[derive(Clone, Debug)]
pub struct TrueTime(Arc<AtomicI64>);

impl TrueTime {
    pub fn new(at: Timestamp) -> TrueTime {
        TrueTime(Arc::new(AtomicI64::new(at.0)))
    }

    pub fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn advance_to(&self, at: i64) {
        assert!(at >= self.now(), "true time does not go back");
        self.0.store(at, Ordering::Relaxed);
        planted_clock(at);
    }
}

/// What an engine that read a clock would see.
#[cfg(feature = "planted-bugs")]
fn planted_clock(at: i64) {
    outreach_engine::planted::set_clock(Timestamp(at));
}

#[cfg(not(feature = "planted-bugs"))]
fn planted_clock(_: i64) {}

/// One machine's clock: true time and how far it is off.
#[derive(Clone, Debug)]
pub struct MachineClock {
    pub time: TrueTime,
    ahead: Arc<AtomicI64>,
}

impl MachineClock {
    pub fn new(time: TrueTime) -> MachineClock {
        MachineClock { time, ahead: Arc::default() }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.time.now() + self.ahead())
    }

    /// Microseconds before true time (negative: behind).
    pub fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Sets it: a jump.
    pub fn set_ahead(&self, ahead: i64) {
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    pub fn clock(&self) -> Clock {
        let machine = self.clone();
        Arc::new(move || machine.now())
    }
}

pub fn length(microseconds: i64) -> Length {
    Length(microseconds)
}
