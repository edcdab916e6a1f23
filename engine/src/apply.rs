//! Record in, effects out.
//!
//! Events change what is known; ticks decide. An event is taken into its person's state: profile, exits of their
//! journeys, triggers; what comes due is filed in the timers. A tick judges the people who are due.

use crate::effect::Effects;
use crate::event::{Body, Consent, ConsentKind, Event, EventKind, Place, Record, SubjectKind};
use crate::journey::begin::{self, Shown, may_end, set_off};
use crate::journey::judge::{self, Moment};
use crate::journey::{backfill, exit, outcome, past, silence, turnover, wake};
use crate::json;
use crate::planted::{self, Bug};
use crate::release::{Release, Role};
use crate::state::{Filed, OptOuts, SeenEvent, Shard, Wait};
use crate::trigger::{absence, segment};
use std::borrow::Cow;
use std::sync::Arc;

/// A tick judges at most so many people; the rest stay due for the next (architecture.md, "Time").
pub const PEOPLE_PER_TICK_MAX: usize = 2_000;

/// All that follows from one record. The caller gives the release that the shard's log announced last; with the record that
/// announces one, that one.
pub fn apply(release: &Release, shard: &mut Shard, record: &Record<'_>) -> Effects {
    let mut effects = Effects::new();
    if !shard.scans.is_empty()
        && let Some(index) = record.body.subject().and_then(|subject| shard.people.get_index_of(&subject))
    {
        backfill::settle(release, shard, index, &mut effects);
    }
    match &record.body {
        Body::Event(event) => take_in_event(release, shard, record.place, event, &mut effects),
        Body::Outcome(outcome) => outcome::take_in(release, shard, outcome),
        Body::Consent(consent) => take_in_consent(shard, consent),
        Body::Release { id } => {
            shard.release = Arc::from(id.as_ref());
            turnover::take_over(release, shard, &mut effects);
            let announced = backfill::Announced { at: record.appended_at, place: record.place };
            backfill::announce(release, shard, announced);
        }
        Body::Tick { at, until } => {
            // Whoever reads a tick takes the lesser of its time and the log's: no single wrong clock moves time ahead.
            let now = (*at).min(record.appended_at).max(shard.now);
            let now = if planted::is_on(Bug::ClockInEngine) { planted::clock() } else { now };
            tick(release, shard, Moment { now, until: *until }, &mut effects);
        }
    }
    effects
}

/// Judges those who are due, in order of (earliest `due_at`, subject).
fn tick(release: &Release, shard: &mut Shard, moment: Moment, effects: &mut Effects) {
    shard.now = moment.now;
    backfill::go_on(release, shard, effects);
    for (at, number) in shard.timers.take_pending(moment.now) {
        let (subject, person) = shard.people.get_index_mut(number).expect("whoever is filed is kept");
        match person.earliest_due(moment.now, moment.until) {
            Some(due_at) => {
                person.filed = Filed::Ready(due_at);
                shard.timers.make_ready(due_at, subject.clone());
            }
            // Only what is due after the end of time: it stays where it was.
            None => shard.timers.put_back(at, number),
        }
    }
    for _ in 0..PEOPLE_PER_TICK_MAX {
        let Some(subject) = shard.timers.pop_ready() else { break };
        let index = shard.people.get_index_of(&subject.as_ref()).expect("whoever is filed is kept");
        shard.people[index].filed = Filed::No;
        backfill::settle(release, shard, index, effects);
        shard.unfile(index);
        if judge::person(release, shard, index, moment, effects) {
            shard.refile(index);
        } else {
            backfill::settle_last(release, shard, effects);
            shard.forget(index);
        }
    }
}

fn take_in_event(
    release: &Release,
    shard: &mut Shard,
    place: Place,
    event: &Event<'_>,
    effects: &mut Effects,
) {
    if event.origin.is_some_and(|origin| !shard.is_first_sight(origin)) {
        return;
    }
    let mut hooks = Vec::new();
    release.index().find(event, &mut hooks);
    let (news, may_end) = (News::of(event), release.may_end_journeys(event));
    let asked = release.questions().about(&event.name);
    // Most events concern no rule: their people are not even looked for, which is half of what such an event costs.
    let may_be_activity = release.inactivities().hears(event);
    if hooks.is_empty() && !may_end && asked.is_empty() && !may_be_activity && !news.is_to_keep(event) {
        return;
    }
    let mut person = shard.people.get_index_of(&event.subject);
    let profile = person.map(|index| &shard.people[index].profile);
    let turning = news.has_traits.then(|| segment::before_record(release, event, profile));
    if let Some(known) = learn(shard, event, &news, person) {
        person = Some(known);
    }
    if !asked.is_empty() {
        person = past::take_in(shard, person, asked, event).or(person);
    }
    if let Some(index) = person.filter(|_| may_end) {
        leave_journeys(release, shard, index, place, event);
        silence::notice_exits(release, shard, index, place, event);
        wake::journeys(release, shard, index, place, event);
    }
    if may_be_activity {
        person = silence::hear(release, shard, person, place, event);
    }
    for hook in hooks {
        person = set_off(release, shard, person, hook, place, event, effects).or(person);
    }
    if let (Some(turning), Some(index)) = (turning, person) {
        for rule in turning.turned(release, &shard.people[index].profile) {
            let (compiled, event_name) = (release.compiled(rule), event.kind.as_str().into());
            let shown = Shown { compiled, role: Role::First, key: None, event_name };
            begin::show(release, shard, person, shown, place, event, effects);
        }
    }
    if let Some(index) = person {
        if event.subject.kind == SubjectKind::Anon {
            let at = Some(event.occurred_at);
            shard.people[index].change_aside(|aside| aside.active_at = aside.active_at.max(at));
        }
        shard.refile(index);
    }
}

/// What an event says of the person.
struct News<'e> {
    zone: Option<Cow<'e, str>>,
    has_traits: bool,
}

impl<'e> News<'e> {
    fn of(event: &'e Event<'_>) -> News<'e> {
        // What nobody vouches for sets nothing of a user: no address, no zone that moves their night.
        let is_trusted = event.is_proven || event.subject.kind == SubjectKind::Anon;
        News {
            zone: if is_trusted { zone_in(&event.context) } else { None },
            has_traits: event.is_proven && matches!(event.kind, EventKind::Identify | EventKind::Group),
        }
    }

    /// Of an anonymous person it is also kept when they were last there.
    fn is_to_keep(&self, event: &Event<'_>) -> bool {
        self.has_traits || self.zone.is_some() || event.subject.kind == SubjectKind::Anon
    }
}

/// Takes what the event says of the person into their profile; their number, if there was anything to keep.
fn learn(shard: &mut Shard, event: &Event<'_>, news: &News<'_>, known: Option<usize>) -> Option<usize> {
    let News { zone, has_traits } = news;
    let (zone, has_traits) = (zone.as_deref(), *has_traits);
    let is_anon = event.subject.kind == SubjectKind::Anon;
    if !has_traits && zone.is_none() && (known.is_none() || !is_anon) {
        return known;
    }
    let index = known.unwrap_or_else(|| shard.keep(event.subject));
    let person = &mut shard.people[index];
    match event.kind {
        EventKind::Identify if has_traits => {
            person.profile.identify(&event.traits, event.occurred_at);
        }
        EventKind::Group if has_traits => {
            person.profile.join_group(&event.traits);
        }
        EventKind::Identify | EventKind::Group | EventKind::Track | EventKind::Page | EventKind::Screen => {}
        EventKind::Alias => {}
    }
    if zone.is_some() && zone != person.profile.last_zone.as_deref() {
        person.profile.last_zone = zone.map(Arc::from);
    }
    // Another zone moves what waits for a local time.
    if has_traits && person.has_messages_out() || person.awaits_clock() {
        person.recheck(event.occurred_at);
    }
    Some(index)
}

fn zone_in(context: &str) -> Option<Cow<'_, str>> {
    // Most contexts have none, and a search that finds nothing is the dear one. An escape may spell any key.
    if !context.contains("timezone") && !context.contains('\\') {
        return None;
    }
    let text = json::find(context, &["timezone".into()])?;
    if let json::Seen::Text(zone) = json::read(text) {
        Some(zone).filter(|zone| !zone.is_empty())
    } else {
        None
    }
}

/// Exits: the event ends journeys of the person, those that a wait would begin, and what the product shows of them. What waits by an earlier release ends
/// by what that release says, too.
fn leave_journeys(release: &Release, shard: &mut Shard, index: usize, place: Place, event: &Event<'_>) {
    let Shard { people, rules, releases, .. } = shard;
    let person = &mut people[index];
    let (history, all_shown) = match person.aside.as_deref_mut() {
        Some(aside) => (Some(&aside.history), &mut aside.shown[..]),
        None => (None, &mut [][..]),
    };
    let seen = exit::Seen { event, place, profile: &person.profile, history };
    for case in person.cases.iter_mut().filter(|case| !case.waits().is_empty()) {
        let id = rules.get_index(case.rule as usize).expect("slots come from this table");
        let key = case.key.clone();
        let own = |wait: &Wait| {
            let began = releases.get_index(wait.release as usize).expect("slots come from this table");
            release.rule_of(began, id).filter(|compiled| may_end(event, &compiled.rule.trigger))
        };
        for wait in case.waits_mut() {
            if let Some(compiled) = own(wait) {
                exit::notice_wait(wait, key.as_deref(), compiled, seen);
            }
        }
        let hash = xxhash_rust::xxh3::xxh3_64(event.message_id.as_bytes());
        let second = SeenEvent::new((event.occurred_at, place), hash);
        absence::end_earlier(case, second, |wait| {
            let earlier = own(wait).filter(|compiled| compiled.release != release.id);
            let without = earlier.and_then(|compiled| compiled.rule.trigger.form.without());
            without.is_some_and(|without| exit::is_this(without, key.as_deref(), seen))
        });
    }
    let mut is_to_recheck = false;
    for journey in &mut person.journeys {
        let id = rules.get_index(journey.rule as usize).expect("slots come from this table");
        let entered = releases.get_index(journey.release as usize).expect("slots come from this table");
        let heard = release.rule_of(entered, id).filter(|compiled| may_end(event, &compiled.rule.trigger));
        let Some(compiled) = heard else { continue };
        is_to_recheck |= exit::notice(journey, compiled, seen);
    }
    for shown in all_shown {
        let id = rules.get_index(shown.rule as usize).expect("slots come from this table");
        let entered = releases.get_index(shown.release as usize).expect("slots come from this table");
        let heard = release.rule_of(entered, id).filter(|compiled| may_end(event, &compiled.rule.trigger));
        let Some(compiled) = heard else { continue };
        is_to_recheck |= exit::notice_shown(shown, compiled, seen);
    }
    if is_to_recheck {
        person.recheck(event.occurred_at);
    }
}

/// Addresses of one person that are known not to work; more than that is a flood, and the oldest falls.
const ADDRESSES_OUT_MAX: usize = 16;

fn take_in_consent(shard: &mut Shard, consent: &Consent<'_>) {
    let index = shard.keep(consent.subject);
    let person = &mut shard.people[index];
    person.change_aside(|aside| {
        let out = aside.opt_outs.get_or_insert_default();
        note(out, &consent.kind);
        if **out == OptOuts::default() {
            aside.opt_outs = None;
        }
    });
    if person.has_messages_out() {
        person.recheck(consent.at);
    }
    shard.refile(index);
}

/// What somebody says, into what they do not want.
fn note(out: &mut OptOuts, kind: &ConsentKind<'_>) {
    match kind {
        ConsentKind::TopicOff(topic) if !out.has_topic(topic) => out.topics.push(topic.as_ref().into()),
        ConsentKind::TopicOff(_) => {}
        ConsentKind::TopicOn(topic) => out.topics.retain(|other| **other != **topic),
        ConsentKind::AllOff => out.all = true,
        ConsentKind::AllOn => out.all = false,
        ConsentKind::Bounced(address) | ConsentKind::Complained(address) => {
            out.addresses.retain(|other| !other.eq_ignore_ascii_case(address));
            if out.addresses.len() == ADDRESSES_OUT_MAX {
                out.addresses.remove(0);
            }
            out.addresses.push(address.as_ref().into());
        }
    }
}
