//! Why input is no event: a stable code for tables and metrics, and words for the person who looks at the dead letter.

use std::fmt;

/// A reason why bytes are no event. The code is stable and kebab-case; the words say what was expected and found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub code: &'static str,
    pub message: String,
}

/// No JSON: an error of syntax, a truncated tail, trailing bytes.
pub const MALFORMED_JSON: &str = "malformed-json";
/// Half of a surrogate pair, as a JavaScript text cut inside an emoji has: allowed by JSON's grammar, but no text.
pub const LONE_SURROGATE: &str = "lone-surrogate";
pub const INVALID_UTF8: &str = "invalid-utf8";
/// A key of the outermost object stands there twice; camel case and snake case are one key.
pub const DUPLICATE_KEY: &str = "duplicate-key";
pub const TOO_LARGE: &str = "too-large";
pub const TOO_DEEP: &str = "too-deep";
/// A value is of another JSON type than its key asks for, or the whole is no object.
pub const WRONG_TYPE: &str = "wrong-type";
/// An id that the call needs is missing.
pub const NO_ID: &str = "no-id";
/// Empty, longer than 256 bytes, or neither string nor number.
pub const BAD_ID: &str = "bad-id";
pub const NO_EVENT: &str = "no-event";
pub const UNKNOWN_TYPE: &str = "unknown-type";
/// A time that is no RFC 3339 with an offset.
pub const BAD_TIME: &str = "bad-time";
pub const NO_TIME: &str = "no-time";
pub const TIME_IN_FUTURE: &str = "time-in-future";
pub const TIME_BEFORE_1970: &str = "time-before-1970";

/// All codes that this crate gives, in the order of their checks.
pub const CODES: [&str; 15] = [
    TOO_LARGE,
    INVALID_UTF8,
    TOO_DEEP,
    LONE_SURROGATE,
    MALFORMED_JSON,
    WRONG_TYPE,
    DUPLICATE_KEY,
    UNKNOWN_TYPE,
    BAD_ID,
    BAD_TIME,
    NO_ID,
    NO_EVENT,
    NO_TIME,
    TIME_BEFORE_1970,
    TIME_IN_FUTURE,
];

/// What a message quotes of the input, in characters: enough to recognise it.
const QUOTED_CHARACTERS_MAX: usize = 40;

impl Malformed {
    pub fn new(code: &'static str, message: impl Into<String>) -> Malformed {
        Malformed { code, message: message.into() }
    }

    /// "expected …, found …".
    pub fn expected(code: &'static str, expected: impl fmt::Display, found: impl fmt::Display) -> Malformed {
        Malformed { code, message: format!("expected {expected}, found {found}") }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Malformed {}

/// The beginning of `text`, in quotes and with control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS_MAX) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_quoted_by_its_beginning() {
        assert_eq!(quoted("a\r\nb"), r#""a\r\nb""#);
        assert_eq!(quoted(&"ü".repeat(100)), format!("\"{}\"…", "ü".repeat(QUOTED_CHARACTERS_MAX)));
    }
}
