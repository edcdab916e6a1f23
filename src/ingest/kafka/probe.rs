//! Asks, about twice a second and on a thread of its own, where the partitions end, and whether the topic is still the
//! one that is copied.
//!
//! Our clock is read before the ends are, and the topic's identity after: the ends were this topic's, and no partition
//! was left out.
//!
//! A partition may end in offsets without a record for us: the markers of transactions, and what was aborted. Its
//! position would stand before them for ever, and hold the ticks. So where nothing moves, the asker reads on from the
//! position itself: told "end of partition" and no record, nothing before the probed end is for us, and it is skipped.

use super::ANSWER_WITHIN;
use super::session::Session;
use super::start;
use super::status::Trouble;
use super::topic_id::topic_id;
use metrics::gauge;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Offsets `from..to` of a partition hold no record for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Skip {
    pub partition: u32,
    pub from: u64,
    pub to: u64,
}

pub(super) struct Prober<'s> {
    pub session: &'s Session<'s>,
}

/// Timers lag behind real time by about this at most, while the source is read to its end.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// Reading a few offsets at the end of a partition.
const PEEK_WITHIN: Duration = Duration::from_secs(1);

impl Prober<'_> {
    /// Probes until the session is over: until nobody holds the other end of `is_over`.
    pub fn run(&self, is_over: &Receiver<()>) {
        let mut positions = Vec::new();
        // Of each partition: a position from which a record was seen, so that it is not looked at again.
        let mut seen = vec![None; self.session.identity.partitions as usize];
        loop {
            let before = std::mem::replace(&mut positions, self.session.source.station.progress.positions());
            if let Some(ends) = self.probe()
                && before == positions
            {
                self.peek_where_nothing_moves(&positions, &ends, &mut seen);
            }
            match is_over.recv_timeout(PROBE_EVERY) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// One probe; nothing when it could not be made, or the topic is another.
    fn probe(&self) -> Option<Vec<u64>> {
        let Session { source, identity, asker, .. } = self.session;
        let at = (source.clock)();
        let held = start::held(asker, &source.config.topic, identity.partitions, ANSWER_WITHIN);
        let held = held.map_err(|error| source.trouble(Trouble::Asking, error.to_string())).ok()?;
        let found = topic_id(asker.client(), &source.config.topic, ANSWER_WITHIN);
        let found = found.map_err(|error| source.trouble(Trouble::Asking, error.to_string())).ok()?;
        if found != *identity {
            self.session.is_outdated.store(true, Ordering::Relaxed);
            return None;
        }
        source.ease(Trouble::Asking);
        let ends: Vec<u64> = held.iter().map(|held| held.next).collect();
        let progress = &source.station.progress;
        progress.probed(at, &ends);
        let name = source.door.clone();
        if let Some(at) = progress.read_through() {
            gauge!("outreach_source_read_through_seconds", "source" => name.clone()).set(at.0 as f64 / 1e6);
        }
        gauge!("outreach_source_lag_records", "source" => name).set(progress.lag() as f64);
        if progress.lag() == 0 {
            source.ease(Trouble::Reading);
        }
        Some(ends)
    }

    fn peek_where_nothing_moves(&self, positions: &[u64], ends: &[u64], seen: &mut [Option<u64>]) {
        for (partition, (from, to)) in positions.iter().zip(ends).enumerate() {
            if from >= to || seen[partition] == Some(*from) {
                continue;
            }
            match self.is_empty(partition as i32, *from) {
                Ok(Some(true)) => {
                    let skip = Skip { partition: partition as u32, from: *from, to: *to };
                    let mut skips =
                        self.session.skips.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    skips.push(skip);
                }
                Ok(Some(false)) => seen[partition] = Some(*from),
                Ok(None) => {}
                // The consumer meets the same, and says so.
                Err(_) => {}
            }
        }
    }

    /// Whether the partition's end is reached from `from` without a record; nothing when it was not seen in time.
    fn is_empty(&self, partition: i32, from: u64) -> Result<Option<bool>, KafkaError> {
        let Session { source, asker, .. } = self.session;
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(&source.config.topic, partition, Offset::Offset(from as i64))?;
        asker.assign(&assignment)?;
        let until = Instant::now() + PEEK_WITHIN;
        let found = loop {
            let rest = until.saturating_duration_since(Instant::now());
            match asker.poll(rest) {
                Some(Ok(message)) if message.partition() == partition => break Ok(Some(false)),
                // Left over from the partition before.
                Some(Ok(_)) => {}
                Some(Err(KafkaError::PartitionEOF(ended))) if ended == partition => break Ok(Some(true)),
                Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Err(error)) => break Err(error),
                None if rest.is_zero() => break Ok(None),
                None => {}
            }
        };
        asker.unassign()?;
        found
    }
}
