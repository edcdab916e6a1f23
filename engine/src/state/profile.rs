//! What is known of a person: scalar traits by dotted path, and the zone they were last seen in.

use crate::json::{self, Seen};
use crate::time::Timestamp;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// All scalar traits of a person, at most [`PROFILE_BYTES_MAX`] of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Sorted by path.
    pub(super) entries: Vec<(Box<str>, Value)>,
    /// `occurred_at` of the newest identify seen.
    pub(super) newest_at: Option<Timestamp>,
    /// The last `context.timezone`.
    pub last_zone: Option<Arc<str>>,
}

/// Paths and texts together; what does not fit is left out (architecture.md, "State is bounded").
pub const PROFILE_BYTES_MAX: usize = 8 * 1024;

/// What the guard rails read of everybody has room of its own: whatever else is said of a person, mail goes to the newest
/// address and not at night.
const KEPT_APART: [&str; 2] = ["email", "timezone"];
/// Path and text of one of these: an address has at most 254 bytes, the name of a zone fewer.
const APART_BYTES_MAX: usize = 512;

impl Profile {
    /// Takes in the traits of an identify. Log order wins, and an identify older than the newest one seen only fills
    /// what is missing. Returns whether something was left out for want of room.
    pub fn identify(&mut self, traits: &str, occurred_at: Timestamp) -> bool {
        let is_newest = self.newest_at.is_none_or(|newest| occurred_at >= newest);
        if is_newest {
            self.newest_at = Some(occurred_at);
        }
        self.take_in(traits, "", is_newest)
    }

    /// Takes in the traits of a group, under `group.`.
    pub fn join_group(&mut self, traits: &str) -> bool {
        self.take_in(traits, "group", true)
    }

    /// Sets one trait, whole, at a dotted path.
    pub(crate) fn set(&mut self, path: &str, value: Value) {
        self.remove(path);
        self.insert(path.into(), value);
    }

    fn take_in(&mut self, traits: &str, prefix: &str, overwrites: bool) -> bool {
        let mut found = Vec::new();
        json::flatten(traits, prefix, &mut found);
        if overwrites {
            // A trait is replaced whole: {"address": {"city": …}} leaves nothing of an older address behind.
            for (key, _) in sonic_rs::to_object_iter(traits).map_while(Result::ok) {
                self.remove(&if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") });
            }
        }
        let mut is_full = false;
        for (path, value) in found {
            if value == Value::Null || (!overwrites && self.get(&path).is_some()) {
                continue;
            }
            is_full |= !self.insert(path.into(), value);
        }
        is_full
    }

    fn remove(&mut self, path: &str) {
        self.entries.retain(|(key, _)| {
            key.strip_prefix(path).is_none_or(|rest| !(rest.is_empty() || rest.starts_with('.')))
        });
    }

    fn insert(&mut self, path: Box<str>, value: Value) -> bool {
        let place = self.entries.binary_search_by(|(key, _)| key.as_ref().cmp(&path));
        let entry = (path, value);
        let has_room = if is_apart(&entry) {
            size(&entry) <= APART_BYTES_MAX
        } else {
            let freed = place.map_or(0, |at| size(&self.entries[at]));
            self.size() - freed + size(&entry) <= PROFILE_BYTES_MAX
        };
        if !has_room {
            return false;
        }
        match place {
            Ok(at) => self.entries[at] = entry,
            Err(at) => self.entries.insert(at, entry),
        }
        true
    }

    fn size(&self) -> usize {
        self.entries.iter().filter(|entry| !is_apart(entry)).map(size).sum()
    }

    /// The value at a dotted path.
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.entries.binary_search_by(|(key, _)| key.as_ref().cmp(path)).ok().map(|at| &self.entries[at].1)
    }

    /// The value that the segments of a condition's path lead to; the last may be an index into a list.
    pub fn look_up(&self, segments: &[Box<str>]) -> Option<Seen<'_>> {
        if let [only] = segments {
            return self.get(only).map(seen);
        }
        let (last, front) = segments.split_last()?;
        self.get(&segments.join(".")).map(seen).or_else(|| match self.get(&front.join("."))? {
            Value::List(items) => items.get(last.parse::<usize>().ok()?).map(seen),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => None,
        })
    }

    /// A trait that is a text, such as `email`.
    pub fn text(&self, path: &str) -> Option<&str> {
        if let Some(Value::Text(text)) = self.get(path) { Some(text) } else { None }
    }

    /// All traits whose first segment is `first`, by path.
    pub fn below<'p>(&'p self, first: &'p str) -> impl Iterator<Item = (&'p str, &'p Value)> {
        self.entries
            .iter()
            .filter(move |(key, _)| key.split('.').next() == Some(first))
            .map(|(key, value)| (key.as_ref(), value))
    }

    /// All traits, by path.
    pub fn traits(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_ref(), value))
    }
}

fn is_apart((path, _): &(Box<str>, Value)) -> bool {
    KEPT_APART.contains(&path.as_ref())
}

fn size((path, value): &(Box<str>, Value)) -> usize {
    path.len() + value_size(value)
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) => 8,
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(value_size).sum(),
    }
}

fn seen(value: &Value) -> Seen<'_> {
    match value {
        Value::Null => Seen::Null,
        Value::Bool(is) => Seen::Bool(*is),
        Value::Int(_) | Value::Float(_) => Seen::Number(value.clone()),
        Value::Text(text) => Seen::Text(Cow::Borrowed(text)),
        Value::List(items) => Seen::List(items.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_identify_wins_and_an_older_one_fills_what_is_missing() {
        let mut profile = Profile::default();
        profile.identify(r#"{"plan":"pro","address":{"city":"Paris","zip":"75001"}}"#, Timestamp(10));
        profile.identify(r#"{"plan":"free","name":"Ada"}"#, Timestamp(5));
        assert_eq!(profile.text("plan"), Some("pro"));
        assert_eq!(profile.text("name"), Some("Ada"));
        profile.identify(r#"{"plan":null,"address":{"city":"Lyon"}}"#, Timestamp(11));
        assert_eq!(profile.text("plan"), None);
        assert_eq!(profile.text("address.city"), Some("Lyon"));
        assert_eq!(profile.text("address.zip"), None);
    }

    #[test]
    fn a_profile_is_bounded_and_keeps_what_it_has() {
        let mut profile = Profile::default();
        assert!(!profile.identify(r#"{"a":"kept"}"#, Timestamp(1)));
        assert!(profile.identify(&format!(r#"{{"b":"{}"}}"#, "x".repeat(PROFILE_BYTES_MAX)), Timestamp(2)));
        assert_eq!(profile.text("a"), Some("kept"));
        assert_eq!(profile.text("b"), None);
    }

    #[test]
    fn a_full_profile_still_takes_the_address_and_the_zone() {
        let mut profile = Profile::default();
        let many: Vec<String> = (0..300).map(|n| format!(r#""a{n}":"{}""#, "x".repeat(90))).collect();
        assert!(profile.identify(&format!("{{{}}}", many.join(",")), Timestamp(1)));
        let said = r#"{"email":"a.rather.long.name@mail.example","timezone":"Asia/Tokyo"}"#;
        assert!(!profile.identify(said, Timestamp(2)));
        assert!(
            !profile.identify(
                r#"{"email":"another.name.longer.than.the.one.before@mail.example"}"#,
                Timestamp(3)
            )
        );
        assert_eq!(profile.text("email"), Some("another.name.longer.than.the.one.before@mail.example"));
        assert_eq!(profile.text("timezone"), Some("Asia/Tokyo"));
        assert!(
            profile.identify(&format!(r#"{{"more":"{}"}}"#, "x".repeat(100)), Timestamp(4)),
            "theirs is no room for others"
        );
        let endless = format!(r#"{{"email":"{}"}}"#, "x".repeat(600));
        assert!(profile.identify(&endless, Timestamp(5)));
        assert_eq!(profile.text("email"), None, "what cannot be an address is none, and not the one before");
    }
}
