//! From a Kafka record's value to an event, by the one envelope of all doors.
//!
//! A source's clock is not corrected, a record without a time is refused, and one without an id of its own is named by
//! its place: `topic/partition/offset`.

use super::config::SourceFormat;
use super::pointer::Pointers;
use outreach_engine::Timestamp;
use outreach_engine::event::malformed::{self, Malformed};
use outreach_engine::event::members::EVENT_BYTES_MAX;
use outreach_engine::event::{Arrival, Envelope, EventKind, MissingTime, Origin, field};
use std::borrow::Cow;

/// Where the fields of an event stand in a JSON object, as JSON pointers.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields {
    texts: [Option<String>; COUNT],
    pointers: Pointers,
}

/// The fields, by the names that outreach.toml gives them.
pub const FIELD_NAMES: [&str; COUNT] = ["user", "event", "time", "properties", "message_id", "type"];
const COUNT: usize = 6;
const USER: usize = 0;
const EVENT: usize = 1;
const TIME: usize = 2;
const PROPERTIES: usize = 3;
const MESSAGE_ID: usize = 4;
const TYPE: usize = 5;

/// A record of Kafka without a value: a tombstone of a compacted topic.
pub const NO_VALUE: &str = "no-value";
/// Confluent's framing: a zero byte and four bytes of schema id before the value.
pub const SCHEMA_REGISTRY: &str = "schema-registry";

impl Fields {
    /// From pairs of a field's name and its pointer. `user` and `time` must be there, and `event` unless `type` is.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Fields, String> {
        let mut fields = Fields { texts: Default::default(), pointers: Pointers::default() };
        for (name, pointer) in pairs {
            let known = FIELD_NAMES.iter().position(|field| *field == name);
            let field = known.ok_or_else(|| {
                format!("expected one of the fields {}, found \"{name}\"", FIELD_NAMES.join(", "))
            })?;
            if fields.texts[field].replace(pointer.to_owned()).is_some() {
                return Err(format!("expected the field \"{name}\" once, found it twice"));
            }
            fields.pointers.add(pointer, field)?;
        }
        for field in [USER, EVENT, TIME] {
            let is_by_type = field == EVENT && fields.texts[TYPE].is_some();
            if fields.texts[field].is_none() && !is_by_type {
                let name = FIELD_NAMES[field];
                return Err(format!(
                    "expected a pointer for the field \"{name}\", such as {name} = \"/path\", found none"
                ));
            }
        }
        Ok(fields)
    }

    fn envelope<'a>(&self, json: &'a [u8]) -> Result<Envelope<'a>, Malformed> {
        let mut raw: [Option<&'a str>; COUNT] = [None; COUNT];
        self.pointers.follow(json, &mut |field, text| raw[field] = Some(text))?;
        let missing = |field: usize, code| {
            let expected = format_args!("a value at {}", self.place(field));
            Malformed::expected(code, expected, "none")
        };
        let user = raw[USER].ok_or_else(|| missing(USER, malformed::NO_ID))?;
        let time = raw[TIME].ok_or_else(|| missing(TIME, malformed::NO_TIME))?;
        let kind = raw[TYPE].map(|raw| kind(self.place(TYPE), raw)).transpose()?;
        if kind.unwrap_or(EventKind::Track) == EventKind::Track && raw[EVENT].is_none() {
            return Err(missing(EVENT, malformed::NO_EVENT));
        }
        let text = |field: usize| raw[field].map(|raw| (self.place(field), Cow::Borrowed(raw)));
        let bag = text(PROPERTIES).map(|(place, raw)| field::bag(place, raw)).transpose()?;
        // What is known of a person, or of their group, is called traits.
        let is_of_person = matches!(kind, Some(EventKind::Identify | EventKind::Group));
        let (properties, traits) = if is_of_person { (None, bag) } else { (bag, None) };
        Ok(Envelope {
            kind,
            event: text(EVENT).map(|(place, raw)| field::event_name(place, raw)).transpose()?,
            user_id: Some(field::id(self.place(USER), Cow::Borrowed(user))?),
            message_id: text(MESSAGE_ID).map(|(place, raw)| field::id(place, raw)).transpose()?,
            timestamp: Some(instant(self.place(TIME), time)?),
            properties,
            traits,
            ..Envelope::default()
        })
    }

    /// The pointer of `field`, for words.
    fn place(&self, field: usize) -> &str {
        self.texts[field].as_deref().unwrap_or(FIELD_NAMES[field])
    }
}

impl SourceFormat {
    /// Reads the value of one record.
    pub fn envelope<'a>(&self, value: Option<&'a [u8]>) -> Result<Envelope<'a>, Malformed> {
        let value = value.ok_or_else(|| {
            let found = "a record without a value, as deletes a key in a compacted topic";
            Malformed::expected(NO_VALUE, "a JSON object", found)
        })?;
        check_frame(value)?;
        match self {
            SourceFormat::Segment => Envelope::parse(value),
            SourceFormat::Json { fields } => fields.envelope(value),
        }
    }

    /// What is known of a record's arrival besides its value.
    pub fn arrival(&self, received_at: Timestamp, origin: Option<Origin>) -> Arrival<'static> {
        Arrival {
            received_at,
            batch_sent_at: None,
            default_kind: match self {
                SourceFormat::Segment => None,
                SourceFormat::Json { .. } => Some(EventKind::Track),
            },
            is_proven: true,
            corrects_clock: false,
            default_message_id: "",
            origin,
            missing_time: MissingTime::Refuse,
        }
    }
}

/// The id of a record that has none of its own.
pub(super) fn message_id(topic: &str, origin: Origin) -> String {
    format!("{topic}/{}/{}", origin.partition, origin.offset)
}

/// Refuses what no format can read, before anything is read.
fn check_frame(value: &[u8]) -> Result<(), Malformed> {
    if value.len() > EVENT_BYTES_MAX {
        let expected = format_args!("at most {EVENT_BYTES_MAX} bytes");
        return Err(Malformed::expected(malformed::TOO_LARGE, expected, value.len()));
    }
    match value {
        [0, a, b, c, d, ..] => {
            let schema = u32::from_be_bytes([*a, *b, *c, *d]);
            let found = format_args!(
                "the framing of a schema registry (a zero byte, then schema id {schema}): this topic is not plain JSON"
            );
            Err(Malformed::expected(SCHEMA_REGISTRY, "a JSON object", found))
        }
        _ => Ok(()),
    }
}

/// One of Segment's six words.
fn kind(place: &str, raw: &str) -> Result<EventKind, Malformed> {
    use EventKind::*;
    let word = field::text(place, Cow::Borrowed(raw))?;
    let known = [Track, Identify, Page, Screen, Group, Alias].into_iter().find(|kind| kind.as_str() == word);
    known.ok_or_else(|| {
        let expected = format_args!("{place} to be track, identify, page, screen, group or alias");
        Malformed::expected(malformed::UNKNOWN_TYPE, expected, "another word")
    })
}

/// RFC 3339, or a number of milliseconds since 1970.
fn instant(place: &str, raw: &str) -> Result<Timestamp, Malformed> {
    if !raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return field::time(place, Cow::Borrowed(raw));
    }
    let micros = raw.parse::<i64>().ok().and_then(|ms| ms.checked_mul(1000));
    micros.map(Timestamp).ok_or_else(|| {
        let expected = format_args!("{place} to be RFC 3339, or whole milliseconds since 1970");
        Malformed::expected(malformed::BAD_TIME, expected, "another number")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin { source: 1, partition: 2, offset: 3 };

    fn billing(more: &[(&'static str, &'static str)]) -> SourceFormat {
        let pairs = [("user", "/customer/id"), ("event", "/kind"), ("time", "/at"), ("properties", "/data")];
        SourceFormat::Json { fields: Fields::new(pairs.into_iter().chain(more.iter().copied())).unwrap() }
    }

    fn read(format: &SourceFormat, value: &[u8]) -> Result<String, Malformed> {
        let now = Timestamp::parse("2026-03-02T12:00:00Z").unwrap();
        let envelope = format.envelope(Some(value))?;
        let id = message_id("billing", ORIGIN);
        let event =
            envelope.resolve(&Arrival { default_message_id: &id, ..format.arrival(now, Some(ORIGIN)) })?;
        Ok(format!(
            "{} {} {} {} {} {} {}",
            event.kind.as_str(),
            event.subject,
            event.name,
            event.message_id,
            event.occurred_at,
            event.properties,
            event.traits
        ))
    }

    #[test]
    fn fields_stand_where_the_pointers_say() {
        let json = r#"{"id":"m-1","kind":"Payment Failed","at":"2026-03-02T10:00:00Z","customer":{"id":42},"data":{"x":1}}"#;
        let format = billing(&[("message_id", "/id")]);
        let expected = r#"track user:42 Payment Failed m-1 2026-03-02T10:00:00.000000Z {"x":1} {}"#;
        assert_eq!(read(&format, json.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_record_without_an_id_is_named_by_its_place_and_a_time_may_be_milliseconds() {
        let json = r#"{"kind":"K","at":1772445600000,"customer":{"id":"ada"}}"#;
        let expected = "track user:ada K billing/2/3 2026-03-02T10:00:00.000000Z {} {}";
        assert_eq!(read(&billing(&[]), json.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_type_makes_other_calls_than_track_and_their_bag_is_the_traits() {
        let json = r#"{"t":"identify","at":1772445600000,"customer":{"id":"ada"},"data":{"plan":"pro"}}"#;
        let format = billing(&[("type", "/t")]);
        let expected = r#"identify user:ada  billing/2/3 2026-03-02T10:00:00.000000Z {} {"plan":"pro"}"#;
        assert_eq!(read(&format, json.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_read_has_a_code_and_says_where() {
        let good = r#"{"kind":"K","at":1772445600000,"customer":{"id":"ada"}}"#;
        let large = format!("{{\"x\":\"{}\"}}", "x".repeat(EVENT_BYTES_MAX));
        let cases: [(&[u8], &str, &str); 10] = [
            (large.as_bytes(), malformed::TOO_LARGE, "32768"),
            (b"\0\0\0\0\x07{}", SCHEMA_REGISTRY, "schema id 7"),
            (&good.as_bytes()[..20], malformed::MALFORMED_JSON, "byte"),
            (br#"{"kind":"K","at":1,"customer":{"id":"\xff"}}"#, malformed::MALFORMED_JSON, "byte"),
            (b"{\"kind\":\"\xff\"}", malformed::INVALID_UTF8, "UTF-8"),
            (br#"{"kind":"K","at":1,"customer":{}}"#, malformed::NO_ID, "/customer/id"),
            (br#"{"kind":"K","customer":{"id":"ada"}}"#, malformed::NO_TIME, "/at"),
            (
                br#"{"kind":"K","at":"2026-03-02T10:00:00","customer":{"id":"ada"}}"#,
                malformed::BAD_TIME,
                "/at",
            ),
            (br#"{"kind":"K","at":1.5,"customer":{"id":"ada"}}"#, malformed::BAD_TIME, "milliseconds"),
            (br#"{"at":1,"customer":{"id":"ada"}}"#, malformed::NO_EVENT, "/kind"),
        ];
        assert_eq!(billing(&[]).envelope(None).unwrap_err().code, NO_VALUE);
        for (value, code, words) in cases {
            let error = read(&billing(&[]), value).unwrap_err();
            assert_eq!(error.code, code, "{error}");
            assert!(error.message.contains(words), "{error}");
        }
    }

    #[test]
    fn fields_are_checked_when_they_are_read_from_the_configuration() {
        let error = |pairs: &[(&'static str, &'static str)]| Fields::new(pairs.iter().copied()).unwrap_err();
        assert!(error(&[("usr", "/u")]).contains("found \"usr\""));
        assert!(error(&[("user", "/u"), ("time", "/t")]).contains("\"event\""));
        assert!(error(&[("user", "u"), ("event", "/e"), ("time", "/t")]).contains("JSON pointer"));
        assert!(Fields::new([("user", "/u"), ("type", "/k"), ("time", "/t")]).is_ok());
    }
}
