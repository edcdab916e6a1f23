//! An event that a later step of a journey waits for, and that came before the wait is known to have begun.

use crate::event::Place;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Of one person; the oldest falls.
pub const HEARD_MAX: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub rule: u32,
    /// The journey's occurrence, by its place in the person's order.
    pub begun: (Timestamp, Place),
    /// The number of the step that waits for it.
    pub step: u32,
    pub at: Timestamp,
    /// Of its message id.
    pub hash: u64,
}
