//! Clock words: a time of the day where a person is, as instants.
//!
//! A clock that is set forward leaves local times out: such a one comes at the change, the next instant there is. A clock
//! that is set back shows them twice: such a one comes at the first, and not again. So of two local times the later one
//! never comes earlier, and each comes once a local date.

use crate::time::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use std::fmt;

/// A time of the day to the minute, such as `09:00`: from `00:00` to `23:59`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime {
    /// Since midnight; below 1,440.
    minute: u16,
}

/// What `wait_for` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClockWord {
    At(LocalTime),
    /// Monday to Friday, from [`OFFICE_OPENS`] until [`OFFICE_CLOSES`].
    BusinessHours,
}

/// Business hours are half-open, `[09:00, 17:00)`: at 17:00 the day is over.
pub const OFFICE_OPENS: LocalTime = LocalTime { minute: 9 * 60 };
pub const OFFICE_CLOSES: LocalTime = LocalTime { minute: 17 * 60 };

/// The instant of a local date and time: the first that shows it, or where none does, the change that leaves it out.
/// Nothing beyond the years that there are.
pub fn instant(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
            ambiguous.earlier().ok().map(Timestamp::from)
        }
        AmbiguousOffset::Gap { after, .. } => {
            let before = ambiguous.earlier().ok()?;
            let change = zone.following(before).find(|change| change.offset() == after)?;
            Some(change.timestamp().into())
        }
    }
}

/// The first instant after `at` at which this time comes; never `at` itself.
pub fn next(zone: &TimeZone, time: LocalTime, at: Timestamp) -> Option<Timestamp> {
    let today = zone.to_datetime(at.to_jiff()).date();
    // A date may be left out whole, and its time comes with the next one's beginning.
    let dates = std::iter::successors(today.yesterday().ok(), |date| date.tomorrow().ok());
    dates.take(4).filter_map(|date| instant(zone, time.on(date))).find(|instant| *instant > at)
}

impl ClockWord {
    /// Reads `"09:00"` or `"business-hours"`. The error is a sentence that says what was expected and found.
    pub fn parse(text: &str) -> Result<ClockWord, String> {
        if text == "business-hours" {
            return Ok(ClockWord::BusinessHours);
        }
        let time = LocalTime::parse(text).map(ClockWord::At);
        time.map_err(|_| {
            format!("expected a time such as \"09:00\", or \"business-hours\", found \"{text}\"")
        })
    }

    /// Until when somebody waits who begins to at `at`: within business hours no longer, and for a time of the day until
    /// its next, also where it is that time now. A mail and one more behind `wait_for = "09:00"` are then a day apart,
    /// whether the first took a second to leave or none.
    pub fn due_at(self, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        match self {
            ClockWord::At(time) => next(zone, time, at),
            ClockWord::BusinessHours if is_open(zone, at) => Some(at),
            ClockWord::BusinessHours => opens_after(zone, at),
        }
    }
}

fn is_open(zone: &TimeZone, at: Timestamp) -> bool {
    let local = zone.to_datetime(at.to_jiff());
    let minute = LocalTime::of(local.time());
    is_work_day(local.date()) && (OFFICE_OPENS..OFFICE_CLOSES).contains(&minute)
}

fn opens_after(zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let today = zone.to_datetime(at.to_jiff()).date();
    let dates = std::iter::successors(Some(today), |date| date.tomorrow().ok());
    let openings = dates.take(5).filter(|date| is_work_day(*date));
    openings.filter_map(|date| instant(zone, OFFICE_OPENS.on(date))).find(|instant| *instant > at)
}

fn is_work_day(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

impl LocalTime {
    /// Reads `"09:00"`: two digits each, to `"23:59"`. The error is a sentence that says what was expected and found.
    pub fn parse(text: &str) -> Result<LocalTime, String> {
        let parts = text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2);
        let number = |digits: &str, below: u16| {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u16>().ok().filter(|number| is_number && *number < below)
        };
        let minute = parts.and_then(|(hour, minute)| Some(number(hour, 24)? * 60 + number(minute, 60)?));
        minute
            .map(|minute| LocalTime { minute })
            .ok_or_else(|| format!("expected a time such as \"09:00\", to \"23:59\", found \"{text}\""))
    }

    /// The minute of a time.
    pub fn of(time: Time) -> LocalTime {
        LocalTime { minute: time.hour() as u16 * 60 + time.minute() as u16 }
    }

    /// This time on that date, whether the date has it or not.
    pub fn on(self, date: Date) -> DateTime {
        date.at((self.minute / 60) as i8, (self.minute % 60) as i8, 0, 0)
    }
}

/// What [`LocalTime::parse`] reads.
impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

impl fmt::Display for ClockWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClockWord::At(time) => time.fmt(f),
            ClockWord::BusinessHours => write!(f, "business-hours"),
        }
    }
}

#[cfg(test)]
mod tests;
