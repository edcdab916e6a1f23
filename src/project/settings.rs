//! The part of outreach.toml that goes into the release: read, and printed in one canonical form.

use super::{cap, quiet_hours};
use jiff::tz::TimeZoneDatabase;
use outreach_engine::effect::Channel;
use outreach_engine::release::{Cap, Caps, Settings, Topic};
use outreach_engine::rule::Share;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Item, Problems, Table, closest};
use outreach_engine::rule::parse::is_id;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The keys of this part.
pub(super) const RELEASE_KEYS: [&str; 7] =
    ["timezone", "locale", "quiet_hours", "holdout", "transactional_rules", "caps", "topics"];

/// Where a person's own zone is not known and the project says none.
const TIMEZONE: &str = "UTC";

/// Draws the arms of holdouts. A number and no setting: another one would move people between arms.
const HASH_SEED: u64 = 0x6f75_7472_6561_6368;

/// Takes this part's keys. What cannot be read leaves an error and its default.
pub(super) fn take(problems: &mut Problems, table: &mut Table<'_>) -> Settings {
    let timezone = table.take("timezone").and_then(|item| timezone(problems, &item));
    let locale = table.take("locale").and_then(|item| locale(problems, &item));
    let quiet_hours = table.take("quiet_hours").and_then(|item| read_by(problems, &item, quiet_hours::parse));
    let holdout = table.take("holdout").and_then(|item| read_by(problems, &item, Share::parse));
    let rules = table.take("transactional_rules").and_then(|item| transactional_rules(problems, &item));
    let caps = table.take("caps").and_then(|item| caps(problems, &item));
    let topics = table.take("topics").and_then(|item| topics(problems, &item));
    Settings {
        timezone: timezone.unwrap_or_else(|| Arc::from(TIMEZONE)),
        locale,
        quiet_hours,
        holdout,
        caps: caps.unwrap_or_default(),
        topics: topics.unwrap_or_default(),
        transactional_rules: rules.unwrap_or_default(),
        hash_seed: HASH_SEED,
    }
}

/// A text with a reader of its own, whose error is the message.
fn read_by<T>(problems: &mut Problems, item: &Item<'_>, read: fn(&str) -> Result<T, String>) -> Option<T> {
    let text = item.text(problems)?;
    read(text).map_err(|message| problems.error(Code::BadValue, &item.place, message)).ok()
}

/// An IANA name of the bundled zone data, as that data writes it.
fn timezone(problems: &mut Problems, item: &Item<'_>) -> Option<Arc<str>> {
    let name = item.text(problems)?;
    match TimeZoneDatabase::bundled().get(name) {
        Ok(zone) => zone.iana_name().map(Arc::from),
        Err(_) => {
            let message = format!("expected a time zone such as \"Europe/Paris\", found \"{name}\"");
            let problem = problems.error(Code::BadValue, &item.place, message);
            let zones: Vec<String> =
                TimeZoneDatabase::bundled().available().map(|zone| zone.to_string()).collect();
            if let Some(zone) = closest(name, zones.iter().map(String::as_str)) {
                problem.with_help(format!("did you mean \"{zone}\"?"));
            }
            None
        }
    }
}

/// A BCP 47 tag of a language that there is, in its usual form.
fn locale(problems: &mut Problems, item: &Item<'_>) -> Option<Arc<str>> {
    let text = item.text(problems)?;
    let known = crate::template::known_locale(text);
    if known.is_none() {
        let message = format!("expected a locale such as \"de\" or \"de-AT\", found \"{text}\"");
        problems.error(Code::BadValue, &item.place, message);
    }
    known.map(Arc::from)
}

fn transactional_rules(problems: &mut Problems, item: &Item<'_>) -> Option<Vec<Arc<str>>> {
    let mut rules: Vec<Arc<str>> = item.texts(problems)?.into_iter().map(Arc::from).collect();
    rules.sort();
    rules.dedup();
    Some(rules)
}

fn caps(problems: &mut Problems, item: &Item<'_>) -> Option<Caps> {
    let mut table = item.table(problems)?;
    let mut caps = Caps::default();
    for (name, channel) in [("email", Channel::Email), ("in_product", Channel::InProduct)] {
        if let Some(item) = table.take(name) {
            caps.by_channel.insert(channel, caps_of(problems, &item));
        }
    }
    caps.all = table.take("all").map(|item| caps_of(problems, &item)).unwrap_or_default();
    table.finish(problems, &["webhook"]);
    Some(caps)
}

fn caps_of(problems: &mut Problems, item: &Item<'_>) -> Vec<Cap> {
    let elements = item.elements(problems).unwrap_or_default();
    elements.iter().filter_map(|element| read_by(problems, element, cap::parse)).collect()
}

fn topics(problems: &mut Problems, item: &Item<'_>) -> Option<BTreeMap<Arc<str>, Topic>> {
    let mut topics = BTreeMap::new();
    for item in item.table(problems)?.take_all() {
        if !is_id(item.key) {
            let message =
                format!("expected a topic's id of 1 to 64 characters a-z, 0-9 and -, found \"{}\"", item.key);
            problems.error(Code::BadId, &item.key_place, message);
        }
        let Some(mut table) = item.table(problems) else { continue };
        let name = table
            .require(problems, "name", "add name = \"Getting started\": recipients read it")
            .and_then(|item| item.words(problems));
        table.finish(problems, &[]);
        topics.insert(Arc::from(item.key), Topic { name: name.unwrap_or_default() });
    }
    Some(topics)
}

/// The settings as TOML that [`take`] reads back: the same settings give the same text.
pub(super) fn print(settings: &Settings) -> String {
    let texts = |texts: Vec<String>| toml::Value::Array(texts.into_iter().map(toml::Value::String).collect());
    let caps_of = |caps: &[Cap]| texts(caps.iter().copied().map(cap::print).collect());
    let mut caps = toml::Table::new();
    for (channel, of_channel) in &settings.caps.by_channel {
        let name = match channel {
            Channel::Email => "email",
            Channel::InProduct => "in_product",
        };
        caps.insert(name.to_owned(), caps_of(of_channel));
    }
    caps.insert("all".to_owned(), caps_of(&settings.caps.all));
    let topics = settings.topics.iter().map(|(id, topic)| {
        let name = toml::Value::String(topic.name.clone());
        (id.to_string(), toml::Value::Table([("name".to_owned(), name)].into_iter().collect()))
    });
    let mut root = toml::Table::new();
    root.insert("timezone".to_owned(), toml::Value::String(settings.timezone.to_string()));
    if let Some(locale) = &settings.locale {
        root.insert("locale".to_owned(), toml::Value::String(locale.to_string()));
    }
    if let Some(quiet) = settings.quiet_hours {
        root.insert("quiet_hours".to_owned(), toml::Value::String(quiet_hours::print(quiet)));
    }
    if let Some(holdout) = settings.holdout {
        root.insert("holdout".to_owned(), toml::Value::String(holdout.to_string()));
    }
    let rules = settings.transactional_rules.iter().map(ToString::to_string).collect();
    root.insert("transactional_rules".to_owned(), texts(rules));
    root.insert("caps".to_owned(), toml::Value::Table(caps));
    root.insert("topics".to_owned(), toml::Value::Table(topics.collect()));
    root.to_string()
}
