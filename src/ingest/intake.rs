//! From the bytes of events to what is stored: records by partition for the log, dead letters for the ledger.
//!
//! Every input ends in one of the two. Letters are kept before the records are appended: a crash between the two makes
//! a source copy again (its letters are recognised by their origin), and an HTTP client send again; nothing is lost.

use super::dead_letters::DeadLetters;
use crate::ledger::{DeadLetter, LedgerError};
use crate::log::{Batch, Done, Log};
use outreach_engine::Timestamp;
use outreach_engine::event::{Arrival, Body, Envelope, EventKind, Malformed};

/// One input, as its door found it.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The door: `http:backend`, `kafka:product`, `dlq`.
    pub source: &'a str,
    /// Topic, partition and offset, for topics.
    pub origin: Option<(&'a str, u32, u64)>,
    pub payload: &'a [u8],
}

/// Gathers inputs of one door until they are stored together.
#[derive(Debug)]
pub struct Intake {
    partitions: u32,
    batch: Batch,
    letters: Vec<DeadLetter>,
    accepted: u32,
}

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Event,
    /// A dead letter, with the code of its reason.
    DeadLetter(&'static str),
}

/// A letter keeps so many bytes of its input: twice the largest event, so whatever could be replayed is whole.
const LETTER_BYTES_MAX: usize = 64 * 1024;

impl Intake {
    /// An empty intake for a log of `partitions`.
    pub fn new(partitions: u32) -> Intake {
        Intake { partitions, batch: Batch::default(), letters: Vec::new(), accepted: 0 }
    }

    /// Takes an event in Segment's envelope.
    pub fn take(&mut self, input: &Input<'_>, arrival: &Arrival<'_>) -> Taken {
        self.take_envelope(input, arrival, Envelope::parse(input.payload))
    }

    /// Takes an event whose envelope the door has read, or could not read.
    pub fn take_envelope(
        &mut self,
        input: &Input<'_>,
        arrival: &Arrival<'_>,
        envelope: Result<Envelope<'_>, Malformed>,
    ) -> Taken {
        let envelope = match envelope {
            Ok(envelope) => envelope,
            Err(malformed) => return self.keep(input, arrival.received_at, arrival.default_kind, malformed),
        };
        match envelope.resolve(arrival) {
            Ok(event) => {
                let partition = event.subject.partition(self.partitions);
                self.batch.push(partition, &Body::Event(event));
                self.accepted += 1;
                Taken::Event
            }
            Err(malformed) => self.keep(input, arrival.received_at, arrival.default_kind, malformed),
        }
    }

    /// Takes an input as a dead letter.
    pub fn refuse(&mut self, input: &Input<'_>, received_at: Timestamp, malformed: Malformed) -> Taken {
        self.keep(input, received_at, None, malformed)
    }

    fn keep(
        &mut self,
        input: &Input<'_>,
        received_at: Timestamp,
        kind: Option<EventKind>,
        malformed: Malformed,
    ) -> Taken {
        let kept = input.payload.len().min(LETTER_BYTES_MAX);
        let mut reason = malformed.message;
        if kept < input.payload.len() {
            reason.push_str(&format!("; the first {kept} of {} bytes are kept", input.payload.len()));
        }
        self.letters.push(DeadLetter {
            id: 0,
            source: input.source.to_owned(),
            origin: input.origin.map(|(topic, partition, offset)| (topic.to_owned(), partition, offset)),
            code: malformed.code.to_owned(),
            reason,
            payload: input.payload[..kept].to_vec(),
            kind,
            received_at,
            replayed_at: None,
            count: 1,
        });
        Taken::DeadLetter(malformed.code)
    }

    /// Events taken so far.
    pub fn accepted(&self) -> u32 {
        self.accepted
    }

    /// The partitions that the events taken so far are for.
    pub fn partitions(&self) -> impl Iterator<Item = u32> {
        self.batch.records.keys().copied()
    }

    pub fn letters(&self) -> &[DeadLetter] {
        &self.letters
    }

    /// What goes to the log, for a door that has marks to add, and what goes to the ledger before it.
    pub fn into_parts(self) -> (Batch, Vec<DeadLetter>) {
        (self.batch, self.letters)
    }

    /// Keeps the letters, then hands the records to `log`: `done` hears of the append, or at once when there is nothing
    /// to append. An error is the ledger's: then nothing was handed over and `done` is not called. May block.
    pub fn store(self, log: &dyn Log, letters: &dyn DeadLetters, done: Done) -> Result<(), LedgerError> {
        if !self.letters.is_empty() {
            letters.put(&self.letters)?;
        }
        if self.batch.is_empty() {
            done(Ok(()));
        } else {
            log.submit(self.batch, done);
        }
        Ok(())
    }
}

/// Counts what became of inputs of `source`, once that is durable.
pub fn report<'a>(source: &str, accepted: u32, codes: impl IntoIterator<Item = &'a str>) {
    let count = |outcome: &str, by: u32| {
        let labels = [("source", source.to_owned()), ("outcome", outcome.to_owned())];
        metrics::counter!("outreach_ingested_events_total", &labels).increment(u64::from(by));
    };
    count("accepted", accepted);
    codes.into_iter().for_each(|code| count(code, 1));
}

#[cfg(test)]
mod tests {
    use super::super::fake::{FakeLetters, FakeLog};
    use super::*;
    use outreach_engine::event::{MissingTime, Subject};
    use std::sync::mpsc;

    fn arrival() -> Arrival<'static> {
        Arrival {
            received_at: Timestamp::parse("2026-03-02T12:00:00Z").unwrap(),
            batch_sent_at: None,
            default_kind: None,
            is_proven: true,
            corrects_clock: false,
            default_message_id: "product/0/7",
            origin: None,
            missing_time: MissingTime::Refuse,
        }
    }

    fn input(payload: &[u8]) -> Input<'_> {
        Input { source: "kafka:product", origin: Some(("events", 0, 7)), payload }
    }

    const TRACK: &[u8] = br#"{"type":"track","event":"E","userId":"ada","timestamp":"2026-03-02T10:00:00Z"}"#;

    #[test]
    fn an_event_goes_to_its_subjects_partition() {
        let mut intake = Intake::new(8);
        assert_eq!(intake.take(&input(TRACK), &arrival()), Taken::Event);
        let (batch, letters) = intake.into_parts();
        let (partition, records) = batch.records.first_key_value().unwrap();
        assert_eq!(*partition, Subject::user("ada").partition(8));
        let Ok(Body::Event(event)) = Body::decode(&mut records.bytes.as_slice()) else { panic!("an event") };
        assert_eq!((event.kind, event.message_id.as_ref()), (EventKind::Track, "product/0/7"));
        assert!(letters.is_empty());
    }

    #[test]
    fn unusable_input_is_a_letter_with_its_place_and_reason() {
        let mut intake = Intake::new(8);
        assert_eq!(intake.take(&input(b"{}"), &arrival()), Taken::DeadLetter("unknown-type"));
        let letter = &intake.letters()[0];
        assert_eq!(letter.origin, Some(("events".into(), 0, 7)));
        assert_eq!((letter.source.as_str(), letter.payload.as_slice()), ("kafka:product", b"{}".as_slice()));
    }

    #[test]
    fn a_letter_keeps_what_the_path_of_its_request_said() {
        let mut intake = Intake::new(8);
        let by_path = Arrival { default_kind: Some(EventKind::Page), ..arrival() };
        assert_eq!(intake.take(&input(b"{}"), &by_path), Taken::DeadLetter("no-id"));
        intake.take(&input(b"{}"), &arrival());
        intake.take(&input(b"{"), &by_path);
        let kinds: Vec<_> = intake.letters().iter().map(|letter| letter.kind).collect();
        assert_eq!(kinds, [Some(EventKind::Page), None, Some(EventKind::Page)]);
    }

    #[test]
    fn a_letter_of_ten_megabytes_keeps_its_beginning() {
        let mut intake = Intake::new(8);
        let large = vec![b' '; 10_000_000];
        assert_eq!(intake.take(&input(&large), &arrival()), Taken::DeadLetter("too-large"));
        let letter = &intake.letters()[0];
        assert_eq!(letter.payload.len(), LETTER_BYTES_MAX);
        assert!(letter.reason.contains("of 10000000 bytes"), "{}", letter.reason);
    }

    #[test]
    fn nothing_is_appended_while_its_letters_cannot_be_kept() {
        let (log, letters) = (FakeLog::new(8), FakeLetters::default());
        letters.set_down(true);
        let mut intake = Intake::new(8);
        intake.take(&input(TRACK), &arrival());
        intake.take(&input(b"{}"), &arrival());
        assert!(intake.store(&*log, &letters, Box::new(|_| panic!("not handed over"))).is_err());
        assert_eq!(log.bodies_count(), 0);
    }

    #[test]
    fn letters_and_records_are_stored_together() {
        let (log, letters) = (FakeLog::new(8), FakeLetters::default());
        let mut intake = Intake::new(8);
        intake.take(&input(TRACK), &arrival());
        intake.take(&input(b"{}"), &arrival());
        let (sender, receiver) = mpsc::channel();
        intake.store(&*log, &letters, Box::new(move |result| sender.send(result).unwrap())).unwrap();
        assert!(receiver.recv().unwrap().is_ok());
        assert_eq!((log.bodies_count(), letters.kept().len()), (1, 1));
    }
}
