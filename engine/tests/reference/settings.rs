//! The guard rails of outreach.toml: zone, quiet hours, caps.

use super::journey::Decided;
use super::time::{self, MINUTE, Micros};
use jiff::tz::TimeZone;
use toml::{Table, Value};

#[derive(Clone, Debug)]
pub struct Settings {
    pub zone: TimeZone,
    /// Minutes of the day, `[from, until)`.
    pub quiet: Option<(i64, i64)>,
    pub caps: Vec<Cap>,
}

#[derive(Clone, Debug)]
pub struct Cap {
    /// `all`, or a channel.
    scope: String,
    count: usize,
    /// None: a calendar day.
    window: Option<Micros>,
}

/// A message that is in flight or was sent.
#[derive(Clone, Debug)]
pub struct Counted {
    pub decided: Decided,
}

impl Settings {
    pub fn read(text: &str) -> Settings {
        let table: Table = text.parse().expect("settings");
        let text = |key: &str| table.get(key).and_then(Value::as_str);
        let minutes = |clock: &str| {
            let (hour, minute) = clock.split_once(':').expect("HH:MM");
            hour.parse::<i64>().expect("hours") * 60 + minute.parse::<i64>().expect("minutes")
        };
        let caps = table.get("caps").and_then(Value::as_table).into_iter().flatten();
        let caps = caps.flat_map(|(scope, list)| {
            list.as_array().expect("a list").iter().map(|cap| Cap::read(scope, cap.as_str().expect("a cap")))
        });
        Settings {
            zone: time::zone(text("timezone").unwrap_or("UTC")).expect("a zone"),
            quiet: text("quiet_hours").map(|quiet| {
                let (from, until) = quiet.split_once('-').expect("21:00-08:00");
                (minutes(from), minutes(until))
            }),
            caps: caps.collect(),
        }
    }

    pub fn is_quiet(&self, zone: &TimeZone, at: Micros) -> bool {
        let minute = time::minute_of_day(zone, at);
        self.quiet.is_some_and(|(from, until)| match from < until {
            true => from <= minute && minute < until,
            false => from <= minute || minute < until,
        })
    }

    /// When the quiet hours that hold at `at` are over.
    pub fn quiet_until(&self, zone: &TimeZone, at: Micros) -> Micros {
        time::next_minute(at, |minute| !self.is_quiet(zone, minute))
    }

    /// Whether one more message of the channel at `at` would be more than a cap allows.
    pub fn is_full(&self, counted: &[Counted], channel: &str, zone: &TimeZone, at: Micros) -> bool {
        let has_own = |channel: &str| self.caps.iter().any(|cap| cap.scope == channel);
        let is_in_all = |channel: &str| channel != "in_product" || has_own(channel);
        self.caps.iter().any(|cap| {
            let is_in_scope =
                |channel: &str| if cap.scope == "all" { is_in_all(channel) } else { cap.scope == channel };
            let is_inside = |counted: &&Counted| match cap.window {
                Some(window) => counted.decided.judged_at > at - window,
                None => time::date(zone, counted.decided.judged_at) == time::date(zone, at),
            };
            let inside =
                counted.iter().filter(|counted| is_in_scope(counted.decided.channel)).filter(is_inside);
            is_in_scope(channel) && inside.count() >= cap.count
        })
    }

    /// The first moment after `at` at which no cap is full any more, if nothing else is sent.
    pub fn free_at(&self, counted: &[Counted], channel: &str, zone: &TimeZone, at: Micros) -> Micros {
        let windows = self.caps.iter().filter_map(|cap| cap.window);
        let mut moments: Vec<Micros> = windows
            .flat_map(|window| counted.iter().map(move |counted| counted.decided.judged_at + window))
            .collect();
        let today = time::date(zone, at);
        moments.push(time::next_minute(at, |minute| time::date(zone, minute) != today));
        moments.sort();
        let free = moments.into_iter().filter(|moment| *moment > at);
        free.into_iter()
            .find(|moment| !self.is_full(counted, channel, zone, *moment))
            .unwrap_or(at + 1000 * MINUTE * 1440)
    }
}

impl Cap {
    fn read(scope: &str, text: &str) -> Cap {
        let (count, window) = text.split_once(" per ").expect("1 per day");
        Cap {
            scope: scope.to_owned(),
            count: count.parse().expect("a number"),
            window: (window != "calendar day").then(|| time::length(window)),
        }
    }
}
