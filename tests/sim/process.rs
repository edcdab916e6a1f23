//! One incarnation of the service, put together as the service does, over the world's log, ledger and clock.

use crate::ledger::{Interloper, SimLedger};
use crate::life::{Life, Trouble};
use crate::log::{Role, SimLog};
use crate::source::{Copier, Topic};
use crate::time::{MachineClock, TrueTime, length};
use object_store::memory::InMemory;
use outreach::channel::unsubscribe_token::Key;
use outreach::clock::Guarded;
use outreach::dispatch::{Concluded, Dispatcher, LEAVING_FOR_MAX, Letters, Limits};
use outreach::ledger::sqlite::SqliteLedger;
use outreach::template::Templates;
use outreach::worker::snapshots::Snapshots;
use outreach::worker::{Standing, Tools, Worker, WorkerError};
use outreach_engine::{Release, Timestamp};
use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

/// What outlives every process.
pub struct Durable {
    pub log: SimLog,
    pub ledger: Arc<SqliteLedger>,
    pub snapshots: Arc<InMemory>,
    pub topic: Arc<Topic>,
    pub release: Arc<Release>,
    pub templates: Arc<Templates>,
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
    pub leaving: usize,
    pub ended: Vec<Concluded>,
    /// The machine's clock as the process believes it.
    pub guard: Arc<Guarded>,
    time: TrueTime,
    /// Snapshots that are to be written: lost, or not, when the process dies.
    pub writing: Jobs,
    worker_log: Arc<SimLog>,
    snapshots: Arc<Snapshots>,
    standing: Arc<Standing>,
    release: Arc<Release>,
}

type Jobs = Arc<Mutex<VecDeque<Box<dyn FnOnce() + Send>>>>;

/// People copied for a snapshot in a step: few, so that much happens between the first and the last.
const SLICE: usize = 3;

/// Messages that are leaving at a time.
pub const LEAVING_MAX: usize = 8;

impl Process {
    pub fn start(
        durable: &Durable,
        machine: &MachineClock,
        life: Arc<Life>,
        trouble: &Arc<Trouble>,
        interloper: &Arc<Mutex<Option<Interloper>>>,
        stalled_until: i64,
    ) -> Process {
        let partitions = durable.log.ends().len();
        let ledger = Arc::new(SimLedger {
            real: durable.ledger.clone(),
            life: life.clone(),
            trouble: trouble.clone(),
            interloper: interloper.clone(),
            commits: AtomicU64::new(0),
        });
        let standing = Arc::new(Standing::new(partitions as u32));
        let steady = machine.time.clone();
        let guard = Guarded::new(machine.clock(), Arc::new(move || length(steady.now())), None);
        let handle = |role| durable.log.of(&life, trouble, role);
        let door = handle(Role::Door);
        let store: Arc<dyn object_store::ObjectStore> = durable.snapshots.clone();
        Process {
            copier: Copier::start(durable.topic.clone(), machine.clone(), &door, stalled_until),
            dispatcher: dispatcher(durable, &guard, &ledger, &standing),
            workers: (0..partitions).map(|_| None).collect(),
            looked: vec![(i64::MIN, 0); partitions],
            leaving: 0,
            ended: Vec::new(),
            worker_log: Arc::new(handle(Role::Worker)),
            outbox: handle(Role::Outbox),
            door,
            snapshots: Arc::new(Snapshots::new(store)),
            guard,
            time: machine.time.clone(),
            writing: Jobs::default(),
            release: durable.release.clone(),
            standing,
            ledger,
            life,
        }
    }

    /// Starts the worker of a partition, if it is not there.
    pub fn worker(&mut self, partition: u32) -> Result<&mut Worker<SimLog, SimLedger>, WorkerError> {
        if self.workers[partition as usize].is_none() {
            let release = self.release.clone();
            let tools = Tools {
                log: self.worker_log.clone(),
                ledger: self.ledger.clone(),
                snapshots: self.snapshots.clone(),
                writer: {
                    let writing = self.writing.clone();
                    Arc::new(move |job| writing.lock().expect("no panic while held").push_back(job))
                },
                snapshot_slice: SLICE,
                releases: Arc::new(move |id: &str| {
                    if *release.id == *id { Ok(release.clone()) } else { Err("nobody made it".into()) }
                }),
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
    durable: &Durable,
    guard: &Arc<Guarded>,
    ledger: &Arc<SimLedger>,
    standing: &Arc<Standing>,
) -> Dispatcher<SimLedger> {
    let (release, templates) = (durable.release.clone(), durable.templates.clone());
    let letters = Letters {
        templates: Arc::new(move |_: &str| Ok(templates.clone())),
        from: "Acme <hello@acme.example>".into(),
        return_path_domain: "bounce.acme.example".into(),
        sender_name: "Acme".into(),
        sender_address: "1 Main Street".into(),
        public_url: "https://acme.example".into(),
        unsubscribe_key: Key::new(b"sixteen bytes or more").expect("long enough"),
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
        Arc::new(move || Some(release.clone())),
        letters,
        {
            let (standing, in_doubt) = (standing.clone(), guard.in_doubt());
            Arc::new(move |partition| if in_doubt() { Timestamp::MIN } else { standing.last_at(partition) })
        },
        guard.clock(),
        limits,
    )
}
