//! A worker on a real log and ledger, by a clock that the test moves.

use super::snapshots::Snapshots;
use super::{Standing, Step, Tools, Worker, WorkerError, Writer};
use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::ledger::sqlite::SqliteLedger;
use crate::log::embedded::EmbeddedLog;
use crate::log::{Batch, Log};
use object_store::memory::InMemory;
use outreach_engine::event::{Body, Event, EventKind, Subject};
use outreach_engine::release::Settings;
use outreach_engine::rule::{Known, parse};
use outreach_engine::{Length, Release, Timestamp};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const RULE: &str = "name = \"Hello\"\n[trigger]\nevent = \"Came\"\n[[step]]\nin_product = \"hello\"\n";
/// 2026-11-24T12:00Z.
const NOON: Timestamp = Timestamp(1_795_521_600_000_000);

type TestWorker = Worker<EmbeddedLog, SqliteLedger>;
type Jobs = Arc<Mutex<Vec<Box<dyn FnOnce() + Send>>>>;

fn release() -> Arc<Release> {
    let (rule, _) = parse("hello", "rules/hello.toml", RULE, &Known::default()).expect("a sound rule");
    let settings = Settings {
        timezone: "UTC".into(),
        quiet_hours: None,
        holdout: None,
        caps: Default::default(),
        topics: BTreeMap::new(),
        transactional_rules: Vec::new(),
        locale: None,
        hash_seed: 0,
    };
    Arc::new(Release::new("r1", settings, vec![rule], &BTreeMap::new()))
}

/// What outlives a worker.
struct World {
    _folder: tempfile::TempDir,
    log: Arc<EmbeddedLog>,
    ledger: Arc<SqliteLedger>,
    store: Arc<InMemory>,
    standing: Arc<Standing>,
    now: Arc<AtomicI64>,
    is_in_doubt: Arc<AtomicBool>,
    /// Snapshots that are to be written.
    jobs: Jobs,
}

impl World {
    /// A log whose own clock is so far ahead of the worker's.
    fn with_log_ahead(ahead: Length) -> World {
        let now = Arc::new(AtomicI64::new(NOON.0));
        let hands = now.clone();
        let log_clock: Clock = Arc::new(move || Timestamp(hands.load(Ordering::SeqCst)) + ahead);
        let folder = tempfile::tempdir().unwrap();
        let world = World {
            log: Arc::new(EmbeddedLog::open(folder.path(), 1, log_clock).unwrap()),
            _folder: folder,
            ledger: Arc::new(SqliteLedger::in_memory().unwrap()),
            store: Arc::default(),
            standing: Arc::new(Standing::new(1)),
            now,
            is_in_doubt: Arc::default(),
            jobs: Jobs::default(),
        };
        world.append(&Body::Release { id: "r1".into() });
        world
    }

    fn new() -> World {
        World::with_log_ahead(Length::ZERO)
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn pass(&self, length: Length) {
        self.now.fetch_add(length.0, Ordering::SeqCst);
    }

    fn append(&self, body: &Body<'_>) {
        let mut batch = Batch::default();
        batch.push(0, body);
        self.log.append(batch).unwrap();
    }

    /// Somebody does what begins the rule.
    fn came(&self, name: &str) {
        let event = Event {
            kind: EventKind::Track,
            subject: Subject::user(name),
            name: "Came".into(),
            message_id: format!("{name}-{}", self.now().0).into(),
            occurred_at: self.now(),
            received_at: self.now(),
            is_proven: true,
            origin: None,
            other_id: None,
            properties: "{}".into(),
            traits: "{}".into(),
            context: "{}".into(),
        };
        self.append(&Body::Event(event));
    }

    fn snapshots(&self, engine: &str) -> Snapshots {
        Snapshots::of_engine(self.store.clone(), engine.into())
    }

    fn offsets(&self) -> Vec<u64> {
        self.snapshots("any").offsets(0).unwrap()
    }

    fn position(&self) -> u64 {
        self.ledger.transaction(|transaction| transaction.position(0)).unwrap()
    }

    fn decisions(&self, name: &str) -> usize {
        let subject = format!("user:{name}");
        self.ledger.transaction(|transaction| transaction.entries(&subject, 10)).unwrap().len()
    }

    /// A worker of an engine that calls itself so.
    fn start(&self, engine: &str) -> Result<TestWorker, WorkerError> {
        let (release, hands, doubt) = (release(), self.now.clone(), self.is_in_doubt.clone());
        let jobs = self.jobs.clone();
        let writer: Writer = Arc::new(move |job| jobs.lock().unwrap().push(job));
        let tools = Tools {
            log: self.log.clone(),
            ledger: self.ledger.clone(),
            snapshots: Arc::new(self.snapshots(engine)),
            writer,
            snapshot_slice: 1,
            releases: Arc::new(move |_| Ok(release.clone())),
            read_through: Arc::new(|| None),
            clock: Arc::new(move || Timestamp(hands.load(Ordering::SeqCst))),
            in_doubt: Arc::new(move || doubt.load(Ordering::SeqCst)),
            standing: self.standing.clone(),
        };
        Worker::start(0, tools)
    }

    fn refusal(&self, engine: &str) -> String {
        match self.start(engine) {
            Ok(_) => panic!("engine {engine} starts"),
            Err(error) => error.to_string(),
        }
    }

    /// Steps until there is nothing to do at once.
    fn settle(&self, worker: &mut TestWorker) {
        let is_idle =
            (0..1_000).any(|_| worker.step().unwrap() != Step::Busy && worker.next == self.log_end());
        assert!(is_idle, "a worker that never rests");
    }

    fn log_end(&self) -> u64 {
        self.log.bounds(0).unwrap().end
    }

    fn write_snapshots(&self) {
        let jobs = std::mem::take(&mut *self.jobs.lock().unwrap());
        jobs.into_iter().for_each(|job| job());
    }
}

/// Steps with a frame there whenever the worker looks, until something is decided.
fn decides_in_a_stream(world: &World) {
    let mut worker = world.start("a").unwrap();
    let decided = (0..1_000).find(|_| {
        world.came("ada");
        world.pass(Length(1_000));
        assert_eq!(worker.step().unwrap(), Step::Busy);
        world.decisions("ada") > 0
    });
    assert!(decided.is_some(), "a thousand steps, and nothing is written");
    assert!(world.standing.last_at(0) > Timestamp::MIN, "mail of this partition would be stale");
}

#[test]
fn a_log_that_never_stands_still_does_not_keep_a_worker_from_deciding() {
    decides_in_a_stream(&World::new());
}

#[test]
fn a_log_whose_clock_was_ahead_does_not_keep_a_worker_from_deciding() {
    decides_in_a_stream(&World::with_log_ahead(Length::hours(3)));
}

#[test]
fn a_clock_that_is_set_back_before_a_worker_rests_does_not_let_it_sleep_for_hours() {
    let until = NOON + Length(250_000);
    assert_eq!(super::rest_of(until, NOON), Duration::from_millis(250));
    assert!(super::rest_of(until, NOON - Length::hours(3)) <= Duration::from_secs(1));
    assert_eq!(super::rest_of(until, NOON + Length::hours(3)), Duration::ZERO);
}

#[test]
fn a_snapshot_is_copied_in_slices_and_written_by_somebody_else() {
    let world = World::new();
    let mut worker = world.start("a").unwrap();
    ["ada", "bob", "cyd"].into_iter().for_each(|name| world.came(name));
    world.settle(&mut worker);
    let (begun_at, as_it_stood) = (world.position(), worker.shard().to_bytes());
    world.pass(Length::minutes(5));
    worker.step().unwrap();
    assert!(worker.snapshot.is_copying());
    world.came("dan");
    world.pass(Length::seconds(1));
    world.settle(&mut worker);
    assert_eq!(world.decisions("dan"), 1, "it goes on meanwhile");
    assert_eq!(
        (world.offsets(), world.jobs.lock().unwrap().len()),
        (vec![0], 1),
        "nobody has written it yet"
    );
    world.write_snapshots();
    assert_eq!(world.offsets(), [0, begun_at]);
    assert_eq!(world.snapshots("a").get(0, begun_at).unwrap().shard.to_bytes(), as_it_stood);
    // Whoever starts from it comes to the same state, and decides nothing again.
    let mut again = world.start("a").unwrap();
    again.look().unwrap();
    assert_eq!(again.shard().to_bytes(), worker.shard().to_bytes());
}

#[test]
fn a_snapshot_that_nobody_wrote_is_not_there_and_the_next_is() {
    let world = World::new();
    let mut worker = world.start("a").unwrap();
    for round in 0..2 {
        world.came("ada");
        world.pass(Length::minutes(5));
        world.settle(&mut worker);
        world.settle(&mut worker);
        assert_eq!(world.jobs.lock().unwrap().len(), 1, "round {round}");
        if round == 0 {
            world.jobs.lock().unwrap().clear();
        }
        world.write_snapshots();
    }
    assert_eq!(world.offsets().len(), 2);
    assert!(*world.offsets().last().unwrap() <= world.position());
}

#[test]
fn a_clean_stop_leaves_a_snapshot_at_the_position_while_another_is_under_way() {
    let world = World::new();
    let mut worker = world.start("a").unwrap();
    ["ada", "bob", "cyd"].into_iter().for_each(|name| world.came(name));
    world.settle(&mut worker);
    world.pass(Length::minutes(5));
    worker.step().unwrap();
    assert!(worker.snapshot.is_copying());
    world.came("dan");
    worker.step().unwrap();
    worker.finish().unwrap();
    assert_eq!(world.offsets().last(), Some(&world.position()));
    assert_eq!(world.position(), worker.next);
}

#[test]
fn another_engine_takes_over_a_snapshot_at_the_ledgers_position_and_signs_it() {
    let world = World::new();
    let mut old = world.start("old").unwrap();
    world.came("ada");
    world.settle(&mut old);
    old.finish().unwrap();
    let taken_over_at = world.position();

    let mut new = world.start("new").unwrap();
    assert_eq!(
        world.snapshots("any").get(0, taken_over_at).unwrap().engine_version,
        "old",
        "it may only look"
    );
    world.came("bob");
    world.settle(&mut new);
    assert!(world.position() > taken_over_at);
    drop(new);
    // A crash: what followed is the new engine's, and the old one may not run it again.
    world.start("new").expect("its own decisions");
    let words = world.refusal("old");
    assert!(words.contains("the engine of the snapshot at offset") && words.contains("is new"), "{words}");
}

#[test]
fn another_engine_does_not_run_again_what_was_decided() {
    let world = World::new();
    let mut old = world.start("old").unwrap();
    world.came("ada");
    world.settle(&mut old);
    drop(old);
    let words = world.refusal("new");
    let wanted = ["snapshot at offset 0 is old", "this one is new", "Run old once more", "SIGTERM"];
    wanted.into_iter().for_each(|part| assert!(words.contains(part), "{words}"));
    // What it says helps.
    world.start("old").unwrap().step().unwrap();
    let mut old = world.start("old").unwrap();
    world.settle(&mut old);
    old.finish().unwrap();
    world.start("new").expect("a clean stop");
}

#[test]
fn a_ledger_that_lost_what_a_snapshot_has_is_refused() {
    let world = World::new();
    let mut worker = world.start("a").unwrap();
    world.came("ada");
    world.settle(&mut worker);
    let past = world.position() + 1;
    world.snapshots("a").put(0, past, &worker.shard().to_bytes()).unwrap();
    let words = world.refusal("a");
    assert!(words.contains("the ledger lost what it held") && words.contains(&past.to_string()), "{words}");
}

#[test]
fn while_the_clock_is_in_doubt_nothing_is_decided_and_the_gate_hears_of_nobody_at_the_end() {
    let world = World::new();
    let mut worker = world.start("a").unwrap();
    world.is_in_doubt.store(true, Ordering::SeqCst);
    world.came("ada");
    world.pass(Length::seconds(2));
    world.settle(&mut worker);
    assert_eq!((world.decisions("ada"), world.standing.last_at(0)), (0, Timestamp::MIN));
    assert_eq!(world.position(), world.log_end(), "it reads on");
    world.is_in_doubt.store(false, Ordering::SeqCst);
    world.settle(&mut worker);
    world.settle(&mut worker);
    assert_eq!(world.decisions("ada"), 1);
    assert_eq!(world.standing.last_at(0), world.now());
}
