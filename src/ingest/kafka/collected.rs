//! What was read of a topic since the last append: records and dead letters, and the marks that stand behind them.
//!
//! No Kafka is named here, so that the simulation copies by the same steps. Letters are to be kept before the batch is
//! appended; the batch carries the marks, so position and copy are one durable step.

use super::config::SourceConfig;
use super::format::message_id;
use super::topic_id::TopicId;
use crate::ingest::intake::{Input, Intake};
use crate::ledger::DeadLetter;
use crate::log::{Batch, SourceMark};
use outreach_engine::Timestamp;
use outreach_engine::event::{Arrival, Origin};
use sha2::{Digest, Sha256};

/// Records of one source, gathered until they are appended together.
pub struct Collected {
    pub intake: Intake,
    /// Behind all of it.
    pub marks: Vec<SourceMark>,
    pub records: u64,
    /// Of the records' values.
    pub bytes: usize,
}

/// After so many records polled without a pause it is looked whether there is something else to do.
const LOOK_EVERY: u64 = 256;

impl Collected {
    pub fn new(log_partitions: u32) -> Collected {
        Collected { intake: Intake::new(log_partitions), marks: Vec::new(), records: 0, bytes: 0 }
    }

    pub(super) fn is_look_due(&self) -> bool {
        self.records.is_multiple_of(LOOK_EVERY)
    }

    /// Takes one record: an event, or a dead letter. `door` is the source's name for letters and metrics.
    pub fn take(
        &mut self,
        config: &SourceConfig,
        door: &str,
        origin: Origin,
        value: Option<&[u8]>,
        received_at: Timestamp,
    ) {
        let envelope = config.format.envelope(value);
        let has_id = envelope.as_ref().map_or(true, |envelope| envelope.message_id.is_some());
        let id = if has_id { String::new() } else { message_id(&config.topic, origin) };
        let arrival = Arrival { default_message_id: &id, ..config.format.arrival(received_at, Some(origin)) };
        let place = Some((config.topic.as_str(), origin.partition, origin.offset));
        let input = Input { source: door, origin: place, payload: value.unwrap_or_default() };
        self.intake.take_envelope(&input, &arrival, envelope);
        self.records += 1;
        self.bytes += value.map_or(0, <[u8]>::len);
    }

    /// What goes to the log, marks included, and what goes to the ledger before it.
    pub fn into_parts(self) -> (Batch, Vec<DeadLetter>) {
        let (mut batch, letters) = self.intake.into_parts();
        batch.marks = self.marks;
        (batch, letters)
    }
}

/// Marks of a source's partitions: (partition, next offset) of each.
pub fn marks_of(
    source: &str,
    topic: &TopicId,
    positions: impl Iterator<Item = (usize, u64)>,
) -> Vec<SourceMark> {
    let mark = |(partition, next_offset)| SourceMark {
        source: source.to_owned(),
        topic_id: topic.to_string(),
        partition: partition as u32,
        next_offset,
    };
    positions.map(mark).collect()
}

/// The number by which the engine knows a source: of its name and its topic's id, the same for ever.
pub fn source_number(name: &str, topic: &TopicId) -> u64 {
    let mut hash = Sha256::new();
    hash.update((name.len() as u64).to_le_bytes());
    hash.update(name);
    hash.update(topic.as_str());
    let bytes: [u8; 32] = hash.finalize().into();
    u64::from_le_bytes(std::array::from_fn(|index| bytes[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_of_another_name_or_topic_has_another_number() {
        let (one, two) = (TopicId::from_bits(0, 1), TopicId::from_bits(0, 2));
        assert_eq!(source_number("product", &one), source_number("product", &one));
        assert_ne!(source_number("product", &one), source_number("product", &two));
        assert_ne!(source_number("product", &one), source_number("products", &one));
    }
}
