//! An entry of the log that owns what a record borrows.

use outreach_engine::event::{
    Body, Consent, ConsentKind, Event, EventKind, Outcome, OutcomeKind, Place, Record, Subject,
};
use outreach_engine::{DecisionId, Timestamp};

/// What a record says, and when the log took it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `user:ada`; empty for ticks and releases.
    pub who: String,
    /// When it happened.
    pub at: Timestamp,
    /// When the log took it.
    pub arrives: Timestamp,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Event {
        kind: EventKind,
        name: String,
        id: String,
        properties: String,
        traits: String,
        context: String,
        is_proven: bool,
    },
    Consent(ConsentKind<'static>),
    Outcome {
        decision: DecisionId,
        kind: OutcomeKind,
    },
    Tick {
        until: Option<Timestamp>,
    },
    Release(String),
}

impl Entry {
    /// A track that brings `properties`.
    pub fn track(who: &str, at: Timestamp, name: &str, id: &str, properties: &str) -> Entry {
        Entry {
            who: who.into(),
            at,
            arrives: at,
            what: What::event(EventKind::Track, name, id, properties, "{}"),
        }
    }

    pub fn identify(who: &str, at: Timestamp, id: &str, traits: &str) -> Entry {
        Entry {
            who: who.into(),
            at,
            arrives: at,
            what: What::event(EventKind::Identify, "", id, "{}", traits),
        }
    }

    pub fn tick(at: Timestamp) -> Entry {
        Entry { who: String::new(), at, arrives: at, what: What::Tick { until: None } }
    }

    /// The record at this place of the log.
    pub fn record(&self, place: Place) -> Record<'_> {
        let subject = || Subject::parse(&self.who).unwrap_or_else(|| panic!("no subject: {:?}", self.who));
        let body = match &self.what {
            What::Event { kind, name, id, properties, traits, context, is_proven } => Body::Event(Event {
                kind: *kind,
                subject: subject(),
                name: name.as_str().into(),
                message_id: id.as_str().into(),
                occurred_at: self.at,
                received_at: self.arrives,
                is_proven: *is_proven,
                origin: None,
                other_id: None,
                properties: properties.as_str().into(),
                traits: traits.as_str().into(),
                context: context.as_str().into(),
            }),
            What::Consent(kind) => {
                Body::Consent(Consent { subject: subject(), kind: kind.clone(), at: self.at })
            }
            What::Outcome { decision, kind } => {
                Body::Outcome(Outcome { subject: subject(), decision: *decision, kind: *kind, at: self.at })
            }
            What::Tick { until } => Body::Tick { at: self.at, until: *until },
            What::Release(id) => Body::Release { id: id.as_str().into() },
        };
        Record { place, appended_at: self.arrives, body }
    }
}

impl What {
    pub fn event(kind: EventKind, name: &str, id: &str, properties: &str, traits: &str) -> What {
        What::Event {
            kind,
            name: name.into(),
            id: id.into(),
            properties: properties.into(),
            traits: traits.into(),
            context: "{}".into(),
            is_proven: true,
        }
    }
}
