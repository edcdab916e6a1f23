//! The clock of everything that acts. The engine has none: it is told the time by ticks.
//!
//! A machine's clock can be set, by a bad time server for one, and in solo the log and all that reads it go by this one
//! clock. [`Guarded`] holds it against a clock that nobody can set, and does not believe a jump ahead before it has stood
//! for a while: meanwhile it goes on from what was believed, and says that it is in doubt, so that nothing is decided or
//! sent by either time. A clock that goes back is believed at once: it holds, and hurries nothing.

use outreach_engine::{Length, Timestamp};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What time it is. Tests and the simulation give their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How long it is since some moment: never set, and counted while the machine sleeps too.
pub type Steady = Arc<dyn Fn() -> Length + Send + Sync>;

/// Whether the clock is in doubt: nothing is decided or sent meanwhile.
pub type InDoubt = Arc<dyn Fn() -> bool + Send + Sync>;

/// The machine's clock.
pub fn system() -> Clock {
    Arc::new(|| jiff::Timestamp::now().into())
}

/// Time since the machine was started.
pub fn since_boot() -> Steady {
    Arc::new(|| {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call writes one `timespec`, to one that is ours and alive.
        let has_failed = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut time) } != 0;
        assert!(!has_failed, "Linux has had this clock since 2.6.39");
        Length(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000)
    })
}

/// Clocks are corrected by less in the ordinary run of things, and so much ahead is believed at once; twice within
/// [`STANDS_FOR`] it is not.
pub const AHEAD_MAX: Length = Length::minutes(1);
/// A jump that has stood so long is the time: time servers that disagree have settled by then, and who runs this has
/// been told.
pub const STANDS_FOR: Length = Length::minutes(10);

/// The two clocks that a service goes by.
pub struct Clocks {
    pub wall: Clock,
    pub steady: Steady,
}

impl Default for Clocks {
    /// This machine's.
    fn default() -> Self {
        Clocks { wall: system(), steady: since_boot() }
    }
}

/// A clock that believes no jump ahead at once.
pub struct Guarded {
    wall: Clock,
    steady: Steady,
    seen: Mutex<Seen>,
}

/// What both clocks showed at a moment that was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub wall: Timestamp,
    pub steady: Length,
}

/// A jump ahead that is not believed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    pub ahead: Length,
    /// It is believed after this, if it stands.
    pub remaining: Length,
}

struct Seen {
    believed: Reading,
    /// When by the steady clock the jump was seen, and how far ahead it led.
    jump: Option<(Length, Length)>,
}

/// What the clock says at a moment.
struct Look {
    now: Timestamp,
    doubt: Option<Doubt>,
    believed: Reading,
}

impl Guarded {
    /// Goes on from `last`, where another process has read both clocks since the machine was started; else believes what
    /// the clock shows now.
    pub fn new(wall: Clock, steady: Steady, last: Option<Reading>) -> Arc<Guarded> {
        let believed = last.unwrap_or_else(|| Reading { wall: wall(), steady: steady() });
        Arc::new(Guarded { wall, steady, seen: Mutex::new(Seen { believed, jump: None }) })
    }

    /// The time to go by.
    pub fn now(&self) -> Timestamp {
        self.look().now
    }

    /// The jump that is not believed.
    pub fn doubt(&self) -> Option<Doubt> {
        let doubt = self.look().doubt;
        let ahead = doubt.map_or(0, |doubt| doubt.ahead.0);
        metrics::gauge!("outreach_clock_doubted_seconds").set(ahead as f64 / 1e6);
        doubt
    }

    /// What both clocks showed when they were believed last: for the next process.
    pub fn believed(&self) -> Reading {
        self.look().believed
    }

    pub fn clock(self: &Arc<Self>) -> Clock {
        let guarded = self.clone();
        Arc::new(move || guarded.now())
    }

    pub fn in_doubt(self: &Arc<Self>) -> InDoubt {
        let guarded = self.clone();
        Arc::new(move || guarded.doubt().is_some())
    }

    /// Moves both clocks while neither is read: one that was read before and one after would look like a jump.
    pub fn between_looks(&self, moves: impl FnOnce()) {
        let _seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        moves();
    }

    fn look(&self) -> Look {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let read = Reading { wall: (self.wall)(), steady: (self.steady)() };
        let was_in_doubt = seen.jump.is_some();
        let now = seen.take_in(read);
        let doubt = seen.jump.map(|(since, ahead)| {
            let remaining = Length(STANDS_FOR.0 - (read.steady.0 - since.0));
            Doubt { ahead, remaining }
        });
        let believed = seen.believed;
        drop(seen);
        match (doubt, was_in_doubt) {
            (Some(doubt), false) => tracing::warn!("{doubt}"),
            (None, true) => tracing::warn!("the clock is believed again"),
            (Some(_), true) | (None, false) => {}
        }
        Look { now, doubt, believed }
    }
}

impl Seen {
    /// The time to go by when the clocks show this.
    fn take_in(&mut self, read: Reading) -> Timestamp {
        let expected = self.believed.wall + Length(read.steady.0 - self.believed.steady.0);
        let ahead = read.wall.since(expected);
        if ahead <= AHEAD_MAX {
            self.jump = None;
            // Not at every look: many small jumps are a large one.
            if read.wall < expected || read.steady.0 - self.believed.steady.0 >= STANDS_FOR.0 {
                self.believed = read;
            }
            return read.wall;
        }
        // One that goes on jumping has not stood.
        let jump = self.jump.filter(|(_, before)| (ahead.0 - before.0).abs() <= AHEAD_MAX.0);
        let (since, ahead) = *self.jump.insert(jump.unwrap_or((read.steady, ahead)));
        if read.steady.0 - since.0 < STANDS_FOR.0 {
            return expected;
        }
        tracing::warn!(%ahead, "a jump of the clock has stood, and is believed");
        (self.believed, self.jump) = (read, None);
        read.wall
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Doubt { ahead, remaining } = self;
        write!(
            f,
            "the clock jumped ahead by {ahead}; nothing is decided or sent until it is set back, or has stood for \
             {remaining} more"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    const NOON: Timestamp = Timestamp(1_800_000_000_000_000);

    /// A machine whose clocks a test moves.
    #[derive(Default)]
    struct Machine {
        steady: AtomicI64,
        ahead: AtomicI64,
    }

    impl Machine {
        fn guarded(self: &Arc<Self>, last: Option<Reading>) -> Arc<Guarded> {
            let (one, other) = (self.clone(), self.clone());
            let wall = move || one.true_now() + Length(one.ahead.load(Ordering::SeqCst));
            Guarded::new(Arc::new(wall), Arc::new(move || other.steady()), last)
        }
        fn steady(&self) -> Length {
            Length(self.steady.load(Ordering::SeqCst))
        }
        fn true_now(&self) -> Timestamp {
            NOON + self.steady()
        }
        fn pass(&self, length: Length) {
            self.steady.fetch_add(length.0, Ordering::SeqCst);
        }
        fn set_ahead(&self, ahead: Length) {
            self.ahead.store(ahead.0, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_jump_ahead_is_doubted_until_the_clock_is_set_back() {
        let machine = Arc::new(Machine::default());
        let guarded = machine.guarded(None);
        machine.pass(Length::seconds(5));
        machine.set_ahead(Length::days(3));
        machine.pass(Length::minutes(2));
        assert_eq!(guarded.now(), machine.true_now(), "it goes on from what was believed");
        machine.pass(Length::minutes(3));
        let words = guarded.doubt().unwrap().to_string();
        assert!(words.contains("jumped ahead by 3 days") && words.contains("7 minutes more"), "{words}");
        machine.set_ahead(Length::ZERO);
        assert_eq!((guarded.doubt(), guarded.now()), (None, machine.true_now()));
    }

    #[test]
    fn a_jump_that_has_stood_for_ten_minutes_is_the_time() {
        let machine = Arc::new(Machine::default());
        let guarded = machine.guarded(None);
        machine.set_ahead(Length::days(3));
        assert!(guarded.doubt().is_some());
        machine.pass(STANDS_FOR);
        assert_eq!((guarded.doubt(), guarded.now()), (None, machine.true_now() + Length::days(3)));
    }

    #[test]
    fn a_clock_that_goes_on_jumping_has_not_stood() {
        let machine = Arc::new(Machine::default());
        let guarded = machine.guarded(None);
        for days in 1..10 {
            machine.set_ahead(Length::days(days));
            assert!(guarded.doubt().is_some());
            machine.pass(Length::minutes(6));
        }
        assert_eq!(guarded.now(), machine.true_now());
    }

    #[test]
    fn a_machine_that_slept_or_a_clock_that_is_corrected_is_not_in_doubt() {
        let machine = Arc::new(Machine::default());
        let guarded = machine.guarded(None);
        machine.pass(Length::days(3));
        assert_eq!((guarded.doubt(), guarded.now()), (None, machine.true_now()));
        machine.set_ahead(Length::seconds(50));
        assert_eq!((guarded.doubt(), guarded.now()), (None, machine.true_now() + Length::seconds(50)));
        machine.set_ahead(Length::seconds(100));
        assert!(guarded.doubt().is_some(), "twice at once");
    }

    #[test]
    fn a_clock_that_goes_back_is_believed_and_a_return_of_it_is_a_jump() {
        let machine = Arc::new(Machine::default());
        let guarded = machine.guarded(None);
        machine.set_ahead(Length(-Length::hours(1).0));
        let back = machine.true_now() - Length::hours(1);
        assert_eq!((guarded.doubt(), guarded.now()), (None, back));
        machine.set_ahead(Length::ZERO);
        assert_eq!(guarded.now(), back);
        assert!(guarded.doubt().is_some());
    }

    #[test]
    fn a_jump_between_two_processes_is_seen() {
        let machine = Arc::new(Machine::default());
        let last = machine.guarded(None).believed();
        machine.pass(Length::days(2));
        machine.set_ahead(Length::hours(5));
        assert!(machine.guarded(None).doubt().is_none());
        let guarded = machine.guarded(Some(last));
        assert_eq!(guarded.now(), machine.true_now());
        assert!(guarded.doubt().is_some());
    }

    #[test]
    fn the_machines_steady_clock_does_not_go_back() {
        let steady = since_boot();
        let first = steady();
        assert!(first > Length::ZERO && steady() >= first);
    }
}
