//! The product's topic, and a process's copying of it into the log.

use crate::ledger::SimLedger;
use crate::log::SimLog;
use crate::people::{Deed, What};
use crate::time::MachineClock;
use outreach::ingest::dead_letters::DeadLetters;
use outreach::ingest::intake::{Input, Intake};
use outreach::log::{Log, SourceMark};
use outreach::worker::ReadThrough;
use outreach_engine::Timestamp;
use outreach_engine::event::{Arrival, MissingTime, Origin};
use std::sync::{Arc, Mutex};

/// A topic of one partition. It grows as true time goes on.
#[derive(Debug)]
pub struct Topic {
    /// (when it is there, what it is), by time.
    pub records: Vec<(i64, Vec<u8>)>,
}

const NAME: &str = "product";
const TOPIC_ID: &str = "topic-1";
pub const SOURCE: u64 = 42;
/// Records that are copied in one step at most.
const RECORDS_MAX: usize = 20;

/// How far a process has copied.
#[derive(Debug)]
pub struct Copier {
    topic: Arc<Topic>,
    machine: MachineClock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    next: usize,
    /// When it last stood at the topic's end, by the machine's clock.
    stood_at: Timestamp,
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

impl Copier {
    /// Goes on where the log says that it was copied to.
    pub fn start(topic: Arc<Topic>, machine: MachineClock, log: &SimLog, stalled_until: i64) -> Copier {
        let marks = log.source_marks().expect("marks are always read");
        let next = marks.iter().find(|mark| mark.source == NAME).map_or(0, |mark| mark.next_offset);
        let state = State { next: next as usize, stood_at: Timestamp::MIN, stalled_until };
        Copier { topic, machine, state: Arc::new(Mutex::new(state)) }
    }

    pub fn stall_until(&self, until: i64) {
        self.state.lock().expect("no panic while held").stalled_until = until;
    }

    /// A reader at the end sees at any moment that it is there.
    pub fn read_through(&self) -> ReadThrough {
        let (topic, machine, state) = (self.topic.clone(), self.machine.clone(), self.state.clone());
        Arc::new(move || {
            let mut state = state.lock().expect("no panic while held");
            let now = machine.time.now();
            if now >= state.stalled_until && state.next == topic.end(now) {
                state.stood_at = machine.now();
            }
            Some(state.stood_at)
        })
    }

    /// Copies some; whether there is more, or an error's words.
    pub fn step(&self, log: &SimLog, ledger: &SimLedger) -> Result<bool, String> {
        let mut state = self.state.lock().expect("no panic while held");
        let now = self.machine.time.now();
        let end = self.topic.end(now).min(state.next + RECORDS_MAX);
        if now < state.stalled_until {
            return Err("stalled".into());
        }
        if state.next == end {
            return Ok(false);
        }
        let mut intake = Intake::new(log.partitions());
        for offset in state.next..end {
            let (at, payload) = &self.topic.records[offset];
            let default_message_id = format!("{NAME}/0/{offset}");
            let arrival = Arrival {
                received_at: Timestamp(*at),
                batch_sent_at: None,
                default_kind: None,
                is_proven: true,
                corrects_clock: false,
                default_message_id: &default_message_id,
                origin: Some(Origin { source: SOURCE, partition: 0, offset: offset as u64 }),
                missing_time: MissingTime::Refuse,
            };
            let input = Input { source: "kafka:product", origin: Some((NAME, 0, offset as u64)), payload };
            intake.take(&input, &arrival);
        }
        let (mut batch, letters) = intake.into_parts();
        if !letters.is_empty() {
            ledger.put(&letters).map_err(|error| error.to_string())?;
        }
        batch.marks.push(SourceMark {
            source: NAME.into(),
            topic_id: TOPIC_ID.into(),
            partition: 0,
            next_offset: end as u64,
        });
        log.append(batch).map_err(|error| error.to_string())?;
        state.next = end;
        Ok(true)
    }
}
