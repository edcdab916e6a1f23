//! One field of an envelope, from its raw JSON. For envelopes of other shapes too: a door that finds its fields by
//! pointers reads them here, so that an id means the same everywhere.

use super::malformed::{self, Malformed, quoted};
use super::members::type_of;
use super::subject::SUBJECT_ID_BYTES_MAX;
use crate::time::Timestamp;
use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// An id: a string, or a number's decimal text; 1 to 256 bytes in NFC, not trimmed. `name` is for the words.
pub fn id<'a>(name: &str, raw: Cow<'a, str>) -> Result<Cow<'a, str>, Malformed> {
    let id = match raw.as_bytes() {
        [b'"', ..] => nfc(text(name, raw)?),
        [b'-' | b'0'..=b'9', ..] if !raw.contains(['e', 'E']) => raw,
        [b'-' | b'0'..=b'9', ..] => {
            let expected = format_args!("{name} to be a string or a decimal number");
            return Err(Malformed::expected(malformed::BAD_ID, expected, quoted(&raw)));
        }
        _ => {
            let expected = format_args!("{name} to be a string or a number");
            return Err(Malformed::expected(malformed::BAD_ID, expected, type_of(&raw)));
        }
    };
    if (1..=SUBJECT_ID_BYTES_MAX).contains(&id.len()) {
        Ok(id)
    } else {
        let expected = format_args!("{name} to be 1 to {SUBJECT_ID_BYTES_MAX} bytes");
        Err(Malformed::expected(malformed::BAD_ID, expected, id.len()))
    }
}

/// What a track calls its event: a non-empty string, in NFC as all texts of rules.
pub fn event_name<'a>(name: &str, raw: Cow<'a, str>) -> Result<Cow<'a, str>, Malformed> {
    text(name, raw).map(nfc)
}

/// A time: RFC 3339 with an offset.
pub fn time(name: &str, raw: Cow<'_, str>) -> Result<Timestamp, Malformed> {
    let expected = || format!("{name} to be a time such as \"2026-03-02T10:00:00.000Z\"");
    if !raw.starts_with('"') {
        return Err(Malformed::expected(malformed::BAD_TIME, expected(), type_of(&raw)));
    }
    let text = text(name, raw)?;
    super::instant::parse(&text)
        .ok_or_else(|| Malformed::expected(malformed::BAD_TIME, expected(), quoted(&text)))
}

/// A bag (`properties`, `traits`, `context`): an object, as JSON text.
pub fn bag<'a>(name: &str, raw: Cow<'a, str>) -> Result<Cow<'a, str>, Malformed> {
    if raw.starts_with('{') {
        Ok(raw)
    } else {
        let expected = format_args!("{name} to be an object");
        Err(Malformed::expected(malformed::WRONG_TYPE, expected, type_of(&raw)))
    }
}

/// A string without its quotes and escapes.
pub fn text<'a>(name: &str, raw: Cow<'a, str>) -> Result<Cow<'a, str>, Malformed> {
    let inside = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(inside) = inside else {
        let expected = format_args!("{name} to be a string");
        return Err(Malformed::expected(malformed::WRONG_TYPE, expected, type_of(&raw)));
    };
    if inside.contains('\\') {
        let broken =
            |_| Malformed::new(malformed::MALFORMED_JSON, format!("expected whole escapes in {name}"));
        return sonic_rs::from_str::<String>(&raw).map(Cow::Owned).map_err(broken);
    }
    Ok(match raw {
        Cow::Borrowed(raw) => Cow::Borrowed(&raw[1..raw.len() - 1]),
        Cow::Owned(_) => Cow::Owned(inside.to_owned()),
    })
}

/// `text` in Unicode's normal form C.
pub fn nfc(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        text
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_id(raw: &str) -> Result<String, &'static str> {
        id("userId", raw.into()).map(Cow::into_owned).map_err(|malformed| malformed.code)
    }

    #[test]
    fn a_number_as_id_is_its_decimal_text() {
        assert_eq!(read_id("42"), Ok("42".into()));
        assert_eq!(read_id("\"42\""), Ok("42".into()));
        assert_eq!(read_id("123456789012345678901234567890"), Ok("123456789012345678901234567890".into()));
        assert_eq!(read_id("1e3"), Err("bad-id"));
        assert_eq!(read_id("true"), Err("bad-id"));
    }

    #[test]
    fn an_id_is_normalised_but_not_trimmed() {
        assert_eq!(read_id("\" a \""), Ok(" a ".into()));
        assert_eq!(read_id("\"e\u{301}\""), Ok("é".into()));
        assert_eq!(read_id(r#""e\u0301""#), Ok("é".into()));
        assert_eq!(read_id(r#""a\u0000b""#), Ok("a\0b".into()));
        assert_eq!(read_id("\"\""), Err("bad-id"));
    }

    #[test]
    fn an_id_has_at_most_256_bytes_in_its_normal_form() {
        let id_of = |count: usize| format!("\"{}\"", "x".repeat(count));
        assert!(read_id(&id_of(256)).is_ok());
        assert_eq!(read_id(&id_of(257)), Err("bad-id"));
        assert!(read_id(&format!("\"{}\"", "e\u{301}".repeat(128))).is_ok(), "384 bytes become 256");
    }
}
