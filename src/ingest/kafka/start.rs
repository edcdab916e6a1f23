//! Where a source goes on, from what the log has of it and what the topic is now. Never guessed: what was copied before
//! and cannot be found again stops the source, with words.

use super::config::{SourceConfig, Start};
use super::topic_id::{TopicId, TopicIdentity};
use crate::log::SourceMark;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};
use std::time::Duration;

/// Why a source stopped for good: it needs a person's word to go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceStopped {
    #[error(
        "source `{source}` was copied from the topic with id {copied}, but `{topic}` is now the topic {found}: it was \
         created anew, or the source points at another one. Stop outreach, and say how to go on with \
         `outreach topics accept {source} --from earliest|latest`"
    )]
    Recreated { r#source: String, topic: String, copied: String, found: TopicId },
    #[error(
        "source `{source}` goes on at offset {wanted} of {topic}/{partition}, but Kafka holds only {first} to {next}: \
         records between are gone. Stop outreach, and say how to go on with \
         `outreach topics accept {source} --from earliest|latest`"
    )]
    Lost { r#source: String, topic: String, partition: u32, wanted: u64, first: u64, next: u64 },
    #[error(
        "source `{source}` was copied from {copied} partitions of `{topic}`, which has {found} now: a topic never \
         shrinks, so look at what became of it"
    )]
    Shrunk { r#source: String, topic: String, copied: u32, found: u32 },
    #[error("source `{source}` cannot go on, for the log is damaged: {reason}")]
    LogDamaged { r#source: String, reason: String },
}

/// Where each partition goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The mark's offset, or nothing for a partition without one.
    pub marks: Vec<Option<u64>>,
    /// Where those without a mark begin.
    pub start: Start,
}

/// A partition's first offset, and the one that its next record gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub first: u64,
    pub next: u64,
}

/// Compares what the log has with what the topic is. `marks` may hold those of other sources.
pub(super) fn plan(
    config: &SourceConfig,
    identity: &TopicIdentity,
    marks: &[SourceMark],
) -> Result<Plan, SourceStopped> {
    let ours = || marks.iter().filter(|mark| mark.source == config.name);
    let same = || ours().filter(|mark| mark.topic_id == identity.id.as_str());
    let mut plan = Plan { marks: vec![None; identity.partitions as usize], start: config.start };
    let Some(copied) = same().map(|mark| mark.partition + 1).max() else {
        return match ours().next() {
            None => Ok(plan),
            Some(other) => Err(SourceStopped::Recreated {
                r#source: config.name.clone(),
                topic: config.topic.clone(),
                copied: other.topic_id.clone(),
                found: identity.id.clone(),
            }),
        };
    };
    if copied > identity.partitions {
        return Err(SourceStopped::Shrunk {
            r#source: config.name.clone(),
            topic: config.topic.clone(),
            copied,
            found: identity.partitions,
        });
    }
    // The topic grew while it was ours: all that is in a new partition is still to be copied, whatever `start` says.
    plan.start = Start::Earliest;
    same().for_each(|mark| plan.marks[mark.partition as usize] = Some(mark.next_offset));
    Ok(plan)
}

impl Plan {
    /// The offset at which each partition goes on; all of them are there, or the source stops.
    pub fn positions(
        &self,
        config: &SourceConfig,
        held: &[Held],
        at_start: &[u64],
    ) -> Result<Vec<u64>, SourceStopped> {
        let all = self.marks.iter().zip(held).zip(at_start).enumerate();
        all.map(|(partition, ((mark, held), start))| match mark {
            None => Ok(*start),
            Some(wanted) if (held.first..=held.next).contains(wanted) => Ok(*wanted),
            Some(wanted) => Err(SourceStopped::Lost {
                r#source: config.name.clone(),
                topic: config.topic.clone(),
                partition: partition as u32,
                wanted: *wanted,
                first: held.first,
                next: held.next,
            }),
        })
        .collect()
    }
}

/// What each partition holds.
pub(super) fn held(
    client: &BaseConsumer,
    topic: &str,
    partitions: u32,
    timeout: Duration,
) -> KafkaResult<Vec<Held>> {
    let one = |partition: u32| {
        let (first, next) = client.fetch_watermarks(topic, partition as i32, timeout)?;
        Ok(Held { first: first.max(0) as u64, next: next.max(0) as u64 })
    };
    (0..partitions).map(one).collect()
}

/// The offset of `start` in each partition.
pub(super) fn offsets_at(
    client: &BaseConsumer,
    topic: &str,
    start: Start,
    held: &[Held],
    timeout: Duration,
) -> KafkaResult<Vec<u64>> {
    let at = match start {
        Start::Earliest => return Ok(held.iter().map(|held| held.first).collect()),
        Start::Latest => return Ok(held.iter().map(|held| held.next).collect()),
        Start::At(at) => at,
    };
    // Kafka's index knows milliseconds: round down, so that nothing at `at` is left out.
    let milliseconds = at.0.div_euclid(1000).max(0);
    let mut asked = TopicPartitionList::new();
    for partition in 0..held.len() {
        asked.add_partition_offset(topic, partition as i32, Offset::Offset(milliseconds))?;
    }
    let mut offsets: Vec<u64> = held.iter().map(|held| held.next).collect();
    for found in client.offsets_for_times(asked, timeout)?.elements() {
        found.error()?;
        match found.offset() {
            Offset::Offset(offset) => offsets[found.partition() as usize] = offset.max(0) as u64,
            // Nothing is as late as that: what comes from now on.
            Offset::End => {}
            Offset::Beginning | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => {
                return Err(KafkaError::OffsetFetch(rdkafka::types::RDKafkaErrorCode::NoOffset));
            }
        }
    }
    Ok(offsets)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::config::SourceFormat;
    use super::*;

    fn config(start: Start) -> SourceConfig {
        let (name, topic) = ("product".to_owned(), "events".to_owned());
        SourceConfig { name, topic, format: SourceFormat::Segment, start, required: true }
    }

    fn identity(id: u64, partitions: u32) -> TopicIdentity {
        TopicIdentity { id: TopicId::from_bits(0, id as i64), partitions }
    }

    fn mark(source: &str, id: u64, partition: u32, next_offset: u64) -> SourceMark {
        let topic_id = identity(id, 1).id.to_string();
        SourceMark { source: source.to_owned(), topic_id, partition, next_offset }
    }

    #[test]
    fn a_source_begins_where_it_is_told_and_goes_on_where_it_stood() {
        let latest = config(Start::Latest);
        let first = plan(&latest, &identity(1, 2), &[mark("other", 9, 0, 7)]).unwrap();
        assert_eq!(first, Plan { marks: vec![None, None], start: Start::Latest });
        let held = [Held { first: 2, next: 9 }; 2];
        assert_eq!(first.positions(&latest, &held, &[9, 9]), Ok(vec![9, 9]));

        let again =
            plan(&latest, &identity(1, 2), &[mark("product", 1, 0, 4), mark("product", 1, 1, 9)]).unwrap();
        assert_eq!(again.positions(&latest, &held, &[2, 2]), Ok(vec![4, 9]));
    }

    #[test]
    fn a_new_partition_is_copied_from_its_beginning_whatever_the_start() {
        let grown = plan(&config(Start::Latest), &identity(1, 2), &[mark("product", 1, 0, 4)]).unwrap();
        assert_eq!(grown, Plan { marks: vec![Some(4), None], start: Start::Earliest });
    }

    #[test]
    fn what_cannot_be_found_again_stops_the_source() {
        let config = config(Start::Earliest);
        let marks = [mark("product", 1, 0, 4), mark("product", 1, 1, 4)];
        let recreated = plan(&config, &identity(2, 2), &marks).unwrap_err();
        assert!(recreated.to_string().contains("created anew"), "{recreated}");
        assert!(recreated.to_string().contains("outreach topics accept product"), "{recreated}");
        let shrunk = plan(&config, &identity(1, 1), &marks).unwrap_err();
        assert!(shrunk.to_string().contains("has 1 now"), "{shrunk}");
        let plan = plan(&config, &identity(1, 2), &marks).unwrap();
        for gone in [Held { first: 5, next: 9 }, Held { first: 0, next: 3 }] {
            let fine = Held { first: 4, next: 4 };
            let lost = plan.positions(&config, &[fine, gone], &[0, 0]).unwrap_err();
            assert!(lost.to_string().contains("offset 4 of events/1"), "{lost}");
        }
    }

    #[test]
    fn an_accepted_topic_goes_on_beside_the_marks_of_the_old_one() {
        let marks = [mark("product", 1, 0, 4), mark("product", 2, 0, 7), mark("product", 1, 1, 4)];
        let plan = plan(&config(Start::Earliest), &identity(2, 1), &marks).unwrap();
        assert_eq!(plan.marks, [Some(7)]);
    }
}
