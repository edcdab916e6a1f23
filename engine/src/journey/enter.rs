//! Entry: the trigger holds. Audience, `once_per` and the arms are judged here, in this order (rules.md, "Guard rails").

use super::advance::{From, advance};
use super::render::Captured;
use crate::effect::{Effect, Effects, NonEntry, NonEntryReason};
use crate::event::SubjectId;
use crate::policy::muted::Neighbours;
use crate::policy::{holdout, once_per};
use crate::release::{Compiled, Release};
use crate::state::{Exited, Journey, JourneyState, Occurrence, Person, push_exactly};
use crate::time::Timestamp;
use crate::trigger::{self, Found};
use crate::zone;
use std::sync::Arc;

/// What began: a rule's trigger held for a person.
pub(crate) struct Entry<'a> {
    pub release: &'a Release,
    pub compiled: &'a Compiled,
    /// The rule's and the release's numbers in the shard.
    pub rule: u32,
    pub release_slot: u32,
    pub key: Option<Arc<str>>,
    pub occurrence: Occurrence,
    /// The name of the occurrence's event.
    pub event_name: Arc<str>,
    /// When it holds: at the event, or at the deadline of an absence.
    pub at: Timestamp,
    pub neighbours: Neighbours<'a>,
    /// An exit was met before it held.
    pub exited: Option<Exited>,
}

/// Begins a journey, or counts why not.
pub(crate) fn enter(entry: Entry<'_>, subject: &SubjectId, person: &mut Person, effects: &mut Effects) {
    let rule = &entry.compiled.rule;
    // A record that is repeated after more occurrences than are remembered: its journey is under way, and a second one
    // would decide the same decision.
    let is_under_way = |journey: &Journey| {
        journey.rule == entry.rule
            && journey.key == entry.key
            && journey.occurrence.message_id == entry.occurrence.message_id
    };
    if person.journeys.iter().any(is_under_way) {
        return;
    }
    let id = &entry.neighbours.rules[entry.rule as usize];
    let mut no = |reason| count(id, reason, entry.at, effects);
    let captured = Captured::of(&entry.occurrence);
    let holds = rule
        .audience
        .as_ref()
        .is_none_or(|audience| audience.holds(&captured.scope_of(&entry.event_name, person, entry.at)));
    if !holds {
        return no(NonEntryReason::Audience);
    }
    let zone = || zone_of(person, entry.release).1;
    let entered_at = person.case(entry.rule, entry.key.as_deref()).and_then(|case| case.entered_at.get());
    if !once_per::allows(rule.limits.once_per, entered_at, entry.at, zone) {
        return no(NonEntryReason::OncePer);
    }
    if entry.neighbours.muting(person, rule, entry.rule, entry.at).is_some() {
        return no(NonEntryReason::Muted);
    }
    let arm = holdout::draw(&entry.release.settings, rule, subject);
    let once_per = rule.limits.once_per;
    let case = match trigger::case_of(person, entry.rule, entry.key.as_deref(), once_per, entry.at) {
        Found::Case(case) | Found::InsteadOf(case) => case,
        Found::Full => return no(NonEntryReason::KeysMax),
    };
    // An entry by a record that comes late in the log does not forget a later one.
    case.entered_at = case.entered_at.get().max(Some(entry.at)).into();
    let is_shadow = entry.release.is_shadow(id);
    case.is_shadow = is_shadow;
    let mut journey = Journey {
        rule: entry.rule,
        release: entry.release_slot,
        key: entry.key,
        occurrence: entry.occurrence,
        event_name: entry.event_name,
        entered_at: entry.at,
        arm,
        step: 0,
        state: JourneyState::Due { due_at: entry.at, ready_at: entry.at, is_never_late: false },
        exited: entry.exited,
        counts: false,
        is_shadow,
    };
    if advance(&mut journey, entry.compiled, 0, From::outcome(entry.at), &mut person.aside) {
        push_exactly(&mut person.journeys, journey);
    }
}

pub(crate) fn count(rule: &Arc<str>, reason: NonEntryReason, at: Timestamp, effects: &mut Effects) {
    effects.push(Effect::Count(NonEntry { rule: rule.clone(), reason, at }));
}

/// A person's zone: `traits.timezone`, else the last `context.timezone`, else the project's. Unknown names are passed over.
pub(crate) fn zone_of<'a>(person: &'a Person, release: &'a Release) -> (&'a str, jiff::tz::TimeZone) {
    let own = person.profile.text("timezone");
    let last = person.profile.last_zone.as_deref();
    let names = own.into_iter().chain(last).chain([release.settings.timezone.as_ref()]);
    zone::first_known(names)
}
