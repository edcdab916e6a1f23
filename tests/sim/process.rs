//! One incarnation of the service, put together as the service does, over the world's log, ledger and clock.

use crate::ledger::{Interloper, SimLedger};
use crate::life::{Life, Trouble};
use crate::log::{Role, SimLog};
use crate::source::{Copier, Topic};
use crate::time::MachineClock;
use object_store::memory::InMemory;
use outreach::channel::unsubscribe_token::Key;
use outreach::dispatch::{Concluded, Dispatcher, LEAVING_FOR_MAX, Letters, Limits};
use outreach::ledger::sqlite::SqliteLedger;
use outreach::template::Templates;
use outreach::worker::snapshots::Snapshots;
use outreach::worker::{Standing, Tools, Worker, WorkerError};
use outreach_engine::Release;
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
    machine: MachineClock,
    worker_log: Arc<SimLog>,
    snapshots: Arc<Snapshots>,
    standing: Arc<Standing>,
    release: Arc<Release>,
}

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
        let handle = |role| durable.log.of(&life, trouble, role);
        let door = handle(Role::Door);
        let store: Arc<dyn object_store::ObjectStore> = durable.snapshots.clone();
        Process {
            copier: Copier::start(durable.topic.clone(), machine.clone(), &door, stalled_until),
            dispatcher: dispatcher(durable, machine, &ledger, &standing),
            workers: (0..partitions).map(|_| None).collect(),
            looked: vec![(i64::MIN, 0); partitions],
            leaving: 0,
            ended: Vec::new(),
            worker_log: Arc::new(handle(Role::Worker)),
            outbox: handle(Role::Outbox),
            door,
            snapshots: Arc::new(Snapshots::new(store)),
            machine: machine.clone(),
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
                releases: Arc::new(move |id: &str| {
                    if *release.id == *id { Ok(release.clone()) } else { Err("nobody made it".into()) }
                }),
                read_through: self.copier.read_through(),
                clock: self.machine.clock(),
                standing: self.standing.clone(),
            };
            self.workers[partition as usize] = Some(Worker::start(partition, tools)?);
        }
        Ok(self.workers[partition as usize].as_mut().expect("just started"))
    }
}

fn dispatcher(
    durable: &Durable,
    machine: &MachineClock,
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
            let standing = standing.clone();
            Arc::new(move |partition| standing.last_at(partition))
        },
        machine.clock(),
        limits,
    )
}
