//! Wiring: start, roles, ordered stop, telemetry.

mod admin;
pub mod announce;
mod clock_file;
mod health;
mod identity;
pub mod mail;
pub mod operations;
pub mod releases;
mod run;
mod serve;
pub mod sources;
pub mod storage;
pub mod telemetry;
mod upkeep;
pub mod workers;

pub use run::{Host, Service};
pub use serve::Held;
