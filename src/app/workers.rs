//! A thread a partition: each runs its worker, and starts it again from the ledger when it is fenced or what it needs
//! was away.

use super::releases::ReleaseStore;
use super::storage::Storage;
use crate::ledger::sqlite::SqliteLedger;
use crate::ledger::{Ledger, LedgerError};
use crate::log::Log;
use crate::log::embedded::EmbeddedLog;
use crate::worker::{
    Found, PersonView, ReadThrough, SNAPSHOT_SLICE, Standing, Step, Tools, Worker, WorkerError, Writer,
};
use outreach_engine::event::Subject;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

type SoloWorker = Worker<EmbeddedLog, SqliteLedger>;

/// The workers of a service.
pub struct Workers {
    partitions: Vec<Arc<Partition>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Writes snapshots, one after the other, until nobody can have any more.
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// One partition as others see it.
#[derive(Default)]
struct Partition {
    worker: Mutex<Option<SoloWorker>>,
    /// Why it does not run.
    trouble: Mutex<Option<String>>,
    /// It cannot prove its state, and waits for somebody to look.
    is_given_up: AtomicBool,
}

const BLOCKED: &str = "the log or the ledger takes nothing now; it is tried again every second";
/// Before a worker is started again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(5);

impl Workers {
    pub fn start(
        storage: &Storage,
        releases: &Arc<ReleaseStore<SqliteLedger>>,
        read_through: &ReadThrough,
        standing: &Arc<Standing>,
        stop: &CancellationToken,
    ) -> anyhow::Result<Workers> {
        let (writer, jobs) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let thread = std::thread::Builder::new().name("snapshots".into());
        let writing = thread.spawn(move || jobs.into_iter().for_each(|job| job()))?;
        let writer: Writer = Arc::new(move |job| drop(writer.send(job)));
        let mut workers =
            Workers { partitions: Vec::new(), threads: Mutex::default(), writer: Mutex::new(Some(writing)) };
        for number in 0..storage.log.partitions() {
            let partition = Arc::new(Partition::default());
            let store = releases.clone();
            let tools = Toolbox {
                log: storage.log.clone(),
                ledger: storage.ledger.clone(),
                snapshots: storage.snapshots.clone(),
                writer: writer.clone(),
                clock: storage.clock.clone(),
                in_doubt: storage.guard.in_doubt(),
                releases: Arc::new(move |id| store.find(id).map(|built| built.release.clone())),
                read_through: read_through.clone(),
                standing: standing.clone(),
            };
            let (shared, stop) = (partition.clone(), stop.clone());
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            let thread = thread.spawn(move || run(number, &tools, &shared, &stop))?;
            workers.threads.lock().expect("no panic while held").push(thread);
            workers.partitions.push(partition);
        }
        Ok(workers)
    }

    /// What keeps partitions from running, by partition.
    pub fn troubles(&self) -> Vec<(usize, String)> {
        let trouble =
            |partition: &Arc<Partition>| partition.trouble.lock().expect("no panic while held").clone();
        self.partitions
            .iter()
            .enumerate()
            .filter_map(|(at, p)| trouble(p).map(|reason| (at, reason)))
            .collect()
    }

    /// Whether a partition may take events: one that cannot prove its state may get another log put in its place, and what
    /// was answered 200 would then be gone.
    pub fn takes(&self, partition: u32) -> bool {
        !self.partitions[partition as usize].is_given_up.load(Ordering::Acquire)
    }

    /// What is known of a person; an error while their partition does not run.
    pub fn view(&self, subject: Subject<'_>) -> Result<Option<PersonView>, String> {
        let number = subject.partition(self.partitions.len() as u32);
        let worker = self.partitions[number as usize].worker.lock().expect("no panic while held");
        match worker.as_ref() {
            Some(worker) => Ok(worker.view(subject)),
            None => Err(format!("partition {number} does not run: /readyz says why")),
        }
    }

    /// People whose id or address has `text` in it, at most so many; those whose partition does not run are left out.
    pub fn find(&self, text: &str, count_max: usize) -> Vec<Found> {
        let mut found = Vec::new();
        for partition in &self.partitions {
            let worker = partition.worker.lock().expect("no panic while held");
            let of_one = worker.as_ref().map(|worker| worker.find(text, count_max - found.len()));
            found.extend(of_one.unwrap_or_default());
        }
        found.sort_unstable();
        found
    }

    /// Returns when all have written down what they had; `stop` was called before.
    pub fn join(workers: Arc<Workers>) {
        let mut threads = std::mem::take(&mut *workers.threads.lock().expect("no panic while held"));
        // Last: it ends when the workers have.
        threads.extend(workers.writer.lock().expect("no panic while held").take());
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the workers has panicked");
            }
        }
    }
}

/// What each start of a worker takes a copy of.
struct Toolbox {
    log: Arc<EmbeddedLog>,
    ledger: Arc<SqliteLedger>,
    snapshots: Arc<crate::worker::snapshots::Snapshots>,
    writer: Writer,
    clock: crate::clock::Clock,
    in_doubt: crate::clock::InDoubt,
    releases: crate::worker::Releases,
    read_through: ReadThrough,
    standing: Arc<Standing>,
}

impl Toolbox {
    fn tools(&self) -> Tools<EmbeddedLog, SqliteLedger> {
        Tools {
            log: self.log.clone(),
            ledger: self.ledger.clone(),
            snapshots: self.snapshots.clone(),
            writer: self.writer.clone(),
            snapshot_slice: SNAPSHOT_SLICE,
            releases: self.releases.clone(),
            read_through: self.read_through.clone(),
            clock: self.clock.clone(),
            in_doubt: self.in_doubt.clone(),
            standing: self.standing.clone(),
        }
    }
}

fn run(number: u32, toolbox: &Toolbox, shared: &Partition, stop: &CancellationToken) {
    let mut again_after = AGAIN_AFTER;
    while !stop.is_cancelled() {
        let started_at = std::time::Instant::now();
        let ended = Worker::start(number, toolbox.tools()).and_then(|worker| {
            *shared.worker.lock().expect("no panic while held") = Some(worker);
            *shared.trouble.lock().expect("no panic while held") = None;
            steps(shared, stop)
        });
        let worker = shared.worker.lock().expect("no panic while held").take();
        let Err(error) = ended.and_then(|()| worker.map_or(Ok(()), |mut worker| worker.finish())) else {
            return;
        };
        tracing::warn!(partition = number, %error, "a worker starts again");
        *shared.trouble.lock().expect("no panic while held") = Some(error.to_string());
        if !mends_itself(&error) {
            // Nothing is sent for these people until somebody has looked; /readyz says so.
            shared.is_given_up.store(true, Ordering::Release);
            return;
        }
        let lived = started_at.elapsed();
        again_after = if lived > AGAIN_AFTER_MAX { AGAIN_AFTER } else { again_after };
        std::thread::sleep(again_after);
        again_after = (again_after * 2).min(AGAIN_AFTER_MAX);
    }
}

fn steps(shared: &Partition, stop: &CancellationToken) -> Result<(), WorkerError> {
    while !stop.is_cancelled() {
        let mut held = shared.worker.lock().expect("no panic while held");
        let Some(worker) = held.as_mut() else { return Ok(()) };
        match worker.step()? {
            Step::Busy => {
                drop(held);
                // Who asks about a person gets a turn.
                std::thread::yield_now();
            }
            Step::Idle { until } => {
                let rest = worker.rest(until);
                drop(held);
                rest();
            }
            Step::Blocked { .. } => {
                drop(held);
                *shared.trouble.lock().expect("no panic while held") = Some(BLOCKED.into());
                std::thread::sleep(AGAIN_AFTER_MAX / 5);
                *shared.trouble.lock().expect("no panic while held") = None;
            }
        }
    }
    Ok(())
}

fn mends_itself(error: &WorkerError) -> bool {
    match error {
        WorkerError::Ledger(LedgerError::Fenced { .. } | LedgerError::Unavailable { .. }) => true,
        WorkerError::Log(crate::log::LogError::Unavailable { .. }) => true,
        WorkerError::Ledger(LedgerError::Damaged { .. })
        | WorkerError::Log(crate::log::LogError::Damaged { .. })
        | WorkerError::Frame { .. }
        | WorkerError::Unproven { .. } => false,
        // The ledger that it is read from may be back in a moment.
        WorkerError::Release { .. } => true,
    }
}

/// Whether the ledger answers: `/readyz` asks.
pub fn ledger_answers(ledger: &impl Ledger) -> Result<(), LedgerError> {
    ledger.transaction(|transaction| transaction.pauses().map(drop))
}
