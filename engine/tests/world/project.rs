//! Rules and settings from the text their authors write.

use outreach_engine::effect::Channel;
use outreach_engine::release::{Cap, Caps, QuietHours, Settings, Topic, Window};
use outreach_engine::rule::{Known, Rule, Share, parse};
use outreach_engine::{Length, Release};
use std::collections::{BTreeMap, BTreeSet};

/// A rule that must be good; panics with all its problems.
pub fn rule(id: &str, text: &str) -> Rule {
    let known = Known { topics: None, transactional_rules: None };
    match parse(id, id, text, &known) {
        Ok((rule, _)) => rule,
        Err(problems) => panic!("{text}\n{problems:#?}"),
    }
}

pub fn release(id: &str, settings: Settings, rules: Vec<Rule>) -> Release {
    // Every template reads the same few paths, so that what is captured is tested too.
    let paths: BTreeSet<String> = ["traits.email", "properties.plan"].map(String::from).into();
    let templates = rules.iter().flat_map(|rule| rule.messages()).map(|message| message.template.to_string());
    let reads: BTreeMap<_, _> = templates.map(|template| (template, paths.clone())).collect();
    Release::new(id, settings, rules, &reads)
}

/// Nothing but a zone: no quiet hours, no caps, no holdout.
pub fn bare_settings() -> Settings {
    Settings {
        timezone: "UTC".into(),
        quiet_hours: None,
        holdout: None,
        caps: Caps::default(),
        topics: ["probe", "news"].map(|id| (id.into(), Topic { name: id.to_owned() })).into(),
        transactional_rules: Vec::new(),
        locale: None,
        hash_seed: 7,
    }
}

/// The part of outreach.toml that a test says.
pub fn settings(text: &str) -> Settings {
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{text}\n{error}"));
    let mut settings = bare_settings();
    for (key, value) in &table {
        let text = || value.as_str().unwrap_or_else(|| panic!("{key} is a text"));
        match key.as_str() {
            "timezone" => settings.timezone = text().into(),
            "quiet_hours" => settings.quiet_hours = Some(quiet_hours(text())),
            "holdout" => settings.holdout = Some(Share::parse(text()).expect("a share")),
            "hash_seed" => settings.hash_seed = value.as_integer().expect("a number") as u64,
            "caps" => settings.caps = caps(value.as_table().expect("[caps]")),
            other => panic!("unknown setting {other}"),
        }
    }
    settings
}

fn quiet_hours(text: &str) -> QuietHours {
    let minutes = |clock: &str| {
        let (hour, minute) = clock.split_once(':').expect("HH:MM");
        hour.parse::<u16>().expect("an hour") * 60 + minute.parse::<u16>().expect("a minute")
    };
    let (from, until) = text.split_once('-').expect("21:00-08:00");
    QuietHours { from: minutes(from), until: minutes(until) }
}

fn caps(table: &toml::Table) -> Caps {
    let mut caps = Caps::default();
    for (scope, list) in table {
        let list = list.as_array().expect("a list of caps").iter();
        let list = list.map(|item| cap(item.as_str().expect("a text"))).collect();
        match Channel::parse(scope) {
            Some(channel) => drop(caps.by_channel.insert(channel, list)),
            None => caps.all = list,
        }
    }
    caps
}

fn cap(text: &str) -> Cap {
    let (count, window) = text.split_once(" per ").expect("1 per day");
    let window = match window {
        "calendar day" => Window::CalendarDay,
        "day" => Window::Rolling(Length::days(1)),
        length => Window::Rolling(Length::parse(length).expect("a length")),
    };
    Cap { count: count.parse().expect("a number"), window }
}
