//! Polls, parses and collects records, and hands them to the appender whenever that waits for some: so appends are as
//! large as the time between them asks for, and a quiet source's record waits for nothing.

use super::collected::{Collected, marks_of, source_number};
use super::session::{End, Session};
use super::status::Trouble;
use outreach_engine::event::Origin;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::types::RDKafkaErrorCode;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

/// Bytes of records in one append: large enough for frames that compress well, small enough for memory.
const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Letters in one append: each keeps up to 64 kB of its input.
const BATCH_LETTERS_MAX: usize = 64;
/// An idle source looks this often whether it is to stop.
const POLL_WAIT: Duration = Duration::from_millis(50);
/// While the append before is under way, and records wait.
const BUSY_WAIT: Duration = Duration::from_millis(1);

/// Copies for one session.
pub(super) struct Copier<'s> {
    session: &'s Session<'s>,
    number: u64,
    log_partitions: u32,
    /// The next offset of each partition that is not collected yet.
    next: Vec<u64>,
    /// The same, as it was handed over last.
    handed: Vec<u64>,
    collected: Collected,
}

impl<'s> Copier<'s> {
    pub fn new(session: &'s Session<'s>, positions: Vec<u64>) -> Copier<'s> {
        let number = source_number(&session.source.config.name, &session.identity.id);
        let log_partitions = session.source.log.partitions();
        let handed = positions.clone();
        Copier {
            session,
            number,
            log_partitions,
            next: positions,
            handed,
            collected: Collected::new(log_partitions),
        }
    }

    /// Copies until something ends the session.
    pub fn run(&mut self, consumer: &BaseConsumer, hand_over: &SyncSender<Collected>) -> End {
        let mut wait = POLL_WAIT;
        loop {
            let polled = consumer.poll(wait);
            let is_idle = polled.is_none();
            match polled {
                Some(Ok(message)) if self.take(&message) => {}
                Some(Ok(_)) => return End::PlanAgain,
                Some(Err(error)) if is_position_gone(&error) => return End::PlanAgain,
                Some(Err(error)) => self.session.source.trouble(Trouble::Reading, error.to_string()),
                None => {}
            }
            wait = Duration::ZERO;
            if !is_idle && !self.collected.is_look_due() {
                continue;
            }
            if self.session.source.station.is_stop_asked() {
                return End::Asked;
            }
            if self.session.is_outdated.load(Ordering::Relaxed) {
                return End::PlanAgain;
            }
            self.take_skips();
            let is_full = self.collected.bytes >= BATCH_BYTES_MAX
                || self.collected.intake.letters().len() >= BATCH_LETTERS_MAX;
            match self.hand_over(hand_over, is_full) {
                HandedOver::Done => {}
                HandedOver::Nothing if is_idle => wait = POLL_WAIT,
                HandedOver::Busy if is_idle => wait = BUSY_WAIT,
                HandedOver::Nothing | HandedOver::Busy => {}
                HandedOver::Ended => return End::PlanAgain,
            }
        }
    }

    /// Collects one record; false when it cannot be of the topic that was planned for.
    fn take(&mut self, message: &BorrowedMessage<'_>) -> bool {
        let source = self.session.source;
        let (partition, offset) = (message.partition() as u32, message.offset() as u64);
        if self.next.get(partition as usize).is_none_or(|next| offset < *next) {
            return false;
        }
        self.next[partition as usize] = offset + 1;
        let origin = Origin { source: self.number, partition, offset };
        self.collected.take(&source.config, &source.door, origin, message.payload(), (source.clock)());
        true
    }

    fn take_skips(&mut self) {
        let mut skips = self.session.skips.lock().unwrap_or_else(PoisonError::into_inner);
        for skip in skips.drain(..) {
            let next = &mut self.next[skip.partition as usize];
            // What came meanwhile was read, and stands above the range.
            if *next == skip.from {
                *next = skip.to;
            }
        }
    }

    /// Hands the batch to the appender if that waits for one; waits for it when the batch is full.
    fn hand_over(&mut self, hand_over: &SyncSender<Collected>, is_full: bool) -> HandedOver {
        if self.next == self.handed {
            return HandedOver::Nothing;
        }
        let moved =
            self.next.iter().zip(&self.handed).enumerate().filter(|(_, (next, handed))| next != handed);
        let moved = moved.map(|(partition, (next, _))| (partition, *next));
        let marks = marks_of(&self.session.source.config.name, &self.session.identity.id, moved);
        self.collected.marks = marks;
        let whole = std::mem::replace(&mut self.collected, Collected::new(self.log_partitions));
        let sent = if is_full { hand_over.send(whole).map_err(|_| None) } else { try_send(hand_over, whole) };
        match sent {
            Ok(()) => {
                self.handed.clone_from(&self.next);
                // Records come: whatever kept them away is over.
                self.session.source.ease(Trouble::Reading);
                HandedOver::Done
            }
            Err(Some(unsent)) => {
                self.collected = *unsent;
                HandedOver::Busy
            }
            Err(None) => HandedOver::Ended,
        }
    }
}

enum HandedOver {
    Done,
    /// There is nothing to hand over.
    Nothing,
    /// The append before is under way.
    Busy,
    /// The appender has ended.
    Ended,
}

fn try_send(to: &SyncSender<Collected>, collected: Collected) -> Result<(), Option<Box<Collected>>> {
    to.try_send(collected).map_err(|error| match error {
        TrySendError::Full(unsent) => Some(Box::new(unsent)),
        TrySendError::Disconnected(_) => None,
    })
}

fn is_position_gone(error: &KafkaError) -> bool {
    let codes = [
        RDKafkaErrorCode::AutoOffsetReset,
        RDKafkaErrorCode::OffsetOutOfRange,
        RDKafkaErrorCode::LogTruncation,
        RDKafkaErrorCode::UnknownTopicId,
    ];
    matches!(error, KafkaError::MessageConsumptionFatal(_))
        || error.rdkafka_error_code().is_some_and(|code| codes.contains(&code))
}
