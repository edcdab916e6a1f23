//! What events are known to bring: from rule tests and samples, or from a file of real ones.

use outreach_engine::event::Event;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Kept of each event, and of people: more is not a shape but data in keys.
const PATHS_MAX: usize = 2_000;
/// Different texts of one path: more are no choice of a few.
const TEXTS_MAX: usize = 200;
/// Elements of an array that are looked at.
const ELEMENTS_MAX: usize = 3;

#[derive(Debug, Default)]
pub struct Evidence {
    events: BTreeMap<String, Seen>,
    traits: Seen,
}

/// What one event, or people, bring.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub count: u64,
    /// By dotted path: `properties.plan`.
    pub values: BTreeMap<String, Values>,
}

#[derive(Debug, Default)]
pub(super) struct Values {
    pub count: u64,
    /// One of each type.
    pub examples: Vec<Json>,
    pub texts: BTreeSet<String>,
}

impl Evidence {
    /// Takes note of an event, whatever its call.
    pub fn see(&mut self, event: &Event<'_>) {
        let read = |text: &str| serde_json::from_str(text).unwrap_or(Json::Null);
        self.traits.see("traits", &read(&event.traits));
        if event.name.is_empty() {
            return;
        }
        let seen = self.events.entry(event.name.to_string()).or_default();
        seen.count += 1;
        seen.see("properties", &read(&event.properties));
        seen.see("context", &read(&event.context));
    }

    /// Takes note of a template's sample: a record with these roots.
    pub(super) fn see_sample(&mut self, sample: &Json) {
        let bag = |name: &str| sample.get(name).cloned().unwrap_or(Json::Null);
        self.traits.see("traits", &bag("traits"));
        let name = sample.get("event").and_then(|event| event.get("name")).and_then(Json::as_str);
        let seen = self.events.entry(name.unwrap_or_default().to_owned()).or_default();
        seen.count += 1;
        seen.see("properties", &bag("properties"));
        seen.see("context", &bag("context"));
    }

    pub(super) fn event(&self, name: &str) -> Option<&Seen> {
        self.events.get(name)
    }

    /// The names of all events.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.events.keys().map(String::as_str).filter(|name| !name.is_empty())
    }

    pub(super) fn traits(&self) -> &Seen {
        &self.traits
    }

    /// What is known of a path, of any event.
    pub(super) fn anywhere<'e>(&'e self, path: &'e str) -> impl Iterator<Item = &'e Values> {
        self.all().filter_map(move |seen| seen.values.get(path))
    }

    /// Every path that was seen, of any event.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.all().flat_map(|seen| seen.values.keys().map(String::as_str))
    }

    fn all(&self) -> impl Iterator<Item = &Seen> {
        self.events.values().chain([&self.traits])
    }
}

impl Seen {
    fn see(&mut self, path: &str, value: &Json) {
        match value {
            Json::Object(members) => {
                for (name, value) in members {
                    self.note(&format!("{path}.{name}"), value);
                }
            }
            Json::Array(items) => {
                for (index, value) in items.iter().enumerate().take(ELEMENTS_MAX) {
                    self.note(&format!("{path}.{index}"), value);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }

    fn note(&mut self, path: &str, value: &Json) {
        if value.is_null() || (self.values.len() >= PATHS_MAX && !self.values.contains_key(path)) {
            return;
        }
        let values = self.values.entry(path.to_owned()).or_default();
        values.count += 1;
        if !values.examples.iter().any(|example| is_alike(example, value)) {
            values.examples.push(value.clone());
        }
        if let Json::String(text) = value
            && values.texts.len() < TEXTS_MAX
        {
            values.texts.insert(text.clone());
        }
        self.see(path, value);
    }
}

fn is_alike(one: &Json, other: &Json) -> bool {
    // Dates are texts, and are compared as dates: a text of each kind is kept.
    let is_date =
        |value: &Json| value.as_str().is_some_and(|text| outreach_engine::Timestamp::parse(text).is_some());
    std::mem::discriminant(one) == std::mem::discriminant(other) && is_date(one) == is_date(other)
}
