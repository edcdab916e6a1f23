//! History in, the ideal world: replay and rule tests.
//!
//! The engine decides here as it does live; there is no second implementation. There is no way to send: no channel, no
//! dispatch and no ledger can be named in this folder (`tests/it/tidy.rs`).

mod coverage;
mod events;
mod history;
mod input;
mod output;
mod rule_test;
mod sort;
mod tally;
mod whole_file;
mod world;

pub use coverage::{Coverage, Seen, Unseen};
pub use events::each_event;
pub use history::{History, Progress, ReplayError, Report, replay};
pub use input::Mapping;
pub use output::OutFormat;
pub use rule_test::{Bench, Trial, Workshop};
pub use tally::{RuleTally, Tally};
pub use world::World;
