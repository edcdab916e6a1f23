//! How fast the log takes events and the ledger takes decisions, on this machine's disk: `cargo bench --bench store`.
//!
//! Prints medians of a few runs. Both wait for their fsyncs, so a busy disk shows in every number.

use outreach::ledger::sqlite::SqliteLedger;
use outreach::ledger::{Ledger, contract};
use outreach::log::embedded::EmbeddedLog;
use outreach::log::{Batch, Frame, Log, LogError, Records};
use outreach_engine::effect::{Channel, Decision, DecisionId, Verdict};
use outreach_engine::event::{Body, Event, EventKind, Subject};
use outreach_engine::{Refusal, Timestamp};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const RUNS: usize = 5;
const PARTITIONS: u32 = 8;

fn main() {
    for size in [100, 1_000] {
        let appended = median(|| append(500_000, size, 64));
        println!("log: append, batches of {size}, 64 at once: {appended:.0} events/s");
    }
    println!(
        "log: append, one event at a time, 64 at once: {:.0} events/s",
        median(|| append(50_000, 1, 64))
    );
    println!("log: frame of 500 events: encode {:.0}, decode {:.0} events/s", median(encode), median(decode));
    println!("log: read and decode: {:.0} events/s", median(read));
    for (what, verdict) in [("refuse", Verdict::Refuse(Refusal::Cap)), ("send", Verdict::Send)] {
        let mut ledger = LedgerRun::new(verdict);
        let rates: Vec<f64> = (0..RUNS).map(|_| ledger.insert(200_000)).collect();
        let rates: Vec<String> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
        println!(
            "ledger: {what}, 1,000 a transaction, each 200,000 rows on top: {} decisions/s",
            rates.join(", ")
        );
    }
    println!("ledger: leaving and sent, a transaction each: {:.0} messages/s", median(deliver));
}

fn median(run: impl Fn() -> f64) -> f64 {
    let mut rates: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    rates.sort_by(f64::total_cmp);
    rates[RUNS / 2]
}

fn rate(count: usize, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}

/// About 400 bytes, with ids and values that differ, as real ones do.
fn event(number: u64) -> Body<'static> {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (amount, sku, count, page) = (mixed % 100_000, mixed >> 32, mixed % 9, mixed % 7_919);
    let items = format!(r#"[{{"sku":"{sku:x}","count":{count}}}]"#);
    let referrer = format!("https://shop.example.com/p/{page}");
    let order = format!(r#""order_id":"{mixed:x}","amount":{amount},"currency":"EUR""#);
    let properties = format!(r#"{{"plan":"trial",{order},"items":{items},"referrer":"{referrer}"}}"#);
    Body::Event(Event {
        kind: EventKind::Track,
        subject: Subject::user(String::leak(format!("user-{}", mixed % 1_000_000))),
        name: "Checkout Started".into(),
        message_id: format!("{mixed:016x}{:016x}", mixed.rotate_left(17)).into(),
        occurred_at: Timestamp(1_764_000_000_000_000 + number as i64 * 977),
        received_at: Timestamp(1_764_000_000_100_000 + number as i64 * 977),
        is_proven: true,
        origin: None,
        other_id: None,
        properties: properties.into(),
        traits: "{}".into(),
        context:
            r#"{"ip":"203.0.113.7","locale":"fr-FR","library":{"name":"analytics-node","version":"2.1.3"}}"#
                .into(),
    })
}

fn open(dir: &std::path::Path) -> EmbeddedLog {
    let clock = || Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64);
    EmbeddedLog::open(dir, PARTITIONS, Arc::new(clock)).unwrap()
}

fn batches(count: usize, size: usize) -> Vec<Batch> {
    let batch = |first: usize| {
        let mut batch = Batch::default();
        for number in first..first + size {
            batch.push(number as u32 % PARTITIONS, &event(number as u64));
        }
        batch
    };
    (0..count).step_by(size).map(batch).collect()
}

/// Hands over `count` events in batches of `size`, at most `at_once` unanswered.
fn append(count: usize, size: usize, at_once: usize) -> f64 {
    let dir = tempfile::tempdir_in(".").unwrap();
    let log = open(dir.path());
    let batches = batches(count, size);
    let began = Instant::now();
    let (sender, receiver) = std::sync::mpsc::channel::<Result<(), LogError>>();
    for (number, batch) in batches.into_iter().enumerate() {
        if number >= at_once {
            receiver.recv().unwrap().unwrap();
        }
        let sender = sender.clone();
        log.submit(batch, Box::new(move |result| sender.send(result).unwrap()));
    }
    drop(sender);
    receiver.iter().for_each(|result| result.unwrap());
    rate(count, began)
}

fn records(count: usize) -> Records {
    let mut batch = Batch::default();
    (0..count).for_each(|number| batch.push(0, &event(number as u64)));
    batch.records.remove(&0).unwrap()
}

fn encode() -> f64 {
    let records = records(500);
    let mut out = Vec::new();
    let began = Instant::now();
    (0..200).for_each(|_| Frame::encode_into(&records, &mut out));
    rate(200 * 500, began)
}

fn decode() -> f64 {
    let bytes = Frame::encode(&records(500));
    let mut frame = Frame::default();
    let began = Instant::now();
    for _ in 0..200 {
        frame.read(&bytes).unwrap();
        assert_eq!(frame.records(0, Timestamp(0)).filter(Result::is_ok).count(), 500);
    }
    rate(200 * 500, began)
}

fn read() -> f64 {
    let dir = tempfile::tempdir_in(".").unwrap();
    let log = open(dir.path());
    batches(200_000, 1_000).into_iter().for_each(|batch| log.append(batch).unwrap());
    let began = Instant::now();
    let (mut frame, mut count) = (Frame::default(), 0);
    for partition in 0..PARTITIONS {
        let (mut next, end) = (0, log.bounds(partition).unwrap().end);
        while next < end {
            for entry in log.read(partition, next, 1 << 20).unwrap() {
                frame.read(&entry.frame).unwrap();
                count += frame.records(entry.offset, entry.appended_at).filter(Result::is_ok).count();
                next = entry.offset + 1;
            }
        }
    }
    assert_eq!(count, 200_000);
    rate(count, began)
}

struct LedgerRun {
    ledger: SqliteLedger,
    _dir: tempfile::TempDir,
    verdict: Verdict,
    done: u64,
}

impl LedgerRun {
    fn new(verdict: Verdict) -> LedgerRun {
        let dir = tempfile::tempdir_in(".").unwrap();
        let ledger = SqliteLedger::open(dir.path().join("ledger.db")).unwrap();
        LedgerRun { ledger, _dir: dir, verdict, done: 0 }
    }

    fn insert(&mut self, count: u64) -> f64 {
        let decisions: Vec<Decision> =
            (self.done..self.done + count).map(|number| self.decision(number)).collect();
        let began = Instant::now();
        for (number, some) in decisions.chunks(1_000).enumerate() {
            let position = self.done / 1_000 + number as u64;
            let work = |t: &mut dyn outreach::ledger::Transaction| {
                t.insert_decisions(0, some)?;
                t.move_position(0, position, position + 1)
            };
            self.ledger.transaction(work).unwrap();
        }
        self.done += count;
        rate(count as usize, began)
    }

    /// Of a million people; a thousand are judged at the same tick.
    fn decision(&self, number: u64) -> Decision {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&mixed.to_be_bytes());
        id[8..].copy_from_slice(&number.to_be_bytes());
        let user = format!("user-{}", mixed % 1_000_000);
        let decision = contract::decision((number / 1_000) as u32);
        let render = if self.verdict == Verdict::Send { decision.render.clone() } else { "{}".into() };
        let address = Some(format!("{user}@example.com").into());
        let subject = Subject::user(&user).to_owned();
        Decision { id: DecisionId(id), subject, address, render, verdict: self.verdict, ..decision }
    }
}

fn deliver() -> f64 {
    let mut run = LedgerRun::new(Verdict::Send);
    run.insert(2_000);
    let due = run.ledger.transaction(|t| t.due_messages(Channel::Email, Timestamp::MAX, 2_000)).unwrap();
    let began = Instant::now();
    for message in &due {
        let now = message.next_at;
        run.ledger.transaction(|t| t.set_leaving(message.key, now)).unwrap();
        let sent = outreach_engine::event::OutcomeKind::Sent;
        assert!(run.ledger.transaction(|t| t.set_ended(message.key, sent, now, None, None)).unwrap());
    }
    rate(due.len(), began)
}
