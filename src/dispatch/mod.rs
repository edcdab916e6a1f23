//! Dispatch takes due messages through the gate, hands them over, and writes down what became of them.
//!
//! Invariants:
//! - Nothing leaves without passing the gate in the transaction that marks it as leaving (`gate`).
//! - A marketing message is handed to a mail server at most once: what may have been handed over is never tried again. A
//!   transactional one is handed over at least once, under one Message-ID (`conclude`, `sweep`).
//! - At most `leaving_max` mails are leaving at a time: so many may become unknown by a crash, and no more. Messages in the
//!   product have places of their own (`places`): a mail server that hangs keeps none of them.
//!
//! Every step is a function that is called, and returns: the service calls them from its loop (`run`), the simulation
//! from its own.

mod breaker;
mod conclude;
mod gate;
mod letter;
mod pace;
mod places;
mod rails;
mod retry;
mod run;
mod sweep;
#[cfg(test)]
mod tests;

pub use breaker::Breaker;
pub use conclude::Concluded;
pub use gate::Passed;
pub use letter::Letters;
pub use pace::Pace;
pub use places::Places;
pub use run::run;

use crate::clock::Clock;
use crate::ledger::Ledger;
use outreach_engine::{Length, Release, Timestamp};
use std::sync::{Arc, Mutex};

/// The release announced last, whose settings the gate goes by; nothing before the first.
pub type CurrentRelease = Arc<dyn Fn() -> Option<Arc<Release>> + Send + Sync>;

/// When the shard of a partition last stood at the log's end; `Timestamp::MIN` where it never has.
pub type StoodAtEnd = Arc<dyn Fn(u32) -> Timestamp + Send + Sync>;

/// How dispatch behaves.
#[derive(Clone)]
pub struct Limits {
    /// Whether mail may go to an address: keeps a staging system from reaching customers.
    pub delivers_to: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// Mails that are leaving at a time.
    pub leaving_max: usize,
    /// How long a message may be leaving before a crash is assumed. Ten minutes, unless a test shortens it.
    pub leaving_for_max: Length,
    /// Mails a second to one domain; nothing for no limit.
    pub per_second_max: Option<u32>,
}

/// The parts that dispatch works with.
pub struct Dispatcher<D> {
    pub ledger: Arc<D>,
    pub release: CurrentRelease,
    pub letters: Letters,
    pub stood_at_end: StoodAtEnd,
    pub clock: Clock,
    pub limits: Limits,
    pub pace: Mutex<Pace>,
    pub breaker: Mutex<Breaker>,
}

/// Ten minutes (architecture.md, "Gate and dispatch").
pub const LEAVING_FOR_MAX: Length = Length::minutes(10);

impl<D: Ledger> Dispatcher<D> {
    pub fn new(
        ledger: Arc<D>,
        release: CurrentRelease,
        letters: Letters,
        stood_at_end: StoodAtEnd,
        clock: Clock,
        limits: Limits,
    ) -> Dispatcher<D> {
        let pace = Mutex::new(Pace::new(limits.per_second_max));
        Dispatcher { ledger, release, letters, stood_at_end, clock, limits, pace, breaker: Mutex::default() }
    }
}
