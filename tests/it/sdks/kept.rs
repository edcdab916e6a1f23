//! What the log of a stopped service holds.

use outreach::log::embedded::EmbeddedLog;
use outreach::log::{Frame, Log};
use outreach_engine::Timestamp;
use outreach_engine::event::{Body, Event, EventKind};
use serde_json::Value;

use crate::world::service::Project;

/// A call as the log has it.
#[derive(Debug)]
pub struct Kept {
    pub subject: String,
    /// Its kind, the name of a track, and its number.
    pub what: String,
    pub message_id: String,
    pub is_proven: bool,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    pub properties: Value,
    pub traits: Value,
}

/// All events, those of one person in the order in which they came.
pub fn log_of(project: &Project) -> Vec<Kept> {
    let log =
        EmbeddedLog::open(project.path().join("data/log"), 4, outreach::clock::system()).expect("the log");
    let mut kept = Vec::new();
    for partition in 0..log.partitions() {
        for entry in log.read(partition, 0, usize::MAX).expect("its frames") {
            let frame = Frame::decode(&entry.frame).expect("a frame");
            for record in frame.records(entry.offset, entry.appended_at) {
                if let Body::Event(event) = record.expect("a record").body {
                    kept.push(kept_of(&event));
                }
            }
        }
    }
    kept
}

fn kept_of(event: &Event<'_>) -> Kept {
    let bag = |text: &str| serde_json::from_str::<Value>(text).expect("a JSON object");
    let properties = bag(&event.properties);
    let what = match event.kind {
        EventKind::Track => format!("track {} {}", event.name, properties["n"]).replace(" null", ""),
        EventKind::Identify | EventKind::Page | EventKind::Screen | EventKind::Group | EventKind::Alias => {
            event.kind.as_str().to_owned()
        }
    };
    Kept {
        subject: event.subject.to_string(),
        what,
        message_id: event.message_id.to_string(),
        is_proven: event.is_proven,
        occurred_at: event.occurred_at,
        received_at: event.received_at,
        traits: bag(&event.traits),
        properties,
    }
}
