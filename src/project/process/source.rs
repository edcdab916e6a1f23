//! `[kafka.properties]` and `[[sources]]`: the product's topics.

use super::write_key::unique_name;
use outreach_engine::Timestamp;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Item, Problems};
use std::collections::{BTreeMap, BTreeSet};
use toml::de::DeValue;

/// A topic to copy from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Unique; `[a-z0-9-]`.
    pub name: String,
    pub topic: String,
    pub format: SourceFormat,
    /// For a partition of which we have no position. Default: earliest.
    pub start: SourceStart,
    /// While it cannot be read no timer moves. Default true.
    pub is_required: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SourceFormat {
    /// The default: Segment's calls as JSON.
    Segment,
    /// Any JSON object, with JSON pointers to the fields of [`FIELDS`].
    Json { fields: BTreeMap<String, String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceStart {
    Earliest,
    Latest,
    At(Timestamp),
}

/// What a pointer may be given for.
const FIELDS: [&str; 6] = ["user", "event", "time", "properties", "message_id", "type"];

pub(super) fn kafka(problems: &mut Problems, item: &Item<'_>) -> BTreeMap<String, String> {
    let Some(mut table) = item.table(problems) else { return BTreeMap::new() };
    let properties = table.take("properties").and_then(|item| item.table(problems));
    table.finish(problems, &[]);
    let items = properties.map(|mut table| table.take_all()).unwrap_or_default();
    items.iter().filter_map(|item| Some((item.key.to_owned(), property(problems, item)?))).collect()
}

/// librdkafka takes texts; numbers and booleans are written as people do.
fn property(problems: &mut Problems, item: &Item<'_>) -> Option<String> {
    match item.value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Integer(_) => item.integer(problems, i64::MIN..=i64::MAX).map(|value| value.to_string()),
        DeValue::Float(value) => Some(value.as_str().to_owned()),
        // `ssl.ca.location` without quotes is a table `ssl`.
        DeValue::Table(_) => {
            item.wrong_type(problems, "a property's value");
            None
        }
        DeValue::Datetime(_) | DeValue::Array(_) => {
            item.wrong_type(problems, "a text, a number, true or false");
            None
        }
    }
}

pub(super) fn all(problems: &mut Problems, item: &Item<'_>) -> Vec<Source> {
    let elements = item.elements(problems).unwrap_or_default();
    let mut names = BTreeSet::new();
    elements.iter().filter_map(|element| one(problems, element, &mut names)).collect()
}

fn one(problems: &mut Problems, item: &Item<'_>, names: &mut BTreeSet<String>) -> Option<Source> {
    let mut table = item.table(problems)?;
    let place = table.place.clone();
    let name = table
        .require(problems, "name", "add name = \"product\"")
        .and_then(|item| unique_name(problems, &item, names));
    let topic = table
        .require(problems, "topic", "add topic = \"product-events\", the name of the topic in Kafka")
        .and_then(|item| item.words(problems));
    let formats = [("segment", true), ("json", false)];
    let is_segment = table.take("format").and_then(|item| item.choice(problems, &formats)).unwrap_or(true);
    let fields_item = table.take("fields");
    let start = table.take("start").and_then(|item| start(problems, &item)).unwrap_or(SourceStart::Earliest);
    let is_required = table.take("required").and_then(|item| item.boolean(problems)).unwrap_or(true);
    table.finish(problems, &[]);
    let format = match (is_segment, fields_item) {
        (true, None) => SourceFormat::Segment,
        (true, Some(item)) => {
            let message = "`fields` belongs to format = \"json\", found it with \"segment\"";
            problems.error(Code::ContradictoryForm, &item.key_place, message);
            SourceFormat::Segment
        }
        (false, None) => {
            let message = "format = \"json\" needs `fields`: where user, event and time stand";
            problems.error(Code::MissingKey, &place, message).with_help("add fields = { user = \"/id\", … }");
            return None;
        }
        (false, Some(item)) => SourceFormat::Json { fields: fields(problems, &item)? },
    };
    Some(Source { name: name?, topic: topic?, format, start, is_required })
}

fn start(problems: &mut Problems, item: &Item<'_>) -> Option<SourceStart> {
    let at = match item.value {
        DeValue::Datetime(date) => Timestamp::parse(&date.to_string()),
        _ => match item.text(problems)? {
            "earliest" => return Some(SourceStart::Earliest),
            "latest" => return Some(SourceStart::Latest),
            text => Timestamp::parse(text),
        },
    };
    if at.is_none() {
        let message = "expected \"earliest\", \"latest\" or a time such as \"2026-03-02T10:00:00Z\"";
        problems.error(Code::BadValue, &item.place, message);
    }
    at.map(SourceStart::At)
}

fn fields(problems: &mut Problems, item: &Item<'_>) -> Option<BTreeMap<String, String>> {
    let mut table = item.table(problems)?;
    let mut fields = BTreeMap::new();
    for name in FIELDS {
        let Some(item) = table.take(name) else { continue };
        let Some(pointer) = item.text(problems) else { continue };
        if !pointer.starts_with('/') {
            let message = format!("expected a JSON pointer such as \"/customer/id\", found \"{pointer}\"");
            problems.error(Code::BadValue, &item.place, message);
        }
        fields.insert(name.to_owned(), pointer.to_owned());
    }
    table.finish(problems, &[]);
    for name in ["user", "event", "time"] {
        let is_by_type = name == "event" && fields.contains_key("type");
        if !fields.contains_key(name) && !is_by_type {
            problems
                .error(Code::MissingKey, &item.place, format!("missing key `{name}` in `fields`"))
                .with_help(format!(
                    "add {name} = \"/{name}\": a JSON pointer to where it stands in a record"
                ));
        }
    }
    Some(fields)
}
