//! The envelope of Segment's calls: the one parser for all doors.
//!
//! [`Envelope::parse`] reads bytes and looks at nothing else; [`Envelope::resolve`] adds what the door knows of their
//! arrival. What is accepted is one JSON object for any parser, each key once.

use super::field;
use super::malformed::{self, Malformed, quoted};
use super::members::{Key, Members};
use super::record::EventKind;
use crate::time::Timestamp;
use std::borrow::Cow;

/// A call as it came: fields in their types, ids in NFC, nothing inferred. `null` is as good as absent.
///
/// A door whose input has another shape fills the fields itself, with the functions of [`field`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope<'a> {
    pub kind: Option<EventKind>,
    pub event: Option<Cow<'a, str>>,
    pub user_id: Option<Cow<'a, str>>,
    pub anonymous_id: Option<Cow<'a, str>>,
    pub previous_id: Option<Cow<'a, str>>,
    pub group_id: Option<Cow<'a, str>>,
    pub message_id: Option<Cow<'a, str>>,
    pub timestamp: Option<Timestamp>,
    pub original_timestamp: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub received_at: Option<Timestamp>,
    /// Raw JSON of any type: of meaning only for pages and screens.
    pub name: Option<Cow<'a, str>>,
    pub category: Option<Cow<'a, str>>,
    /// JSON objects as text.
    pub properties: Option<Cow<'a, str>>,
    pub traits: Option<Cow<'a, str>>,
    pub context: Option<Cow<'a, str>>,
}

impl<'a> Envelope<'a> {
    /// Reads one event of at most 32 kB. Keys are Segment's, in camel or snake case; others are skipped, but must be
    /// JSON and stand there once.
    pub fn parse(json: &'a [u8]) -> Result<Envelope<'a>, Malformed> {
        let mut members = Members::read(json)?;
        let (user_id, anonymous_id) = people(members.take(Key::UserId), members.take(Key::AnonymousId));
        let mut take = |key| members.take(key);
        let id = |name, raw: Option<Cow<'a, str>>| raw.map(|raw| field::id(name, raw)).transpose();
        let time = |name, raw: Option<Cow<'a, str>>| raw.map(|raw| field::time(name, raw)).transpose();
        let bag = |name, raw: Option<Cow<'a, str>>| raw.map(|raw| field::bag(name, raw)).transpose();
        Ok(Envelope {
            kind: take(Key::Type).map(kind).transpose()?,
            event: take(Key::Event).map(|raw| field::event_name("event", raw)).transpose()?,
            user_id: id("userId", user_id)?,
            anonymous_id: id("anonymousId", anonymous_id)?,
            previous_id: id("previousId", take(Key::PreviousId))?,
            group_id: id("groupId", take(Key::GroupId))?,
            message_id: id("messageId", take(Key::MessageId))?,
            timestamp: time("timestamp", take(Key::Timestamp))?,
            original_timestamp: time("originalTimestamp", take(Key::OriginalTimestamp))?,
            sent_at: time("sentAt", take(Key::SentAt))?,
            received_at: time("receivedAt", take(Key::ReceivedAt))?,
            name: take(Key::Name),
            category: take(Key::Category),
            properties: bag("properties", take(Key::Properties))?,
            traits: bag("traits", take(Key::Traits))?,
            context: bag("context", take(Key::Context))?,
        })
    }
}

/// Raw JSON of the two ids. An empty one beside the other is as good as absent: RudderStack's library in a browser says
/// `"userId": ""` of everybody who has not signed in. An empty one alone is no id, and is refused.
fn people<'a>(
    user: Option<Cow<'a, str>>,
    anonymous: Option<Cow<'a, str>>,
) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
    const EMPTY: &str = "\"\"";
    match (user.as_deref(), anonymous.as_deref()) {
        (Some(EMPTY), Some(other)) if other != EMPTY => (None, anonymous),
        (Some(other), Some(EMPTY)) if other != EMPTY => (user, None),
        _ => (user, anonymous),
    }
}

/// `type`: one of Segment's six words.
fn kind(raw: Cow<'_, str>) -> Result<EventKind, Malformed> {
    use EventKind::*;
    let word = field::text("type", raw)?;
    let known = [Track, Identify, Page, Screen, Group, Alias].into_iter().find(|kind| kind.as_str() == word);
    known.ok_or_else(|| {
        let expected = "type to be track, identify, page, screen, group or alias";
        Malformed::expected(malformed::UNKNOWN_TYPE, expected, quoted(&word))
    })
}

#[cfg(test)]
mod tests {
    use super::super::members::{DEPTH_MAX, EVENT_BYTES_MAX};
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn code(json: impl AsRef<[u8]>) -> Option<&'static str> {
        Envelope::parse(json.as_ref()).err().map(|malformed| malformed.code)
    }

    #[test]
    fn each_fault_has_its_code() {
        let table: [(&[u8], &str); 38] = [
            (b"", "malformed-json"),
            (b"{", "malformed-json"),
            (b"{}{", "malformed-json"),
            (b"{} x", "malformed-json"),
            (br#"{"userId":"a","x":}"#, "malformed-json"),
            (br#"{"userId":"a",}"#, "malformed-json"),
            (br#"{"x":tru}"#, "malformed-json"),
            (br#"{"x":01}"#, "malformed-json"),
            (br#"{"x":"\u12"}"#, "malformed-json"),
            (br#"{"x":"\u12","y":"abcdefg"}"#, "malformed-json"),
            (br#"{"x":"\ud83d"}"#, "lone-surrogate"),
            (br#"{"x":"\ude00\ud83d"}"#, "lone-surrogate"),
            (br#"{"x":"\a"}"#, "malformed-json"),
            (b"{\"x\":\"\n\"}", "malformed-json"),
            (b"{\"x\":\"\xff\"}", "invalid-utf8"),
            (b"{\"\xc3\":1}", "invalid-utf8"),
            (b"{\"properties\":{\"x\":\"\xed\xa0\x80\"}}", "invalid-utf8"),
            (b"[]", "wrong-type"),
            (b"null", "wrong-type"),
            (b"\"{}\"", "wrong-type"),
            (b"7", "wrong-type"),
            (br#"{"properties":[]}"#, "wrong-type"),
            (br#"{"traits":"x"}"#, "wrong-type"),
            (br#"{"context":1}"#, "wrong-type"),
            (br#"{"event":1}"#, "wrong-type"),
            (br#"{"type":1}"#, "wrong-type"),
            (br#"{"userId":"a","userId":"a"}"#, "duplicate-key"),
            (br#"{"userId":"a","user_id":"b"}"#, "duplicate-key"),
            (br#"{"userId":null,"user\u0049d":"b"}"#, "duplicate-key"),
            (br#"{"x":1,"x":2}"#, "duplicate-key"),
            (br#"{"type":"Track"}"#, "unknown-type"),
            (br#"{"userId":""}"#, "bad-id"),
            (br#"{"anonymousId":true}"#, "bad-id"),
            (br#"{"messageId":{}}"#, "bad-id"),
            (br#"{"timestamp":"2026-03-02T10:00:00"}"#, "bad-time"),
            (br#"{"timestamp":1772445600}"#, "bad-time"),
            (br#"{"sentAt":"yesterday"}"#, "bad-time"),
            (br#"{"received_at":""}"#, "bad-time"),
        ];
        for (json, expected) in table {
            assert_eq!(code(json), Some(expected), "{}", String::from_utf8_lossy(json));
        }
    }

    #[test]
    fn words_say_what_was_expected_and_found() {
        let malformed = Envelope::parse(br#"{"properties":[1]}"#).unwrap_err();
        assert_eq!(malformed.to_string(), "wrong-type: expected properties to be an object, found an array");
    }

    #[test]
    fn both_spellings_of_keys_are_read_and_null_is_absent() {
        let camel = br#"{"userId":"a","anonymousId":"b","previousId":"c","groupId":"d","messageId":"e",
            "originalTimestamp":"2026-03-02T10:00:00Z","sentAt":null,"receivedAt":"2026-03-02T10:00:00Z"}"#;
        let snake = br#"{"user_id":"a","anonymous_id":"b","previous_id":"c","group_id":"d","message_id":"e",
            "original_timestamp":"2026-03-02T10:00:00Z","traits":null,"received_at":"2026-03-02T10:00:00Z"}"#;
        let envelope = Envelope::parse(camel).unwrap();
        assert_eq!(envelope, Envelope::parse(snake).unwrap());
        assert_eq!(envelope.previous_id.as_deref(), Some("c"));
        assert_eq!((envelope.sent_at, envelope.traits), (None, None));
    }

    #[test]
    fn an_empty_id_beside_the_other_is_absent() {
        let ids = |json: &'static str| {
            let envelope = Envelope::parse(json.as_bytes()).unwrap();
            (envelope.user_id, envelope.anonymous_id)
        };
        assert_eq!(ids(r#"{"userId":"","anonymousId":"b"}"#), (None, Some("b".into())));
        assert_eq!(ids(r#"{"userId":"a","anonymousId":""}"#), (Some("a".into()), None));
        assert_eq!(code(r#"{"userId":"","anonymousId":""}"#), Some("bad-id"));
        assert_eq!(code(r#"{"userId":"","anonymousId":null}"#), Some("bad-id"));
    }

    #[test]
    fn a_nul_in_a_string_harms_nothing() {
        let envelope = Envelope::parse(br#"{"userId":"a\u0000","properties":{"x":"\u0000"}}"#).unwrap();
        assert_eq!(envelope.user_id.as_deref(), Some("a\0"));
        assert_eq!(envelope.properties.as_deref(), Some(r#"{"x":"\u0000"}"#));
    }

    #[test]
    fn depth_and_size_have_an_end_and_no_stack_overflows() {
        let nested = |depth: usize| format!("{{\"x\":{}1{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert_eq!(code(nested(DEPTH_MAX)), None);
        assert_eq!(code(nested(DEPTH_MAX + 1)), Some("too-deep"));
        assert_eq!(code("[".repeat(EVENT_BYTES_MAX)), Some("too-deep"));
        assert_eq!(
            code(format!("{{\"x\":\"{}\"}}", "[{\\\"".repeat(DEPTH_MAX))),
            None,
            "in a string they nest nothing"
        );
        let sized = |size: usize| format!("{{\"x\":\"{}\"}}", "y".repeat(size - 8));
        assert_eq!(code(sized(EVENT_BYTES_MAX)), None);
        assert_eq!(code(sized(EVENT_BYTES_MAX + 1)), Some("too-large"));
    }

    #[test]
    fn a_key_beyond_the_ones_compared_one_by_one_is_found_twice_too() {
        let keys = |last: &str| {
            let many: String = (0..100).map(|number| format!("\"k{number}\":1,")).collect();
            format!("{{{many}\"{last}\":1}}")
        };
        assert_eq!(code(keys("other")), None);
        assert_eq!(code(keys("k3")), Some("duplicate-key"));
        assert_eq!(code(keys("k99")), Some("duplicate-key"));
    }

    #[test]
    fn bags_and_plain_ids_are_borrowed() {
        let envelope = Envelope::parse(br#"{"userId":"a","properties":{"x":"\n"},"event":"E"}"#).unwrap();
        for field in [envelope.user_id, envelope.properties, envelope.event] {
            assert!(matches!(field, Some(Cow::Borrowed(_))), "{field:?}");
        }
    }

    /// Objects that are nearly events: known keys, right and wrong values, some bytes changed.
    fn nearly_events() -> impl Strategy<Value = Vec<u8>> {
        let key = prop::sample::select(vec![
            "type",
            "event",
            "userId",
            "user_id",
            "anonymousId",
            "messageId",
            "timestamp",
            "name",
            "properties",
            "traits",
            "context",
            "x",
            "user\\u0049d",
        ]);
        let value = prop::sample::select(vec![
            "\"track\"",
            "\"ada\"",
            "7",
            "-0.5",
            "1e5",
            "null",
            "true",
            "{}",
            "{\"a\":[1,{\"b\":\"\\\"}\"}]}",
            "[[],{}]",
            "\"\\u00e9\\ud83d\\ude00\"",
            "\"\\\\u12\"",
            "\"2026-03-02T10:00:00Z\"",
            "\"é\u{1F600}\"",
            "\"\"",
            "\"\\/\\b\"",
        ]);
        let members = prop::collection::vec((key, value), 0..6);
        let change = prop::option::of((
            any::<prop::sample::Index>(),
            prop::sample::select(b"\"\\{}[],:u09e.- \n\x01\xff".to_vec()),
        ));
        (members, change).prop_map(|(members, change)| {
            let text: Vec<String> =
                members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
            let mut bytes = format!("{{{}}}", text.join(",")).into_bytes();
            if let Some((place, byte)) = change {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes
        })
    }

    /// What serde_json says of the same bytes, where they are accepted.
    fn check_against_serde_json(bytes: &[u8]) -> Result<(), TestCaseError> {
        let theirs: Result<Value, _> = serde_json::from_slice(bytes);
        let ours = match Envelope::parse(bytes) {
            Ok(ours) => ours,
            Err(malformed) if malformed.code == "malformed-json" => {
                prop_assert!(theirs.is_err(), "{malformed}");
                return Ok(());
            }
            Err(_) => return Ok(()),
        };
        let Ok(Value::Object(theirs)) = theirs else {
            return Err(TestCaseError::fail(format!("accepted what is no object: {theirs:?}")));
        };
        let their = |camel: &str, snake: &str| {
            theirs.get(camel).or(theirs.get(snake)).filter(|value| !value.is_null())
        };
        // An empty id beside the other is absent.
        let id = |id: Option<&Value>, other: Option<&Value>| {
            id.filter(|id| id.as_str() != Some("") || other.is_none()).cloned()
        };
        let (user, anonymous) = (their("userId", "user_id"), their("anonymousId", ""));
        let (user, anonymous) = (id(user, anonymous), id(anonymous, user));
        for (ours, theirs) in [
            (&ours.user_id, user.as_ref()),
            (&ours.anonymous_id, anonymous.as_ref()),
            (&ours.event, their("event", "")),
        ] {
            let text = theirs.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
            prop_assert_eq!(ours.as_deref(), text.as_deref());
        }
        for (ours, camel) in
            [(&ours.properties, "properties"), (&ours.traits, "traits"), (&ours.context, "context")]
        {
            let bag = ours.as_deref().map(|bag| serde_json::from_str::<Value>(bag).unwrap());
            prop_assert_eq!(bag.as_ref(), their(camel, ""));
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Envelope::parse(&bytes);
        }

        #[test]
        fn what_is_accepted_is_what_serde_json_says(bytes in nearly_events()) {
            check_against_serde_json(&bytes)?;
        }

        #[test]
        fn no_truncated_event_is_accepted(bytes in nearly_events(), cut in any::<prop::sample::Index>()) {
            let cut = cut.index(bytes.len());
            // Of what is none itself a part may be one: an event, and something behind it.
            let is_event = Envelope::parse(&bytes).is_ok();
            let is_accepted = Envelope::parse(&bytes[..cut]).is_ok();
            prop_assert!(!is_event || !is_accepted || bytes[cut..].trim_ascii().is_empty());
        }
    }
}
