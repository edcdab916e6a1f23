//! People as the version before wrote them into snapshots: absences that began with one event and named no release.
//!
//! Read only. When the bytes get a new version, this file becomes that of the version it replaces.

use super::person::{self, Aside, Counted, Exited, Journey, MaybeSpan, Occurrence, SeenEvent};
use super::profile::Profile;
use super::timers::Filed;
use super::{MaybeTimestamp, Past};
use crate::event::Place;
use crate::time::Timestamp;
use serde::Deserialize;
use std::sync::Arc;
use thin_vec::ThinVec;

pub(super) const VERSION: u8 = 1;

#[derive(Deserialize)]
pub(super) struct Person {
    profile: Profile,
    cases: ThinVec<Case>,
    journeys: ThinVec<Journey>,
    messages: ThinVec<Counted>,
    aside: Option<Box<Aside>>,
    filed: Filed,
}

#[derive(Deserialize)]
struct Case {
    rule: u32,
    key: Option<Arc<str>>,
    entered_at: MaybeTimestamp,
    occurrences: ThinVec<u64>,
    state: CaseState,
}

#[derive(Deserialize)]
enum CaseState {
    Window(ThinVec<SeenEvent>),
    Waits { waits: ThinVec<Wait>, past: Option<PastBefore> },
}

#[derive(Deserialize)]
struct Wait {
    occurrence: Occurrence,
    deadline: Timestamp,
    ready_at: Timestamp,
    exited: Option<Box<Exited>>,
}

#[derive(Deserialize)]
struct PastBefore {
    withouts: ThinVec<SeenEvent>,
    last_over: Option<(Timestamp, Place, Timestamp)>,
}

impl Person {
    /// As they are kept now. Waits had their event's name from the release that decided: `release` is its number.
    pub(super) fn now(self, release: u32) -> person::Person {
        person::Person {
            profile: self.profile,
            cases: self.cases.into_iter().map(|case| case.now(release)).collect(),
            journeys: self.journeys,
            messages: self.messages,
            aside: self.aside,
            filed: self.filed,
        }
    }
}

impl Case {
    fn now(self, release: u32) -> person::Case {
        let Case { rule, key, entered_at, occurrences, state } = self;
        let state = match state {
            CaseState::Window(events) => person::CaseState::Window(events),
            CaseState::Waits { waits, past } => person::CaseState::Waits {
                waits: waits.into_iter().map(|wait| wait.now(release)).collect(),
                past: past.map(|past| Box::new(past.now())),
            },
        };
        person::Case { rule, key, entered_at, occurrences, state }
    }
}

impl Wait {
    fn now(self, release: u32) -> person::Wait {
        let grace = self.ready_at.since(self.deadline);
        let mut wait = person::Wait::new(self.occurrence, self.deadline, grace, release);
        wait.exited = self.exited;
        wait
    }
}

impl PastBefore {
    fn now(self) -> Past {
        let span = |(at, place, deadline)| MaybeSpan::new((at, place), deadline);
        let last_over = self.last_over.map(span).unwrap_or_default();
        Past { withouts: self.withouts, last_over, window: ThinVec::new() }
    }
}
