//! Wiring: start, roles, ordered stop, telemetry.

pub mod announce;
pub mod releases;
pub mod storage;
pub mod workers;
