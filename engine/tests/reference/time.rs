//! Moments and lengths as microseconds, and the clock on a person's wall.

use jiff::civil::Date;
use jiff::tz::TimeZone;

pub type Micros = i64;

pub const MINUTE: Micros = 60_000_000;
pub const HOUR: Micros = 60 * MINUTE;
pub const DAY: Micros = 24 * HOUR;

/// `3 days`, `1 hour`, `day`: exact lengths.
pub fn length(text: &str) -> Micros {
    let (count, unit) = text.split_once(' ').unwrap_or(("1", text));
    let unit = match unit.trim_end_matches('s') {
        "second" => MINUTE / 60,
        "minute" | "min" => MINUTE,
        "hour" => HOUR,
        "day" => DAY,
        "week" => 7 * DAY,
        other => panic!("no unit: {other}"),
    };
    count.parse::<i64>().expect("a number") * unit
}

// Sharing no code with the engine, it asks for zones by itself.
#[allow(clippy::disallowed_methods)]
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

fn local(zone: &TimeZone, at: Micros) -> jiff::civil::DateTime {
    zone.to_datetime(jiff::Timestamp::from_microsecond(at).expect("a moment"))
}

pub fn date(zone: &TimeZone, at: Micros) -> Date {
    local(zone, at).date()
}

/// Minutes since midnight on the wall.
pub fn minute_of_day(zone: &TimeZone, at: Micros) -> i64 {
    let local = local(zone, at);
    i64::from(local.hour()) * 60 + i64::from(local.minute())
}

/// The first whole minute after `at` of which `is_it` holds; the next two days are looked at.
pub fn next_minute(at: Micros, is_it: impl Fn(Micros) -> bool) -> Micros {
    let first = at.div_euclid(MINUTE) * MINUTE;
    (1..=2 * 24 * 60).map(|minute| first + minute * MINUTE).find(|at| is_it(*at)).expect("within two days")
}

/// As the language's pages write it.
pub fn shown(at: Micros) -> String {
    super::world::lines::shown(outreach_engine::Timestamp(at))
}
