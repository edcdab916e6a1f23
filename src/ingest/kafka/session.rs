//! One session of a source: plan where to go on, assign, then poll, parse and hand over until something ends it.
//!
//! A session takes the topic for what it was when it began. Whatever contradicts that ends it, and the next one's plan
//! says what it means: nothing is judged twice, in two places.

use super::ANSWER_WITHIN;
use super::append::Appender;
use super::collected::marks_of;
use super::copier::Copier;
use super::probe::{Prober, Skip};
use super::source::Source;
use super::start::{self, SourceStopped};
use super::status::Trouble;
use super::topic_id::{TopicIdentity, topic_id};
use crate::log::{Batch, LogError};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;

/// Why a session ended.
pub(super) enum End {
    /// The source is to stop.
    Asked,
    /// It stops for good.
    Stopped(SourceStopped),
    /// The topic is not what it was when the session began, or a position was refused.
    PlanAgain,
    /// It could not begin: Kafka or the log is not there.
    Unreachable(String),
}

/// What the threads of one session share.
pub(super) struct Session<'s> {
    pub source: &'s Source,
    pub identity: TopicIdentity,
    /// Answers questions, on connections of its own: on those of the consumer they would wait behind fetches.
    pub asker: &'s BaseConsumer,
    /// Set by whoever sees that the topic is another now, or has grown.
    pub is_outdated: AtomicBool,
    /// Ranges of offsets in which there is no record for us.
    pub skips: Mutex<Vec<Skip>>,
}

impl Session<'_> {
    /// Runs until something ends it.
    pub fn run(source: &Source) -> End {
        begin(source).unwrap_or_else(|end| end)
    }

    fn copy(&self, positions: Vec<u64>) -> Result<End, End> {
        let consumer: BaseConsumer =
            self.source.client.create().map_err(|error| unreachable("assign", error))?;
        let mut assignment = TopicPartitionList::new();
        for (partition, position) in positions.iter().enumerate() {
            let offset = Offset::Offset(*position as i64);
            let added = assignment.add_partition_offset(&self.source.config.topic, partition as i32, offset);
            added.map_err(|error| unreachable("assign", error))?;
        }
        consumer.assign(&assignment).map_err(|error| unreachable("assign", error))?;
        self.source.station.progress.begin(&positions);
        self.source.station.set_assigned(true);
        self.source.ease(Trouble::Asking);
        std::thread::scope(|scope| {
            // Hands a batch over only while the appender waits for one: batches grow as appends take longer.
            let (hand_over, batches) = sync_channel(0);
            let (alive, is_over) = std::sync::mpsc::channel::<()>();
            let appender = scope.spawn(move || Appender { session: self }.run(batches));
            scope.spawn(move || Prober { session: self }.run(&is_over));
            let mut copier = Copier::new(self, positions);
            let end = copier.run(&consumer, &hand_over);
            drop((hand_over, alive));
            match appender.join() {
                Ok(None) => Ok(end),
                Ok(Some(stopped)) => Ok(End::Stopped(stopped)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

fn begin(source: &Source) -> Result<End, End> {
    let config = &source.config;
    let mut asking = source.client.clone();
    asking.set("client.id", format!("{}-asking", source.client.get("client.id").unwrap_or_default()));
    // The end of a partition is what the asker's own reading wants to know (`probe`).
    asking.set("enable.partition.eof", "true");
    let asker: BaseConsumer = asking.create().map_err(|error| unreachable("ask", error))?;
    let identity = topic_id(asker.client(), &config.topic, ANSWER_WITHIN);
    let identity = identity.map_err(|error| End::Unreachable(error.to_string()))?;
    if identity.id.is_absent() {
        tracing::warn!(
            source = config.name,
            "the broker gives no topic ids: a topic that is created anew is not noticed"
        );
    }
    let marks = source.log.source_marks().map_err(|error| of_log(source, error))?;
    let plan = start::plan(config, &identity, &marks).map_err(End::Stopped)?;
    let kafka = |error| unreachable("look at the partitions", error);
    let held = start::held(&asker, &config.topic, identity.partitions, ANSWER_WITHIN).map_err(kafka)?;
    let at_start =
        start::offsets_at(&asker, &config.topic, plan.start, &held, ANSWER_WITHIN).map_err(kafka)?;
    // The partitions' ends were those of this topic only if it is still there.
    let after = topic_id(asker.client(), &config.topic, ANSWER_WITHIN);
    if after.map_err(|error| End::Unreachable(error.to_string()))? != identity {
        return Ok(End::PlanAgain);
    }
    let positions = plan.positions(config, &held, &at_start).map_err(End::Stopped)?;
    // Where a partition begins is decided once: a crash before its first record does not decide it anew.
    if plan.marks.contains(&None) {
        let marks = marks_of(&config.name, &identity.id, positions.iter().copied().enumerate());
        let batch = Batch { marks, ..Batch::default() };
        source.log.append(batch).map_err(|error| of_log(source, error))?;
    }
    let (is_outdated, skips) = (AtomicBool::new(false), Mutex::default());
    Session { source, identity, asker: &asker, is_outdated, skips }.copy(positions)
}

fn unreachable(what: &str, error: KafkaError) -> End {
    End::Unreachable(format!("Kafka does not let us {what}: {error}"))
}

fn of_log(source: &Source, error: LogError) -> End {
    match error {
        LogError::Unavailable { .. } => End::Unreachable(error.to_string()),
        LogError::Damaged { reason } => {
            End::Stopped(SourceStopped::LogDamaged { r#source: source.config.name.clone(), reason })
        }
    }
}
