//! One incarnation of the service, put together as the service does, over the world's log, ledger and clock.

use crate::ledger::{Interloper, SimLedger};
use crate::life::{Life, Trouble};
use crate::log::{Role, SimLog};
use crate::project::{self, Version};
use crate::source::{Copier, Topic};
use crate::suppress;
use crate::time::{MachineClock, TrueTime, length};
use object_store::memory::InMemory;
use outreach::app::announce::announce;
use outreach::app::releases::ReleaseStore;
use outreach::clock::Guarded;
use outreach::dispatch::{Concluded, Dispatcher, LEAVING_FOR_MAX, Letters, Limits, Places};
use outreach::ledger::sqlite::SqliteLedger;
use outreach::worker::snapshots::Snapshots;
use outreach::worker::{Standing, Tools, Worker, WorkerError};
use outreach_engine::Timestamp;
use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

/// What outlives every process.
pub struct Durable {
    pub log: SimLog,
    pub ledger: Arc<SqliteLedger>,
    pub snapshots: Arc<InMemory>,
    pub topic: Arc<Topic>,
}

/// What processes of a run share: the world's faults.
pub struct Weather<'w> {
    pub trouble: &'w Arc<Trouble>,
    pub interloper: &'w Arc<Mutex<Option<Interloper>>>,
    pub stalled_until: i64,
}

pub struct Process {
    pub life: Arc<Life>,
    pub ledger: Arc<SimLedger>,
    pub door: SimLog,
    pub outbox: SimLog,
    pub copier: Copier,
    pub dispatcher: Dispatcher<SimLedger>,
    pub workers: Vec<Option<Worker<SimLog, SimLedger>>>,
    /// When each worker was last stepped, in true time, and how often since the log grew.
    pub looked: Vec<(i64, u32)>,
    pub leaving: Places,
    pub ended: Vec<Concluded>,
    /// It is asked to stop: it finishes what is leaving, and lets nothing more leave.
    pub is_stopping: bool,
    /// The machine's clock as the process believes it.
    pub guard: Arc<Guarded>,
    time: TrueTime,
    /// Snapshots that are to be written: lost, or not, when the process dies.
    pub writing: Jobs,
    worker_log: Arc<SimLog>,
    snapshots: Arc<Snapshots>,
    standing: Arc<Standing>,
    store: Arc<ReleaseStore<SimLedger>>,
}

type Jobs = Arc<Mutex<VecDeque<Box<dyn FnOnce() + Send>>>>;

/// People copied for a snapshot in a step: few, so that much happens between the first and the last.
const SLICE: usize = 3;

/// Messages that are leaving at a time.
const LEAVING_MAX: usize = 8;

impl Process {
    /// Starts one, which releases the project if it differs from the last release; an error ends it.
    pub fn start(
        durable: &Durable,
        version: Version,
        machine: &MachineClock,
        life: Arc<Life>,
        weather: &Weather<'_>,
    ) -> Result<Process, String> {
        let partitions = durable.log.ends().len();
        let trouble = weather.trouble;
        let ledger = Arc::new(SimLedger {
            real: durable.ledger.clone(),
            life: life.clone(),
            trouble: trouble.clone(),
            interloper: weather.interloper.clone(),
            commits: AtomicU64::new(0),
        });
        let handle = |role| durable.log.of(&life, trouble, role);
        let steady = machine.time.clone();
        let guard = Guarded::new(machine.clock(), Arc::new(move || length(steady.now())), None);
        let store = Arc::new(ReleaseStore::compiling_by(ledger.clone(), project::compile));
        announce(version.parts(), &handle(Role::Operator), &*ledger, &store, guard.now())
            .map_err(|error| format!("{error:#}"))?;
        let standing = Arc::new(Standing::new(partitions as u32));
        let door = handle(Role::Door);
        let snapshots: Arc<dyn object_store::ObjectStore> = durable.snapshots.clone();
        Ok(Process {
            copier: Copier::start(
                durable.topic.clone(),
                machine.time.clone(),
                guard.clock(),
                &door,
                weather.stalled_until,
            ),
            dispatcher: dispatcher(&guard, &ledger, &store, &standing),
            workers: (0..partitions).map(|_| None).collect(),
            looked: vec![(i64::MIN, 0); partitions],
            leaving: Places::default(),
            ended: Vec::new(),
            is_stopping: false,
            worker_log: Arc::new(handle(Role::Worker)),
            outbox: handle(Role::Outbox),
            door,
            snapshots: Arc::new(Snapshots::new(snapshots)),
            guard,
            time: machine.time.clone(),
            writing: Jobs::default(),
            store,
            standing,
            ledger,
            life,
        })
    }

    pub fn ended_places(&self) -> Places {
        let mut places = Places::default();
        self.ended.iter().for_each(|ended| *places.of_mut(ended.message.channel) += 1);
        places
    }

    /// Their ends are written.
    pub fn forget_ended(&mut self) {
        self.leaving = self.leaving.without(self.ended_places());
        self.ended.clear();
    }

    /// Starts the worker of a partition, if it is not there.
    pub fn worker(&mut self, partition: u32) -> Result<&mut Worker<SimLog, SimLedger>, WorkerError> {
        if self.workers[partition as usize].is_none() {
            let store = self.store.clone();
            let tools = Tools {
                log: self.worker_log.clone(),
                ledger: self.ledger.clone(),
                snapshots: self.snapshots.clone(),
                writer: {
                    let writing = self.writing.clone();
                    Arc::new(move |job| writing.lock().expect("no panic while held").push_back(job))
                },
                snapshot_slice: SLICE,
                releases: Arc::new(move |id: &str| store.find(id).map(|built| built.release.clone())),
                read_through: self.copier.read_through(),
                clock: self.guard.clock(),
                in_doubt: self.guard.in_doubt(),
                standing: self.standing.clone(),
            };
            self.workers[partition as usize] = Some(Worker::start(partition, tools)?);
        }
        Ok(self.workers[partition as usize].as_mut().expect("just started"))
    }

    /// When this process will believe that it is `at`, in true time.
    pub fn true_time_of(&self, at: Timestamp) -> i64 {
        let ahead = self.guard.now().0 - self.time.now();
        at.0.saturating_sub(ahead)
    }

    /// Writes the snapshot that waits longest; false where none does.
    pub fn write_snapshot(&self) -> bool {
        let job = self.writing.lock().expect("no panic while held").pop_front();
        job.map(|job| job()).is_some()
    }
}

fn dispatcher(
    guard: &Arc<Guarded>,
    ledger: &Arc<SimLedger>,
    store: &Arc<ReleaseStore<SimLedger>>,
    standing: &Arc<Standing>,
) -> Dispatcher<SimLedger> {
    let (templates, current, standing) = (store.clone(), store.clone(), standing.clone());
    let letters = Letters {
        templates: Arc::new(move |id: &str| templates.find(id).map(|built| built.templates.clone())),
        from: "Acme <hello@acme.example>".into(),
        return_path_domain: "bounce.acme.example".into(),
        sender_name: "Acme".into(),
        sender_address: "1 Main Street".into(),
        public_url: "https://acme.example".into(),
        unsubscribe_key: suppress::key(),
        redirect_all_to: None,
        topic_name: Arc::new(|_: &str, _: &str| None),
    };
    let limits = Limits {
        delivers_to: Arc::new(|_: &str| true),
        leaving_max: LEAVING_MAX,
        leaving_for_max: LEAVING_FOR_MAX,
        per_second_max: Some(5),
    };
    Dispatcher::new(
        ledger.clone(),
        Arc::new(move || current.current().map(|built| built.release.clone())),
        letters,
        Arc::new(move |partition| standing.last_at(partition)),
        guard.clock(),
        limits,
    )
}
