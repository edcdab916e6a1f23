//! Up to which instant all that was acknowledged to producers stands in our log, for each source partition.
//!
//! A probe is a pair: our clock first, then where the partition ends. Once everything before that end is appended, all
//! that was in the partition at that instant stands in the log, and a tick of that instant is true. Probes wait in line,
//! so a source that is always a little behind still moves on. Invariants: a partition's `read_through` never goes back,
//! and moves only by an append that is durable.

use crate::log::SourceMark;
use outreach_engine::Timestamp;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far all sources of a project are read.
#[derive(Clone, Debug, Default)]
pub struct ReadThrough {
    sources: Vec<Arc<Progress>>,
}

/// How far one source is read.
#[derive(Debug)]
pub struct Progress {
    required: bool,
    partitions: Mutex<Vec<Partition>>,
}

#[derive(Debug, Default)]
struct Partition {
    /// The next offset that the log has not.
    appended: u64,
    /// The partition's end when it was last seen.
    end: u64,
    /// Instants and ends, oldest first, that are not reached yet.
    waiting: VecDeque<(Timestamp, u64)>,
    read_through: Option<Timestamp>,
}

/// Probes in line for one partition: at two a second, a minute behind. Further behind every second one is dropped.
const WAITING_MAX: usize = 128;

impl ReadThrough {
    pub fn new(sources: Vec<Arc<Progress>>) -> ReadThrough {
        ReadThrough { sources }
    }

    /// The instant that no tick may pass: the least over all partitions of all required sources. `Timestamp::MIN` while
    /// one of them was never read to its end; nothing when no source is required.
    pub fn least(&self) -> Option<Timestamp> {
        let required = self.sources.iter().filter(|source| source.required);
        required.map(|source| source.read_through().unwrap_or(Timestamp::MIN)).min()
    }
}

impl Progress {
    pub fn new(required: bool) -> Progress {
        Progress { required, partitions: Mutex::default() }
    }

    pub fn is_required(&self) -> bool {
        self.required
    }

    /// The least over the source's partitions; nothing while one was never read to its end.
    pub fn read_through(&self) -> Option<Timestamp> {
        let partitions = self.lock();
        // An empty list is a source that was never described: nothing is known of it.
        partitions.iter().map(|partition| partition.read_through).min().flatten()
    }

    /// How many offsets lie between the log and the ends, over all partitions, as last seen.
    pub fn lag(&self) -> u64 {
        self.lock().iter().map(|partition| partition.end.saturating_sub(partition.appended)).sum()
    }

    /// Begins at these positions, one for each partition. What was read through before stays; new partitions begin as
    /// never read.
    pub fn begin(&self, positions: &[u64]) {
        let mut partitions = self.lock();
        partitions.resize_with(positions.len(), Partition::default);
        for (partition, position) in partitions.iter_mut().zip(positions) {
            partition.appended = *position;
            partition.waiting.clear();
        }
    }

    /// Everything of `partition` before `next_offset` is durable in the log.
    pub(super) fn appended(&self, partition: u32, next_offset: u64) {
        if let Some(partition) = self.lock().get_mut(partition as usize) {
            partition.appended = partition.appended.max(next_offset);
            partition.advance();
        }
    }

    /// Everything before these marks is durable in the log.
    pub fn appended_all(&self, marks: &[SourceMark]) {
        marks.iter().for_each(|mark| self.appended(mark.partition, mark.next_offset));
    }

    /// At `at`, by our clock, and later, the partitions ended at `ends`.
    pub fn probed(&self, at: Timestamp, ends: &[u64]) {
        for (partition, end) in self.lock().iter_mut().zip(ends) {
            partition.end = *end;
            if partition.waiting.len() == WAITING_MAX {
                let mut index = 0;
                partition.waiting.retain(|_| {
                    index += 1;
                    index % 2 == 0
                });
            }
            partition.waiting.push_back((at, *end));
            partition.advance();
        }
    }

    /// What the log has of each partition.
    pub(super) fn positions(&self) -> Vec<u64> {
        self.lock().iter().map(|partition| partition.appended).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Partition>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Partition {
    fn advance(&mut self) {
        while let Some((at, _)) = self.waiting.pop_front_if(|(_, end)| *end <= self.appended) {
            self.read_through = self.read_through.max(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(required: bool, positions: &[u64]) -> Arc<Progress> {
        let progress = Progress::new(required);
        progress.begin(positions);
        Arc::new(progress)
    }

    #[test]
    fn a_source_is_read_through_once_all_before_the_probed_end_is_appended() {
        let source = begun(true, &[5, 0]);
        source.probed(Timestamp(10), &[8, 0]);
        assert_eq!(source.read_through(), None, "partition 0 stands at 5 of 8");
        source.appended(0, 7);
        assert_eq!((source.read_through(), source.lag()), (None, 1));
        source.appended(0, 8);
        assert_eq!((source.read_through(), source.lag()), (Some(Timestamp(10)), 0));
    }

    #[test]
    fn a_source_that_is_always_behind_still_moves_on() {
        let source = begun(true, &[0]);
        for step in 1..=1_000u64 {
            source.probed(Timestamp(step as i64), &[step * 100]);
            source.appended(0, (step * 100).saturating_sub(5_000));
        }
        assert_eq!(source.read_through(), Some(Timestamp(950)), "fifty probes behind");
        source.probed(Timestamp(2_000), &[1_000_000]);
        (0..10_000).for_each(|step| source.probed(Timestamp(3_000 + step), &[1_000_000 + step as u64]));
        assert!(source.lock()[0].waiting.len() <= WAITING_MAX);
    }

    #[test]
    fn time_never_goes_back_when_the_clock_does() {
        let source = begun(true, &[1]);
        source.probed(Timestamp(10), &[1]);
        source.probed(Timestamp(4), &[1]);
        assert_eq!(source.read_through(), Some(Timestamp(10)));
    }

    #[test]
    fn the_least_of_the_required_sources_counts_and_the_others_are_left_out() {
        let (fast, slow, optional) = (begun(true, &[0]), begun(true, &[0]), begun(false, &[0]));
        let all = ReadThrough::new(vec![fast.clone(), slow.clone(), optional]);
        fast.probed(Timestamp(20), &[0]);
        assert_eq!(all.least(), Some(Timestamp::MIN), "one was never read");
        slow.probed(Timestamp(10), &[0]);
        assert_eq!(all.least(), Some(Timestamp(10)));
        assert_eq!(ReadThrough::new(vec![begun(false, &[0])]).least(), None);
    }

    #[test]
    fn a_new_partition_holds_time_until_it_was_read() {
        let source = begun(true, &[0]);
        source.probed(Timestamp(10), &[0]);
        source.begin(&[0, 0]);
        assert_eq!(source.read_through(), None);
        source.probed(Timestamp(20), &[0, 0]);
        assert_eq!(source.read_through(), Some(Timestamp(20)));
    }
}
