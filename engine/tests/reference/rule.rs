//! A rule as its author wrote it: the document's tables, read into the few shapes that rules.md names.

use super::time::{self, Micros};
use toml::{Table, Value};

#[derive(Clone, Debug)]
pub struct Rule {
    pub id: String,
    pub priority: i64,
    pub is_unproven: bool,
    pub is_off: bool,
    pub is_shadow: bool,
    pub trigger: Trigger,
    pub audience: Option<Table>,
    pub exits: Vec<Match>,
    pub once_per: OncePer,
    pub late: Micros,
    pub grace: Micros,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct Trigger {
    pub first: First,
    pub without: Option<Without>,
    pub is_restarted: bool,
    pub is_keyed: bool,
}

#[derive(Clone, Debug)]
pub enum First {
    Event(Match),
    Count { event: Match, count: usize, within: Micros },
    Sequence { steps: Vec<Match>, within: Micros },
    Enters(Table),
    Leaves(Table),
}

/// A record to look for: its event's name unless it is about the person alone, its test, and where its key stands.
#[derive(Clone, Debug)]
pub struct Match {
    pub event: Option<String>,
    pub condition: Option<Table>,
    pub key: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Without {
    pub event: Match,
    pub within: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OncePer {
    Ever,
    Always,
    Length(Micros),
    CalendarDay,
}

#[derive(Clone, Debug)]
pub enum Step {
    Wait(Micros),
    Message(Message),
}

#[derive(Clone, Debug)]
pub struct Message {
    pub name: String,
    pub channel: &'static str,
    pub topic: String,
    pub expires: Option<Micros>,
    pub waits_for_cap: bool,
    pub is_transactional: bool,
}

impl Rule {
    pub fn read(id: &str, text: &str) -> Rule {
        let document: Table = text.parse().expect("a document");
        let topic = text_of(&document, "topic").unwrap_or_default();
        let limits = document.get("limits").and_then(Value::as_table).cloned().unwrap_or_default();
        let length = |key: &str| text_of(&limits, key).map(|text| time::length(&text));
        let audience = document.get("audience").and_then(|audience| audience.get("where"));
        Rule {
            id: id.to_owned(),
            priority: document.get("priority").and_then(Value::as_integer).unwrap_or(0),
            is_unproven: is_true(&document, "unproven"),
            is_off: text_of(&document, "status").as_deref() == Some("off"),
            is_shadow: text_of(&document, "status").as_deref() == Some("shadow"),
            trigger: Trigger::read(document["trigger"].as_table().expect("[trigger]")),
            audience: audience.and_then(Value::as_table).cloned(),
            exits: exits(&document),
            once_per: once_per(&limits),
            late: length("late").unwrap_or(time::DAY),
            grace: length("grace").unwrap_or(time::MINUTE),
            steps: steps(document["step"].as_array().expect("[[step]]"), &topic),
        }
    }

    pub fn is_once_ever_for_an_event(&self) -> bool {
        let is_event = matches!(self.trigger.first, First::Event(_)) && self.trigger.without.is_none();
        is_event && self.once_per == OncePer::Ever
    }

    /// The message step of this name.
    pub fn message(&self, name: &str) -> &Message {
        let messages = self.steps.iter().filter_map(|step| match step {
            Step::Message(message) => Some(message),
            Step::Wait(_) => None,
        });
        messages.into_iter().find(|message| message.name == name).expect("a step")
    }
}

impl Trigger {
    fn read(table: &Table) -> Trigger {
        let key = text_of(table, "key");
        let within = || time::length(&text_of(table, "within").expect("within"));
        let is_condition = |name: &str| table.get(name).and_then(Value::as_table).cloned();
        let first = if let Some(steps) = table.get("sequence") {
            let steps = steps.as_array().expect("steps").iter().map(|step| Match::read(step, &key));
            First::Sequence { steps: steps.collect(), within: within() }
        } else if let Some(condition) = is_condition("enters") {
            First::Enters(condition)
        } else if let Some(condition) = is_condition("leaves") {
            First::Leaves(condition)
        } else {
            let event = Match::read(&Value::Table(table.clone()), &key);
            match table.get("count").and_then(Value::as_integer) {
                Some(count) => First::Count { event, count: count as usize, within: within() },
                None => First::Event(event),
            }
        };
        let without = table.get("without").map(|without| Without {
            event: Match::read(without, &key),
            within: match without.get("within") {
                Some(within) => time::length(within.as_str().expect("a length")),
                None => within(),
            },
        });
        Trigger {
            first,
            without,
            is_restarted: text_of(table, "repeat").as_deref() == Some("restart"),
            is_keyed: key.is_some(),
        }
    }
}

impl Match {
    /// A name alone, or a table; `key` is the trigger's own.
    fn read(value: &Value, key: &Option<String>) -> Match {
        let table = value.as_table().cloned().unwrap_or_default();
        Match {
            event: value.as_str().map(str::to_owned).or_else(|| text_of(&table, "event")),
            condition: table.get("where").and_then(Value::as_table).cloned(),
            key: text_of(&table, "key").or_else(|| key.clone()),
        }
    }
}

fn exits(document: &Table) -> Vec<Match> {
    let key = document["trigger"].get("key").and_then(Value::as_str).map(str::to_owned);
    match document.get("exit") {
        None => Vec::new(),
        Some(exit) => match exit.get("any") {
            Some(any) => any.as_array().expect("a list").iter().map(|one| Match::read(one, &key)).collect(),
            None => vec![Match::read(exit, &key)],
        },
    }
}

fn once_per(limits: &Table) -> OncePer {
    match text_of(limits, "once_per").as_deref() {
        None => OncePer::Ever,
        Some("always") => OncePer::Always,
        Some("calendar day") => OncePer::CalendarDay,
        Some(length) => OncePer::Length(time::length(length)),
    }
}

/// A step's name is its template, with an ordinal where the same comes again.
fn steps(list: &[Value], topic: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut templates: Vec<String> = Vec::new();
    for step in list.iter().map(|step| step.as_table().expect("a step")) {
        if let Some(wait) = text_of(step, "wait") {
            steps.push(Step::Wait(time::length(&wait)));
            continue;
        }
        let channel = if step.contains_key("email") { "email" } else { "in_product" };
        let template = text_of(step, channel).expect("a template");
        templates.push(template.clone());
        let ordinal = templates.iter().filter(|other| **other == template).count();
        let name = if ordinal == 1 { template } else { format!("{template}-{ordinal}") };
        steps.push(Step::Message(Message {
            name: text_of(step, "name").unwrap_or(name),
            channel,
            topic: text_of(step, "topic").unwrap_or_else(|| topic.to_owned()),
            expires: text_of(step, "expires").map(|text| time::length(&text)),
            waits_for_cap: text_of(step, "on_cap").as_deref() == Some("wait"),
            is_transactional: is_true(step, "transactional"),
        }));
    }
    steps
}

fn text_of(table: &Table, key: &str) -> Option<String> {
    table.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn is_true(table: &Table, key: &str) -> bool {
    table.get(key).and_then(Value::as_bool) == Some(true)
}
