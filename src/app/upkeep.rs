//! The work beside: the outbox goes back into the log, and what is old is forgotten.

use super::storage::Storage;
use crate::ingest::outbox;
use crate::ledger::Ledger;
use crate::log::Log;
use outreach_engine::Length;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// An outbox that was emptied is looked at again after this: long enough that a step carries many outcomes, since it
/// costs an fsync of the log and one of the ledger; short, since a wait of the next step counts from the outcome.
const OUTBOX_EVERY: Duration = Duration::from_millis(50);
const OUTBOX_DOWN: Duration = Duration::from_millis(500);
const FORGET_EVERY: Duration = Duration::from_secs(3_600);
/// A clock that jumps between two processes is seen from the last note on.
const NOTE_CLOCK_EVERY: Duration = Duration::from_secs(60);
/// Dead letters go after 14 days, render contexts after 30 (architecture.md, "people's data").
const LETTERS_KEPT: Length = Length::days(14);
const RENDERS_KEPT: Length = Length::days(30);
/// The log is kept 30 days at most, and never beyond what a snapshot holds.
const LOG_KEPT: Length = Length::days(30);

/// Pumps the outbox until `stop`, and once more after it: what was sent last is said too.
pub fn run(storage: &Storage, stop: &CancellationToken) {
    let mut forgotten_at = Instant::now();
    let mut noted_at: Option<Instant> = None;
    loop {
        let is_last = stop.is_cancelled();
        match outbox::pump(&*storage.ledger, &*storage.log) {
            Ok(0) if is_last => return,
            Ok(moved) if is_last || moved == outbox::ROWS_MAX => {}
            Ok(_) => std::thread::sleep(OUTBOX_EVERY),
            Err(error) => {
                tracing::warn!(%error, "the outbox waits");
                if is_last {
                    return;
                }
                std::thread::sleep(OUTBOX_DOWN);
            }
        }
        if noted_at.is_none_or(|at| at.elapsed() >= NOTE_CLOCK_EVERY) {
            noted_at = Some(Instant::now());
            storage.note_clock();
        }
        if forgotten_at.elapsed() >= FORGET_EVERY {
            forgotten_at = Instant::now();
            if let Err(error) = forget(storage) {
                tracing::warn!(%error, "what is old is not forgotten yet");
            }
        }
    }
}

fn forget(storage: &Storage) -> anyhow::Result<()> {
    let now = (storage.clock)();
    storage.ledger.transaction(|transaction| transaction.forget(now - LETTERS_KEPT, now - RENDERS_KEPT))?;
    let mut keep_from = BTreeMap::new();
    for partition in 0..storage.log.partitions() {
        keep_from.insert(partition, newest_good(storage, partition)?.unwrap_or(0));
    }
    storage.log.retain(&keep_from, now - LOG_KEPT)?;
    Ok(())
}

/// The newest snapshot that reads back well: what is older than [`LOG_KEPT`] and before it may go. The generations before
/// would keep it for ever where a partition is quiet, and with it the days of all others.
fn newest_good(storage: &Storage, partition: u32) -> anyhow::Result<Option<u64>> {
    let offsets = storage.snapshots.offsets(partition)?;
    Ok(offsets.into_iter().rev().find(|offset| storage.snapshots.get(partition, *offset).is_ok()))
}
