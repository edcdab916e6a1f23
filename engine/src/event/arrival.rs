//! From an envelope and what its door knows to an event: whom it is about, and when it happened (rules.md, "Order and
//! time", "Identity and the reading of events"; architecture.md, "Time").

use super::envelope::Envelope;
use super::field;
use super::malformed::{self, Malformed};
use super::members::type_of;
use super::record::{Event, EventKind, Origin};
use super::subject::Subject;
use crate::time::{Length, Timestamp};
use sonic_rs::LazyValue;
use std::borrow::Cow;

/// What a door knows of an event's arrival.
#[derive(Clone, Debug)]
pub struct Arrival<'a> {
    /// By our clock.
    pub received_at: Timestamp,
    /// The `sentAt` of the batch; the event's own comes before it.
    pub batch_sent_at: Option<Timestamp>,
    /// Of an event that does not say its `type`: the call of the path.
    pub default_kind: Option<EventKind>,
    /// Came by a server key, or from a source of the operator's.
    pub is_proven: bool,
    /// Whether the client's clock is corrected by `sentAt`: true for HTTP.
    pub corrects_clock: bool,
    /// For an event without one: the source's position, or a fresh id.
    pub default_message_id: &'a str,
    pub origin: Option<Origin>,
    pub missing_time: MissingTime,
}

/// What becomes of an event that says no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingTime {
    UseReceivedAt,
    Refuse,
}

/// An event later than its reception by more than this is refused; by less, its clock is a little fast.
const AHEAD_MAX: Length = Length::days(1);

const EMPTY_BAG: &str = "{}";

impl Envelope<'_> {
    /// The event, or why it is none. Nothing is looked up: the same envelope and arrival give the same event.
    pub fn resolve<'e>(&'e self, arrival: &Arrival<'e>) -> Result<Event<'e>, Malformed> {
        let kind = self.kind.or(arrival.default_kind).ok_or_else(|| {
            let expected = "type to be track, identify, page, screen, group or alias";
            Malformed::expected(malformed::UNKNOWN_TYPE, expected, "none")
        })?;
        let (subject, other_id) = self.people(kind)?;
        Ok(Event {
            kind,
            subject,
            name: self.rule_name(kind)?,
            message_id: self.message_id.as_deref().unwrap_or(arrival.default_message_id).into(),
            occurred_at: self.occurred_at(arrival)?,
            received_at: arrival.received_at,
            is_proven: arrival.is_proven,
            origin: arrival.origin,
            // Who does not prove who they are links nothing.
            other_id: other_id.filter(|_| arrival.is_proven).map(Cow::Borrowed),
            properties: self.resolve_properties(kind)?,
            traits: self.resolve_traits(kind)?,
            context: self.context.as_deref().unwrap_or(EMPTY_BAG).into(),
        })
    }

    /// Whom it is about, and the other id that it names.
    fn people(&self, kind: EventKind) -> Result<(Subject<'_>, Option<&str>), Malformed> {
        let no_id = |expected: &str| Malformed::expected(malformed::NO_ID, expected, "none");
        let (user, anonymous) = (self.user_id.as_deref(), self.anonymous_id.as_deref());
        let subject = match (user, anonymous) {
            (Some(user), _) => Subject::user(user),
            (None, Some(anonymous)) => Subject::anon(anonymous),
            (None, None) => return Err(no_id("userId or anonymousId")),
        };
        let other_id = match kind {
            EventKind::Track | EventKind::Page | EventKind::Screen => None,
            EventKind::Identify => user.and(anonymous),
            EventKind::Group => Some(self.group_id.as_deref().ok_or_else(|| no_id("groupId"))?),
            EventKind::Alias => {
                user.ok_or_else(|| no_id("userId, to which an alias links"))?;
                Some(self.previous_id.as_deref().ok_or_else(|| no_id("previousId"))?)
            }
        };
        Ok((subject, other_id))
    }

    /// What rules call the event.
    fn rule_name(&self, kind: EventKind) -> Result<Cow<'_, str>, Malformed> {
        match kind {
            EventKind::Track => match self.event.as_deref() {
                Some(name) if !name.is_empty() => Ok(name.into()),
                Some(_) => {
                    Err(Malformed::expected(malformed::NO_EVENT, "the name of the event", "an empty string"))
                }
                None => Err(Malformed::expected(malformed::NO_EVENT, "the name of the event", "none")),
            },
            EventKind::Page => Ok("Page Viewed".into()),
            EventKind::Screen => Ok("Screen Viewed".into()),
            EventKind::Identify | EventKind::Group | EventKind::Alias => Ok("".into()),
        }
    }

    /// When it happened. A client's clock is corrected as Segment does, where it told when it sent: what matters is how
    /// long before that it happened. Who has a `receivedAt` was corrected before.
    fn occurred_at(&self, arrival: &Arrival<'_>) -> Result<Timestamp, Malformed> {
        let received_at = arrival.received_at;
        let sent_at = self.sent_at.or(arrival.batch_sent_at);
        let by_client = self.original_timestamp.or(self.timestamp);
        let corrected = match (sent_at, by_client) {
            (Some(sent), Some(happened)) if arrival.corrects_clock && self.received_at.is_none() => {
                let before_sending = sent.0.saturating_sub(happened.0);
                Some(Timestamp(received_at.0.saturating_sub(before_sending)))
            }
            _ => self.timestamp.or(self.original_timestamp),
        };
        let occurred_at = match (corrected, arrival.missing_time) {
            (Some(at), _) => at,
            (None, MissingTime::UseReceivedAt) => received_at,
            (None, MissingTime::Refuse) => {
                return Err(Malformed::expected(
                    malformed::NO_TIME,
                    "timestamp or originalTimestamp",
                    "none",
                ));
            }
        };
        if occurred_at < Timestamp::EPOCH {
            return Err(Malformed::expected(malformed::TIME_BEFORE_1970, "a time from 1970 on", occurred_at));
        }
        if occurred_at > received_at + AHEAD_MAX {
            let expected = format_args!("a time at most {AHEAD_MAX} after its reception at {received_at}");
            return Err(Malformed::expected(malformed::TIME_IN_FUTURE, expected, occurred_at));
        }
        Ok(occurred_at.min(received_at))
    }

    /// Pages and screens say `name` and `category` beside their properties; rules read them as properties.
    fn resolve_properties(&self, kind: EventKind) -> Result<Cow<'_, str>, Malformed> {
        let properties = self.properties.as_deref().unwrap_or(EMPTY_BAG);
        match kind {
            EventKind::Page | EventKind::Screen => {}
            EventKind::Track | EventKind::Identify | EventKind::Group | EventKind::Alias => {
                return Ok(properties.into());
            }
        }
        let mut all = String::new();
        for (name, raw) in [("name", &self.name), ("category", &self.category)] {
            let Some(raw) = raw else { continue };
            if !raw.starts_with('"') {
                let expected = format_args!("{name} to be a string");
                return Err(Malformed::expected(malformed::WRONG_TYPE, expected, type_of(raw)));
            }
            if last_member(properties, name)?.is_none() {
                all.push_str(if all.is_empty() { "{\"" } else { ",\"" });
                all.extend([name, "\":", raw]);
            }
        }
        if all.is_empty() {
            return Ok(properties.into());
        }
        let rest = properties[1..].trim_start();
        all.extend([if rest == "}" { "" } else { "," }, rest]);
        Ok(all.into())
    }

    /// Top level, else those of the context, where some libraries put the traits of an identify.
    fn resolve_traits(&self, kind: EventKind) -> Result<Cow<'_, str>, Malformed> {
        let context =
            self.context.as_deref().filter(|_| self.traits.is_none() && kind == EventKind::Identify);
        let of_context = match context.map(|context| last_member(context, "traits")).transpose()?.flatten() {
            Some(raw) if raw != "null" => Some(field::bag("context.traits", raw)?),
            Some(_) | None => None,
        };
        Ok(of_context.unwrap_or_else(|| self.traits.as_deref().unwrap_or(EMPTY_BAG).into()))
    }
}

/// The raw JSON of the member `name` of `object`, which is checked JSON; the last one, as every parser takes it.
fn last_member<'a>(object: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, Malformed> {
    // A bag without the word has no such key; one with a backslash may spell it by escapes.
    if !object.contains(name) && !object.contains('\\') {
        return Ok(None);
    }
    let mut found: Option<LazyValue<'a>> = None;
    for member in sonic_rs::to_object_iter(object) {
        let (key, value) =
            member.map_err(|_| Malformed::new(malformed::MALFORMED_JSON, "expected an object"))?;
        if key == name {
            found = Some(value);
        }
    }
    Ok(found.map(|value| value.as_raw_cow()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "2026-03-02T12:00:00Z";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn http() -> Arrival<'static> {
        Arrival {
            received_at: at(NOON),
            batch_sent_at: None,
            default_kind: None,
            is_proven: true,
            corrects_clock: true,
            default_message_id: "door-1",
            origin: None,
            missing_time: MissingTime::UseReceivedAt,
        }
    }

    fn resolve<T>(
        json: &str,
        arrival: &Arrival<'_>,
        look: impl FnOnce(Event<'_>) -> T,
    ) -> Result<T, &'static str> {
        let envelope = Envelope::parse(json.as_bytes()).map_err(|malformed| malformed.code)?;
        envelope.resolve(arrival).map(look).map_err(|malformed| malformed.code)
    }

    fn occurred_at(times: &str, arrival: &Arrival<'_>) -> Result<String, &'static str> {
        let json = format!(r#"{{"type":"track","event":"E","userId":"a"{times}}}"#);
        resolve(&json, arrival, |event| event.occurred_at.to_string())
    }

    #[test]
    fn what_is_missing_or_too_far_off_has_its_code() {
        let table = [
            (r#"{"userId":"a","event":"E"}"#, "unknown-type"),
            (r#"{"type":"track","event":"E"}"#, "no-id"),
            (r#"{"type":"track","userId":"a"}"#, "no-event"),
            (r#"{"type":"track","userId":"a","event":""}"#, "no-event"),
            (r#"{"type":"group","userId":"a"}"#, "no-id"),
            (r#"{"type":"alias","userId":"a"}"#, "no-id"),
            (r#"{"type":"alias","anonymousId":"a","previousId":"b"}"#, "no-id"),
            (r#"{"type":"page","userId":"a","name":1}"#, "wrong-type"),
            (r#"{"type":"identify","userId":"a","context":{"traits":[]}}"#, "wrong-type"),
            (r#"{"type":"page","userId":"a","timestamp":"1969-12-31T23:59:59Z"}"#, "time-before-1970"),
            (r#"{"type":"page","userId":"a","timestamp":"2026-03-03T12:00:00.000001Z"}"#, "time-in-future"),
        ];
        for (json, expected) in table {
            assert_eq!(resolve(json, &http(), |_| ()), Err(expected), "{json}");
        }
        let strict = Arrival { missing_time: MissingTime::Refuse, ..http() };
        assert_eq!(occurred_at("", &strict), Err("no-time"));
    }

    #[test]
    fn a_clients_clock_is_corrected_by_when_it_sent() {
        // The client's clock is an hour fast; it happened five minutes before sending.
        let fast = r#","timestamp":"2026-03-02T12:55:00Z","sentAt":"2026-03-02T13:00:00Z""#;
        assert_eq!(occurred_at(fast, &http()), Ok("2026-03-02T11:55:00.000000Z".into()));
        let original = r#","timestamp":"2020-01-01T00:00:00Z","originalTimestamp":"2026-03-02T12:55:00Z","sentAt":"2026-03-02T13:00:00Z""#;
        assert_eq!(occurred_at(original, &http()), Ok("2026-03-02T11:55:00.000000Z".into()));
        let by_batch = Arrival { batch_sent_at: Some(at("2026-03-02T13:00:00Z")), ..http() };
        let of_batch = r#","timestamp":"2026-03-02T12:55:00Z""#;
        assert_eq!(occurred_at(of_batch, &by_batch), Ok("2026-03-02T11:55:00.000000Z".into()));
    }

    #[test]
    fn a_clock_is_left_alone_where_it_was_corrected_or_nobody_told_when_it_sent() {
        let received = r#","timestamp":"2026-03-02T10:00:00Z","originalTimestamp":"2026-03-02T09:00:00Z","sentAt":"2026-03-02T13:00:00Z","receivedAt":"2026-03-02T11:00:00Z""#;
        assert_eq!(occurred_at(received, &http()), Ok("2026-03-02T10:00:00.000000Z".into()));
        let no_sent_at = r#","timestamp":"2026-03-02T10:00:00Z""#;
        assert_eq!(occurred_at(no_sent_at, &http()), Ok("2026-03-02T10:00:00.000000Z".into()));
        let topic = Arrival { corrects_clock: false, ..http() };
        let sent = r#","timestamp":"2026-03-02T10:00:00Z","sentAt":"2026-03-02T10:30:00Z""#;
        assert_eq!(occurred_at(sent, &topic), Ok("2026-03-02T10:00:00.000000Z".into()));
        assert_eq!(occurred_at("", &http()), Ok("2026-03-02T12:00:00.000000Z".into()));
    }

    #[test]
    fn a_time_a_little_ahead_becomes_that_of_reception() {
        let ahead = r#","timestamp":"2026-03-03T12:00:00Z""#;
        assert_eq!(occurred_at(ahead, &http()), Ok("2026-03-02T12:00:00.000000Z".into()));
    }

    #[test]
    fn an_identify_of_both_ids_names_the_user_and_the_other() {
        let json = r#"{"type":"identify","userId":"ada","anonymousId":"7f3"}"#;
        let people = |event: Event<'_>| (event.subject.to_string(), event.other_id.map(Cow::into_owned));
        assert_eq!(resolve(json, &http(), people), Ok(("user:ada".into(), Some("7f3".into()))));
        let unproven = Arrival { is_proven: false, ..http() };
        assert_eq!(
            resolve(json, &unproven, people),
            Ok(("user:ada".into(), None)),
            "a public key links nothing"
        );
        let track = r#"{"type":"track","event":"E","anonymousId":"7f3"}"#;
        assert_eq!(resolve(track, &http(), people), Ok(("anon:7f3".into(), None)));
        let group = r#"{"type":"group","userId":"ada","groupId":9}"#;
        assert_eq!(resolve(group, &http(), people), Ok(("user:ada".into(), Some("9".into()))));
        let alias = r#"{"type":"alias","userId":"ada","previousId":"7f3"}"#;
        assert_eq!(resolve(alias, &http(), people), Ok(("user:ada".into(), Some("7f3".into()))));
    }

    #[test]
    fn a_page_is_page_viewed_and_its_name_a_property() {
        let look = |event: Event<'_>| (event.name.into_owned(), event.properties.into_owned());
        let table = [
            (r#""name":"A\"b","category":"c""#, r#"{"name":"A\"b","category":"c"}"#),
            (r#""name":"n","properties":{ "url":"u"}"#, r#"{"name":"n","url":"u"}"#),
            (r#""name":"n","properties":{"n\u0061me":"other"}"#, r#"{"n\u0061me":"other"}"#),
            (r#""name":"n","properties":{"x":{"name":1}}"#, r#"{"name":"n","x":{"name":1}}"#),
            (r#""name":null,"properties":{ }"#, "{ }"),
        ];
        for (members, properties) in table {
            let json = format!(r#"{{"type":"page","anonymousId":"a",{members}}}"#);
            assert_eq!(
                resolve(&json, &http(), look),
                Ok(("Page Viewed".into(), properties.into())),
                "{json}"
            );
        }
    }

    #[test]
    fn traits_of_an_identify_stand_at_the_top_or_in_the_context() {
        let traits = |event: Event<'_>| event.traits.into_owned();
        let inside = r#"{"type":"identify","userId":"a","context":{"traits":{"x":1}}}"#;
        assert_eq!(resolve(inside, &http(), traits), Ok(r#"{"x":1}"#.into()));
        let both = r#"{"type":"identify","userId":"a","traits":{},"context":{"traits":{"x":1}}}"#;
        assert_eq!(resolve(both, &http(), traits), Ok("{}".into()));
        let track = r#"{"type":"track","event":"E","userId":"a","context":{"traits":{"x":1}}}"#;
        assert_eq!(resolve(track, &http(), traits), Ok("{}".into()));
    }

    #[test]
    fn the_path_says_the_type_of_an_event_that_does_not() {
        let path = Arrival { default_kind: Some(EventKind::Screen), ..http() };
        let kind = |event: Event<'_>| (event.kind, event.message_id.into_owned());
        assert_eq!(resolve(r#"{"userId":"a"}"#, &path, kind), Ok((EventKind::Screen, "door-1".into())));
        let page = r#"{"userId":"a","type":"page","messageId":"m"}"#;
        assert_eq!(resolve(page, &path, kind), Ok((EventKind::Page, "m".into())));
    }
}
