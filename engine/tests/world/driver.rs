//! Feeds a shard: appends entries, ticks whenever somebody is due, and answers what was decided.

use super::entry::{Entry, What};
use outreach_engine::event::{OutcomeKind, Place};
use outreach_engine::{Decision, Effect, Release, Shard, Timestamp, Verdict, apply};

/// What becomes of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Each leaves at the tick that decided it: the ideal world of a replay.
    AtOnce,
    /// The test says.
    ByHand,
}

pub struct Driver {
    pub release: Release,
    pub shard: Shard,
    pub answers: Answers,
    /// Whether ticks are written: false between `stop` and `start`.
    pub is_running: bool,
    pub effects: Vec<Effect>,
    /// No tick says an earlier time.
    pub clock: Timestamp,
    /// The log as it was written.
    pub log: Vec<Entry>,
    offset: u64,
}

/// Ticks in one run, so that a step that stays due for ever fails a test and does not hang it.
const TICKS_MAX: usize = 100_000;

impl Driver {
    pub fn new(release: Release) -> Driver {
        Driver {
            release,
            shard: Shard::new(),
            answers: Answers::AtOnce,
            is_running: true,
            clock: Timestamp::MIN,
            effects: Vec::new(),
            log: Vec::new(),
            offset: 0,
        }
    }

    /// Brings entries in the order of their arrival; before each, and after the last of one moment, who is due is judged.
    pub fn run(&mut self, entries: &[Entry]) {
        for (index, entry) in entries.iter().enumerate() {
            self.tick_until(Timestamp(entry.arrives.0 - 1));
            self.append(entry.clone());
            if entries.get(index + 1).is_none_or(|next| next.arrives > entry.arrives) {
                self.tick_until(entry.arrives);
            }
        }
    }

    /// Writes ticks at each due time up to and including `at`.
    pub fn tick_until(&mut self, at: Timestamp) {
        for _ in 0..TICKS_MAX {
            let due = self.shard.next_due_at().filter(|due| self.is_running && *due <= at);
            let Some(due) = due else { return };
            self.tick(due.max(self.clock));
        }
        panic!("somebody is due for ever");
    }

    /// Judges all that will ever be due.
    pub fn run_out(&mut self) {
        self.tick_until(Timestamp::MAX);
    }

    /// One tick, and the answers to what it decided.
    pub fn tick(&mut self, at: Timestamp) {
        let before = self.effects.len();
        self.append(Entry::tick(at));
        if self.answers == Answers::AtOnce {
            let sent: Vec<_> = self.effects[before..].iter().filter_map(sent_by).cloned().collect();
            sent.iter().for_each(|decision| self.answer(decision, OutcomeKind::Sent, at));
        }
    }

    pub fn answer(&mut self, decision: &Decision, kind: OutcomeKind, at: Timestamp) {
        let what = What::Outcome { decision: decision.id, kind };
        self.append(Entry { who: decision.subject.to_string(), at, arrives: at, what });
    }

    pub fn append(&mut self, entry: Entry) {
        self.offset += 1;
        self.clock = self.clock.max(entry.arrives);
        let record = entry.record(Place { offset: self.offset, index: 0 });
        self.effects.extend(apply(&self.release, &mut self.shard, &record));
        self.log.push(entry);
    }

    /// All that was decided so far.
    pub fn decisions(&self) -> impl DoubleEndedIterator<Item = &Decision> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Decide(decision) => Some(decision.as_ref()),
            Effect::Cancel(_) | Effect::Count(_) | Effect::Reject(_) => None,
        })
    }
}

fn sent_by(effect: &Effect) -> Option<&Decision> {
    match effect {
        Effect::Decide(decision) if decision.verdict == Verdict::Send => Some(decision),
        Effect::Decide(_) | Effect::Cancel(_) | Effect::Count(_) | Effect::Reject(_) => None,
    }
}
