//! All that a person ever did, as a plain list, each record with what was known when it came and what it is to each rule.

use super::condition::{self, Scope};
use super::rule::{First, Match, Rule};
use super::settings::Settings;
use super::time::{self, Micros};
use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};

/// A record of the log about one person.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub at: Micros,
    pub is_identify: bool,
    /// Empty for an identify.
    pub name: String,
    pub id: String,
    pub is_proven: bool,
    pub properties: Json,
    pub traits: Json,
    pub context: Json,
}

/// A record, and what it was when it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub record: Arrived,
    /// Its place in the log.
    pub place: usize,
    /// What it is to each rule; nothing where its message id had come before.
    pub is: Vec<Sight>,
}

/// What a record is to one rule: the key's value (empty where the rule has none) of each part that it meets.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    pub firsts: Vec<Option<String>>,
    pub without: Option<String>,
    /// Of an exit about the person alone, any key.
    pub exits: Vec<Option<String>>,
}

#[derive(Clone, Debug, Default)]
pub struct Person {
    pub who: String,
    pub history: Vec<Seen>,
    pub traits: Map<String, Json>,
    pub topics_off: Vec<String>,
    pub is_all_off: bool,
    pub bounced: Vec<String>,
    pub last_zone: Option<TimeZone>,
}

impl Seen {
    /// Of one person's events, order is (when it happened, its place in the log).
    pub fn order(&self) -> (Micros, usize) {
        (self.record.at, self.place)
    }
}

impl Person {
    /// Takes a record in: first what it says of the person, then what it is to each rule.
    /// `is_asked_again` tells of a repeated record whether it is as good as new to a rule.
    pub fn take(
        &mut self,
        record: Arrived,
        place: usize,
        rules: &[Rule],
        is_asked_again: impl Fn(usize, &str) -> bool,
    ) {
        let is_repeated = self.history.iter().any(|seen| seen.record.id == record.id);
        let before = Json::Object(self.traits.clone());
        if !is_repeated {
            self.learn(&record);
        }
        let after = Json::Object(self.traits.clone());
        let sights = rules.iter().enumerate().map(|(number, rule)| {
            let sight = self.sight(&record, rule, &before, &after);
            match is_repeated && !is_asked_again(number, &record.id) {
                // There is no table of all ids: what ends a journey is heard each time that it comes.
                true => Sight { exits: sight.exits, ..Sight::default() },
                false => sight,
            }
        });
        let seen = Seen { is: sights.collect(), record, place };
        self.history.push(seen);
    }

    /// The order of the log wins, and an identify older than the newest one seen only fills what is missing.
    fn learn(&mut self, record: &Arrived) {
        let zone = record.context.get("timezone").and_then(Json::as_str);
        let is_heard = record.is_proven || self.who.starts_with("anon:");
        let zone = zone.filter(|_| is_heard);
        self.last_zone = zone.and_then(time::zone).or(self.last_zone.take());
        let said = record.traits.as_object().filter(|_| record.is_identify && record.is_proven);
        let newest = self.history.iter().filter(|seen| seen.record.is_identify && seen.record.is_proven);
        let is_old = newest.map(|seen| seen.record.at).max().is_some_and(|newest| record.at < newest);
        for (name, value) in said.into_iter().flatten() {
            if !(is_old && self.traits.contains_key(name)) {
                self.traits.insert(name.clone(), value.clone());
            }
        }
    }

    fn sight(&self, record: &Arrived, rule: &Rule, before: &Json, after: &Json) -> Sight {
        let scope = |traits| Scope {
            properties: &record.properties,
            context: &record.context,
            event_name: &record.name,
            traits,
        };
        let begins = record.is_proven || rule.is_unproven;
        let ends = begins || self.who.starts_with("anon:");
        let first = |event: &Match| met(event, rule, scope(after)).flatten().filter(|_| begins);
        let turned = |condition, from, to| {
            let (was, is) =
                (condition::holds(condition, scope(from)), condition::holds(condition, scope(to)));
            (begins && !was && is).then(String::new)
        };
        let firsts = match &rule.trigger.first {
            First::Event(event) | First::Count { event, .. } => vec![first(event)],
            First::Sequence { steps, .. } => steps.iter().map(first).collect(),
            First::Enters(condition) => vec![turned(condition, before, after)],
            First::Leaves(condition) => vec![turned(condition, after, before)],
        };
        let without = rule.trigger.without.as_ref().filter(|_| ends);
        Sight {
            firsts,
            without: without.and_then(|without| met(&without.event, rule, scope(after)).flatten()),
            exits: rule
                .exits
                .iter()
                .filter_map(|exit| met(exit, rule, scope(after)).filter(|_| ends))
                .collect(),
        }
    }

    pub fn zone(&self, settings: &Settings) -> TimeZone {
        let own = self.traits.get("timezone").and_then(Json::as_str).and_then(time::zone);
        own.or_else(|| self.last_zone.clone()).unwrap_or_else(|| settings.zone.clone())
    }

    pub fn address(&self) -> Option<String> {
        self.traits.get("email").and_then(Json::as_str).map(str::to_lowercase)
    }

    /// Whether the audience is true of the person as known now and of the record that completed the trigger.
    pub fn is_in_audience(&self, rule: &Rule, completed_by: usize) -> bool {
        let record = &self.history.iter().find(|seen| seen.place == completed_by).expect("a record").record;
        let traits = Json::Object(self.traits.clone());
        let scope = Scope {
            properties: &record.properties,
            context: &record.context,
            event_name: &record.name,
            traits: &traits,
        };
        rule.audience.as_ref().is_none_or(|audience| condition::holds(audience, scope))
    }
}

/// Whether a record is what is looked for, and for which key; `Some(None)` is for any key.
fn met(wanted: &Match, rule: &Rule, scope: Scope<'_>) -> Option<Option<String>> {
    let is_it = match &wanted.event {
        Some(event) => event == scope.event_name,
        None => true,
    };
    let is_it = is_it && wanted.condition.as_ref().is_none_or(|condition| condition::holds(condition, scope));
    let is_keyed = rule.trigger.is_keyed && wanted.event.is_some();
    match (is_it, is_keyed, &wanted.key) {
        (false, ..) => None,
        (true, true, Some(path)) => condition::key_at(path, scope).map(Some),
        (true, false, _) if wanted.event.is_some() => Some(Some(String::new())),
        (true, ..) => Some(None),
    }
}
