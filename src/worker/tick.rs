//! When a tick is written: at once when somebody is due (at most 20 a second), else every 5 s while there is traffic,
//! and only by a worker that stands at the log's end (architecture.md, "Time").

use outreach_engine::{Length, Timestamp};
use std::sync::atomic::{AtomicI64, Ordering};

/// Twenty a second.
const BETWEEN_TICKS_MIN: Length = Length(50_000);
/// While there is traffic and nobody is due.
const WITH_TRAFFIC_EVERY: Length = Length::seconds(5);
/// With nothing due and no traffic a worker looks again this often: a source's `read_through` may have moved.
const LOOK_AGAIN_AFTER: Length = Length(250_000);

/// Keeps the pace of one partition's ticks.
#[derive(Debug)]
pub struct Pace {
    last_at: Timestamp,
    has_traffic: bool,
    /// How far the log's clock was behind this one at the last tick: what a tick says beyond it does not count.
    log_behind: Length,
    /// What its last tick said, and when by this clock.
    said: Option<(Timestamp, Timestamp)>,
    now_at: Timestamp,
}

/// Whether a tick is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Now,
    /// Not before this moment.
    At(Timestamp),
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            last_at: Timestamp::MIN,
            has_traffic: false,
            log_behind: Length::ZERO,
            said: None,
            now_at: Timestamp::MIN,
        }
    }
}

impl Pace {
    /// Records other than this worker's own tick were read.
    pub fn saw_traffic(&mut self) {
        self.has_traffic = true;
    }

    /// A tick was read: the log's clock stood at `appended_at` when it said `at`.
    /// Only this worker's own last tick tells of its clock.
    pub fn saw_tick(&mut self, at: Timestamp, appended_at: Timestamp) {
        if let Some((said, now)) = self.said
            && said == at
        {
            // A log that shows later has taken its time to append, which is nothing that was read.
            self.log_behind = now.since(appended_at).max(Length::ZERO);
        }
    }

    /// `true_at` as the log's clock has it. A clock that is ahead of the log's would else write twenty ticks a second
    /// that judge nobody, for as long as it is ahead; and what it noted of a source, by the same clock, is as far ahead.
    pub fn by_the_log(&mut self, true_at: Timestamp, now: Timestamp) -> Timestamp {
        // A clock that was set back is no longer ahead.
        if now < self.now_at {
            self.log_behind = Length::ZERO;
        }
        self.now_at = now;
        true_at - self.log_behind
    }

    /// A tick that says `at` was written.
    pub fn ticked(&mut self, now: Timestamp, at: Timestamp) {
        self.said = Some((at, now));
        self.last_at = now;
        self.has_traffic = false;
    }

    /// Whether a tick that says `true_at` is due, for a shard whose next person is due at `next_due_at`.
    pub fn decide(&self, now: Timestamp, true_at: Timestamp, next_due_at: Option<Timestamp>) -> Due {
        // A clock that was set back must not stop the ticks.
        let earliest = if self.last_at > now { now } else { self.last_at + BETWEEN_TICKS_MIN };
        let is_somebody_due = next_due_at.is_some_and(|at| at <= true_at);
        let is_traffic_due = self.has_traffic && now.since(self.last_at) >= WITH_TRAFFIC_EVERY;
        if (is_somebody_due || is_traffic_due) && earliest <= now {
            return Due::Now;
        }
        let next = if is_somebody_due { earliest } else { now + LOOK_AGAIN_AFTER };
        let wanted = next_due_at.filter(|at| *at > now).map_or(next, |at| at.min(next));
        Due::At(wanted.max(now + Length(1_000)))
    }
}

/// When each partition's worker last stood at the log's end: a message whose shard did not within the last minute is
/// stale, and held at the gate.
#[derive(Debug)]
pub struct Standing {
    partitions: Vec<Stood>,
}

#[derive(Debug)]
struct Stood {
    at: AtomicI64,
    engine_time: AtomicI64,
}

impl Standing {
    pub fn new(partitions: u32) -> Standing {
        let never = || Stood { at: AtomicI64::new(i64::MIN), engine_time: AtomicI64::new(i64::MIN) };
        Standing { partitions: (0..partitions).map(|_| never()).collect() }
    }

    /// Notes that the worker stood at the log's end, and its engine time.
    pub fn stood_at_end(&self, partition: u32, at: Timestamp, engine_time: Timestamp) {
        let stood = &self.partitions[partition as usize];
        stood.at.store(at.0, Ordering::Relaxed);
        stood.engine_time.store(engine_time.0, Ordering::Relaxed);
    }

    /// The engine time of a partition, as its worker noted it.
    pub fn engine_time(&self, partition: u32) -> Timestamp {
        let stood = self.partitions.get(partition as usize);
        stood.map_or(Timestamp::MIN, |stood| Timestamp(stood.engine_time.load(Ordering::Relaxed)))
    }

    /// `Timestamp::MIN` before the first time.
    pub fn last_at(&self, partition: u32) -> Timestamp {
        let stood = self.partitions.get(partition as usize);
        stood.map_or(Timestamp::MIN, |stood| Timestamp(stood.at.load(Ordering::Relaxed)))
    }

    pub fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    #[test]
    fn somebody_due_brings_a_tick_at_once_and_at_most_twenty_a_second() {
        let mut pace = Pace::default();
        assert_eq!(pace.decide(NOW, NOW, Some(NOW)), Due::Now);
        pace.ticked(NOW, NOW);
        let next = NOW + BETWEEN_TICKS_MIN;
        assert_eq!(pace.decide(NOW, NOW, Some(Timestamp::MIN)), Due::At(next));
        assert_eq!(pace.decide(next, next, Some(Timestamp::MIN)), Due::Now);
    }

    #[test]
    fn a_clock_ahead_of_the_logs_waits_for_the_logs_time() {
        let hour = Length::hours(1);
        let mut pace = Pace::default();
        pace.saw_tick(NOW + hour, NOW);
        assert_eq!(pace.by_the_log(NOW + hour, NOW + hour), NOW + hour, "another's clock says nothing");
        pace.ticked(NOW + hour, NOW + hour);
        pace.saw_tick(NOW + hour, NOW);
        assert_eq!(pace.by_the_log(NOW + hour, NOW + hour), NOW);
        let due_at = Some(NOW + Length::minutes(1));
        assert!(matches!(pace.decide(NOW + hour, NOW, due_at), Due::At(_)));
        assert_eq!(pace.by_the_log(NOW, NOW), NOW, "it was set right");
    }

    #[test]
    fn a_log_that_takes_its_time_to_append_lends_none_of_it_to_the_next_tick() {
        let mut pace = Pace::default();
        pace.ticked(NOW, NOW);
        pace.saw_tick(NOW, NOW + Length::seconds(3));
        let later = NOW + Length::seconds(5);
        assert_eq!(pace.by_the_log(NOW, later), NOW, "so far the source was read, and no further");
    }

    #[test]
    fn a_source_that_is_behind_holds_the_tick() {
        let pace = Pace::default();
        assert!(matches!(pace.decide(NOW, NOW - Length::seconds(1), Some(NOW)), Due::At(_)));
    }

    #[test]
    fn traffic_alone_brings_one_every_five_seconds_and_silence_none() {
        let mut pace = Pace::default();
        pace.ticked(NOW, NOW);
        assert!(matches!(pace.decide(NOW + Length::seconds(60), NOW, None), Due::At(_)));
        pace.saw_traffic();
        assert!(matches!(pace.decide(NOW + Length::seconds(4), NOW, None), Due::At(_)));
        assert_eq!(pace.decide(NOW + Length::seconds(5), NOW, None), Due::Now);
    }
}
