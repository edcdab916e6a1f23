//! The members of an event's outermost object, as raw JSON, after one strict pass over all of its bytes.
//!
//! sonic-rs skips values fast, with three gaps that are closed here before it runs: it recurses as deep as the input
//! nests, it takes any bytes behind `\u` for hex digits, and it lets half a surrogate pair pass. What comes out of here
//! is JSON for every parser.

use super::malformed::{self, Malformed, quoted};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use sonic_rs::LazyValue;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// The keys of an envelope that we read, in either spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Key {
    Type,
    Event,
    UserId,
    AnonymousId,
    PreviousId,
    GroupId,
    MessageId,
    Timestamp,
    OriginalTimestamp,
    SentAt,
    ReceivedAt,
    Name,
    Category,
    Properties,
    Traits,
    Context,
}

const KEY_COUNT: usize = Key::Context as usize + 1;

/// The raw JSON of each key that is there and not `null`.
#[derive(Debug, Default)]
pub struct Members<'a>([Option<Cow<'a, str>>; KEY_COUNT]);

/// An event's bytes (rules.md, "Answers").
pub const EVENT_BYTES_MAX: usize = 32 * 1024;

/// Objects and arrays inside each other: more than any event needs, and little stack for whoever reads it by recursion.
pub const DEPTH_MAX: usize = 128;

/// Other keys than ours are compared one by one up to so many, and by a tree above: 32 kB hold thousands.
const COMPARED_ONE_BY_ONE_MAX: usize = 16;

impl<'a> Members<'a> {
    /// Reads `json`, which must be one JSON object of at most [`EVENT_BYTES_MAX`].
    pub fn read(json: &'a [u8]) -> Result<Members<'a>, Malformed> {
        if json.len() > EVENT_BYTES_MAX {
            let expected = format_args!("at most {EVENT_BYTES_MAX} bytes");
            return Err(Malformed::expected(malformed::TOO_LARGE, expected, json.len()));
        }
        let text = check_text(json)?;
        let is_object = text.trim_start_matches(WHITE).starts_with('{');
        if !is_object {
            check_syntax(text)?;
            return Err(Malformed::expected(malformed::WRONG_TYPE, "a JSON object", type_of(text)));
        }
        let mut read = Read::default();
        let mut json = sonic_rs::Deserializer::from_str(text);
        read.deserialize(&mut json).and_then(|()| json.end()).map_err(syntax)?;
        read.twice.map_or(Ok(read.members), Err)
    }

    /// Takes the raw JSON of `key` out.
    pub fn take(&mut self, key: Key) -> Option<Cow<'a, str>> {
        self.0[key as usize].take()
    }
}

/// `json` as text, when it is one JSON value of whatever type and size.
pub fn check_json(json: &[u8]) -> Result<&str, Malformed> {
    check_text(json).and_then(check_syntax)
}

fn check_syntax(text: &str) -> Result<&str, Malformed> {
    sonic_rs::from_str::<IgnoredAny>(text).map_err(syntax).map(|_| text)
}

/// JSON's white space; Rust's own notion is wider.
const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

fn syntax(error: sonic_rs::Error) -> Malformed {
    Malformed::expected(
        malformed::MALFORMED_JSON,
        "a JSON object",
        format_args!("an error at byte {}", error.offset()),
    )
}

/// `json` as text that sonic-rs can be trusted with: UTF-8, not too deep, with whole escapes. A text that breaks JSON
/// elsewhere may pass.
fn check_text(json: &[u8]) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(json).map_err(|error| {
        Malformed::expected(
            malformed::INVALID_UTF8,
            "UTF-8",
            format_args!("another byte at {}", error.valid_up_to()),
        )
    })?;
    // Counting all brackets is quick, and enough for nearly all events.
    if count_opening(json) > DEPTH_MAX && is_too_deep(json) {
        return Err(Malformed::expected(
            malformed::TOO_DEEP,
            format_args!("at most {DEPTH_MAX} levels"),
            "more",
        ));
    }
    if json.contains(&b'\\') {
        check_escapes(json)?;
    }
    Ok(text)
}

/// All `{` and `[`, also in strings. They differ in one bit; sums of chunks fit a byte, so many are counted at once.
fn count_opening(json: &[u8]) -> usize {
    let is_opening = |byte: &u8| u8::from(byte | 0x20 == b'{');
    json.chunks(usize::from(u8::MAX)).map(|chunk| usize::from(chunk.iter().map(is_opening).sum::<u8>())).sum()
}

fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut is_in_string) = (0usize, false);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_in_string = !is_in_string,
            b'\\' if is_in_string => drop(bytes.next()),
            b'{' | b'[' if !is_in_string => depth += 1,
            b'}' | b']' if !is_in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

/// Looks at every escape. In JSON backslashes stand in strings only, so nothing else need be looked at.
fn check_escapes(json: &[u8]) -> Result<(), Malformed> {
    let mut place = 0;
    while let Some(ahead) = json[place..].iter().position(|byte| *byte == b'\\') {
        let start = place + ahead;
        let broken = |code| {
            let found = format_args!("half of one at byte {start}");
            Err(Malformed::expected(code, "whole escapes and surrogate pairs", found))
        };
        place = match json.get(start + 1) {
            Some(b'u') => match code_unit(json, start) {
                Some(0xd800..=0xdbff) => match code_unit(json, start + 6) {
                    Some(0xdc00..=0xdfff) => start + 12,
                    _ => return broken(malformed::LONE_SURROGATE),
                },
                Some(0xdc00..=0xdfff) => return broken(malformed::LONE_SURROGATE),
                Some(_) => start + 6,
                None => return broken(malformed::MALFORMED_JSON),
            },
            Some(_) => start + 2,
            None => return broken(malformed::MALFORMED_JSON),
        };
    }
    Ok(())
}

/// The number of an escape `\uXXXX` at `place`.
fn code_unit(json: &[u8], place: usize) -> Option<u32> {
    let digits = json.get(place..place + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// The word for the type of raw JSON.
pub fn type_of(raw: &str) -> &'static str {
    match raw.trim_start_matches(WHITE).bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
        None => "nothing",
    }
}

fn key_of(name: &str) -> Option<Key> {
    Some(match name {
        "type" => Key::Type,
        "event" => Key::Event,
        "userId" | "user_id" => Key::UserId,
        "anonymousId" | "anonymous_id" => Key::AnonymousId,
        "previousId" | "previous_id" => Key::PreviousId,
        "groupId" | "group_id" => Key::GroupId,
        "messageId" | "message_id" => Key::MessageId,
        "timestamp" => Key::Timestamp,
        "originalTimestamp" | "original_timestamp" => Key::OriginalTimestamp,
        "sentAt" | "sent_at" => Key::SentAt,
        "receivedAt" | "received_at" => Key::ReceivedAt,
        "name" => Key::Name,
        "category" => Key::Category,
        "properties" => Key::Properties,
        "traits" => Key::Traits,
        "context" => Key::Context,
        _ => return None,
    })
}

/// What the visitor found. A key that stands there twice is told only when all the rest is JSON.
#[derive(Default)]
struct Read<'a> {
    members: Members<'a>,
    seen: u32,
    others: Vec<Cow<'a, str>>,
    many_others: BTreeSet<Cow<'a, str>>,
    twice: Option<Malformed>,
}

impl<'a> Read<'a> {
    fn note(&mut self, key: Option<Key>, name: Cow<'a, str>) {
        let is_new = match key {
            Some(key) => {
                let bit = 1 << key as usize;
                let is_new = self.seen & bit == 0;
                self.seen |= bit;
                is_new
            }
            None if self.others.len() < COMPARED_ONE_BY_ONE_MAX => {
                let is_new = !self.others.contains(&name);
                self.others.push(name.clone());
                is_new
            }
            None => !self.others.contains(&name) && self.many_others.insert(name.clone()),
        };
        if !is_new && self.twice.is_none() {
            let found = format_args!("{} twice (camel and snake case are one)", quoted(&name));
            self.twice = Some(Malformed::expected(malformed::DUPLICATE_KEY, "each key once", found));
        }
    }
}

/// Fills the one place there is: what is read is large to move.
impl<'de> DeserializeSeed<'de> for &mut Read<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Read<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let key = key_of(&name);
            self.note(key, name);
            let Some(key) = key else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw = map.next_value::<LazyValue<'de>>()?.as_raw_cow();
            self.members.0[key as usize] = (raw != "null").then_some(raw);
        }
        Ok(())
    }
}

/// A key, borrowed where it has no escapes (serde's own `Cow` is always owned).
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
