//! The HTTP door: Segment's API.

/// Events of one batch (rules.md, "Answers").
pub const BATCH_EVENTS_MAX: usize = 2_500;
