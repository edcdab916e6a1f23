//! The product's topic, and a process's copying of it into the log.
//!
//! The steps are the service's own: `ingest::kafka::collected` makes records, dead letters and marks of what was read, and
//! `ingest::kafka::read_through` knows up to when all of it is in the log. Made anew here is only what the Kafka client and
//! the threads around it do: fetching, asking where the topic ends and whether it is still the same one, and trying again.
//! librdkafka has threads and sockets of its own, so it cannot run in one thread; `tests/it` runs it against a real broker.

use crate::ledger::SimLedger;
use crate::log::SimLog;
use crate::people::{Deed, What};
use crate::time::TrueTime;
use outreach::clock::Clock;
use outreach::ingest::dead_letters::DeadLetters;
use outreach::ingest::kafka::collected::{Collected, marks_of, source_number};
use outreach::ingest::kafka::read_through::{Progress, ReadThrough as Read};
use outreach::ingest::kafka::topic_id::TopicId;
use outreach::ingest::kafka::{SourceConfig, SourceFormat, Start};
use outreach::log::Log;
use outreach::worker::ReadThrough;
use outreach_engine::event::Origin;
use std::sync::{Arc, Mutex};

/// A topic of one partition. It grows as true time goes on.
#[derive(Debug)]
pub struct Topic {
    /// (when it is there, what it is), by time.
    pub records: Vec<(i64, Vec<u8>)>,
}

const NAME: &str = "product";
const DOOR: &str = "kafka:product";
/// Records that are copied in one step at most.
const RECORDS_MAX: usize = 20;

/// How far a process has copied.
pub struct Copier {
    topic: Arc<Topic>,
    time: TrueTime,
    clock: Clock,
    config: SourceConfig,
    progress: Arc<Progress>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    next: usize,
    /// Cannot read before this moment of true time.
    stalled_until: i64,
}

impl Topic {
    pub fn new(deeds: &[Deed]) -> Topic {
        let records = deeds.iter().filter_map(|deed| match &deed.what {
            What::Source(payload) => Some((deed.at, payload.clone())),
            What::Post(_) | What::Unsubscribe { .. } | What::Complain { .. } => None,
        });
        Topic { records: records.collect() }
    }

    /// How many are there at this moment.
    pub fn end(&self, now: i64) -> usize {
        self.records.partition_point(|(at, _)| *at <= now)
    }
}

fn topic_id() -> TopicId {
    TopicId::from_bits(1, 2)
}

/// The number by which the engine knows the source.
pub fn number() -> u64 {
    source_number(NAME, &topic_id())
}

impl Copier {
    /// Goes on where the log says that it was copied to.
    pub fn start(
        topic: Arc<Topic>,
        time: TrueTime,
        clock: Clock,
        log: &SimLog,
        stalled_until: i64,
    ) -> Copier {
        let marks = log.source_marks().expect("marks are always read");
        let next = marks.iter().find(|mark| mark.source == NAME).map_or(0, |mark| mark.next_offset);
        let progress = Arc::new(Progress::new(true));
        progress.begin(&[next]);
        let config = SourceConfig {
            name: NAME.into(),
            topic: NAME.into(),
            format: SourceFormat::Segment,
            start: Start::Earliest,
            required: true,
        };
        let state = State { next: next as usize, stalled_until };
        Copier { topic, time, clock, config, progress, state: Arc::new(Mutex::new(state)) }
    }

    pub fn stall_until(&self, until: i64) {
        self.state.lock().expect("no panic while held").stalled_until = until;
    }

    /// The service probes twice a second; here it has just done so whenever somebody asks.
    pub fn read_through(&self) -> ReadThrough {
        let (topic, state) = (self.topic.clone(), self.state.clone());
        let (time, clock) = (self.time.clone(), self.clock.clone());
        let (progress, read) = (self.progress.clone(), Read::new(vec![self.progress.clone()]));
        Arc::new(move || {
            let now = time.now();
            if now >= state.lock().expect("no panic while held").stalled_until {
                progress.probed(clock(), &[topic.end(now) as u64]);
            }
            read.least()
        })
    }

    /// Copies some; whether there is more, or an error's words.
    pub fn step(&self, log: &SimLog, ledger: &SimLedger) -> Result<bool, String> {
        let mut state = self.state.lock().expect("no panic while held");
        let now = self.time.now();
        let end = self.topic.end(now).min(state.next + RECORDS_MAX);
        if now < state.stalled_until {
            return Err("stalled".into());
        }
        if state.next == end {
            return Ok(false);
        }
        let mut collected = Collected::new(log.partitions());
        for offset in state.next..end {
            let origin = Origin { source: number(), partition: 0, offset: offset as u64 };
            let value = Some(self.topic.records[offset].1.as_slice());
            collected.take(&self.config, DOOR, origin, value, (self.clock)());
        }
        collected.marks = marks_of(NAME, &topic_id(), [(0, end as u64)].into_iter());
        let (batch, letters) = collected.into_parts();
        if !letters.is_empty() {
            ledger.put(&letters).map_err(|error| error.to_string())?;
        }
        let marks = batch.marks.clone();
        log.append(batch).map_err(|error| error.to_string())?;
        self.progress.appended_all(&marks);
        state.next = end;
        Ok(true)
    }
}
