//! History in, the ideal world: replay and rule tests.
//!
//! The engine decides here as it does live; there is no second implementation. There is no way to send: no channel, no
//! dispatch and no ledger can be named in this folder (`tests/it/tidy.rs`). Templates are not read: what a message says
//! decides nothing.

mod history;
mod input;
mod output;
mod sort;
mod tally;
mod whole_file;
mod world;

pub use history::{History, Progress, ReplayError, Report, replay};
pub use tally::{RuleTally, Tally};
pub use world::World;

use crate::project::Project;
use outreach_engine::Release;
use std::collections::BTreeMap;

/// The project's release, as a replay decides by it.
pub fn release_of(project: &Project) -> Release {
    let parts = &project.release;
    // Templates' reads only choose what a message is rendered with.
    Release::new(&project.release_id(), parts.settings.clone(), parts.rules.clone(), &BTreeMap::new())
}
