//! What an inactivity keeps: the last thing that a person did, once for all rules that ask of any, and once a rule and key
//! that names its events.
//!
//! When somebody is to be looked at again is kept once for the person, and moved on lazily: what they do makes it later,
//! and that is seen when it comes. It is never later than the first moment at which a rule may find them inactive.

use super::{Exited, MaybeTimestamp, Occurrence};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use thin_vec::ThinVec;

/// The record from which a silence counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quiet {
    pub last: Occurrence,
    pub event_name: Arc<str>,
    pub began: Began,
    /// The records after it that met an exit, by rule: the journey will end where it begins.
    pub exits: ThinVec<(u32, Box<Exited>)>,
}

/// What a silence counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Began {
    /// Something that was done.
    Done,
    /// The first record of somebody who never did any of it: for rules with `or_never`.
    FirstRecord,
    /// The release of a rule that asks for those who match already, where nothing is known of what they did.
    Release,
}

/// A silence that is over, and not judged yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spell {
    pub quiet: Quiet,
    pub deadline: Timestamp,
    pub ready_at: Timestamp,
    /// The release it was over in.
    pub release: u32,
}

/// What one rule keeps for one value of its key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Of a rule that names its events; else it is the person's.
    pub quiet: Option<Quiet>,
    /// The release whose rule said which events these are.
    pub release: u32,
    /// Ended by something that was done after their deadlines.
    pub over: ThinVec<Spell>,
    /// The deadline of the last that was judged: what was done by then begins none.
    pub judged_until: MaybeTimestamp,
}

/// What is kept once for a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// When somebody may be inactive: due, and its grace over.
    pub due_at: MaybeTimestamp,
    pub ready_at: MaybeTimestamp,
    /// The last thing they did, whatever it was: as those rules see it that take what nobody vouches for, and as others do.
    pub activities: ThinVec<Activity>,
    /// The release under which rules with `or_never` have begun.
    pub began_in: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    pub accepts_unproven: bool,
    pub quiet: Quiet,
}

impl Watch {
    /// Somebody may be inactive then.
    pub(crate) fn look_at(&mut self, due_at: Timestamp, ready_at: Timestamp) {
        self.due_at = Some(self.due_at.get().map_or(due_at, |other| other.min(due_at))).into();
        self.ready_at = Some(self.ready_at.get().map_or(ready_at, |other| other.min(ready_at))).into();
    }

    pub(crate) fn activity(&self, accepts_unproven: bool) -> Option<&Quiet> {
        let found = self.activities.iter().find(|activity| activity.accepts_unproven == accepts_unproven);
        found.map(|activity| &activity.quiet)
    }

    pub(crate) fn set_activity(&mut self, accepts_unproven: bool, quiet: Option<Quiet>) {
        let of_group = |activity: &Activity| activity.accepts_unproven == accepts_unproven;
        match (self.activities.iter().position(of_group), quiet) {
            (Some(at), Some(quiet)) => self.activities[at].quiet = quiet,
            (Some(at), None) => drop(self.activities.remove(at)),
            (None, Some(quiet)) => {
                super::push_exactly(&mut self.activities, Activity { accepts_unproven, quiet })
            }
            (None, None) => {}
        }
    }
}
