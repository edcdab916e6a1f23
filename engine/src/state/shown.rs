//! A message in the product that its person may still see, and what is needed to judge it again.

use super::person::{Exited, Occurrence};
use crate::effect::DecisionId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Messages in the product that one person may have at a time: as many as a rule may have open keys. One more takes the
/// place of the one that would expire first, which is taken back: what is shown can always be taken back.
pub const SHOWN_MAX: usize = 100;

/// Decided, and not over: it has not expired, was not dismissed, and was not taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    pub decision: DecisionId,
    pub rule: u32,
    /// The release of its journey, whose exits and audience it goes by.
    pub release: u32,
    pub key: Option<Arc<str>>,
    /// Of the journey. What was captured is kept only where the rule's exits or audience read it.
    pub occurrence: Occurrence,
    pub event_name: Arc<str>,
    pub topic: Option<Arc<str>>,
    pub is_transactional: bool,
    pub expires_at: Timestamp,
    /// The record that met an exit, until the next tick.
    pub exited: Option<Box<Exited>>,
}
