//! One value of a file with columns, and the JSON that becomes of it.

use super::mapping::{ReadAs, Unit};
use jiff::civil;
use outreach_engine::Timestamp;
use outreach_engine::event::members::{check_json, type_of};
use outreach_engine::event::{Malformed, instant, malformed};
use std::borrow::Cow;
use std::fmt::Write;

/// A value as its file has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    Absent,
    /// A text that says nothing of its type, as all of CSV.
    Text(Cow<'a, str>),
    /// One JSON value, checked: numbers, booleans, objects, arrays; of NDJSON also texts.
    Json(Cow<'a, str>),
    Instant(Timestamp),
    /// A time without an offset, as if it were UTC.
    Local(Timestamp),
}

/// What the field is that a value goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Time,
    Bag,
    Value,
}

impl Cell<'_> {
    /// Appends JSON; false, and nothing appended, when there is no value.
    pub fn write(&self, role: Role, read_as: Option<ReadAs>, out: &mut String) -> Result<bool, Malformed> {
        if let Cell::Absent = self {
            return Ok(false);
        }
        match (read_as, role) {
            (None, Role::Time) => self.write_time(out)?,
            (None, Role::Bag) | (Some(ReadAs::Json), _) => self.write_json(out)?,
            (None, Role::Value) => self.write_plain(out),
            (Some(ReadAs::Text), _) => quote(&self.text(), out),
            (Some(ReadAs::Number), _) => out.push_str(&number(&self.text())?),
            (Some(ReadAs::Boolean), _) => out.push_str(boolean(&self.text())?),
            (Some(ReadAs::Since1970(unit)), _) => {
                let text = self.text();
                let at = since_1970(&text, unit).ok_or_else(|| {
                    bad_time(format_args!("a time as a whole number of {}", unit.name()), &text)
                })?;
                instant_json(at, out);
            }
            (Some(ReadAs::Utc), _) => {
                let at = self.utc().ok_or_else(|| {
                    bad_time(format_args!("a time such as 2026-03-02 10:00:00"), &self.text())
                })?;
                instant_json(at, out);
            }
        }
        Ok(true)
    }

    fn write_plain(&self, out: &mut String) {
        match self {
            Cell::Absent => {}
            Cell::Text(text) => quote(text, out),
            Cell::Json(json) => out.push_str(json),
            Cell::Instant(at) => instant_json(*at, out),
            Cell::Local(_) => quote(&self.text(), out),
        }
    }

    /// A time that says its offset; what it says is read with all other times.
    fn write_time(&self, out: &mut String) -> Result<(), Malformed> {
        let hint = match self {
            Cell::Local(_) => "with :utc behind the column if it is UTC",
            Cell::Json(json) if type_of(json) == "a number" => {
                "with its unit behind the column, :s, :ms, :us or :ns"
            }
            Cell::Text(text) if instant::parse(text).is_none() => match utc_text(text) {
                Some(_) => "with :utc behind the column if it is UTC",
                None if number(text).is_ok() => "with its unit behind the column, :s, :ms, :us or :ns",
                None => {
                    let expected = format_args!("a time such as \"2026-03-02T10:00:00.000Z\"");
                    return Err(bad_time(expected, text));
                }
            },
            Cell::Text(_) | Cell::Json(_) | Cell::Instant(_) | Cell::Absent => {
                self.write_plain(out);
                return Ok(());
            }
        };
        Err(bad_time(format_args!("a time with its offset (--map names it {hint})"), &self.text()))
    }

    fn write_json(&self, out: &mut String) -> Result<(), Malformed> {
        let text = match self {
            Cell::Json(json) if !json.starts_with('"') => {
                out.push_str(json);
                return Ok(());
            }
            Cell::Json(_) | Cell::Text(_) => self.text(),
            Cell::Instant(_) | Cell::Local(_) | Cell::Absent => {
                return Err(Malformed::expected(malformed::WRONG_TYPE, "JSON text", "a time"));
            }
        };
        out.push_str(check_json(text.trim_ascii().as_bytes())?);
        Ok(())
    }

    /// What the value says, as text.
    fn text(&self) -> Cow<'_, str> {
        match self {
            Cell::Absent => "".into(),
            Cell::Text(text) => text.as_ref().into(),
            Cell::Json(json) if json.starts_with('"') => {
                serde_json::from_str::<String>(json).map_or(json.as_ref().into(), Cow::Owned)
            }
            Cell::Json(json) => json.as_ref().into(),
            Cell::Instant(at) => at.to_string().into(),
            Cell::Local(at) => at.to_string().trim_end_matches('Z').to_owned().into(),
        }
    }

    fn utc(&self) -> Option<Timestamp> {
        match self {
            Cell::Absent => None,
            Cell::Instant(at) | Cell::Local(at) => Some(*at),
            Cell::Text(_) | Cell::Json(_) => {
                let text = self.text();
                instant::parse(&text).or_else(|| utc_text(&text))
            }
        }
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds since 1970",
            Unit::Millis => "milliseconds since 1970",
            Unit::Micros => "microseconds since 1970",
            Unit::Nanos => "nanoseconds since 1970",
        }
    }

    /// `count` of these in microseconds, cut down; nothing beyond the year 9999.
    pub fn instant(self, count: i64) -> Option<Timestamp> {
        let micros = match self {
            Unit::Seconds => count.checked_mul(1_000_000)?,
            Unit::Millis => count.checked_mul(1_000)?,
            Unit::Micros => count,
            Unit::Nanos => count.div_euclid(1_000),
        };
        jiff::Timestamp::from_microsecond(micros).is_ok().then_some(Timestamp(micros))
    }
}

fn since_1970(text: &str, unit: Unit) -> Option<Timestamp> {
    let text = text.trim_ascii();
    // Whole numbers that went through a floating point column.
    let whole = text
        .split_once('.')
        .map_or(text, |(whole, rest)| if rest.bytes().all(|byte| byte == b'0') { whole } else { text });
    unit.instant(whole.parse().ok()?)
}

/// A date, or date and time, that says no offset.
fn utc_text(text: &str) -> Option<Timestamp> {
    let at = text.trim_ascii().parse::<civil::DateTime>().ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(at).ok().map(Timestamp::from)
}

/// `text` when it is a number of JSON.
fn number(text: &str) -> Result<Cow<'_, str>, Malformed> {
    let trimmed = text.trim_ascii();
    let is_number =
        matches!(trimmed.as_bytes(), [b'-' | b'0'..=b'9', ..]) && check_json(trimmed.as_bytes()).is_ok();
    if is_number {
        return Ok(trimmed.into());
    }
    Err(Malformed::expected(malformed::WRONG_TYPE, "a number such as 12.5", quoted(text)))
}

fn boolean(text: &str) -> Result<&'static str, Malformed> {
    let text = text.trim_ascii();
    for (json, words) in [("true", ["true", "t", "yes", "1"]), ("false", ["false", "f", "no", "0"])] {
        if words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return Ok(json);
        }
    }
    Err(Malformed::expected(malformed::WRONG_TYPE, "true or false", quoted(text)))
}

fn bad_time(expected: std::fmt::Arguments<'_>, found: &str) -> Malformed {
    Malformed::expected(malformed::BAD_TIME, expected, quoted(found))
}

/// The beginning of a text in quotes.
fn quoted(text: &str) -> String {
    /// Enough to recognise it.
    const CHARACTERS_MAX: usize = 40;
    let short: String = text.chars().take(CHARACTERS_MAX).collect();
    if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") }
}

fn instant_json(at: Timestamp, out: &mut String) {
    // Writing into a string never fails.
    let _ = write!(out, "\"{at}\"");
}

/// Appends `text` as a string of JSON.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        let _ = match byte {
            b'"' | b'\\' => write!(out, "\\{}", char::from(byte)),
            _ => write!(out, "\\u{byte:04x}"),
        };
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cell: &Cell<'_>, role: Role, read_as: Option<ReadAs>) -> Result<String, String> {
        let mut out = String::new();
        cell.write(role, read_as, &mut out).map(|_| out).map_err(|malformed| malformed.to_string())
    }

    #[test]
    fn a_text_is_a_text_until_it_is_said_what_it_is() {
        let table = [
            ("12.50", None, r#""12.50""#),
            (" 12.50 ", Some(ReadAs::Number), "12.50"),
            ("Yes", Some(ReadAs::Boolean), "true"),
            ("0", Some(ReadAs::Boolean), "false"),
            (r#"[1,"a"]"#, Some(ReadAs::Json), r#"[1,"a"]"#),
            ("a\"b\\\n\u{1}é", None, "\"a\\\"b\\\\\\u000a\\u0001é\""),
            ("1479081600", Some(ReadAs::Since1970(Unit::Seconds)), r#""2016-11-14T00:00:00.000000Z""#),
            ("1479081600000.0", Some(ReadAs::Since1970(Unit::Millis)), r#""2016-11-14T00:00:00.000000Z""#),
            ("1479081600000001999", Some(ReadAs::Since1970(Unit::Nanos)), r#""2016-11-14T00:00:00.000001Z""#),
            ("2016-11-14 10:30:00.5", Some(ReadAs::Utc), r#""2016-11-14T10:30:00.500000Z""#),
            ("2016-11-14", Some(ReadAs::Utc), r#""2016-11-14T00:00:00.000000Z""#),
            ("2016-11-14T10:30:00+01:00", Some(ReadAs::Utc), r#""2016-11-14T09:30:00.000000Z""#),
        ];
        for (text, read_as, expected) in table {
            assert_eq!(
                written(&Cell::Text(text.into()), Role::Value, read_as),
                Ok(expected.into()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_as_said_is_told_with_what_was_expected() {
        let table = [
            (
                "x",
                Role::Value,
                Some(ReadAs::Number),
                "wrong-type: expected a number such as 12.5, found \"x\"",
            ),
            ("01", Role::Value, Some(ReadAs::Number), "wrong-type"),
            ("1,5", Role::Value, Some(ReadAs::Number), "wrong-type"),
            ("maybe", Role::Value, Some(ReadAs::Boolean), "wrong-type"),
            ("{", Role::Bag, None, "malformed-json"),
            (r#"{"a":1},"userId":"b""#, Role::Bag, None, "malformed-json"),
            ("1479081600", Role::Time, None, ":s, :ms, :us or :ns"),
            ("2016-11-14 10:30:00", Role::Time, None, ":utc behind the column"),
            ("14/11/2016", Role::Time, None, "bad-time: expected a time such as"),
            ("99999999999999999", Role::Time, Some(ReadAs::Since1970(Unit::Seconds)), "bad-time"),
        ];
        for (text, role, read_as, expected) in table {
            let told = written(&Cell::Text(text.into()), role, read_as).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
        let local = Cell::Local(Timestamp(0));
        assert!(written(&local, Role::Time, None).unwrap_err().contains(":utc"));
        assert_eq!(
            written(&local, Role::Time, Some(ReadAs::Utc)),
            Ok(r#""1970-01-01T00:00:00.000000Z""#.into())
        );
    }
}
