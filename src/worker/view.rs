//! One person, as those who ask see them.

use super::Worker;
use crate::ledger::{Ledger, LedgerEntry};
use crate::log::Log;
use outreach_engine::event::Subject;
use outreach_engine::json;
use outreach_engine::state::{Arm, Journey, JourneyState, Person};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// All that is known of a person: what their shard knows, and what was decided, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonReport {
    /// `user:ada`.
    pub subject: String,
    pub person: Option<PersonView>,
    pub entries: Vec<LedgerEntry>,
}

/// Somebody whom a search found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// `user:ada`.
    pub subject: String,
    /// As their traits have it; empty where none is known.
    pub address: String,
}

/// What a shard knows of a person. Times are RFC 3339 in UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PersonView {
    /// `user:ada`.
    pub subject: String,
    /// Engine time: up to when this is true.
    pub known_until: String,
    pub release: String,
    pub traits: BTreeMap<String, Value>,
    pub zone: Option<String>,
    pub topics_off: Vec<String>,
    pub all_off: bool,
    pub journeys: Vec<JourneyView>,
    pub waits: Vec<WaitView>,
    pub entries: Vec<EntryView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JourneyView {
    pub rule: String,
    pub key: String,
    /// The index of the step that it stands at.
    pub step: u32,
    pub state: String,
    pub triggered_at: String,
    pub event: String,
}

/// An absence that is not decided yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitView {
    pub rule: String,
    pub key: String,
    pub began_at: String,
    pub deadline: String,
}

/// The last entry into a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryView {
    pub rule: String,
    pub key: String,
    pub entered_at: String,
}

impl<L: Log, D: Ledger> Worker<L, D> {
    /// What this shard knows of `subject`; nothing where it keeps nothing.
    pub fn view(&self, subject: Subject<'_>) -> Option<PersonView> {
        let person = self.shard.person(subject)?;
        let opt_outs = person.opt_outs();
        let rule = |slot: u32| self.shard.rule_id(slot).to_string();
        let key = |key: &Option<std::sync::Arc<str>>| key.as_deref().unwrap_or_default().to_string();
        Some(PersonView {
            subject: subject.to_string(),
            known_until: match self.shard.now() {
                outreach_engine::Timestamp::MIN => "no tick yet".to_string(),
                now => now.to_string(),
            },
            release: self.shard.release().to_string(),
            traits: traits(person),
            zone: person.profile.last_zone.as_deref().map(str::to_string),
            topics_off: opt_outs
                .map_or_else(Vec::new, |out| out.topics.iter().map(|t| t.to_string()).collect()),
            all_off: opt_outs.is_some_and(|out| out.all),
            journeys: person
                .journeys
                .iter()
                .map(|journey| journey_view(rule(journey.rule), journey))
                .collect(),
            waits: person
                .cases
                .iter()
                .flat_map(|case| case.waits().iter().map(move |wait| (case, wait)))
                .map(|(case, wait)| WaitView {
                    rule: rule(case.rule),
                    key: key(&case.key),
                    began_at: wait.occurrence.at.to_string(),
                    deadline: wait.deadline.to_string(),
                })
                .collect(),
            entries: person
                .cases
                .iter()
                .filter_map(|case| {
                    let entered_at = case.entered_at.get()?.to_string();
                    Some(EntryView { rule: rule(case.rule), key: key(&case.key), entered_at })
                })
                .collect(),
        })
    }

    /// People of this shard whose id or address has `text` in it, at most so many. Goes through all of
    /// them, and the worker waits meanwhile.
    pub fn find(&self, text: &str, count_max: usize) -> Vec<Found> {
        let part = text.to_lowercase();
        if part.is_empty() {
            return Vec::new();
        }
        let address = |person: &Person| person.profile.text("email").unwrap_or_default().to_owned();
        let found = self.shard.everybody().filter(|(subject, person)| {
            has_part(subject.as_ref().id, &part)
                || person.profile.text("email").is_some_and(|address| has_part(address, &part))
        });
        found
            .take(count_max)
            .map(|(subject, person)| Found { subject: subject.to_string(), address: address(person) })
            .collect()
    }
}

/// Whether `text` has `part` in it, whatever the case; `part` is in small letters.
fn has_part(text: &str, part: &str) -> bool {
    let is_here = |window: &[u8]| window.eq_ignore_ascii_case(part.as_bytes());
    if text.is_ascii() {
        text.as_bytes().windows(part.len()).any(is_here)
    } else {
        text.to_lowercase().contains(part)
    }
}

fn traits(person: &Person) -> BTreeMap<String, Value> {
    let as_json = |value| {
        let mut text = String::new();
        json::write(value, &mut text);
        serde_json::from_str(&text).unwrap_or(Value::Null)
    };
    person.profile.traits().map(|(path, value)| (path.to_string(), as_json(value))).collect()
}

fn journey_view(rule: String, journey: &Journey) -> JourneyView {
    let state = match (journey.arm, journey.state) {
        (Arm::GlobalHoldout | Arm::RuleHoldout, _) => "held out".to_string(),
        (Arm::Treated, JourneyState::AwaitsClock { due_at, .. }) => {
            format!("waits for {due_at}, a local time")
        }
        (Arm::Treated, JourneyState::InFlight(decision)) => format!("message {decision} on its way"),
        (Arm::Treated, JourneyState::Due { due_at, ready_at, .. }) if due_at == ready_at => {
            format!("due at {due_at}")
        }
        (Arm::Treated, JourneyState::Due { due_at, ready_at, .. }) => {
            format!("due at {due_at}, held until {ready_at}")
        }
    };
    JourneyView {
        rule,
        key: journey.key.as_deref().unwrap_or_default().to_string(),
        step: journey.step,
        state,
        triggered_at: journey.occurrence.at.to_string(),
        event: journey.event_name.to_string(),
    }
}
