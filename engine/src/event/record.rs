//! A record of the log, and its bytes inside a frame.
//!
//! A record has a kind that only our own roles can set: whoever writes events can build an [`Event`] and nothing else,
//! so no event from outside acts as a control record (invariant 8).
//!
//! Bytes of a record: one byte kind, then the fields of the body in the order of its struct. Texts are a varint length
//! and UTF-8, times are eight bytes little-endian, an optional field begins with a byte 0 or 1. The place and the time
//! of appending are the frame's and are not repeated. Kinds are numbers for ever: a number is never given twice.

use super::record_bytes::*;
use super::subject::Subject;
use crate::effect::DecisionId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Where a record stands in its partition: the offset of its frame, and its index in the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub offset: u64,
    pub index: u32,
}

/// One record of the log, borrowed from its frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    pub place: Place,
    /// When the log took the frame; the log's own clock.
    pub appended_at: Timestamp,
    pub body: Body<'a>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    /// Something a person did, or that became known of them.
    Event(Event<'a>),
    /// What became of a message.
    Outcome(Outcome<'a>),
    /// What a person, or their mail server, allows.
    Consent(Consent<'a>),
    /// From here on the shard decides by this release.
    Release { id: Cow<'a, str> },
    /// All that was acknowledged by `at` stands before this record.
    Tick {
        at: Timestamp,
        /// Steps due later than this are not judged, and what is due by then is judged whatever its grace: the end of
        /// time in a replay. Absent in live ticks.
        until: Option<Timestamp>,
    },
}

/// Segment's six calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EventKind {
    Track = 0,
    Identify = 1,
    Page = 2,
    Screen = 3,
    Group = 4,
    Alias = 5,
}

/// A parsed event: who, what, when. The bags are JSON objects as text, `{}` when absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    pub kind: EventKind,
    pub subject: Subject<'a>,
    /// What rules call it: the track's event, `Page Viewed`, `Screen Viewed`; empty for identify, group and alias.
    pub name: Cow<'a, str>,
    pub message_id: Cow<'a, str>,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    /// Came by a server key, or with a signed identity token.
    pub is_proven: bool,
    /// Where it was copied from, for sources that are copied exactly once.
    pub origin: Option<Origin>,
    /// The other id of an identify that names both, the `previousId` of an alias, the `groupId` of a group.
    pub other_id: Option<Cow<'a, str>>,
    pub properties: Cow<'a, str>,
    pub traits: Cow<'a, str>,
    pub context: Cow<'a, str>,
}

/// A place in a source: records of one (source, partition) come with rising offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Names the source and the identity of its topic (a re-created topic is another one).
    pub source: u64,
    pub partition: u32,
    pub offset: u64,
}

/// What became of a message, by its decision id.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<'a> {
    pub subject: Subject<'a>,
    pub decision: DecisionId,
    pub kind: OutcomeKind,
    pub at: Timestamp,
}

/// How a message ended, and what its person then did with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum OutcomeKind {
    /// Handed over and accepted.
    Sent = 0,
    /// Refused for good by the other side.
    Failed = 1,
    /// Perhaps handed over; counts as sent, never repeated.
    Unknown = 2,
    /// Taken back before it left.
    Cancelled = 3,
    /// Too old before it could leave.
    Expired = 4,
    /// Refused at the gate, by a cap or a suppression.
    Skipped = 5,
    /// Shown by the product, to the person.
    Seen = 6,
    /// The person followed its action.
    Clicked = 7,
    /// The person put it away.
    Dismissed = 8,
}

/// What a person allows from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct Consent<'a> {
    pub subject: Subject<'a>,
    pub kind: ConsentKind<'a>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConsentKind<'a> {
    /// No more of this topic.
    TopicOff(Cow<'a, str>),
    /// This topic again.
    TopicOn(Cow<'a, str>),
    /// No more marketing at all.
    AllOff,
    AllOn,
    /// The address does not exist; holds while the person has this address.
    Bounced(Cow<'a, str>),
    /// The recipient called it spam; holds while the person has this address.
    Complained(Cow<'a, str>),
}

impl EventKind {
    pub fn from_byte(byte: u8) -> Option<EventKind> {
        use EventKind::*;
        [Track, Identify, Page, Screen, Group, Alias].into_iter().find(|kind| *kind as u8 == byte)
    }

    /// Segment's word for it: the `type` of a batch member.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Track => "track",
            EventKind::Identify => "identify",
            EventKind::Page => "page",
            EventKind::Screen => "screen",
            EventKind::Group => "group",
            EventKind::Alias => "alias",
        }
    }
}

impl OutcomeKind {
    pub fn from_byte(byte: u8) -> Option<OutcomeKind> {
        use OutcomeKind::*;
        [Sent, Failed, Unknown, Cancelled, Expired, Skipped, Seen, Clicked, Dismissed]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            OutcomeKind::Sent => "sent",
            OutcomeKind::Failed => "failed",
            OutcomeKind::Unknown => "unknown",
            OutcomeKind::Cancelled => "cancelled",
            OutcomeKind::Expired => "expired",
            OutcomeKind::Skipped => "skipped",
            OutcomeKind::Seen => "seen",
            OutcomeKind::Clicked => "clicked",
            OutcomeKind::Dismissed => "dismissed",
        }
    }

    /// Whether it says what a person did with a message, which then had its end before.
    pub fn is_reaction(self) -> bool {
        matches!(self, OutcomeKind::Seen | OutcomeKind::Clicked | OutcomeKind::Dismissed)
    }

    /// Whether the message was, or may have been, handed over: only then it keeps its place under the caps.
    pub fn counts_as_sent(self) -> bool {
        matches!(self, OutcomeKind::Sent | OutcomeKind::Unknown)
    }
}

impl<'a> Body<'a> {
    /// Whom it is about; nothing for ticks and releases, which every partition gets.
    pub fn subject(&self) -> Option<Subject<'_>> {
        match self {
            Body::Event(event) => Some(event.subject),
            Body::Outcome(outcome) => Some(outcome.subject),
            Body::Consent(consent) => Some(consent.subject),
            Body::Release { .. } | Body::Tick { .. } => None,
        }
    }

    /// Appends the bytes of this body to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Body::Event(event) => {
                out.push(KIND_EVENT);
                event.encode(out);
            }
            Body::Outcome(outcome) => {
                out.push(KIND_OUTCOME);
                put_subject(out, outcome.subject);
                out.extend_from_slice(&outcome.decision.0);
                out.push(outcome.kind as u8);
                put_time(out, outcome.at);
            }
            Body::Consent(consent) => {
                out.push(KIND_CONSENT);
                put_subject(out, consent.subject);
                let (number, text) = match &consent.kind {
                    ConsentKind::TopicOff(topic) => (0, topic.as_ref()),
                    ConsentKind::TopicOn(topic) => (1, topic.as_ref()),
                    ConsentKind::AllOff => (2, ""),
                    ConsentKind::AllOn => (3, ""),
                    ConsentKind::Bounced(address) => (4, address.as_ref()),
                    ConsentKind::Complained(address) => (5, address.as_ref()),
                };
                out.push(number);
                put_text(out, text);
                put_time(out, consent.at);
            }
            Body::Release { id } => {
                out.push(KIND_RELEASE);
                put_text(out, id);
            }
            Body::Tick { at, until } => {
                out.push(KIND_TICK);
                put_time(out, *at);
                put_option(out, *until, put_time);
            }
        }
    }

    /// Reads one body from the front of `bytes` and moves `bytes` behind it.
    pub fn decode(bytes: &mut &'a [u8]) -> Result<Body<'a>, RecordError> {
        match take_byte(bytes, "a record's kind")? {
            KIND_EVENT => Event::decode(bytes).map(Body::Event),
            KIND_OUTCOME => Ok(Body::Outcome(Outcome {
                subject: take_subject(bytes)?,
                decision: DecisionId(take_array(bytes, "a decision id")?),
                kind: known(take_byte(bytes, "an outcome")?, "outcome", OutcomeKind::from_byte)?,
                at: take_time(bytes)?,
            })),
            KIND_CONSENT => {
                let subject = take_subject(bytes)?;
                let number = take_byte(bytes, "a consent")?;
                let text = Cow::Borrowed(take_text(bytes, "consent")?);
                let kind = match number {
                    0 => ConsentKind::TopicOff(text),
                    1 => ConsentKind::TopicOn(text),
                    2 => ConsentKind::AllOff,
                    3 => ConsentKind::AllOn,
                    4 => ConsentKind::Bounced(text),
                    5 => ConsentKind::Complained(text),
                    number => return Err(RecordError::Unknown { what: "consent", number }),
                };
                Ok(Body::Consent(Consent { subject, kind, at: take_time(bytes)? }))
            }
            KIND_RELEASE => Ok(Body::Release { id: Cow::Borrowed(take_text(bytes, "release id")?) }),
            KIND_TICK => Ok(Body::Tick { at: take_time(bytes)?, until: take_option(bytes, take_time)? }),
            number => Err(RecordError::Unknown { what: "record kind", number }),
        }
    }
}

const KIND_EVENT: u8 = 1;
const KIND_OUTCOME: u8 = 2;
const KIND_CONSENT: u8 = 3;
const KIND_TICK: u8 = 4;
const KIND_RELEASE: u8 = 5;
// 6 link, 7 forward, 8 broadcast, 9 erase: kept for the kinds that architecture.md names and nobody writes yet.

impl<'a> Event<'a> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        put_subject(out, self.subject);
        put_text(out, &self.name);
        put_text(out, &self.message_id);
        put_time(out, self.occurred_at);
        put_time(out, self.received_at);
        out.push(u8::from(self.is_proven));
        put_option(out, self.origin, |out, origin| {
            out.extend_from_slice(&origin.source.to_le_bytes());
            put_varint(out, u64::from(origin.partition));
            put_varint(out, origin.offset);
        });
        put_option(out, self.other_id.as_deref(), put_text);
        put_text(out, &self.properties);
        put_text(out, &self.traits);
        put_text(out, &self.context);
    }

    fn decode(bytes: &mut &'a [u8]) -> Result<Event<'a>, RecordError> {
        Ok(Event {
            kind: known(take_byte(bytes, "an event's kind")?, "event kind", EventKind::from_byte)?,
            subject: take_subject(bytes)?,
            name: Cow::Borrowed(take_text(bytes, "event name")?),
            message_id: Cow::Borrowed(take_text(bytes, "message id")?),
            occurred_at: take_time(bytes)?,
            received_at: take_time(bytes)?,
            is_proven: take_byte(bytes, "trust")? != 0,
            origin: take_option(bytes, |bytes| {
                Ok(Origin {
                    source: u64::from_le_bytes(take_array(bytes, "a source")?),
                    partition: take_varint(bytes, "a partition")? as u32,
                    offset: take_varint(bytes, "an offset")?,
                })
            })?,
            other_id: take_option(bytes, |bytes| take_text(bytes, "other id").map(Cow::Borrowed))?,
            properties: Cow::Borrowed(take_text(bytes, "properties")?),
            traits: Cow::Borrowed(take_text(bytes, "traits")?),
            context: Cow::Borrowed(take_text(bytes, "context")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies() -> Vec<Body<'static>> {
        let ada = Subject::user("ada");
        vec![
            Body::Event(Event {
                kind: EventKind::Track,
                subject: Subject::anon("ünïcode"),
                name: "Signed Up".into(),
                message_id: "m-1".into(),
                occurred_at: Timestamp(-5),
                received_at: Timestamp(1_700_000_000_000_000),
                is_proven: true,
                origin: Some(Origin { source: u64::MAX, partition: 7, offset: 1 << 40 }),
                other_id: Some("x".into()),
                properties: r#"{"plan":"trial"}"#.into(),
                traits: "{}".into(),
                context: "{}".into(),
            }),
            Body::Outcome(Outcome {
                subject: ada,
                decision: DecisionId([9; 16]),
                kind: OutcomeKind::Unknown,
                at: Timestamp(3),
            }),
            Body::Outcome(Outcome {
                subject: ada,
                decision: DecisionId([9; 16]),
                kind: OutcomeKind::Dismissed,
                at: Timestamp(4),
            }),
            Body::Consent(Consent {
                subject: ada,
                kind: ConsentKind::TopicOff("tips".into()),
                at: Timestamp(4),
            }),
            Body::Consent(Consent { subject: ada, kind: ConsentKind::AllOff, at: Timestamp(4) }),
            Body::Release { id: "abc".into() },
            Body::Tick { at: Timestamp(5), until: None },
            Body::Tick { at: Timestamp(5), until: Some(Timestamp(4)) },
        ]
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut bytes = Vec::new();
        bodies().iter().for_each(|body| body.encode(&mut bytes));
        let mut rest = bytes.as_slice();
        for body in bodies() {
            assert_eq!(Body::decode(&mut rest), Ok(body));
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn cut_bytes_are_an_error_and_no_panic() {
        for body in bodies() {
            let mut bytes = Vec::new();
            body.encode(&mut bytes);
            for cut in 0..bytes.len() {
                assert!(Body::decode(&mut &bytes[..cut]).is_err(), "{body:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_kind_nobody_knows_says_that_a_newer_version_wrote_it() {
        let error = Body::decode(&mut [77u8].as_slice()).unwrap_err();
        assert!(error.to_string().contains("newer version"), "{error}");
    }
}
