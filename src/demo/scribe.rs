//! Events as a product writes them down, in Segment's form.

use super::people::Someone;
use super::seed::Seed;
use outreach_engine::Timestamp;
use serde_json::{Value, json};

/// Somebody who plays a part.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub id: String,
    pub who: Someone,
    /// Absent for who never gave one.
    pub address: Option<String>,
}

/// Writes events, each with an id of its own.
pub(super) struct Scribe {
    prefix: u64,
    number: u32,
}

impl Scribe {
    pub fn new(seed: &mut Seed) -> Scribe {
        Scribe { prefix: seed.next() >> 32, number: 0 }
    }

    /// What is known of them.
    pub fn identify(&mut self, actor: &Actor, at: Timestamp) -> Value {
        let who = &actor.who;
        let mut traits = json!({
            "first_name": who.first_name, "last_name": who.last_name, "city": who.city,
            "timezone": who.zone, "locale": who.locale,
        });
        if let Some(address) = &actor.address {
            traits["email"] = json!(address);
        }
        let mut call = self.call(actor, "identify", at);
        call["traits"] = traits;
        call
    }

    /// Something that they did, or that happened to them.
    pub fn track(&mut self, actor: &Actor, at: Timestamp, event: &str, properties: Value) -> Value {
        let mut call = self.call(actor, "track", at);
        call["event"] = json!(event);
        call["properties"] = properties;
        call
    }

    fn call(&mut self, actor: &Actor, kind: &str, at: Timestamp) -> Value {
        self.number += 1;
        json!({
            "type": kind,
            "userId": actor.id,
            "messageId": format!("demo-{:08x}-{}", self.prefix, self.number),
            "timestamp": at.to_string(),
        })
    }
}
