//! A process's way to the ledger: the real one on SQLite, behind calls that may fail before, fail after they were
//! done, or kill the caller. Between two transactions of one caller others may come.

use crate::life::{Life, Mishap, Trouble};
use outreach::ledger::sqlite::SqliteLedger;
use outreach::ledger::{Ledger, LedgerError, Transaction};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What somebody else does in a transaction of their own.
pub type Interloper = Box<dyn FnMut() + Send>;

/// One process's handle.
pub struct SimLedger {
    pub real: Arc<SqliteLedger>,
    pub life: Arc<Life>,
    pub trouble: Arc<Trouble>,
    /// Asked before each transaction.
    pub interloper: Arc<Mutex<Option<Interloper>>>,
    pub commits: AtomicU64,
}

impl SimLedger {
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn let_others_by(&self) {
        // Taken out while it runs: it has transactions of its own.
        let taken = self.interloper.lock().expect("no panic while held").take();
        if let Some(mut interloper) = taken {
            interloper();
            *self.interloper.lock().expect("no panic while held") = Some(interloper);
        }
    }
}

fn unavailable(reason: &str) -> LedgerError {
    LedgerError::Unavailable { reason: reason.into() }
}

impl Ledger for SimLedger {
    fn transaction<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        if self.life.is_over() {
            return Err(unavailable("the process is dead"));
        }
        self.let_others_by();
        let mishap = self.trouble.mishap();
        match mishap {
            Mishap::ErrorBefore => return Err(unavailable("a failed call")),
            Mishap::CrashBefore => {
                self.life.end();
                return Err(unavailable("the process dies"));
            }
            Mishap::None | Mishap::ErrorAfter | Mishap::CrashAfter => {}
        }
        let result = self.real.transaction(work)?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        match mishap {
            Mishap::ErrorAfter => Err(unavailable("a lost answer")),
            Mishap::CrashAfter => {
                self.life.end();
                Err(unavailable("the process dies"))
            }
            Mishap::None | Mishap::ErrorBefore | Mishap::CrashBefore => Ok(result),
        }
    }
}
