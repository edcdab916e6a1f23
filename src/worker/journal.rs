//! The log as people read it: what came in of late, of everybody or of one person.
//!
//! Reads from the end backwards, and so far only: whoever watches a busy log sees the newest part of it and is told that
//! there was more. Nothing is kept here, and a log that nobody watches costs nothing.

use crate::log::{Entry, Frame, Log, LogError};
use outreach_engine::event::{Body, ConsentKind, Event, EventKind, OutcomeKind, Record, Subject};
use outreach_engine::{DecisionId, Timestamp};
use std::sync::Arc;

/// A record for people. Ticks and releases are none of theirs.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub appended_at: Timestamp,
    /// `user:ada`.
    pub subject: String,
    /// When it happened; of an outcome or a consent, when it was noted.
    pub at: Timestamp,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Event {
        kind: EventKind,
        /// What rules call it; empty for identify, group and alias.
        name: String,
        is_proven: bool,
        /// JSON objects.
        properties: String,
        traits: String,
    },
    Outcome {
        decision: DecisionId,
        kind: OutcomeKind,
    },
    Consent(Wish),
}

/// What a person allows, or their mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    TopicOff(String),
    TopicOn(String),
    AllOff,
    AllOn,
    Bounced(String),
    Complained(String),
}

/// How far each partition was read: the next offset wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(Vec<u64>);

/// Lines, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines {
    pub lines: Vec<Line>,
    /// There were more than are here.
    pub is_cut: bool,
    /// How far back was looked, where the log goes on before it.
    pub looked_back_to: Option<Timestamp>,
}

/// Reads the log for people.
#[derive(Clone)]
pub struct Journal {
    log: Arc<dyn Log>,
}

/// So many frames of a partition are read at first, backwards; each time twice as many, up to the most. A frame holds one
/// event on a quiet day and thousands on a busy one.
const FRAMES_AT_ONCE: u64 = 4;
const FRAMES_AT_ONCE_MAX: u64 = 512;
/// Of a partition, when everybody is looked at.
const NEWEST_BYTES_MAX: usize = 256 * 1024;
/// Of a partition, when one person is looked for.
const PERSON_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A reader that is further behind begins anew at the end.
const BEHIND_FRAMES_MAX: u64 = 256;
const READ_BYTES_MAX: usize = 1024 * 1024;
/// What of a bag is kept for reading.
const BAG_BYTES_MAX: usize = 4 * 1024;

impl Journal {
    pub fn new(log: Arc<dyn Log>) -> Journal {
        Journal { log }
    }

    /// The newest lines of everybody, and where to read on.
    pub fn newest(&self, count_max: usize) -> Result<(Lines, Places), String> {
        let mut all = Lines::default();
        let mut places = Vec::new();
        for partition in 0..self.log.partitions() {
            let (lines, end) = self.backwards(partition, None, count_max, NEWEST_BYTES_MAX).map_err(words)?;
            all.lines.extend(lines.lines);
            places.push(end);
        }
        all.keep_newest(count_max);
        Ok((all, Places(places)))
    }

    /// What came after `places`, which move on. Of what is more than can be looked at, the newest.
    pub fn since(&self, places: &mut Places, count_max: usize) -> Result<Lines, String> {
        let mut all = Lines::default();
        for (partition, place) in places.0.iter_mut().enumerate() {
            let partition = partition as u32;
            let end = self.log.bounds(partition).map_err(words)?.end;
            if end > *place + BEHIND_FRAMES_MAX {
                *place = end - BEHIND_FRAMES_MAX;
                all.is_cut = true;
            }
            let wanted = |_: Subject<'_>| true;
            self.forwards(partition, *place..end, &wanted, &mut all.lines).map_err(words)?;
            *place = end;
        }
        all.keep_newest(count_max);
        Ok(all)
    }

    /// The newest lines of one person.
    pub fn of(&self, subject: Subject<'_>, count_max: usize) -> Result<Lines, String> {
        let partition = subject.partition(self.log.partitions());
        let found = self.backwards(partition, Some(subject), count_max, PERSON_BYTES_MAX).map_err(words)?;
        let mut lines = found.0;
        lines.keep_newest(count_max);
        Ok(lines)
    }

    /// Lines from the end of a partition, until there are enough or enough was read; and where it ends.
    fn backwards(
        &self,
        partition: u32,
        subject: Option<Subject<'_>>,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<(Lines, u64), LogError> {
        let wanted = |found: Subject<'_>| subject.is_none_or(|subject| subject == found);
        let bounds = self.log.bounds(partition)?;
        let (mut all, mut end, mut bytes, mut frames) = (Lines::default(), bounds.end, 0, FRAMES_AT_ONCE);
        while end > bounds.start && all.lines.len() < count_max && bytes < bytes_max {
            let begin = bounds.start.max(end.saturating_sub(frames));
            let mut lines = Vec::new();
            let read = self.forwards(partition, begin..end, &wanted, &mut lines)?;
            bytes += read.bytes;
            all.looked_back_to = read.first_at;
            all.lines.splice(0..0, lines);
            end = begin;
            frames = (frames * 2).min(FRAMES_AT_ONCE_MAX);
        }
        if end == bounds.start {
            all.looked_back_to = None;
        }
        Ok((all, bounds.end))
    }

    fn forwards(
        &self,
        partition: u32,
        offsets: std::ops::Range<u64>,
        wanted: &dyn Fn(Subject<'_>) -> bool,
        lines: &mut Vec<Line>,
    ) -> Result<Reading, LogError> {
        let mut reading = Reading::default();
        let mut next = offsets.start;
        while next < offsets.end {
            let entries = self.log.read(partition, next, READ_BYTES_MAX)?;
            let inside = entries.iter().take_while(|entry| entry.offset < offsets.end);
            let before = next;
            for entry in inside {
                reading.first_at.get_or_insert(entry.appended_at);
                reading.bytes += entry.frame.len();
                lines_of(entry, wanted, lines)?;
                next = entry.offset + 1;
            }
            if next == before {
                break;
            }
        }
        Ok(reading)
    }
}

#[derive(Default)]
struct Reading {
    bytes: usize,
    first_at: Option<Timestamp>,
}

impl Lines {
    fn keep_newest(&mut self, count_max: usize) {
        self.lines.sort_by_key(|line| line.appended_at);
        let over = self.lines.len().saturating_sub(count_max);
        self.lines.drain(..over);
        self.is_cut |= over > 0;
    }
}

fn lines_of(
    entry: &Entry,
    wanted: &dyn Fn(Subject<'_>) -> bool,
    lines: &mut Vec<Line>,
) -> Result<(), LogError> {
    let damaged = |error: crate::log::FrameError| LogError::Damaged { reason: error.to_string() };
    let frame = Frame::decode(&entry.frame).map_err(damaged)?;
    for record in frame.records(entry.offset, entry.appended_at) {
        let record = record.map_err(damaged)?;
        if record.body.subject().is_some_and(wanted) {
            lines.extend(line(&record));
        }
    }
    Ok(())
}

fn line(record: &Record<'_>) -> Option<Line> {
    let (at, what) = match &record.body {
        Body::Event(event) => (event.occurred_at, of_event(event)),
        Body::Outcome(outcome) => {
            (outcome.at, What::Outcome { decision: outcome.decision, kind: outcome.kind })
        }
        Body::Consent(consent) => (consent.at, What::Consent(wish(&consent.kind))),
        Body::Release { .. } | Body::Tick { .. } => return None,
    };
    let subject = record.body.subject()?.to_string();
    Some(Line { appended_at: record.appended_at, subject, at, what })
}

fn of_event(event: &Event<'_>) -> What {
    What::Event {
        kind: event.kind,
        name: event.name.to_string(),
        is_proven: event.is_proven,
        properties: bag(&event.properties),
        traits: bag(&event.traits),
    }
}

/// Whole, or nothing of it: half a JSON object is none.
fn bag(text: &str) -> String {
    if text.len() <= BAG_BYTES_MAX { text.to_owned() } else { "{}".to_owned() }
}

fn wish(kind: &ConsentKind<'_>) -> Wish {
    match kind {
        ConsentKind::TopicOff(topic) => Wish::TopicOff(topic.to_string()),
        ConsentKind::TopicOn(topic) => Wish::TopicOn(topic.to_string()),
        ConsentKind::AllOff => Wish::AllOff,
        ConsentKind::AllOn => Wish::AllOn,
        ConsentKind::Bounced(address) => Wish::Bounced(address.to_string()),
        ConsentKind::Complained(address) => Wish::Complained(address.to_string()),
    }
}

fn words(error: LogError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::log::Batch;
    use crate::log::embedded::EmbeddedLog;
    use outreach_engine::event::Outcome;

    fn did(id: &'static str, name: String) -> Body<'static> {
        Body::Event(Event {
            kind: EventKind::Track,
            subject: Subject::user(id),
            message_id: name.clone().into(),
            name: name.into(),
            occurred_at: Timestamp(5),
            received_at: Timestamp(6),
            is_proven: true,
            origin: None,
            other_id: None,
            properties: "{}".into(),
            traits: "{}".into(),
            context: "{}".into(),
        })
    }

    struct Kept {
        _folder: tempfile::TempDir,
        log: Arc<EmbeddedLog>,
        journal: Journal,
    }

    fn kept() -> Kept {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(EmbeddedLog::open(folder.path(), 2, clock::system()).unwrap());
        Kept { _folder: folder, journal: Journal::new(log.clone()), log }
    }

    impl Kept {
        /// One frame for each.
        fn append(&self, bodies: &[Body<'_>]) {
            for body in bodies {
                let mut batch = Batch::default();
                let partition = body.subject().map_or(0, |subject| subject.partition(2));
                batch.push(partition, body);
                self.log.append(batch).unwrap();
            }
        }
    }

    fn names(lines: &Lines) -> Vec<&str> {
        lines
            .lines
            .iter()
            .map(|line| match &line.what {
                What::Event { name, .. } => name.as_str(),
                What::Outcome { kind, .. } => kind.as_str(),
                What::Consent(_) => "consent",
            })
            .collect()
    }

    #[test]
    fn the_newest_of_all_partitions_come_oldest_first_and_reading_goes_on_behind_them() {
        let kept = kept();
        let tick = Body::Tick { at: Timestamp(9), until: None };
        kept.append(&[did("ada", "a".into()), tick, did("bob", "b".into()), did("cyd", "c".into())]);
        let (lines, mut places) = kept.journal.newest(2).unwrap();
        assert_eq!((names(&lines), lines.is_cut), (vec!["b", "c"], true));
        assert_eq!(kept.journal.since(&mut places, 9).unwrap(), Lines::default());
        let sent = Outcome {
            subject: Subject::user("ada"),
            decision: DecisionId([7; 16]),
            kind: OutcomeKind::Sent,
            at: Timestamp(8),
        };
        kept.append(&[Body::Outcome(sent), did("ada", "d".into())]);
        let since = kept.journal.since(&mut places, 9).unwrap();
        assert_eq!((names(&since), since.is_cut), (vec!["sent", "d"], false));
        assert_eq!(kept.journal.since(&mut places, 9).unwrap(), Lines::default());
    }

    #[test]
    fn who_is_far_behind_is_given_the_newest_and_told() {
        let kept = kept();
        let (_, mut places) = kept.journal.newest(9).unwrap();
        let many: Vec<_> = (0..BEHIND_FRAMES_MAX + 9).map(|number| did("ada", number.to_string())).collect();
        kept.append(&many);
        let mut same = places.clone();
        let since = kept.journal.since(&mut places, 3).unwrap();
        assert_eq!((names(&since), since.is_cut), (vec!["262", "263", "264"], true));
        let since = kept.journal.since(&mut same, 9_999).unwrap();
        assert_eq!(
            (since.lines.len() as u64, since.is_cut),
            (BEHIND_FRAMES_MAX, true),
            "nine were passed over"
        );
    }

    #[test]
    fn one_person_is_found_among_many_back_to_the_beginning() {
        let kept = kept();
        kept.append(&[did("ada", "first".into())]);
        let many: Vec<_> = (0..40).map(|number| did("bob", number.to_string())).collect();
        kept.append(&many);
        kept.append(&[did("ada", "last".into())]);
        let lines = kept.journal.of(Subject::user("ada"), 9).unwrap();
        assert_eq!((names(&lines), lines.is_cut), (vec!["first", "last"], false));
        assert_eq!(lines.looked_back_to, None, "all of the log was looked at");
        let lines = kept.journal.of(Subject::user("ada"), 1).unwrap();
        assert_eq!(names(&lines), ["last"]);
        assert!(lines.looked_back_to.is_some(), "the rest was not looked at");
    }
}
