//! What a solo service keeps: log, ledger, snapshots, and the lock that gives the data folder one owner.

use super::clock_file;
use crate::clock::{Clock, Clocks, Guarded};
use crate::ledger::sqlite::SqliteLedger;
use crate::log::embedded::EmbeddedLog;
use crate::project::Data;
use crate::worker::snapshots::Snapshots;
use anyhow::{Context, bail};
use std::fs::{File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The open data folder.
pub struct Storage {
    pub log: Arc<EmbeddedLog>,
    pub ledger: Arc<SqliteLedger>,
    pub snapshots: Arc<Snapshots>,
    /// What all here goes by.
    pub clock: Clock,
    /// Says when the clock is in doubt.
    pub guard: Arc<Guarded>,
    dir: PathBuf,
    _lock: File,
}

const LOCK_FILE: &str = "lock";

impl Storage {
    /// Opens the folder, or makes it. Fails when another process has it.
    pub fn open(data: &Data) -> anyhow::Result<Storage> {
        Storage::open_by(data, Clocks::default())
    }

    /// [`Storage::open`], by clocks that are not this machine's.
    pub fn open_by(data: &Data, clocks: Clocks) -> anyhow::Result<Storage> {
        let dir = &data.dir;
        // What people did and where they can be written to is nobody else's business on this machine.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .with_context(|| format!("the data folder {} cannot be made", dir.display()))?;
        let lock = lock(dir)?;
        let guard = Guarded::new(clocks.wall, clocks.steady, clock_file::read(dir));
        let clock = guard.clock();
        let log = EmbeddedLog::open(dir.join("log"), data.partitions, clock.clone())
            .with_context(|| format!("the log in {}", dir.display()))?;
        let ledger = SqliteLedger::open(dir.join("ledger.db")).context("the ledger")?;
        let snapshots = Snapshots::in_folder(&dir.join("snapshots")).context("the snapshots")?;
        Ok(Storage {
            log: Arc::new(log),
            ledger: Arc::new(ledger),
            snapshots: Arc::new(snapshots),
            clock,
            guard,
            dir: dir.clone(),
            _lock: lock,
        })
    }

    /// Notes what the clocks show, for the next process on this folder.
    pub fn note_clock(&self) {
        if let Err(error) = clock_file::write(&self.dir, self.guard.believed()) {
            tracing::warn!(%error, "the next start will not know what the clock shows now");
        }
    }
}

fn lock(dir: &Path) -> anyhow::Result<File> {
    let path = dir.join(LOCK_FILE);
    let file = File::options().create(true).truncate(false).write(true).open(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "the data folder {} belongs to a running outreach: stop it, or let it answer on its admin_listen",
            dir.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).context(format!("{} cannot be locked", path.display())),
    }
}
