//! Quickened time: clocks that go as clocks do, and leap ahead in between.
//!
//! To the service a leap is what a sleep of its machine is: both clocks have moved, nothing ran meanwhile, and what came
//! due is judged when it looks again. So its seconds stay seconds (a mail server has its time to answer, a try its
//! backoff) while days pass. Nothing leaps while a message is on its way.

use crate::clock::{self, Clocks, Guarded};
use outreach_engine::{Length, Timestamp};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// The demo's time, and how it passes.
pub(super) struct Time {
    ahead: Arc<AtomicI64>,
    flow: Mutex<Flow>,
    /// What passes in a second.
    speed: Length,
}

struct Flow {
    is_still: bool,
    /// Still to be leapt over at once.
    skips: Length,
    leapt_at: Instant,
}

/// More in a second, and a night would pass between two leaps.
pub const SPEED_MAX: Length = Length::hours(12);
/// Between leaps: shards look again within a quarter of a second, and judge what came due.
pub(super) const LEAP_EVERY: Duration = Duration::from_millis(400);
const SKIP_EVERY: Duration = Duration::from_millis(300);
/// A day in two seconds, and no night is leapt over whole.
const SKIP: Length = Length::hours(4);
/// A message that waits for something else than time keeps the leaps waiting so long, and no longer.
pub(super) const WAITS_MAX: Duration = Duration::from_secs(3);

impl Time {
    pub fn new(speed: Length) -> Time {
        let flow = Flow { is_still: false, skips: Length::ZERO, leapt_at: Instant::now() };
        Time { ahead: Arc::default(), flow: Mutex::new(flow), speed }
    }

    /// For the service.
    pub fn clocks(&self) -> Clocks {
        let (wall, steady) = (clock::system(), clock::since_boot());
        let (one, other) = (self.ahead.clone(), self.ahead.clone());
        Clocks {
            wall: Arc::new(move || wall() + Length(one.load(Ordering::SeqCst))),
            steady: Arc::new(move || Length(steady().0 + other.load(Ordering::SeqCst))),
        }
    }

    pub fn now(&self) -> Timestamp {
        clock::system()() + Length(self.ahead.load(Ordering::SeqCst))
    }

    /// What passes in a second; nothing beside the seconds themselves when it is zero.
    pub fn speed(&self) -> Length {
        self.speed
    }

    pub fn is_still(&self) -> bool {
        self.flow().is_still
    }

    /// Stops the leaps, or lets them go on.
    pub fn set_still(&self, is_still: bool) {
        let mut flow = self.flow();
        flow.is_still = is_still;
        flow.leapt_at = Instant::now();
    }

    /// Leaps over so much as fast as the service follows.
    pub fn skip(&self, length: Length) {
        let mut flow = self.flow();
        flow.skips = Length(flow.skips.0 + length.0);
    }

    /// How long to rest before the next leap.
    pub fn rest(&self) -> Duration {
        if self.flow().skips > Length::ZERO { SKIP_EVERY } else { LEAP_EVERY }
    }

    /// How long the last leap is ago.
    pub fn waited(&self) -> Duration {
        self.flow().leapt_at.elapsed()
    }

    /// Leaps, if it is time to.
    pub fn leap(&self, guard: &Guarded) {
        let mut flow = self.flow();
        // What a slow machine missed is not made up for: time is slower there.
        let passed = flow.leapt_at.elapsed().min(2 * LEAP_EVERY);
        let leap = if flow.skips > Length::ZERO {
            let skipped = flow.skips.min(SKIP);
            flow.skips = Length(flow.skips.0 - skipped.0);
            skipped
        } else if flow.is_still {
            Length::ZERO
        } else {
            // The clock itself has gone on by what passed.
            let micros = (self.speed.0 - Length::seconds(1).0).max(0) as f64 * passed.as_secs_f64();
            Length(micros as i64)
        };
        flow.leapt_at = Instant::now();
        drop(flow);
        guard.between_looks(|| {
            self.ahead.fetch_add(leap.0, Ordering::SeqCst);
        });
    }

    fn flow(&self) -> std::sync::MutexGuard<'_, Flow> {
        self.flow.lock().expect("no panic while held")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(time: &Time) -> Arc<Guarded> {
        let Clocks { wall, steady } = time.clocks();
        Guarded::new(wall, steady, None)
    }

    #[test]
    fn a_day_is_leapt_over_and_no_clock_is_doubted() {
        let time = Time::new(Length::hours(1));
        time.set_still(true);
        let guard = guarded(&time);
        let began = guard.now();
        time.skip(Length::days(1));
        for _ in 0..6 {
            time.leap(&guard);
            assert_eq!(guard.doubt(), None);
        }
        let passed = guard.now().since(began);
        assert!(passed >= Length::days(1) && passed < Length(Length::days(1).0 + Length::minutes(1).0));
        time.leap(&guard);
        assert!(
            guard.now().since(began) < Length(Length::days(1).0 + Length::minutes(1).0),
            "it stands still"
        );
    }

    #[test]
    fn a_leap_between_two_looks_is_no_jump() {
        let time = Arc::new(Time::new(Length::hours(1)));
        let guard = guarded(&time);
        let (leaping, of) = (time.clone(), guard.clone());
        let leaps = std::thread::spawn(move || {
            for _ in 0..500 {
                leaping.skip(Length::hours(1));
                leaping.leap(&of);
            }
        });
        while !leaps.is_finished() {
            assert_eq!(guard.doubt(), None);
        }
        leaps.join().unwrap();
        assert!(guard.now().since(clock::system()()) > Length::days(20));
    }
}
