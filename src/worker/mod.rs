//! A worker runs one partition's shard: it reads the log, lets the engine decide, and writes decisions together with
//! its position.
//!
//! Invariants:
//! - Decisions and position move in one ledger transaction, which fails unless the position is where this worker left it
//!   (`Transaction::move_position`). A worker that is fenced stops, and starts again from the ledger.
//! - Effects of frames before the ledger's position are dropped: they were written when the position moved.
//! - Ticks are written only while the worker stands at the log's end (`tick`).
//! - A shard that cannot prove its state does not start (`recovery`).

pub mod journal;
pub mod recovery;
pub mod snapshots;
mod keeping;
mod tick;
mod view;
#[cfg(test)]
mod tests;

use crate::clock::{Clock, InDoubt};
use crate::ledger::{Ledger, LedgerError};
use crate::log::{Entry, Frame, FrameError, Log, LogError};
use keeping::Keeping;
pub use keeping::SNAPSHOT_SLICE;
use outreach_engine::effect::{Cancel, Decision, Effect, NonEntry};
use outreach_engine::event::Body;
use outreach_engine::planted::{self, Bug};
use outreach_engine::{Length, Release, Shard, Timestamp, apply};
use snapshots::Snapshots;
use std::sync::Arc;
use std::time::Duration;
pub use tick::{Pace, Standing};
pub use view::{EntryView, Found, JourneyView, PersonReport, PersonView, WaitView};

/// Finds a release by its id, compiled, with the earlier ones that people may still be inside.
pub type Releases = Arc<dyn Fn(&str) -> Result<Arc<Release>, String> + Send + Sync>;

/// When every required source last stood at its end with all of it appended; nothing where there is no source to wait
/// for, `Timestamp::MIN` where one has never been read.
pub type ReadThrough = Arc<dyn Fn() -> Option<Timestamp> + Send + Sync>;

/// Has a snapshot written: at once, later, or not at all. Gets what is to be done, and does not wait for it.
pub type Writer = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;

/// What a worker works with.
pub struct Tools<L, D> {
    pub log: Arc<L>,
    pub ledger: Arc<D>,
    pub snapshots: Arc<Snapshots>,
    pub writer: Writer,
    /// So many people are copied for a snapshot in one step, see [`SNAPSHOT_SLICE`].
    pub snapshot_slice: usize,
    pub releases: Releases,
    pub read_through: ReadThrough,
    pub clock: Clock,
    /// While the clock is in doubt no tick is written, and the shard does not count as standing at the log's end: so the
    /// gate holds its messages.
    pub in_doubt: InDoubt,
    pub standing: Arc<Standing>,
}

/// One partition's shard, and where it stands.
pub struct Worker<L, D> {
    tools: Tools<L, D>,
    partition: u32,
    shard: Shard,
    release: Option<Arc<Release>>,
    /// The next frame to read.
    next: u64,
    /// Where the ledger stands.
    position: u64,
    /// Effects since `position`.
    unwritten: Unwritten,
    pace: Pace,
    written_at: Timestamp,
    snapshot: Keeping,
    /// Where the log ended when that was last looked at.
    sighted: Sighted,
    frame: Frame,
}

/// Where the log ended at a moment.
struct Sighted {
    end: u64,
    at: Timestamp,
}

#[derive(Default)]
struct Unwritten {
    decisions: Vec<Decision>,
    cancels: Vec<Cancel>,
    non_entries: Vec<NonEntry>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There may be more to do at once.
    Busy,
    /// Stands at the log's end, with nothing to do before this moment (or before the log grows).
    Idle { until: Timestamp },
    /// Log or ledger take nothing: to be tried again at this moment.
    Blocked { until: Timestamp },
}

/// Why a worker stops.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("partition {partition}, offset {offset}: {reason}")]
    Frame { partition: u32, offset: u64, reason: String },
    #[error("partition {partition} cannot prove its state: {reason}")]
    Unproven { partition: u32, reason: String },
    #[error("release {id}: {reason}")]
    Release { id: String, reason: String },
}

/// So much of the log is read in one step.
const READ_BYTES_MAX: usize = 1024 * 1024;
/// So many rows are written in one transaction at the most before the next frames are read.
const ROWS_MAX: usize = 1_000;
/// So many counts are kept in memory while the log is being caught up with.
const NON_ENTRIES_MAX: usize = 50_000;
/// Log or ledger are tried again after this.
const AGAIN_AFTER: Length = Length::seconds(1);
/// A worker that has read all that was there so long ago stands at the log's end, though the next is there already.
const AT_END_WITHIN: Length = Length::seconds(2);
/// A position without decisions moves this often: re-reading the frames between costs little.
const POSITION_EVERY: Length = Length::seconds(1);

impl<L: Log, D: Ledger> Worker<L, D> {
    /// What waits for the log to grow, until this moment at the latest; the worker itself is free meanwhile.
    pub fn rest(&self, until: Timestamp) -> impl FnOnce() + use<L, D> {
        let rest = rest_of(until, (self.tools.clock)());
        let (log, partition, next) = (self.tools.log.clone(), self.partition, self.next);
        move || log.wait(partition, next, rest)
    }

    /// The shard's people and where they are, for those who ask.
    pub fn shard(&self) -> &Shard {
        &self.shard
    }

    /// The release that the shard decides by.
    pub fn release(&self) -> Option<&Arc<Release>> {
        self.release.as_ref()
    }

    /// Reads on, decides, writes down, and writes a tick when one is due. What is away for a moment is waited for: the
    /// state is kept, and what is not written yet is written later.
    pub fn step(&mut self) -> Result<Step, WorkerError> {
        match self.try_step() {
            Err(
                error @ (WorkerError::Ledger(LedgerError::Unavailable { .. })
                | WorkerError::Log(LogError::Unavailable { .. })),
            ) => {
                tracing::warn!(partition = self.partition, %error, "a worker waits");
                Ok(Step::Blocked { until: (self.tools.clock)() + AGAIN_AFTER })
            }
            stepped => stepped,
        }
    }

    /// Reads to the log's end for the state alone: for those who only look. Writes nothing.
    pub fn look(&mut self) -> Result<(), WorkerError> {
        loop {
            let entries = self.tools.log.read(self.partition, self.next, READ_BYTES_MAX)?;
            if entries.is_empty() {
                return Ok(());
            }
            entries.iter().try_for_each(|entry| self.take_in(entry))?;
            self.unwritten = Unwritten::default();
        }
    }

    fn try_step(&mut self) -> Result<Step, WorkerError> {
        let read_at = (self.tools.clock)();
        if !self.sign() {
            return Ok(Step::Blocked { until: read_at + AGAIN_AFTER });
        }
        if self.next >= self.sighted.end {
            let end = self.tools.log.bounds(self.partition)?.end;
            self.sighted = Sighted { end, at: read_at };
        }
        if self.unwritten.is_full() {
            self.write_down(read_at)?;
        }
        let entries = self.tools.log.read(self.partition, self.next, READ_BYTES_MAX)?;
        for entry in &entries {
            self.take_in(entry)?;
            if self.unwritten.is_full() {
                self.write_down(read_at)?;
            }
        }
        let stands_at_end = self.next >= self.sighted.end && read_at.since(self.sighted.at) <= AT_END_WITHIN;
        if stands_at_end || has_passed(self.written_at, POSITION_EVERY, read_at) {
            self.write_down_when_due(read_at)?;
            self.snapshot_when_due(read_at);
        }
        self.copy_on();
        if !stands_at_end {
            return Ok(Step::Busy);
        }
        let waits = if (self.tools.in_doubt)() {
            Step::Idle { until: read_at + AGAIN_AFTER }
        } else {
            self.tools.standing.stood_at_end(self.partition, self.sighted.at, self.shard.now());
            self.tick_when_due(read_at)?
        };
        Ok(if entries.is_empty() && !self.snapshot.is_copying() { waits } else { Step::Busy })
    }

    /// Writes all down, and a snapshot: the ordered end.
    pub fn finish(&mut self) -> Result<(), WorkerError> {
        self.write_down((self.tools.clock)())?;
        self.last_snapshot();
        Ok(())
    }

    fn take_in(&mut self, entry: &Entry) -> Result<(), WorkerError> {
        let wrong =
            |reason: String| WorkerError::Frame { partition: entry.partition, offset: entry.offset, reason };
        let mut frame = std::mem::take(&mut self.frame);
        frame.read(&entry.frame).map_err(|error: FrameError| wrong(error.to_string()))?;
        // Written before: their effects stand in the ledger, and only the state is made again.
        let is_rerun = entry.offset < self.position;
        for record in frame.records(entry.offset, entry.appended_at) {
            let record = record.map_err(|error: FrameError| wrong(error.to_string()))?;
            if let Body::Release { id } = &record.body {
                self.release = Some(self.find_release(id)?);
            }
            let Some(release) = &self.release else {
                return Err(wrong("a record before the first release".into()));
            };
            match &record.body {
                Body::Tick { at, .. } => self.pace.saw_tick(*at, record.appended_at),
                Body::Event(_) | Body::Outcome(_) | Body::Consent(_) | Body::Release { .. } => {
                    self.pace.saw_traffic()
                }
            }
            let effects = apply(release, &mut self.shard, &record);
            if !is_rerun || planted::is_on(Bug::EffectsNotDropped) {
                effects.into_iter().for_each(|effect| self.unwritten.push(effect));
            }
        }
        self.frame = frame;
        self.next = entry.offset + 1;
        Ok(())
    }

    fn find_release(&self, id: &str) -> Result<Arc<Release>, WorkerError> {
        (self.tools.releases)(id).map_err(|reason| WorkerError::Release { id: id.into(), reason })
    }

    fn write_down_when_due(&mut self, now: Timestamp) -> Result<(), WorkerError> {
        let is_due = !self.unwritten.is_empty() || has_passed(self.written_at, POSITION_EVERY, now);
        if is_due { self.write_down(now) } else { Ok(()) }
    }

    /// One transaction: position and effects, or neither.
    fn write_down(&mut self, now: Timestamp) -> Result<(), WorkerError> {
        if self.next <= self.position {
            return Ok(());
        }
        let (partition, old, new) = (self.partition, self.position, self.next);
        let unwritten = &self.unwritten;
        self.tools.ledger.transaction(|transaction| {
            transaction.move_position(partition, old, new)?;
            transaction.insert_decisions(partition, &unwritten.decisions)?;
            transaction.cancel(&unwritten.cancels)?;
            transaction.count_non_entries(&unwritten.non_entries)
        })?;
        self.unwritten.report();
        self.position = new;
        self.unwritten = Unwritten::default();
        self.written_at = now;
        Ok(())
    }

    fn tick_when_due(&mut self, now: Timestamp) -> Result<Step, WorkerError> {
        let true_at = match (self.tools.read_through)() {
            Some(read_through) if !planted::is_on(Bug::TickWhileBehind) => read_through.min(now),
            Some(_) | None => now,
        };
        let true_at = self.pace.by_the_log(true_at, now);
        // A clock that was ahead has moved engine time ahead of all clocks: nothing is judged by it until they are there.
        if true_at < self.shard.now() {
            return Ok(Step::Idle { until: now + AGAIN_AFTER });
        }
        match self.pace.decide(now, true_at, self.shard.next_due_at()) {
            tick::Due::Now => {
                let mut batch = crate::log::Batch::default();
                batch.push(self.partition, &Body::Tick { at: true_at, until: None });
                self.tools.log.append(batch)?;
                self.pace.ticked(now, true_at);
                Ok(Step::Busy)
            }
            tick::Due::At(until) => Ok(Step::Idle { until }),
        }
    }
}

impl Unwritten {
    fn push(&mut self, effect: Effect) {
        match effect {
            Effect::Decide(decision) => self.decisions.push(*decision),
            Effect::Cancel(cancel) => self.cancels.push(cancel),
            Effect::Count(non_entry) => self.non_entries.push(non_entry),
            Effect::Reject(reject) => tracing::warn!(reason = reject.reason, "a record was rejected"),
        }
    }

    /// Counts what was written: by rule, verdict and the reason's stable code.
    fn report(&self) {
        for decision in &self.decisions {
            let labels = [
                ("rule", decision.rule.to_string()),
                ("verdict", decision.verdict.code().to_string()),
                ("reason", decision.verdict.refusal().map_or("", |refusal| refusal.code()).to_string()),
            ];
            metrics::counter!("outreach_decisions_total", &labels).increment(1);
        }
        for non_entry in &self.non_entries {
            let labels =
                [("rule", non_entry.rule.to_string()), ("reason", non_entry.reason.code().to_string())];
            metrics::counter!("outreach_non_entries_total", &labels).increment(1);
        }
    }

    fn len(&self) -> usize {
        self.decisions.len() + self.cancels.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn is_full(&self) -> bool {
        self.len() >= ROWS_MAX || self.non_entries.len() >= NON_ENTRIES_MAX
    }
}

/// How long a worker rests: no longer than it ever wants to, if the clock was set back since it said until when.
fn rest_of(until: Timestamp, now: Timestamp) -> Duration {
    Duration::from_micros(until.since(now).min(AGAIN_AFTER).0 as u64)
}

/// Whether a length has passed since; also when the clock was set back, which must not stop what is done in turns.
fn has_passed(since: Timestamp, length: Length, now: Timestamp) -> bool {
    now < since || now.since(since) >= length
}
