//! The simulated log.
//!
//! Acknowledged batches survive every crash; of those that wait, a crash keeps some from the front. An append is all or
//! nothing; batches that wait are joined into one frame a partition, and `done` may be called long after.

use crate::dice::Dice;
use crate::life::{Life, Mishap, Trouble};
use crate::time::TrueTime;
use outreach::log::{Batch, Done, Entry, Frame, Log, LogError, SourceMark};
use outreach_engine::Timestamp;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Who appends: each may write records of its kinds, and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Operator,
    Door,
    Worker,
    Outbox,
}

/// What is durable, and what waits to be.
#[derive(Default)]
pub struct Disk {
    pub partitions: Vec<Vec<Entry>>,
    /// Who wrote the records of each frame, in order.
    pub authors: Vec<Vec<Vec<Author>>>,
    marks: BTreeMap<(String, u32), SourceMark>,
    waiting: Vec<Waiting>,
    /// Durable, and not told yet.
    told_later: Vec<(Option<Arc<Life>>, Done)>,
    refuses: bool,
}

/// Who wrote some records one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    pub role: Role,
    /// The furthest that its process's clock had been ahead until then.
    pub ahead_max: i64,
    pub count: u32,
}

struct Waiting {
    batch: Batch,
    role: Role,
    ahead_max: i64,
    life: Option<Arc<Life>>,
    done: Done,
}

/// A handle on the log: one process's, for one role.
#[derive(Clone)]
pub struct SimLog {
    pub disk: Arc<Mutex<Disk>>,
    pub time: TrueTime,
    pub role: Role,
    /// Nobody's, for tests of the log itself: then every append is durable and told at once.
    pub process: Option<(Arc<Life>, Arc<Trouble>)>,
}

/// An acknowledgement on its way.
pub type Told = (Option<Arc<Life>>, Done);

impl SimLog {
    pub fn new(partitions: u32, time: TrueTime) -> SimLog {
        let count = partitions as usize;
        let disk =
            Disk { partitions: vec![Vec::new(); count], authors: vec![Vec::new(); count], ..Disk::default() };
        SimLog { disk: Arc::new(Mutex::new(disk)), time, role: Role::Operator, process: None }
    }

    /// A handle for a process.
    pub fn of(&self, life: &Arc<Life>, trouble: &Arc<Trouble>, role: Role) -> SimLog {
        SimLog { role, process: Some((life.clone(), trouble.clone())), ..self.clone() }
    }

    /// Makes all that waits durable, and gives the acknowledgements to be told.
    pub fn commit(&self) -> Vec<Told> {
        let mut disk = self.disk.lock().expect("no panic while held");
        disk.commit(self.time.now());
        std::mem::take(&mut disk.told_later)
    }

    pub fn has_waiting(&self) -> bool {
        !self.disk.lock().expect("no panic while held").waiting.is_empty()
    }

    /// Acknowledgements of what became durable by the way.
    pub fn take_told(&self) -> Vec<Told> {
        std::mem::take(&mut self.disk.lock().expect("no panic while held").told_later)
    }

    /// A process died: some of what it handed over and was not durable yet is, from the front.
    pub fn crash(&self, life: &Arc<Life>, dice: &Dice) {
        let mut disk = self.disk.lock().expect("no panic while held");
        let is_of = |waiting: &Waiting| waiting.life.as_ref().is_some_and(|other| Arc::ptr_eq(other, life));
        let count = disk.waiting.iter().filter(|waiting| is_of(waiting)).count();
        let kept = dice.between(0, count as i64 + 1) as usize;
        let mut seen = 0;
        disk.waiting.retain(|waiting| {
            let is_kept = !is_of(waiting) || seen < kept;
            seen += usize::from(is_of(waiting));
            is_kept
        });
        disk.commit(self.time.now());
        disk.told_later.retain(|(of, _)| of.as_ref().is_none_or(|other| !Arc::ptr_eq(other, life)));
    }

    pub fn ends(&self) -> Vec<u64> {
        let disk = self.disk.lock().expect("no panic while held");
        disk.partitions.iter().map(|entries| entries.len() as u64).collect()
    }

    /// From now on nothing is taken, or again.
    pub fn refuse(&self, refuses: bool) {
        self.disk.lock().expect("no panic while held").refuses = refuses;
    }

    fn ahead_max(&self) -> i64 {
        self.process.as_ref().map_or(0, |(life, _)| life.ahead_max())
    }

    fn mishap(&self) -> Result<Mishap, LogError> {
        let Some((life, trouble)) = &self.process else { return Ok(Mishap::None) };
        if life.is_over() {
            return Err(unavailable("the process is dead"));
        }
        let mishap = trouble.mishap();
        if mishap == Mishap::CrashBefore {
            life.end();
            return Err(unavailable("the process dies"));
        }
        // An append that is told to have failed is not there: it fails before.
        if matches!(mishap, Mishap::ErrorBefore | Mishap::ErrorAfter) {
            return Err(unavailable("no room on the disk"));
        }
        Ok(mishap)
    }
}

fn unavailable(reason: &str) -> LogError {
    LogError::Unavailable { reason: reason.into() }
}

impl Disk {
    /// One frame a partition of all that waits.
    fn commit(&mut self, now: i64) {
        let waiting = std::mem::take(&mut self.waiting);
        let mut joined = Batch::default();
        let mut authors: BTreeMap<u32, Vec<Author>> = BTreeMap::new();
        for Waiting { batch, role, ahead_max, life, done } in waiting {
            for (partition, records) in batch.records {
                let all = joined.records.entry(partition).or_default();
                all.bytes.extend_from_slice(&records.bytes);
                all.count += records.count;
                authors.entry(partition).or_default().push(Author { role, ahead_max, count: records.count });
            }
            for mark in batch.marks {
                self.marks.retain(|(source, _), old| *source != mark.source || old.topic_id == mark.topic_id);
                self.marks.insert((mark.source.clone(), mark.partition), mark);
            }
            self.told_later.push((life, done));
        }
        for (partition, records) in joined.records {
            let entries = &mut self.partitions[partition as usize];
            entries.push(Entry {
                partition,
                offset: entries.len() as u64,
                appended_at: Timestamp(now),
                frame: Frame::encode(&records),
            });
            self.authors[partition as usize].push(authors.remove(&partition).unwrap_or_default());
        }
    }
}

impl Log for SimLog {
    fn partitions(&self) -> u32 {
        self.disk.lock().expect("no panic while held").partitions.len() as u32
    }

    fn submit(&self, batch: Batch, done: Done) {
        if let Err(error) = self.mishap() {
            return done(Err(error));
        }
        let mut disk = self.disk.lock().expect("no panic while held");
        if disk.refuses {
            drop(disk);
            return done(Err(unavailable("told to refuse")));
        }
        let life = self.process.as_ref().map(|(life, _)| life.clone());
        disk.waiting.push(Waiting { batch, role: self.role, ahead_max: self.ahead_max(), life, done });
        if self.process.is_none() {
            disk.commit(self.time.now());
            // Told in order, for the disk is held.
            std::mem::take(&mut disk.told_later).into_iter().for_each(|(_, done)| done(Ok(())));
        }
    }

    fn append(&self, batch: Batch) -> Result<(), LogError> {
        let mishap = self.mishap()?;
        let mut disk = self.disk.lock().expect("no panic while held");
        if disk.refuses {
            return Err(unavailable("told to refuse"));
        }
        let (role, ahead_max) = (self.role, self.ahead_max());
        disk.waiting.push(Waiting { batch, role, ahead_max, life: None, done: Box::new(drop) });
        disk.commit(self.time.now());
        if let (Mishap::CrashAfter, Some((life, _))) = (mishap, &self.process) {
            life.end();
            return Err(unavailable("the process dies"));
        }
        Ok(())
    }

    fn read(&self, partition: u32, from: u64, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        if self.process.as_ref().is_some_and(|(life, _)| life.is_over()) {
            return Err(unavailable("the process is dead"));
        }
        let disk = self.disk.lock().expect("no panic while held");
        let mut bytes = 0;
        let mut entries = Vec::new();
        for entry in disk.partitions[partition as usize].iter().skip(from as usize) {
            bytes += entry.frame.len();
            if !entries.is_empty() && bytes > bytes_max {
                break;
            }
            entries.push(entry.clone());
        }
        Ok(entries)
    }

    fn bounds(&self, partition: u32) -> Result<Range<u64>, LogError> {
        Ok(0..self.disk.lock().expect("no panic while held").partitions[partition as usize].len() as u64)
    }

    fn source_marks(&self) -> Result<Vec<SourceMark>, LogError> {
        Ok(self.disk.lock().expect("no panic while held").marks.values().cloned().collect())
    }

    /// Nothing happens while it would wait: one thread is all there is.
    fn wait(&self, _: u32, _: u64, _: Duration) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use outreach::log::contract;

    fn fresh() -> SimLog {
        SimLog::new(contract::PARTITIONS, TrueTime::new(Timestamp(0)))
    }

    #[test]
    fn the_simulated_log_holds_what_every_log_holds() {
        contract::holds(fresh);
        contract::what_was_acknowledged_survives_a_kill(fresh(), |log| SimLog { ..log });
        contract::a_failed_append_leaves_nothing_and_the_next_goes_on(
            &fresh(),
            |log| log.refuse(true),
            |log| log.refuse(false),
        );
    }
}
