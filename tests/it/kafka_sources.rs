//! Kafka sources against a real broker: copied exactly once, whatever happens to either side.

mod copy;
mod going_on;
mod read_through;
mod trouble;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use outreach::clock;
use outreach::ingest::kafka::{
    Fields, KafkaSources, Properties, SourceConfig, SourceFormat, SourceState, SourceStatus, Start,
};
use outreach::ledger::sqlite::SqliteLedger;
use outreach::ledger::{DeadLetter, Ledger};
use outreach::log::embedded::EmbeddedLog;
use outreach::log::frame::Frame;
use outreach::log::{Batch, Done, Entry, Log, LogError, SourceMark};
use outreach_engine::Timestamp;
use outreach_engine::event::{Body, Origin};

use crate::world::kafka::Kafka;
use crate::world::wait;

/// For anything that takes well under a second on a quiet machine.
const SOON: Duration = Duration::from_secs(60);

/// A log and a ledger on this machine, that outlive the sources.
struct Desk {
    log: Arc<ShakyLog>,
    ledger: Arc<SqliteLedger>,
    properties: Properties,
    _folder: tempfile::TempDir,
}

impl Desk {
    fn new(kafka: &Kafka) -> Desk {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = Arc::new(ShakyLog::open(folder.path()));
        let properties = [
            ("bootstrap.servers".to_owned(), kafka.bootstrap()),
            ("reconnect.backoff.max.ms".to_owned(), "200".to_owned()),
        ];
        let ledger = Arc::new(SqliteLedger::open(folder.path().join("ledger.db")).expect("a new ledger"));
        Desk { log, ledger, properties: properties.into(), _folder: folder }
    }

    fn start(&self, sources: &[SourceConfig]) -> KafkaSources {
        let (log, letters) = (self.log.clone(), self.ledger.clone());
        let started = KafkaSources::start(sources.to_vec(), &self.properties, log, letters, clock::system());
        started.expect("a good configuration")
    }

    /// How often each place of a source stands in the log, with the subject, name and message id of its event.
    fn copied(&self) -> BTreeMap<Origin, Vec<Copied>> {
        let mut all: BTreeMap<Origin, Vec<Copied>> = BTreeMap::new();
        for partition in 0..self.log.partitions() {
            let bounds = self.log.bounds(partition).expect("bounds");
            let mut from = bounds.start;
            while from < bounds.end {
                let entries = self.log.read(partition, from, 1 << 20).expect("entries");
                from = entries.last().expect("an entry").offset + 1;
                entries.iter().for_each(|entry| copied_of(entry, &mut all));
            }
        }
        all
    }

    fn letters(&self) -> Vec<DeadLetter> {
        self.ledger.transaction(|transaction| transaction.dead_letters(0, 10_000)).expect("letters")
    }

    #[track_caller]
    fn wait_for_count(&self, count: usize) -> BTreeMap<Origin, Vec<Copied>> {
        let found = wait::for_value(SOON, || {
            (self.log.records_appended.load(Ordering::Relaxed) >= count as u64).then(|| self.copied())
        });
        let found = found.unwrap_or_else(|| self.copied());
        assert_eq!(found.values().map(Vec::len).sum::<usize>(), count, "records in the log");
        found
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Copied {
    subject: String,
    name: String,
    message_id: String,
    properties: String,
}

fn copied_of(entry: &Entry, all: &mut BTreeMap<Origin, Vec<Copied>>) {
    let frame = Frame::decode(&entry.frame).expect("a whole frame");
    for record in frame.records(entry.offset, entry.appended_at) {
        let Body::Event(event) = record.expect("a record").body else { continue };
        all.entry(event.origin.expect("an origin")).or_default().push(Copied {
            subject: event.subject.to_string(),
            name: event.name.to_string(),
            message_id: event.message_id.to_string(),
            properties: event.properties.to_string(),
        });
    }
}

/// The embedded log; takes nothing while it is told so.
struct ShakyLog {
    log: EmbeddedLog,
    is_full: AtomicBool,
    refused: AtomicU64,
    records_appended: AtomicU64,
}

impl ShakyLog {
    fn open(folder: &Path) -> ShakyLog {
        let log = EmbeddedLog::open(folder.join("log"), 4, clock::system()).expect("a new log");
        ShakyLog { log, is_full: false.into(), refused: 0.into(), records_appended: 0.into() }
    }
}

impl Log for ShakyLog {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn submit(&self, batch: Batch, done: Done) {
        if self.is_full.load(Ordering::Relaxed) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return done(Err(LogError::Unavailable { reason: "the disk is full".into() }));
        }
        let count: u32 = batch.records.values().map(|records| records.count).sum();
        let (sender, receiver) = std::sync::mpsc::channel();
        self.log.submit(batch, Box::new(move |result| drop(sender.send(result))));
        let result = receiver.recv().expect("the log answers");
        if result.is_ok() {
            self.records_appended.fetch_add(count.into(), Ordering::Relaxed);
        }
        done(result);
    }

    fn read(&self, partition: u32, from: u64, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        self.log.read(partition, from, bytes_max)
    }

    fn bounds(&self, partition: u32) -> Result<std::ops::Range<u64>, LogError> {
        self.log.bounds(partition)
    }

    fn source_marks(&self) -> Result<Vec<SourceMark>, LogError> {
        self.log.source_marks()
    }

    fn wait(&self, partition: u32, offset: u64, timeout: Duration) {
        self.log.wait(partition, offset, timeout);
    }
}

fn segment(name: &str, topic: &str) -> SourceConfig {
    let (name, topic) = (name.to_owned(), topic.to_owned());
    SourceConfig { name, topic, format: SourceFormat::Segment, start: Start::Earliest, required: true }
}

fn json(name: &str, topic: &str) -> SourceConfig {
    let pairs = [("user", "/customer/id"), ("event", "/kind"), ("time", "/at"), ("properties", "/data")];
    let fields = Fields::new(pairs).expect("good fields");
    SourceConfig { format: SourceFormat::Json { fields }, ..segment(name, topic) }
}

/// A track of Segment's.
fn track(user: &str, number: usize) -> String {
    format!(
        r#"{{"type":"track","event":"Thing Done","userId":"{user}","messageId":"m-{number}","timestamp":"2026-03-02T10:00:00Z","properties":{{"number":{number}}}}}"#
    )
}

fn status_of(sources: &KafkaSources, name: &str) -> SourceStatus {
    sources.status().into_iter().find(|status| status.name == name).expect("a source of that name")
}

/// The words with which a source stopped, once it has.
#[track_caller]
fn words_of_stop(sources: &KafkaSources, name: &str) -> String {
    let words = wait::for_value(SOON, || match status_of(sources, name).state {
        SourceState::Stopped { reason } => Some(reason.to_string()),
        SourceState::Starting | SourceState::Copying | SourceState::Waiting { .. } => None,
    });
    words.unwrap_or_else(|| panic!("expected {name} to stop, found {:?}", status_of(sources, name)))
}

#[track_caller]
fn wait_until_copying(sources: &KafkaSources, name: &str) {
    wait::until("the source copies", SOON, || status_of(sources, name).state == SourceState::Copying);
}

/// A topic name that no other test of this broker has.
fn topic(words: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{words}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
