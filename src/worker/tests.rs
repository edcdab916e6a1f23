//! A worker on a real log and ledger.

use super::snapshots::Snapshots;
use super::{Standing, Step, Tools, Worker};
use crate::clock;
use crate::ledger::Ledger;
use crate::ledger::sqlite::SqliteLedger;
use crate::log::embedded::EmbeddedLog;
use crate::log::{Batch, Log};
use object_store::memory::InMemory;
use outreach_engine::event::{Body, Event, EventKind, Subject};
use outreach_engine::release::Settings;
use outreach_engine::rule::{Known, parse};
use outreach_engine::{Release, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

const RULE: &str = "name = \"Hello\"\n[trigger]\nevent = \"Came\"\n[[step]]\nin_product = \"hello\"\n";

fn release() -> Arc<Release> {
    let (rule, _) = parse("hello", "rules/hello.toml", RULE, &Known::default()).expect("a sound rule");
    let settings = Settings {
        timezone: "UTC".into(),
        quiet_hours: None,
        holdout: None,
        caps: Default::default(),
        topics: BTreeMap::new(),
        transactional_rules: Vec::new(),
        hash_seed: 0,
    };
    Arc::new(Release::new("r1", settings, vec![rule], &BTreeMap::new()))
}

fn came(number: u64, at: Timestamp) -> Body<'static> {
    Body::Event(Event {
        kind: EventKind::Track,
        subject: Subject::user("ada"),
        name: "Came".into(),
        message_id: format!("m{number}").into(),
        occurred_at: at,
        received_at: at,
        is_proven: true,
        origin: None,
        other_id: None,
        properties: "{}".into(),
        traits: "{}".into(),
        context: "{}".into(),
    })
}

#[test]
fn a_log_that_never_stands_still_does_not_keep_a_worker_from_deciding() {
    let (folder, now) = (tempfile::tempdir().unwrap(), clock::system());
    let log = Arc::new(EmbeddedLog::open(folder.path(), 1, now.clone()).unwrap());
    let (ledger, release) = (Arc::new(SqliteLedger::in_memory().unwrap()), release());
    let standing = Arc::new(Standing::new(1));
    let tools = Tools {
        log: log.clone(),
        ledger: ledger.clone(),
        snapshots: Arc::new(Snapshots::new(Arc::new(InMemory::new()))),
        releases: Arc::new(move |_| Ok(release.clone())),
        read_through: Arc::new(|| None),
        clock: now.clone(),
        standing: standing.clone(),
    };
    let append = |body: &Body<'_>| {
        let mut batch = Batch::default();
        batch.push(0, body);
        log.append(batch).unwrap();
    };
    append(&Body::Release { id: "r1".into() });
    let mut worker = Worker::start(0, tools).unwrap();
    let decided = (0..1_000).find(|number| {
        // There is always a frame when the worker looks.
        append(&came(*number, now()));
        assert_eq!(worker.step().unwrap(), Step::Busy);
        let entries = ledger.transaction(|transaction| transaction.entries("user:ada", 10)).unwrap();
        !entries.is_empty()
    });
    assert!(decided.is_some(), "a thousand steps, and nothing is written");
    assert!(standing.last_at(0) > Timestamp::MIN, "mail of this partition would be stale");
}
