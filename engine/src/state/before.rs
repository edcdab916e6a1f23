//! Shards as the version before wrote them, version 2.
//!
//! Read only, and by types of its own: those that are kept now may change, and this still reads what was written. Shared is
//! what every version writes alike: instants, places, ids, values. When the bytes get a new version, this file becomes that
//! of the version it replaces.

use super::person;
use super::profile;
use super::timers;
use super::{MaybeTimestamp, MessageId};
use crate::effect::{self, DecisionId};
use crate::event::Place;
use crate::time::{Length, Timestamp};
use crate::value::Value;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use thin_vec::ThinVec;

pub(super) const VERSION: u8 = 2;

/// (engine time, release, rules, releases, origins, how many people follow)
pub(super) type Tables =
    (Timestamp, Arc<str>, Vec<Arc<str>>, Vec<Arc<str>>, BTreeMap<(u64, u32), u64>, usize);

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
struct Profile {
    entries: Vec<(Box<str>, Value)>,
    newest_at: Option<Timestamp>,
    last_zone: Option<Arc<str>>,
}

#[derive(Deserialize)]
struct Aside {
    opt_outs: Option<Box<OptOuts>>,
    recheck_at: Option<Timestamp>,
    active_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct OptOuts {
    topics: Vec<Box<str>>,
    all: bool,
    addresses: Vec<Box<str>>,
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
    Waits { waits: ThinVec<Wait>, past: Option<Box<Past>> },
}

#[derive(Deserialize)]
struct SeenEvent {
    at: Timestamp,
    place: Place,
    hash: u64,
}

#[derive(Deserialize)]
struct Occurrence {
    message_id: MessageId,
    at: Timestamp,
    place: Place,
    captured: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Wait {
    occurrence: Occurrence,
    deadline: Timestamp,
    grace_seconds: u32,
    release: u32,
    exited: Option<Box<Exited>>,
}

#[derive(Deserialize)]
struct Past {
    withouts: ThinVec<SeenEvent>,
    last_over: MaybeSpan,
    window: ThinVec<SeenEvent>,
}

#[derive(Deserialize)]
struct MaybeSpan {
    from: MaybeTimestamp,
    place: Place,
    until: Timestamp,
}

#[derive(Deserialize)]
enum Arm {
    Treated,
    GlobalHoldout,
    RuleHoldout,
}

#[derive(Deserialize)]
struct Journey {
    rule: u32,
    release: u32,
    key: Option<Arc<str>>,
    occurrence: Occurrence,
    event_name: Arc<str>,
    entered_at: Timestamp,
    arm: Arm,
    step: u32,
    state: JourneyState,
    exited: Option<Exited>,
    counts: bool,
}

#[derive(Deserialize)]
enum JourneyState {
    Due { due_at: Timestamp, ready_at: Timestamp, is_never_late: bool },
    InFlight(DecisionId),
}

#[derive(Deserialize)]
struct Exited {
    at: Timestamp,
    message_id: Arc<str>,
    event_name: Arc<str>,
}

#[derive(Deserialize)]
struct Counted {
    decision: DecisionId,
    channel: Channel,
    judged_at: Timestamp,
    is_in_flight: bool,
    is_transactional: bool,
    rule: u32,
    entered_at: Timestamp,
}

#[derive(Deserialize)]
enum Channel {
    Email,
    InProduct,
}

#[derive(Deserialize)]
enum Filed {
    No,
    Pending(Timestamp),
    Ready(Timestamp),
}

impl Person {
    /// As they are kept now.
    pub(super) fn now(self) -> person::Person {
        person::Person {
            profile: self.profile.now(),
            cases: self.cases.into_iter().map(Case::now).collect(),
            journeys: self.journeys.into_iter().map(Journey::now).collect(),
            messages: self.messages.into_iter().map(Counted::now).collect(),
            aside: self.aside.map(|aside| Box::new(aside.now())),
            filed: self.filed.now(),
        }
    }
}

impl Profile {
    fn now(self) -> profile::Profile {
        let Profile { entries, newest_at, last_zone } = self;
        profile::Profile { entries, newest_at, last_zone }
    }
}

impl Aside {
    fn now(self) -> person::Aside {
        let Aside { opt_outs, recheck_at, active_at } = self;
        let opt_outs = opt_outs.map(|out| Box::new(out.now()));
        // Version 2 forgot a message with its outcome.
        person::Aside { opt_outs, recheck_at, active_at, ..person::Aside::default() }
    }
}

impl OptOuts {
    fn now(self) -> person::OptOuts {
        let OptOuts { topics, all, addresses } = self;
        person::OptOuts { topics, all, addresses }
    }
}

impl Case {
    fn now(self) -> person::Case {
        let Case { rule, key, entered_at, occurrences, state } = self;
        let state = match state {
            CaseState::Window(events) => person::CaseState::Window(seen(events)),
            CaseState::Waits { waits, past } => person::CaseState::Waits {
                waits: waits.into_iter().map(Wait::now).collect(),
                past: past.map(|past| Box::new(past.now())),
            },
        };
        person::Case { rule, key, entered_at, is_shadow: false, occurrences, state }
    }
}

fn seen(events: ThinVec<SeenEvent>) -> ThinVec<person::SeenEvent> {
    let now = |SeenEvent { at, place, hash }| person::SeenEvent::new((at, place), hash);
    events.into_iter().map(now).collect()
}

impl Occurrence {
    fn now(self) -> person::Occurrence {
        let Occurrence { message_id, at, place, captured } = self;
        person::Occurrence { message_id, at, place, captured }
    }
}

impl Wait {
    fn now(self) -> person::Wait {
        let grace = Length::seconds(i64::from(self.grace_seconds));
        let mut wait = person::Wait::new(self.occurrence.now(), self.deadline, grace, self.release);
        wait.exited = self.exited.map(|exited| Box::new(exited.now()));
        wait
    }
}

impl Past {
    fn now(self) -> person::Past {
        let Past { withouts, last_over, window } = self;
        person::Past {
            withouts: seen(withouts),
            last_over: last_over.now(),
            window: seen(window),
            silence: None,
        }
    }
}

impl MaybeSpan {
    fn now(self) -> person::MaybeSpan {
        let MaybeSpan { from, place, until } = self;
        from.get().map(|from| person::MaybeSpan::new((from, place), until)).unwrap_or_default()
    }
}

impl Journey {
    fn now(self) -> person::Journey {
        person::Journey {
            rule: self.rule,
            release: self.release,
            key: self.key,
            occurrence: self.occurrence.now(),
            event_name: self.event_name,
            entered_at: self.entered_at,
            arm: match self.arm {
                Arm::Treated => person::Arm::Treated,
                Arm::GlobalHoldout => person::Arm::GlobalHoldout,
                Arm::RuleHoldout => person::Arm::RuleHoldout,
            },
            step: self.step,
            state: match self.state {
                JourneyState::Due { due_at, ready_at, is_never_late } => {
                    person::JourneyState::Due { due_at, ready_at, is_never_late }
                }
                JourneyState::InFlight(decision) => person::JourneyState::InFlight(decision),
            },
            exited: self.exited.map(Exited::now),
            counts: self.counts,
            is_shadow: false,
        }
    }
}

impl Exited {
    fn now(self) -> person::Exited {
        let Exited { at, message_id, event_name } = self;
        person::Exited { at, message_id, event_name }
    }
}

impl Counted {
    fn now(self) -> person::Counted {
        let channel = match self.channel {
            Channel::Email => effect::Channel::Email,
            Channel::InProduct => effect::Channel::InProduct,
        };
        let Counted { decision, judged_at, is_in_flight, is_transactional, rule, entered_at, .. } = self;
        person::Counted { decision, channel, judged_at, is_in_flight, is_transactional, rule, entered_at }
    }
}

impl Filed {
    fn now(self) -> timers::Filed {
        match self {
            Filed::No => timers::Filed::No,
            Filed::Pending(at) => timers::Filed::Pending(at),
            Filed::Ready(at) => timers::Filed::Ready(at),
        }
    }
}
