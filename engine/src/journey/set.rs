//! `set`: a step writes traits of its person, below `outreach.`, within the tick that judges it.
//!
//! Whoever looks at traits hears of it in [`Judge::hear_of_set`], and nowhere else.

use super::enter::{Entry, enter};
use super::exit::{self, Known};
use super::judge::Judge;
use crate::effect::Effects;
use crate::policy::muted::Neighbours;
use crate::release::Release;
use crate::state::{Aside, Exited, Journey, Occurrence, Person, Profile, Shard, Wait};
use crate::time::Timestamp;
use crate::trigger::segment;
use crate::value::Value;
use std::sync::Arc;

/// The first segment of what steps set, below which it stands.
const ROOT: &str = "outreach";

/// Rules that a `set` set off, and whose steps set something again, and so on: so many times in one tick of a person.
/// Then nothing more is set off, or two rules could go on for ever.
pub(super) const CASCADES_MAX: usize = 8;

/// Who set something, as facts name it: the rule, its step, and the journey's occurrence.
#[derive(Clone, Debug)]
pub(super) struct Setter {
    pub rule: Arc<str>,
    pub step: Arc<str>,
    pub occurrence: Occurrence,
}

impl Setter {
    fn words(&self) -> Arc<str> {
        format!("set by {}/{}", self.rule, self.step).into()
    }
}

/// A segment that a `set` brought its person into, or out of: the number of the rule, and who did it.
#[derive(Clone, Debug)]
pub(super) struct Turned {
    rule: u32,
    by: Setter,
}

impl Judge<'_, '_> {
    /// Writes the traits. What is there already is no news, and what a full profile has no room for is left out.
    pub(super) fn set(&mut self, person: &mut Person, traits: &[(Box<str>, Value)], by: &Setter) {
        let before = person.profile.clone();
        for (name, value) in traits {
            person.profile.set(&format!("{ROOT}.{name}"), value.clone());
        }
        if person.profile != before {
            self.hear_of_set(person, &before, by);
        }
    }

    /// All that follows from a `set` in the same tick: a segment may be entered or left, it may be an exit of this journey
    /// or of others, and may end the audience of a message in flight. `before` is what was known of the person until then.
    fn hear_of_set(&mut self, person: &mut Person, before: &Profile, by: &Setter) {
        let now = self.moment.now;
        let turned =
            segment::before(self.release, [ROOT], Some(before)).turned(self.release, &person.profile);
        self.turned.extend(turned.into_iter().map(|rule| Turned { rule, by: by.clone() }));
        let exited = || Exited { at: now, message_id: "".into(), event_name: by.words() };
        let Person { profile, cases, journeys, aside, .. } = &mut *person;
        let known = Known { profile, history: aside.as_deref().map(|aside| &aside.history) };
        for case in cases.iter_mut() {
            let id = &self.rules[case.rule as usize];
            let own = |wait: &Wait| self.release.rule_of(&self.releases[wait.release as usize], id);
            for wait in case.waits_mut().iter_mut().filter(|wait| wait.exited.is_none()) {
                let is_met =
                    own(wait).is_some_and(|compiled| exit::is_met_by_wait(wait, compiled, known, now));
                wait.exited = is_met.then(|| Box::new(exited()));
            }
        }
        for journey in journeys.iter_mut() {
            let is_met = self.is_exit(journey, known, now);
            if is_met {
                exit::leave(journey, exited());
            }
        }
        if let Some(aside) = aside.as_deref_mut() {
            let Aside { shown, history, .. } = aside;
            let known = Known { profile, history: Some(history) };
            for shown in shown.iter_mut().filter(|shown| shown.exited.is_none()) {
                let id = &self.rules[shown.rule as usize];
                let own = self.release.rule_of(&self.releases[shown.release as usize], id);
                let is_met = own.is_some_and(|own| exit::is_met_by_shown(shown, own, known, now));
                shown.exited = is_met.then(|| Box::new(exited()));
            }
        }
        if person.has_messages_out() {
            person.recheck(now);
        }
    }

    fn is_exit(&self, journey: &Journey, known: Known<'_>, now: Timestamp) -> bool {
        let compiled = self.compiled(journey).filter(|_| journey.exited.is_none());
        compiled.is_some_and(|compiled| exit::is_met_by_journey(journey, compiled, known, now))
    }
}

/// Enters the rules whose segment a step has turned, at this tick.
pub(super) fn enter_turned(
    release: &Release,
    shard: &mut Shard,
    index: usize,
    turned: Vec<Turned>,
    at: Timestamp,
    effects: &mut Effects,
) {
    for Turned { rule, by } in turned {
        let compiled = release.compiled(rule);
        // It has no record of its own, and a journey comes to a step once. Hashed: sets set each other off for ever.
        let hash = xxhash_rust::xxh3::xxh3_64(by.occurrence.message_id.text(&mut [0; 36]).as_bytes());
        let message_id = format!("{} {hash:016x}", by.words()).as_str().into();
        let occurrence = Occurrence { message_id, at, place: by.occurrence.place, captured: None };
        let (rule, release_slot) = (shard.rule_slot(&compiled.rule.id), shard.release_slot(&release.id));
        let (key, event_name, exited) = (None, by.words(), None);
        let Shard { people, rules, releases, .. } = &mut *shard;
        let neighbours = Neighbours { release, rules, releases };
        let entry = Entry {
            release,
            compiled,
            rule,
            release_slot,
            key,
            occurrence,
            event_name,
            at,
            neighbours,
            exited,
        };
        let (subject, person) = people.get_index_mut(index).expect("an index of somebody kept");
        enter(entry, subject, person, effects);
    }
}
