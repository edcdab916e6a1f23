//! What every kind of log holds, as functions that the tests of each kind call. They panic with what was broken.
//!
//! Each takes a fresh, empty log of [`PARTITIONS`] partitions.

use super::{Batch, Entry, Frame, Log, LogError, SourceMark};
use outreach_engine::Timestamp;
use outreach_engine::event::Body;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// How many partitions a log under test has.
pub const PARTITIONS: u32 = 3;

/// Far more than any test log answers in; no test waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

/// All that needs nothing but a fresh log, each on its own.
pub fn holds<L: Log>(fresh: impl Fn() -> L) {
    offsets_begin_at_zero_and_rise_by_one(&fresh());
    records_come_back_in_order(&fresh());
    appends_handed_over_at_once_keep_their_order(&fresh());
    each_of_many_writers_keeps_its_order(&fresh());
    marks_move_with_their_frames(&fresh());
    a_source_has_the_marks_of_one_topic(&fresh());
    a_batch_of_marks_alone_makes_no_frame(&fresh());
    a_read_is_bounded_and_gives_one_frame_at_least(&fresh());
    time_never_goes_back_in_a_partition(&fresh());
    waiting_ends_when_the_frame_is_there(&fresh());
}

/// A batch of ticks, one for each (partition, number).
pub fn batch(ticks: &[(u32, i64)]) -> Batch {
    let mut batch = Batch::default();
    for (partition, number) in ticks {
        batch.push(*partition, &Body::Tick { at: Timestamp(*number), until: None });
    }
    batch
}

pub fn mark(source: &str, topic_id: &str, partition: u32, next_offset: u64) -> SourceMark {
    SourceMark { source: source.into(), topic_id: topic_id.into(), partition, next_offset }
}

/// The numbers of all ticks of a partition, from the first frame held on.
pub fn numbers(log: &impl Log, partition: u32) -> Result<Vec<i64>, String> {
    let bounds = log.bounds(partition).map_err(|error| error.to_string())?;
    let mut numbers = Vec::new();
    let mut next = bounds.start;
    while next < bounds.end {
        for entry in log.read(partition, next, 1).map_err(|error| error.to_string())? {
            assert_eq!((entry.partition, entry.offset), (partition, next), "an entry stands where it says");
            numbers.extend(ticks_of(&entry)?);
            next += 1;
        }
    }
    Ok(numbers)
}

fn ticks_of(entry: &Entry) -> Result<Vec<i64>, String> {
    let frame = Frame::decode(&entry.frame).map_err(|error| error.to_string())?;
    let tick = |record: Result<outreach_engine::event::Record<'_>, super::FrameError>| match record {
        Ok(record) => match record.body {
            Body::Tick { at, .. } => Ok(at.0),
            other => Err(format!("expected a tick, found {other:?}")),
        },
        Err(error) => Err(error.to_string()),
    };
    frame.records(entry.offset, entry.appended_at).map(tick).collect()
}

pub fn offsets_begin_at_zero_and_rise_by_one(log: &impl Log) {
    assert_eq!(log.partitions(), PARTITIONS);
    assert_eq!(log.bounds(1).unwrap(), 0..0);
    assert_eq!(log.read(1, 0, 1_000).unwrap(), []);
    for number in 0..3 {
        log.append(batch(&[(1, number)])).unwrap();
        assert_eq!(log.bounds(1).unwrap(), 0..number as u64 + 1);
    }
    let offsets: Vec<u64> = log.read(1, 0, 1_000_000).unwrap().iter().map(|entry| entry.offset).collect();
    assert_eq!(offsets, [0, 1, 2]);
    assert_eq!(log.read(1, 3, 1_000_000).unwrap(), [], "nothing stands at the end");
    assert_eq!(log.bounds(0).unwrap(), 0..0, "partitions count for themselves");
}

pub fn records_come_back_in_order(log: &impl Log) {
    log.append(batch(&[(0, 1), (2, 10), (0, 2), (2, 11)])).unwrap();
    log.append(batch(&[(2, 12), (0, 3)])).unwrap();
    assert_eq!(numbers(log, 0).unwrap(), [1, 2, 3]);
    assert_eq!(numbers(log, 1).unwrap(), [0_i64; 0]);
    assert_eq!(numbers(log, 2).unwrap(), [10, 11, 12]);
}

pub fn appends_handed_over_at_once_keep_their_order(log: &impl Log) {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let (sender, receiver) = mpsc::channel();
    for number in 0..200 {
        let (acknowledged, sender) = (acknowledged.clone(), sender.clone());
        let done = move |result: Result<(), LogError>| {
            result.unwrap();
            acknowledged.lock().unwrap().push(number);
            sender.send(()).expect("the test listens");
        };
        log.submit(batch(&[(number as u32 % PARTITIONS, number)]), Box::new(done));
    }
    (0..200).for_each(|_| receiver.recv_timeout(PATIENCE).expect("each append is acknowledged"));
    assert_eq!(*acknowledged.lock().unwrap(), (0..200).collect::<Vec<i64>>(), "acknowledged in order");
    for partition in 0..PARTITIONS {
        let expected: Vec<i64> = (0..200).filter(|number| *number as u32 % PARTITIONS == partition).collect();
        assert_eq!(numbers(log, partition).unwrap(), expected);
    }
}

/// Each writer waits for its answer, and then finds all it wrote.
pub fn each_of_many_writers_keeps_its_order(log: &impl Log) {
    const EACH: i64 = 25;
    let of = |writer: i64| -> Vec<i64> {
        let all = numbers(log, 0).unwrap();
        all.into_iter().filter(|number| number / EACH == writer).collect()
    };
    std::thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || {
                for number in writer * EACH..(writer + 1) * EACH {
                    log.append(batch(&[(0, number)])).unwrap();
                    assert_eq!(of(writer), (writer * EACH..=number).collect::<Vec<i64>>());
                }
            });
        }
    });
    assert_eq!(numbers(log, 0).unwrap().len() as i64, 4 * EACH);
}

pub fn marks_move_with_their_frames(log: &impl Log) {
    let with_mark = |number, next_offset| Batch {
        marks: vec![mark("product", "t1", 4, next_offset)],
        ..batch(&[(0, number)])
    };
    assert_eq!(log.source_marks().unwrap(), []);
    log.append(with_mark(1, 10)).unwrap();
    log.append(with_mark(2, 20)).unwrap();
    assert_eq!(log.source_marks().unwrap(), [mark("product", "t1", 4, 20)]);
    assert_eq!(numbers(log, 0).unwrap(), [1, 2]);
}

pub fn a_source_has_the_marks_of_one_topic(log: &impl Log) {
    let marks =
        vec![mark("billing", "b", 0, 5), mark("product", "old", 0, 10), mark("product", "old", 1, 11)];
    log.append(Batch { marks: marks.clone(), ..Batch::default() }).unwrap();
    assert_eq!(log.source_marks().unwrap(), marks);
    log.append(Batch { marks: vec![mark("product", "new", 1, 1)], ..Batch::default() }).unwrap();
    assert_eq!(log.source_marks().unwrap(), [mark("billing", "b", 0, 5), mark("product", "new", 1, 1)]);
}

pub fn a_batch_of_marks_alone_makes_no_frame(log: &impl Log) {
    log.append(Batch { marks: vec![mark("product", "t1", 0, 1)], ..Batch::default() }).unwrap();
    log.append(Batch::default()).unwrap();
    for partition in 0..PARTITIONS {
        assert_eq!(log.bounds(partition).unwrap(), 0..0);
    }
}

pub fn a_read_is_bounded_and_gives_one_frame_at_least(log: &impl Log) {
    (0..10).for_each(|number| log.append(batch(&[(0, number)])).unwrap());
    assert_eq!(log.read(0, 0, 0).unwrap().len(), 1);
    let size = log.read(0, 0, 0).unwrap()[0].frame.len();
    let some = log.read(0, 2, size * 3).unwrap();
    assert_eq!(some.iter().map(|entry| entry.offset).collect::<Vec<_>>(), [2, 3, 4]);
}

pub fn time_never_goes_back_in_a_partition(log: &impl Log) {
    (0..20).for_each(|number| log.append(batch(&[(0, number)])).unwrap());
    let times: Vec<Timestamp> =
        log.read(0, 0, 1 << 20).unwrap().iter().map(|entry| entry.appended_at).collect();
    assert!(times.is_sorted(), "{times:?}");
}

pub fn waiting_ends_when_the_frame_is_there(log: &impl Log) {
    log.wait(0, 0, Duration::ZERO);
    log.submit(batch(&[(0, 1)]), Box::new(|result| result.unwrap()));
    log.wait(0, 0, PATIENCE);
    assert_eq!(numbers(log, 0).unwrap(), [1]);
    log.wait(0, 0, PATIENCE);
}

/// `fail` makes the log refuse what comes next, `mend` ends that.
pub fn a_failed_append_leaves_nothing_and_the_next_goes_on<L: Log>(
    log: &L,
    fail: impl Fn(&L),
    mend: impl Fn(&L),
) {
    let with_mark = |numbers: &[(u32, i64)], next| Batch {
        marks: vec![mark("product", "t1", 0, next)],
        ..batch(numbers)
    };
    log.append(with_mark(&[(0, 1), (1, 1)], 1)).unwrap();
    fail(log);
    // The frame of partition 0 is small and may find room: it must go with the others all the same.
    let others = (0..200_000).map(|number| (1 + number as u32 % (PARTITIONS - 1), number * 7_919));
    let large: Vec<(u32, i64)> = std::iter::once((0, 0)).chain(others).collect();
    let error = log.append(with_mark(&large, 2)).unwrap_err();
    assert!(matches!(error, LogError::Unavailable { .. }), "{error}");
    let check = |expected: &[i64], next| {
        assert_eq!(numbers(log, 0).unwrap(), expected);
        assert_eq!(numbers(log, 1).unwrap(), expected);
        assert_eq!(log.source_marks().unwrap(), [mark("product", "t1", 0, next)]);
    };
    check(&[1], 1);
    mend(log);
    log.append(with_mark(&[(0, 2), (1, 2)], 3)).unwrap();
    check(&[1, 2], 3);
    assert_eq!(log.bounds(0).unwrap(), 0..2, "a failed append takes no offset");
}

/// `kill` gives the log that stands after the process died at this moment.
pub fn what_was_acknowledged_survives_a_kill<L: Log>(log: L, kill: impl FnOnce(L) -> L) {
    let with_mark = |number| Batch {
        marks: vec![mark("product", "t1", 0, number as u64)],
        ..batch(&[(0, number), (1, -number)])
    };
    (0..50).for_each(|number| log.append(with_mark(number)).unwrap());
    let before: Vec<Entry> = log.read(0, 0, 1 << 20).unwrap();
    let log = kill(log);
    assert_eq!(log.read(0, 0, 1 << 20).unwrap(), before, "byte for byte");
    assert_eq!(numbers(&log, 1).unwrap(), (0..50).map(|number| -number).collect::<Vec<i64>>());
    assert_eq!(log.source_marks().unwrap(), [mark("product", "t1", 0, 49)]);
    log.append(with_mark(50)).unwrap();
    assert_eq!(numbers(&log, 0).unwrap(), (0..51).collect::<Vec<i64>>());
}

/// `damage` turns a bit somewhere in the frame at (partition, offset).
pub fn a_damaged_frame_is_an_error<L: Log>(log: L, damage: impl FnOnce(L, u32, u64) -> L) {
    (0..3).for_each(|number| log.append(batch(&[(0, number)])).unwrap());
    let log = damage(log, 0, 1);
    let error = numbers(&log, 0).unwrap_err();
    assert!(error.contains("checksum"), "{error}");
}
