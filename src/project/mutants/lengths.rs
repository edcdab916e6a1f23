//! Lengths of time, counts and times of day: a little more, a little less, and much.

use super::draft::{Down, Drafts};
use outreach_engine::time::Length;
use toml::Value;

/// The least that a document can say: tests must know on which side of the boundary the very moment is.
const LEAST: Length = Length::seconds(1);

const BOUNDARY: &str =
    "a test in which something happens at the very end of it, and one a second before or after";
const LONG: &str = "a test in which something happens well after it is over, and one well before";

/// `3 days`, or `-3 days`.
pub(super) fn change(drafts: &mut Drafts<'_>, place: &[Down], text: &str) {
    let (sign, positive) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let Ok(length) = Length::parse(positive) else { return };
    let less = Length(length.0 - LEAST.0);
    let others = [
        (Length(length.0 + LEAST.0), BOUNDARY),
        (less, BOUNDARY),
        (Length(length.0.saturating_mul(2)), LONG),
        (Length(length.0 / 2), LONG),
    ];
    for (other, hint) in others.into_iter().filter(|(other, _)| other.0 >= LEAST.0) {
        // Seconds are the least that can be read back.
        let whole = Length(other.0 / LEAST.0 * LEAST.0);
        drafts.set(place, Value::String(format!("{sign}{whole}")), hint);
    }
}

/// One more and one less.
pub(super) fn change_count(drafts: &mut Drafts<'_>, place: &[Down], count: i64) {
    let hint = "a test with exactly so many, and one with one less";
    for other in [count.saturating_add(1), count.saturating_sub(1)] {
        drafts.set(place, Value::Integer(other), hint);
    }
}

/// `09:00` an hour later.
pub(super) fn change_time_of_day(drafts: &mut Drafts<'_>, place: &[Down], text: &str) {
    let Some((hour, minute)) = text.split_once(':') else { return };
    let Ok(hour) = hour.parse::<u8>() else { return };
    let later = format!("{:02}:{minute}", (hour + 1) % 24);
    drafts.set(place, Value::String(later), "a test that expects the very hour, in `at` or `judged_at`");
}

/// The hour of `0 9 * * Mon`.
pub(super) fn change_cron(drafts: &mut Drafts<'_>, place: &[Down], text: &str) {
    let mut fields: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let Some(hour) = fields.get(1).and_then(|hour| hour.parse::<u8>().ok()) else { return };
    fields[1] = ((hour + 1) % 24).to_string();
    drafts.set(place, Value::String(fields.join(" ")), "a test that expects the very hour in `at`");
}
