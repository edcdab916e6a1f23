//! The contract of every log, and what is this one's alone: days, retention, refusals at the start.

use super::*;
use crate::log::contract::{self, PARTITIONS, batch, mark, numbers};
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

/// A clock that a test turns.
#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn at(text: &str) -> Hands {
        Hands(Arc::new(AtomicI64::new(Timestamp::parse(text).unwrap().0)))
    }
    fn set(&self, text: &str) {
        self.0.store(Timestamp::parse(text).unwrap().0, Ordering::SeqCst);
    }
    fn clock(&self) -> Clock {
        let hands = self.0.clone();
        Arc::new(move || Timestamp(hands.load(Ordering::SeqCst)))
    }
}

const NOON: &str = "2026-11-24T12:00:00Z";

/// A log with its folder, which goes when it goes.
struct InFolder {
    log: EmbeddedLog,
    dir: TempDir,
}

impl InFolder {
    fn new() -> InFolder {
        InFolder::open(tempfile::tempdir().unwrap())
    }
    fn open(dir: TempDir) -> InFolder {
        InFolder { log: EmbeddedLog::open(dir.path(), PARTITIONS, Hands::at(NOON).clock()).unwrap(), dir }
    }
    fn limit_pages(&self, pages: u32) {
        self.log.shared.page_count_max.store(pages, Ordering::SeqCst);
    }
}

impl Log for InFolder {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }
    fn submit(&self, batch: Batch, done: Done) {
        self.log.submit(batch, done);
    }
    fn read(&self, partition: u32, from: u64, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        self.log.read(partition, from, bytes_max)
    }
    fn bounds(&self, partition: u32) -> Result<Range<u64>, LogError> {
        self.log.bounds(partition)
    }
    fn source_marks(&self) -> Result<Vec<SourceMark>, LogError> {
        self.log.source_marks()
    }
    fn wait(&self, partition: u32, offset: u64, timeout: Duration) {
        self.log.wait(partition, offset, timeout);
    }
}

/// The folder as a killed process would leave it: copied while the log is open, nothing flushed by a close.
fn copy(dir: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for item in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if !item.file_name().to_str().unwrap().ends_with("-shm") {
            std::fs::copy(item.path(), to.path().join(item.file_name())).unwrap();
        }
    }
    to
}

fn refusal(dir: &Path, partitions: u32) -> String {
    EmbeddedLog::open(dir, partitions, Hands::at(NOON).clock()).map(drop).unwrap_err().to_string()
}

#[test]
fn the_embedded_log_keeps_the_contract() {
    contract::holds(InFolder::new);
}

#[test]
fn a_full_disk_is_told_and_forgotten_when_there_is_room_again() {
    let full = |log: &InFolder| log.limit_pages(20);
    let room = |log: &InFolder| log.limit_pages(u32::MAX - 1);
    contract::a_failed_append_leaves_nothing_and_the_next_goes_on(&InFolder::new(), full, room);
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    contract::what_was_acknowledged_survives_a_kill(InFolder::new(), |log| {
        InFolder::open(copy(log.dir.path()))
    });
}

#[test]
fn a_damaged_frame_is_an_error() {
    contract::a_damaged_frame_is_an_error(InFolder::new(), |log, partition, offset| {
        let file = log.log.shared.newest();
        let mut bytes = log.read(partition, offset, 0).unwrap().remove(0).frame;
        *bytes.last_mut().unwrap() ^= 1;
        let set = "UPDATE frame SET bytes = $1 WHERE partition = $2 AND offset = $3";
        file.writer().unwrap().execute(set, rusqlite::params![bytes, partition, offset as i64]).unwrap();
        log
    });
}

#[test]
fn a_write_ahead_log_cut_anywhere_leaves_whole_appends() {
    let log = InFolder::new();
    for number in 1..=20 {
        let marks = vec![mark("product", "t1", 0, number as u64)];
        log.append(Batch { marks, ..batch(&[(0, number), (1, number)]) }).unwrap();
    }
    let name = format!("{}-wal", day_file::name_of(log.log.shared.newest().day));
    let length = std::fs::metadata(log.dir.path().join(&name)).unwrap().len();
    let mut seen = std::collections::BTreeSet::new();
    for cut in (0..=length).rev().step_by(length as usize / 40) {
        let copy = copy(log.dir.path());
        std::fs::OpenOptions::new().write(true).open(copy.path().join(&name)).unwrap().set_len(cut).unwrap();
        let cut_log = InFolder::open(copy);
        let whole = cut_log.bounds(0).unwrap().end as i64;
        assert_eq!(numbers(&cut_log, 0).unwrap(), (1..=whole).collect::<Vec<i64>>());
        assert_eq!(numbers(&cut_log, 1).unwrap(), (1..=whole).collect::<Vec<i64>>());
        let marks = cut_log.source_marks().unwrap();
        assert_eq!(
            marks.first().map_or(0, |mark| mark.next_offset),
            whole as u64,
            "marks and frames are one"
        );
        seen.insert(whole);
    }
    assert!(seen.len() > 10, "the cuts fell between appends: {seen:?}");
}

#[test]
fn a_new_day_is_a_new_file_that_carries_the_marks_over() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Hands::at("2026-11-24T23:59:59Z");
    let open = || EmbeddedLog::open(dir.path(), PARTITIONS, hands.clock()).unwrap();
    let log = open();
    log.append(Batch { marks: vec![mark("product", "t1", 0, 5)], ..batch(&[(0, 1), (1, 1)]) }).unwrap();
    hands.set("2026-11-25T00:00:00Z");
    log.append(batch(&[(0, 2)])).unwrap();
    let check = |log: &EmbeddedLog| {
        assert_eq!(numbers(log, 0).unwrap(), [1, 2]);
        assert_eq!(numbers(log, 1).unwrap(), [1]);
        assert_eq!(log.read(0, 0, 1 << 20).unwrap().len(), 2, "one read goes over the end of a day");
        assert_eq!(log.source_marks().unwrap(), [mark("product", "t1", 0, 5)]);
    };
    check(&log);
    drop(log);
    assert!(dir.path().join("log-2026-11-24.db").exists());
    std::fs::metadata(dir.path().join("log-2026-11-25.db")).unwrap();
    check(&open());
}

#[test]
fn a_clock_that_goes_back_takes_neither_time_nor_day_back() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Hands::at("2026-11-25T00:00:01Z");
    let log = EmbeddedLog::open(dir.path(), PARTITIONS, hands.clock()).unwrap();
    log.append(batch(&[(0, 1)])).unwrap();
    hands.set("2026-11-24T23:00:00Z");
    log.append(batch(&[(0, 2)])).unwrap();
    drop(log);
    let log = EmbeddedLog::open(dir.path(), PARTITIONS, hands.clock()).unwrap();
    log.append(batch(&[(0, 3)])).unwrap();
    let times: Vec<Timestamp> =
        log.read(0, 0, 1 << 20).unwrap().iter().map(|entry| entry.appended_at).collect();
    assert_eq!(times, [Timestamp::parse("2026-11-25T00:00:01Z").unwrap(); 3]);
    assert!(!dir.path().join("log-2026-11-24.db").exists());
}

#[test]
fn whole_days_below_what_is_needed_are_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Hands::at("2026-11-20T12:00:00Z");
    let open = || EmbeddedLog::open(dir.path(), PARTITIONS, hands.clock()).unwrap();
    let log = open();
    for day in 20..25 {
        hands.set(&format!("2026-11-{day}T12:00:00Z"));
        log.append(batch(&[(0, day), (1, day)])).unwrap();
    }
    let midnight = |day: i64| Timestamp::parse(&format!("2026-11-{day}T00:00:00Z")).unwrap();
    log.retain(&BTreeMap::from([(0, 9), (1, 1)]), midnight(30)).unwrap();
    assert_eq!(numbers(&log, 0).unwrap(), [21, 22, 23, 24], "partition 1 needs its frame 1");
    log.retain(&BTreeMap::from([(0, 9)]), midnight(30)).unwrap();
    assert_eq!(numbers(&log, 0).unwrap(), [21, 22, 23, 24], "what is not named is needed");
    log.retain(&BTreeMap::from([(0, 9), (1, 9)]), midnight(23)).unwrap();
    assert_eq!(numbers(&log, 0).unwrap(), [23, 24], "younger days stay");
    log.retain(&BTreeMap::from([(0, 9), (1, 9)]), midnight(30)).unwrap();
    assert_eq!(log.bounds(0).unwrap(), 4..5, "the newest file stays");
    assert!(log.read(0, 3, 1).unwrap_err().to_string().contains("no longer held"));
    drop(log);
    let log = open();
    log.append(batch(&[(0, 25)])).unwrap();
    assert_eq!(log.bounds(0).unwrap(), 4..6, "offsets go on after a restart");
    assert_eq!(log.bounds(2).unwrap(), 0..0);
}

#[test]
fn another_number_of_partitions_is_refused_with_the_right_one() {
    let log = InFolder::new();
    log.append(batch(&[(0, 1)])).unwrap();
    let error = refusal(copy(log.dir.path()).path(), 8);
    assert!(error.contains("expected 8 partitions, found 3") && error.contains("partitions = 3"), "{error}");
}

#[test]
fn a_missing_day_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Hands::at("2026-11-20T12:00:00Z");
    let log = EmbeddedLog::open(dir.path(), PARTITIONS, hands.clock()).unwrap();
    for day in 20..23 {
        hands.set(&format!("2026-11-{day}T12:00:00Z"));
        log.append(batch(&[(0, day)])).unwrap();
    }
    drop(log);
    std::fs::remove_file(dir.path().join("log-2026-11-21.db")).unwrap();
    let error = refusal(dir.path(), PARTITIONS);
    assert!(error.contains("a file is missing"), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("log-2026-11-24.db"), [b'x'; 8_192]).unwrap();
    let error = refusal(dir.path(), PARTITIONS);
    assert!(error.contains("log-2026-11-24.db") && error.contains("not a database"), "{error}");
}

#[test]
fn a_crash_while_a_file_was_made_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("log-2026-11-23.db"), b"").unwrap();
    let log = InFolder::open(dir);
    log.append(batch(&[(0, 1)])).unwrap();
    let log = InFolder::open(copy(log.dir.path()));
    assert_eq!(numbers(&log, 0).unwrap(), [1]);
}

#[test]
fn many_waiting_appends_become_few_frames() {
    let log = InFolder::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    for number in 0..5_000 {
        let sender = sender.clone();
        log.submit(batch(&[(0, number)]), Box::new(move |result| sender.send(result).unwrap()));
    }
    (0..5_000).for_each(|_| receiver.recv().unwrap().unwrap());
    assert!(log.bounds(0).unwrap().end < 2_500, "{:?}", log.bounds(0));
    assert_eq!(numbers(&log, 0).unwrap(), (0..5_000).collect::<Vec<i64>>());
}

#[test]
fn what_waits_is_written_when_the_log_is_dropped() {
    let log = InFolder::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    (0..100).for_each(|number| {
        let sender = sender.clone();
        log.log.submit(batch(&[(0, number)]), Box::new(move |result| sender.send(result).unwrap()));
    });
    let InFolder { log, dir } = log;
    drop(log);
    assert_eq!(receiver.try_iter().filter(Result::is_ok).count(), 100);
    assert_eq!(numbers(&InFolder::open(dir), 0).unwrap().len(), 100);
}
