//! Instants and lengths of time: whole microseconds, no clock.

use std::fmt;
use std::ops::{Add, Sub};

/// An instant in microseconds since 1970-01-01T00:00:00Z, between the years 1 and 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A length of time in microseconds, never negative. Exact: a day is 24 hours (rules.md, "Order and time").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Length(pub i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z, the earliest time an event may carry.
    pub const EPOCH: Timestamp = Timestamp(0);
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// Reads RFC 3339 with an offset or `Z`. A time without an offset is refused: nobody knows when it was.
    pub fn parse(text: &str) -> Option<Timestamp> {
        text.parse::<jiff::Timestamp>().ok().map(Timestamp::from)
    }

    /// The length from `earlier` to this instant; nothing when `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Length {
        Length(self.0.saturating_sub(earlier.0).max(0))
    }

    /// This instant as jiff's type; saturates at jiff's bounds.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        Timestamp(at.as_microsecond())
    }
}

/// RFC 3339 in UTC with six decimals, as every answer and ledger row prints it.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.to_jiff())
    }
}

impl Add<Length> for Timestamp {
    type Output = Timestamp;
    fn add(self, length: Length) -> Timestamp {
        Timestamp(self.0.saturating_add(length.0))
    }
}

impl Sub<Length> for Timestamp {
    type Output = Timestamp;
    fn sub(self, length: Length) -> Timestamp {
        Timestamp(self.0.saturating_sub(length.0))
    }
}

const UNITS: [(&str, i64); 5] = [
    ("week", 7 * 86_400_000_000),
    ("day", 86_400_000_000),
    ("hour", 3_600_000_000),
    ("minute", 60_000_000),
    ("second", 1_000_000),
];

/// Ten years: longer lengths are mistakes, and sums of two stay far from overflow.
const LENGTH_MAX: Length = Length(10 * 366 * 86_400_000_000);

impl Length {
    pub const ZERO: Length = Length(0);

    pub const fn seconds(count: i64) -> Length {
        Length(count * 1_000_000)
    }
    pub const fn minutes(count: i64) -> Length {
        Length::seconds(count * 60)
    }
    pub const fn hours(count: i64) -> Length {
        Length::minutes(count * 60)
    }
    pub const fn days(count: i64) -> Length {
        Length::hours(count * 24)
    }

    /// Reads `"3 days"`, `"1 hour"`, `"90 min"`, `"2 days 12 hours"`. Months and years are refused: they have no one
    /// length. The error is a sentence that says what was expected and found.
    pub fn parse(text: &str) -> Result<Length, String> {
        let wrong = || format!("expected a length such as \"3 days\", found \"{text}\"");
        let mut total = 0i64;
        let mut words = text.split_whitespace().flat_map(split_unit).peekable();
        if words.peek().is_none() {
            return Err(wrong());
        }
        while let Some(count) = words.next() {
            let count: i64 = count.parse().ok().filter(|c| *c >= 0).ok_or_else(wrong)?;
            let unit = words.next().ok_or_else(wrong)?;
            let size =
                unit_size(unit).map_err(|hint| hint.map_or_else(wrong, |h| format!("{}: {h}", wrong())))?;
            total = count.checked_mul(size).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        }
        if total > LENGTH_MAX.0 {
            return Err(format!("expected a length of at most ten years, found \"{text}\""));
        }
        Ok(Length(total))
    }
}

/// `"90min"` is `"90"`, `"min"`; a word without digits in front stays whole.
fn split_unit(word: &str) -> impl Iterator<Item = &str> {
    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let (count, unit) = word.split_at(digits);
    [count, unit].into_iter().filter(|part| !part.is_empty())
}

fn unit_size(unit: &str) -> Result<i64, Option<&'static str>> {
    let singular = unit.strip_suffix('s').filter(|u| u.len() > 1).unwrap_or(unit);
    let long = match singular {
        "w" => "week",
        "d" => "day",
        "h" => "hour",
        "m" | "min" => "minute",
        "s" | "sec" => "second",
        "month" | "year" | "mo" | "y" => {
            return Err(Some("months and years have no one length, say it in days or weeks"));
        }
        other => other,
    };
    UNITS.iter().find(|(name, _)| *name == long).map(|(_, size)| *size).ok_or(None)
}

/// `3 days`, `1 hour`, `2 days 12 hours`: what [`Length::parse`] reads.
impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut first = true;
        for (name, size) in UNITS.into_iter().skip(1) {
            let count = rest / size;
            rest %= size;
            if count > 0 {
                let (space, plural) = (if first { "" } else { " " }, if count == 1 { "" } else { "s" });
                write!(f, "{space}{count} {name}{plural}")?;
                first = false;
            }
        }
        if first { write!(f, "0 seconds") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_exact_and_read_as_people_write_them() {
        assert_eq!(Length::parse("3 days"), Ok(Length::days(3)));
        assert_eq!(Length::parse("1 day"), Ok(Length::hours(24)));
        assert_eq!(Length::parse("90min"), Ok(Length::minutes(90)));
        assert_eq!(Length::parse("2 days 12 hours"), Ok(Length::hours(60)));
        assert_eq!(Length::parse("1w"), Ok(Length::days(7)));
        assert_eq!(Length::parse("0 seconds"), Ok(Length::ZERO));
    }

    #[test]
    fn what_is_no_length_is_refused_with_what_was_found() {
        for wrong in ["", "3", "days", "3 dayz", "-3 days", "3.5 days", "3 days ago", "99999999999999 weeks"]
        {
            let error = Length::parse(wrong).unwrap_err();
            assert!(error.contains(&format!("\"{wrong}\"")), "{error}");
        }
        assert!(Length::parse("1 month").unwrap_err().contains("no one length"));
    }

    #[test]
    fn a_time_without_an_offset_is_refused() {
        assert_eq!(Timestamp::parse("2026-03-02T10:00:00"), None);
        assert_eq!(Timestamp::parse("2026-03-02"), None);
        let at = Timestamp::parse("2026-03-02T10:00:00.5+01:00").unwrap();
        assert_eq!(at.to_string(), "2026-03-02T09:00:00.500000Z");
        assert_eq!(Timestamp::parse("2026-03-02T10:00Z"), Timestamp::parse("2026-03-02T10:00:00Z"));
    }

    #[test]
    fn a_printed_length_reads_back() {
        for length in
            [Length::days(3), Length::minutes(90), Length::ZERO, Length::seconds(61), Length::days(400)]
        {
            assert_eq!(Length::parse(&length.to_string()), Ok(length));
        }
    }
}
