//! Putting records into topics and reading them back.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::{ANSWER_WITHIN, Kafka};

/// For all records of one call to be acknowledged.
const PRODUCED_WITHIN: Duration = Duration::from_secs(60);
/// The largest record a test may send: the 10 MB one of the bad inputs, with room. The topic must allow it too
/// (`max.message.bytes`).
const RECORD_BYTES_MAX: &str = "16000000";

/// A record to be produced. Without a key and a partition it goes where librdkafka likes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    pub key: Option<Vec<u8>>,
    pub payload: Vec<u8>,
    pub partition: Option<i32>,
    /// Milliseconds since 1970; now, if absent.
    pub timestamp_ms: Option<i64>,
}

impl Outgoing {
    pub fn new(payload: impl Into<Vec<u8>>) -> Outgoing {
        Outgoing { payload: payload.into(), ..Outgoing::default() }
    }

    pub fn keyed(key: impl Into<Vec<u8>>, payload: impl Into<Vec<u8>>) -> Outgoing {
        Outgoing { key: Some(key.into()), ..Outgoing::new(payload) }
    }

    pub fn to(mut self, partition: i32) -> Outgoing {
        self.partition = Some(partition);
        self
    }
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub partition: i32,
    pub offset: i64,
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub place: Place,
    pub key: Option<Vec<u8>>,
    pub payload: Vec<u8>,
}

impl Kafka {
    /// Produces all records in this order, waits for their acknowledgements, and says where each stands.
    pub fn produce(&self, topic: &str, records: impl IntoIterator<Item = Outgoing>) -> Vec<Place> {
        let mut config = self.config();
        config.set("enable.idempotence", "true").set("linger.ms", "2").set("compression.type", "lz4");
        config.set("message.max.bytes", RECORD_BYTES_MAX);
        let producer: BaseProducer<Reports> =
            config.create_with_context(Reports::default()).expect("a producer");
        let mut sent = 0;
        for (number, record) in records.into_iter().enumerate() {
            send(&producer, topic, number, &record);
            sent = number + 1;
        }
        producer.flush(PRODUCED_WITHIN).expect("all records delivered");
        let reports = std::mem::take(&mut *producer.context().places.lock().expect("no panic while held"));
        assert_eq!(reports.len(), sent, "a report for each record");
        reports.into_values().map(|report| report.expect("the broker takes the record")).collect()
    }

    /// Reads a topic from its start until `count` records were seen, in the order of arrival; fails after `at_most`.
    pub fn read(&self, topic: &str, count: usize, at_most: Duration) -> Vec<Incoming> {
        let mut config = self.config();
        config.set("group.id", "a-reader-without-group").set("enable.auto.commit", "false");
        config.set("fetch.queue.backoff.ms", "5").set("fetch.wait.max.ms", "50");
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER_WITHIN).expect("metadata");
        let mut partitions = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            partitions
                .add_partition_offset(topic, partition.id(), Offset::Beginning)
                .expect("a partition of the topic");
        }
        consumer.assign(&partitions).expect("an assignment");
        let until = Instant::now() + at_most;
        let mut seen = Vec::new();
        while seen.len() < count {
            assert!(Instant::now() < until, "expected {count} records of {topic}, read {}", seen.len());
            if let Some(message) = consumer.poll(Duration::from_millis(50)) {
                let message = message.expect("a record");
                seen.push(Incoming {
                    place: Place { partition: message.partition(), offset: message.offset() },
                    key: message.key().map(<[u8]>::to_vec),
                    payload: message.payload().unwrap_or_default().to_vec(),
                });
            }
        }
        seen
    }
}

/// Gathers the acknowledgements by the number of the record.
#[derive(Default)]
struct Reports {
    places: Mutex<BTreeMap<usize, Result<Place, KafkaError>>>,
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<usize>) {
        let place = match result {
            Ok(message) => Ok(Place { partition: message.partition(), offset: message.offset() }),
            Err((error, _)) => Err(error.clone()),
        };
        self.places.lock().expect("no panic while held").insert(*number, place);
    }
}

/// Queues one record, waiting while the producer's queue is full.
fn send(producer: &BaseProducer<Reports>, topic: &str, number: usize, record: &Outgoing) {
    let mut wanted: BaseRecord<'_, [u8], [u8], Box<usize>> =
        BaseRecord::with_opaque_to(topic, Box::new(number)).payload(&record.payload[..]);
    wanted.key = record.key.as_deref();
    wanted.partition = record.partition;
    wanted.timestamp = record.timestamp_ms;
    while let Err((error, refused)) = producer.send(wanted) {
        let full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
        assert!(full, "record {number} for {topic}: {error}");
        producer.poll(Duration::from_millis(10));
        wanted = refused;
    }
    if number.is_multiple_of(1000) {
        producer.poll(Duration::ZERO);
    }
}
