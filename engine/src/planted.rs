//! Bugs planted on purpose, one at a time, for the simulation and the reference
//! to catch. Without the feature `planted-bugs` none can be
//! switched on, and the questions cost nothing.

/// An invariant that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Decisions are written whatever the ledger's position.
    PositionNotChecked,
    /// A tick is written by a worker that is behind.
    TickWhileBehind,
    /// A re-run writes again what was written.
    EffectsNotDropped,
    /// What the gate judged leaves in another transaction.
    GateOutsideTransaction,
    /// The engine reads a clock rather than going by ticks.
    ClockInEngine,
    /// The outbox forgets what it has not appended.
    OutcomeLost,
    /// An unknown marketing message is tried again.
    UnknownRepeated,
    /// The gate does not ask what operators hold.
    PauseIgnored,
    /// What the engine takes back stays in the queue.
    CancelIgnored,
    /// What the engine takes back stays in the inbox of who has it before their eyes.
    ShownForGood,
    /// People inside a journey go on by the newest release.
    ReleaseOfNow,
    /// What was to be kept for the product, and was not, is taken for unknown as mail is.
    InProductUnknown,
    /// What happens exactly at a deadline is taken for too late.
    DeadlineLeftOut,
    /// A cap lets one more through than it says.
    CapOneMore,
    /// The steps of one tick go by when they were due, whatever their rules' priority.
    PriorityIgnored,
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use super::Bug;
    use crate::Timestamp;
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
        static CLOCK: Cell<Timestamp> = const { Cell::new(Timestamp::EPOCH) };
    }

    /// What an engine that reads the clock would see in this thread.
    pub fn set_clock(at: Timestamp) {
        CLOCK.set(at);
    }

    pub fn clock() -> Timestamp {
        CLOCK.get()
    }

    /// Plants a bug in this thread, or takes it out.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    pub fn is_on(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(feature = "planted-bugs")]
pub use switch::{clock, is_on, plant, set_clock};

/// Whether this bug is planted: never.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub const fn is_on(_: Bug) -> bool {
    false
}

/// The planted bug's clock: nobody reads it.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub const fn clock() -> crate::Timestamp {
    crate::Timestamp::EPOCH
}
