//! `[trigger]` as it is written.

use super::{EventText, event, event_of, length};
use outreach_engine::Length;
use outreach_engine::rule::document::{Problems, Table};
use outreach_engine::rule::parse::Placed;
use std::ops::Range;

#[derive(Debug, Default)]
pub(in crate::project) struct TriggerText {
    /// Of the first part, in their order; the last completes it.
    pub events: Vec<EventText>,
    pub without: Option<EventText>,
    /// Of `inactive_for`.
    pub activities: Vec<EventText>,
    /// All lengths that it says, in order: two triggers with other ones hold at other moments.
    pub within: Vec<Length>,
    pub count: Option<i64>,
    /// `enters` (true) or `leaves`, with the span of its key.
    pub turns: Option<(Placed, bool, Range<usize>)>,
    /// Entry is at the event itself: what is known of the person then is what its tests saw.
    pub is_at_event: bool,
}

impl TriggerText {
    pub fn read(mut table: Table<'_>) -> TriggerText {
        let mut said = Problems::default();
        let sequence = table.take("sequence").and_then(|item| item.elements(&mut said)).unwrap_or_default();
        let mut events: Vec<EventText> = sequence.iter().filter_map(event).collect();
        let activities = table.take("events").and_then(|item| item.elements(&mut said)).unwrap_or_default();
        let within = table.take("within").as_ref().and_then(length).map(|(length, _)| length);
        let without_item = table.take("without");
        let inner = without_item.as_ref().filter(|item| item.value.is_table());
        let inner = inner.and_then(|item| length(&item.table(&mut said)?.take("within")?));
        let count = table.take("count").and_then(|item| item.integer(&mut said, 1..=i64::MAX));
        let turns = ["enters", "leaves"].into_iter().find_map(|key| {
            let item = table.take(key)?;
            Some((Placed::read(&item), key == "enters", item.key_place.span.clone()))
        });
        if events.is_empty() {
            events.extend(event_of(&mut table));
        }
        TriggerText {
            is_at_event: without_item.is_none() && !events.is_empty(),
            without: without_item.as_ref().and_then(event),
            activities: activities.iter().filter_map(event).collect(),
            within: within.into_iter().chain(inner.map(|(length, _)| length)).collect(),
            events,
            count,
            turns,
        }
    }

    /// The event that completes the first part.
    pub fn last(&self) -> Option<&EventText> {
        self.events.last()
    }
}
