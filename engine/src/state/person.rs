//! One person: what is known of them, the triggers that wait for them, and their ways through rules.
//!
//! There are millions of people, and of each list most have none or one: a list is one pointer (`ThinVec`), what few
//! have stands aside in a box, and an instant that may be missing takes no more than one that is there.

use super::heard::Heard;
use super::history::History;
use super::maybe_timestamp::MaybeTimestamp;
use super::message_id::MessageId;
use super::profile::Profile;
use super::quiet::{Silence, Watch};
use super::shown::Shown;
use super::timers::Filed;
use crate::effect::{Channel, DecisionId};
use crate::event::Place;
use crate::time::{Length, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use thin_vec::ThinVec;

/// A person. What the default says of somebody is what is said of those who are not kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    pub profile: Profile,
    /// Trigger state and entry marks, by (rule, key).
    pub cases: ThinVec<Case>,
    pub journeys: ThinVec<Journey>,
    /// Messages in flight, and those sent that caps still count.
    pub messages: ThinVec<Counted>,
    /// What few people have; no box where it would be empty.
    pub(crate) aside: Option<Box<Aside>>,
    /// Where the timers have them.
    pub(crate) filed: Filed,
}

/// What few people have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Aside {
    pub opt_outs: Option<Box<OptOuts>>,
    /// Something changed for a message in flight or shown: look again at the next tick, as of this time.
    pub recheck_at: Option<Timestamp>,
    /// The newest record of an anonymous person, who is forgotten when quiet.
    pub active_at: Option<Timestamp>,
    /// Events that later steps of journeys wait for.
    pub heard: ThinVec<Heard>,
    /// Messages in the product, in the order in which they were decided.
    pub shown: ThinVec<Shown>,
    /// What rules ask of their past.
    pub history: History,
    /// Entries whose goal may still be reached.
    pub goals: ThinVec<OpenGoal>,
    /// What mutes other rules after a journey.
    pub mutes: ThinVec<Mute>,
    /// Where rules ask whether they are inactive.
    pub watch: Option<Box<Watch>>,
}

/// An entry whose goal may still be reached, whatever became of its journey: both arms are measured alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenGoal {
    pub rule: u32,
    pub release: u32,
    pub key: Option<Arc<str>>,
    pub arm: Arm,
    pub entered_at: Timestamp,
    /// The place of the record that it was entered by, where it was entered at that record.
    pub place: Place,
    /// The hash of that record's message id.
    pub occurrence: u64,
    /// The last moment at which it may be reached.
    pub until: MaybeTimestamp,
    /// It was reached between the entry and the tick that judged the entry: a time, and an event's message id.
    pub reached: Option<Box<(Timestamp, Arc<str>)>>,
}

/// After its last message a rule mutes others until then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mute {
    pub rule: u32,
    /// Whose rule says which others.
    pub release: u32,
    pub until: Timestamp,
}

/// What a person does not want, and which of their addresses cannot be written to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OptOuts {
    pub topics: Vec<Box<str>>,
    pub all: bool,
    /// Bounced, or complained.
    pub addresses: Vec<Box<str>>,
}

/// What one rule knows of one person, for one value of its key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub rule: u32,
    pub key: Option<Arc<str>>,
    /// The last entry, for `once_per`.
    pub entered_at: MaybeTimestamp,
    /// That entry was a shadow's: forgotten when the rule becomes live.
    pub is_shadow: bool,
    /// Hashes of the message ids of the last occurrences, newest last.
    pub occurrences: ThinVec<u64>,
    pub state: CaseState,
}

/// A trigger's state, by its form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CaseState {
    /// The last events of a count or a sequence, in order of time; none where the trigger is an event.
    Window(ThinVec<SeenEvent>),
    /// Waits of an absence that are not judged yet, in order of their deadlines.
    Waits { waits: ThinVec<Wait>, past: Option<Box<Past>> },
}

/// An event that a window keeps: its place in the person's order, and the hash of its message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeenEvent {
    pub at: Timestamp,
    /// Of its place; apart, so that the step takes no room.
    offset: u64,
    index: u32,
    /// Which step of a sequence it is, by how many come after it; 0 elsewhere.
    pub step: u8,
    pub hash: u64,
}

/// The one moment at which a trigger held, and what is kept of the record that completed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Occurrence {
    pub message_id: MessageId,
    pub at: Timestamp,
    pub place: Place,
    /// What templates and conditions read of it: a JSON object with `properties` and `context`.
    pub captured: Option<Box<str>>,
}

/// The first part of an absence came, and the second has until the deadline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    pub occurrence: Occurrence,
    pub deadline: Timestamp,
    /// How long after the deadline it is judged.
    grace_seconds: u32,
    /// The release it began with, whose rule says what its event is called, what ends it, and whom it enters.
    pub release: u32,
    /// The record after the first part that met an exit: the journey will end where it begins.
    pub exited: Option<Box<Exited>>,
}

/// What an absence keeps beside its waits, or what an inactivity keeps: here it makes no case greater.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// The newest second events, in order of time: for records that come late in the log.
    pub withouts: ThinVec<SeenEvent>,
    /// Where the last wait that was judged began, and its deadline; for records that come late, too.
    pub last_over: MaybeSpan,
    /// The last events of a first part that is a count or a sequence, in order of time.
    pub window: ThinVec<SeenEvent>,
    /// Of an inactivity, and nothing else then.
    pub silence: Option<Box<Silence>>,
}

/// From a place in the person's order to a time, or nothing, as small as if it were always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MaybeSpan {
    from: MaybeTimestamp,
    place: Place,
    until: Timestamp,
}

/// Treated, or held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arm {
    Treated,
    GlobalHoldout,
    RuleHoldout,
}

/// A person's way through one rule's steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Journey {
    pub rule: u32,
    /// The release it was entered with, and whose steps it goes through.
    pub release: u32,
    pub key: Option<Arc<str>>,
    pub occurrence: Occurrence,
    /// The name of the occurrence's event.
    pub event_name: Arc<str>,
    pub entered_at: Timestamp,
    pub arm: Arm,
    /// The number of the step that it stands at, in its rule's program.
    pub step: u32,
    pub state: JourneyState,
    pub exited: Option<Exited>,
    /// A step of it was judged otherwise than late: its entry counts for `once_per`.
    pub counts: bool,
    /// Entered while the rule was a shadow: it sends nothing, and ends when the rule becomes live.
    pub is_shadow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum JourneyState {
    /// The step is judged at the first tick from `ready_at` on. What waited for its cap, or was brought forward by an
    /// exit, is never late.
    Due { due_at: Timestamp, ready_at: Timestamp, is_never_late: bool },
    /// It waits for a local time from `since` on; in the zone then known that is `due_at`.
    AwaitsClock { since: Timestamp, due_at: Timestamp },
    /// A message was decided, and its outcome has not come back.
    InFlight(DecisionId),
}

impl JourneyState {
    /// When its step is ready to be judged, and what it is due at.
    pub(crate) fn timer(self) -> Option<(Timestamp, Timestamp)> {
        match self {
            JourneyState::Due { due_at, ready_at, .. } => Some((ready_at, due_at)),
            JourneyState::AwaitsClock { due_at, .. } => Some((due_at, due_at)),
            JourneyState::InFlight(_) => None,
        }
    }
}

/// The record that ended a journey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exited {
    pub at: Timestamp,
    pub message_id: Arc<str>,
    pub event_name: Arc<str>,
}

/// A message that caps count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub decision: DecisionId,
    pub channel: Channel,
    pub judged_at: Timestamp,
    pub is_in_flight: bool,
    pub is_transactional: bool,
    pub rule: u32,
    /// The entry that it belongs to; given back when the message expires.
    pub entered_at: Timestamp,
}

/// How long after their last record an anonymous person is forgotten.
pub const ANON_QUIET_MAX: Length = Length::days(30);

impl Person {
    /// The earliest timer: when it is ready, and what it is due at. With `until`, of those due by then, and without
    /// their grace.
    pub(crate) fn next_timer(&self, until: Option<Timestamp>) -> Option<(Timestamp, Timestamp)> {
        self.timers(until).min()
    }

    /// The earliest `due_at` of those timers that are ready at `now`.
    pub(crate) fn earliest_due(&self, now: Timestamp, until: Option<Timestamp>) -> Option<Timestamp> {
        self.timers(until).filter(|(ready_at, _)| *ready_at <= now).map(|(_, due_at)| due_at).min()
    }

    /// (ready_at, due_at) of all timers.
    fn timers(&self, until: Option<Timestamp>) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let waits = self.cases.iter().flat_map(Case::waits).map(|wait| (wait.ready_at(), wait.deadline));
        let steps = self.journeys.iter().filter_map(|journey| journey.state.timer());
        let aside = self.aside.as_deref();
        let recheck = aside.and_then(|aside| aside.recheck_at).map(|at| (at, at));
        let quiet = self.active_at().map(|at| (at + ANON_QUIET_MAX, at + ANON_QUIET_MAX));
        let shown = self.shown().iter().map(|shown| (shown.expires_at, shown.expires_at)).min();
        let watched = self.watch().and_then(|watch| Some((watch.ready_at.get()?, watch.due_at.get()?)));
        let all = waits.chain(steps).chain(recheck).chain(quiet).chain(shown).chain(watched);
        all.filter(move |(_, due_at)| until.is_none_or(|until| *due_at <= until))
    }

    pub fn opt_outs(&self) -> Option<&OptOuts> {
        self.aside.as_ref()?.opt_outs.as_deref()
    }

    /// The newest record of an anonymous person.
    pub fn active_at(&self) -> Option<Timestamp> {
        self.aside.as_ref()?.active_at
    }

    /// Messages in the product that they may still see, in the order in which they were decided.
    pub fn shown(&self) -> &[Shown] {
        self.aside.as_ref().map_or(&[], |aside| &aside.shown)
    }

    /// Whether a message of theirs could still be taken back.
    pub(crate) fn has_messages_out(&self) -> bool {
        !self.shown().is_empty() || self.messages.iter().any(|counted| counted.is_in_flight)
    }

    /// What mutes other rules.
    pub(crate) fn mutes(&self) -> &[Mute] {
        self.aside.as_ref().map_or(&[], |aside| &aside.mutes)
    }

    /// What is kept of their past.
    pub fn history(&self) -> Option<&History> {
        self.aside.as_deref().map(|aside| &aside.history)
    }

    /// What is kept for rules that ask whether they are inactive.
    pub fn watch(&self) -> Option<&Watch> {
        self.aside.as_ref()?.watch.as_deref()
    }

    pub(crate) fn change_watch<T>(&mut self, change: impl FnOnce(&mut Watch) -> T) -> T {
        self.change_aside(|aside| {
            let watch = aside.watch.get_or_insert_default();
            let answer = change(watch);
            if **watch == Watch::default() {
                aside.watch = None;
            }
            answer
        })
    }

    /// Whether something changed for a message in flight or shown; asked once.
    pub(crate) fn take_recheck(&mut self) -> bool {
        self.aside.is_some() && self.change_aside(|aside| aside.recheck_at.take()).is_some()
    }

    /// Something changed for a message in flight or shown: it is looked at again at the next tick.
    pub(crate) fn recheck(&mut self, at: Timestamp) {
        self.change_aside(|aside| aside.recheck_at = Some(at));
    }

    /// Changes what few people have.
    pub(crate) fn change_aside<T>(&mut self, change: impl FnOnce(&mut Aside) -> T) -> T {
        let aside = self.aside.get_or_insert_default();
        let answer = change(aside);
        if **aside == Aside::default() {
            self.aside = None;
        }
        answer
    }

    /// Whether a journey waits for a local time.
    pub(crate) fn awaits_clock(&self) -> bool {
        self.journeys.iter().any(|journey| matches!(journey.state, JourneyState::AwaitsClock { .. }))
    }

    /// Gives back the room of what is over.
    pub(crate) fn shrink(&mut self) {
        self.journeys.shrink_to_fit();
        self.messages.shrink_to_fit();
    }

    /// The case of a rule and key, if one is kept.
    pub fn case(&self, rule: u32, key: Option<&str>) -> Option<&Case> {
        self.cases.iter().find(|case| case.rule == rule && case.key.as_deref() == key)
    }

    pub(crate) fn case_mut(&mut self, rule: u32, key: Option<&str>) -> Option<&mut Case> {
        self.cases.iter_mut().find(|case| case.rule == rule && case.key.as_deref() == key)
    }

    /// Their address; nothing where there is none, or a text that no mail could go to.
    pub fn address(&self) -> Option<&str> {
        self.profile.text("email").filter(|address| is_address(address))
    }
}

/// `name@domain`, roughly: the channel knows what exactly it can send to.
fn is_address(text: &str) -> bool {
    let is_clean = !text.trim().chars().any(|c| c.is_whitespace() || c.is_control());
    is_clean
        && text.trim().rsplit_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
}

impl Default for CaseState {
    fn default() -> Self {
        CaseState::Window(ThinVec::new())
    }
}

impl CaseState {
    /// What a first part keeps: the last events of its count or sequence, in order of time.
    pub(crate) fn window(&self) -> &[SeenEvent] {
        match self {
            CaseState::Window(events) => events,
            CaseState::Waits { past, .. } => past.as_ref().map_or(&[], |past| &past.window),
        }
    }

    /// The same, to be changed.
    pub(crate) fn window_mut(&mut self) -> &mut ThinVec<SeenEvent> {
        match self {
            CaseState::Window(events) => events,
            CaseState::Waits { past, .. } => &mut past.get_or_insert_default().window,
        }
    }
}

impl Case {
    /// Waits that are not decided yet, in order of their deadlines.
    pub fn waits(&self) -> &[Wait] {
        if let CaseState::Waits { waits, .. } = &self.state { waits } else { &[] }
    }

    /// What an inactivity keeps, where this is one.
    pub fn silence(&self) -> Option<&Silence> {
        if let CaseState::Waits { past: Some(past), .. } = &self.state {
            past.silence.as_deref()
        } else {
            None
        }
    }

    pub(crate) fn silence_mut(&mut self) -> Option<&mut Silence> {
        if let CaseState::Waits { past: Some(past), .. } = &mut self.state {
            past.silence.as_deref_mut()
        } else {
            None
        }
    }

    /// What an inactivity keeps; whatever another form kept is no more.
    pub(crate) fn make_silence(&mut self) -> &mut Silence {
        if self.silence().is_none() {
            let past = Past { silence: Some(Box::default()), ..Past::default() };
            self.state = CaseState::Waits { waits: ThinVec::new(), past: Some(Box::new(past)) };
        }
        self.silence_mut().expect("just made")
    }

    pub(crate) fn waits_mut(&mut self) -> &mut [Wait] {
        if let CaseState::Waits { waits, .. } = &mut self.state { waits } else { &mut [] }
    }
}

impl Wait {
    /// A wait of the `release` with this number. A grace is whole seconds (`Length::parse`).
    pub(crate) fn new(occurrence: Occurrence, deadline: Timestamp, grace: Length, release: u32) -> Wait {
        let seconds = grace.0 / Length::seconds(1).0;
        let grace_seconds = u32::try_from(seconds).expect("a grace is a day at most");
        Wait { occurrence, deadline, grace_seconds, release, exited: None }
    }

    /// The deadline, and the grace after it.
    pub fn ready_at(&self) -> Timestamp {
        self.deadline + Length::seconds(i64::from(self.grace_seconds))
    }
}

impl SeenEvent {
    pub(crate) fn new((at, place): (Timestamp, Place), hash: u64) -> SeenEvent {
        SeenEvent { at, offset: place.offset, index: place.index, step: 0, hash }
    }

    /// Its place in the person's order.
    pub fn order(&self) -> (Timestamp, Place) {
        (self.at, Place { offset: self.offset, index: self.index })
    }
}

impl MaybeSpan {
    pub(crate) fn new((from, place): (Timestamp, Place), until: Timestamp) -> MaybeSpan {
        MaybeSpan { from: Some(from).into(), place, until }
    }

    /// Whether it has a moment in common with another that begins at `order`, all ends included.
    pub(crate) fn meets(&self, order: (Timestamp, Place), until: Timestamp) -> bool {
        self.from.get().is_some_and(|from| order.0 <= self.until && from <= until)
    }
}

impl Occurrence {
    /// Its place in the person's order.
    pub fn order(&self) -> (Timestamp, Place) {
        (self.at, self.place)
    }
}

impl OptOuts {
    pub fn has_topic(&self, topic: &str) -> bool {
        self.topics.iter().any(|out| **out == *topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_mail_could_go_to_is_no_address() {
        for address in ["ada@example.com", "a+b@x", " ada@example.com "] {
            assert!(is_address(address), "{address}");
        }
        for none in
            ["", " ", "ada", "@example.com", "ada@", "ada @example.com", "ada@example.com\r\nBcc: x@y"]
        {
            assert!(!is_address(none), "{none}");
        }
    }
}
