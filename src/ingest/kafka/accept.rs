//! How a person says how to go on with a topic that was created anew, or whose wanted offset is gone.
//!
//! It is a command, not a setting: a setting that stays in a file would move the position again at the next accident.
//! `outreach topics accept NAME --from earliest|latest`, while the service is stopped, writes marks for the topic as it
//! is now, and says what it wrote.

use super::ANSWER_WITHIN;
use super::collected::marks_of;
use super::config::{ConfigError, Properties, SourceConfig, Start, client_config};
use super::start;
use super::topic_id::{TopicIdError, topic_id};
use crate::log::{Batch, Log, LogError, SourceMark};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;

/// Why nothing was accepted; no mark has moved.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Topic(#[from] TopicIdError),
    #[error("Kafka does not say where the partitions begin and end: {0}")]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(
        "{topic}/{partition} was copied up to offset {copied}, and would go on at {wanted}, before it: what has these \
         offsets would be taken for what was copied. Give the source another name in outreach.toml: it then begins anew"
    )]
    Backwards { topic: String, partition: u32, copied: u64, wanted: u64 },
}

/// Writes marks for the topic as it is now: a partition whose position is still there keeps it, all others go on at
/// `from`. Returns the marks that it wrote. The service must be stopped; Kafka must be there.
pub fn accept_topic(
    config: &SourceConfig,
    properties: &Properties,
    log: &dyn Log,
    from: Start,
) -> Result<Vec<SourceMark>, AcceptError> {
    let asker: BaseConsumer = client_config(properties)?.create()?;
    let identity = topic_id(asker.client(), &config.topic, ANSWER_WITHIN)?;
    let held = start::held(&asker, &config.topic, identity.partitions, ANSWER_WITHIN)?;
    let wanted = start::offsets_at(&asker, &config.topic, from, &held, ANSWER_WITHIN)?;
    let old = log.source_marks()?;
    let same = old.iter().filter(|mark| mark.source == config.name && mark.topic_id == identity.id.as_str());
    let mut positions = wanted;
    for SourceMark { partition, next_offset: copied, .. } in same {
        let Some((position, held)) =
            positions.get_mut(*partition as usize).zip(held.get(*partition as usize))
        else {
            continue;
        };
        if (held.first..=held.next).contains(copied) {
            *position = *copied;
        } else if *position < *copied {
            let (topic, wanted) = (config.topic.clone(), *position);
            return Err(AcceptError::Backwards { topic, partition: *partition, copied: *copied, wanted });
        }
    }
    let marks = marks_of(&config.name, &identity.id, positions.into_iter().enumerate());
    log.append(Batch { marks: marks.clone(), ..Batch::default() })?;
    Ok(marks)
}
