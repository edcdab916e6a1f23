//! The work beside: the outbox goes back into the log, and what is old is forgotten.

use super::storage::Storage;
use crate::ingest::outbox;
use crate::ledger::Ledger;
use crate::log::Log;
use outreach_engine::Length;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// An outbox that was emptied is looked at again after this: long enough that a step carries many outcomes, since it
/// costs an fsync of the log and one of the ledger; short, since a wait of the next step counts from the outcome.
const OUTBOX_EVERY: Duration = Duration::from_millis(50);
const OUTBOX_DOWN: Duration = Duration::from_millis(500);
const FORGET_EVERY: Length = Length::hours(1);
/// Dead letters go after 14 days, render contexts after 30 (architecture.md, "people's data").
const LETTERS_KEPT: Length = Length::days(14);
const RENDERS_KEPT: Length = Length::days(30);
/// The log is kept 30 days at most, and never beyond what a snapshot holds.
const LOG_KEPT: Length = Length::days(30);

/// Pumps the outbox until `stop`, and once more after it: what was sent last is said too.
pub fn run(storage: &Storage, stop: &CancellationToken) {
    let mut forgotten_at = (storage.clock)();
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
        let now = (storage.clock)();
        if now.since(forgotten_at) >= FORGET_EVERY {
            forgotten_at = now;
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
        // Three generations stay useful: the log reaches back to the oldest of them.
        let oldest = storage.snapshots.offsets(partition)?.first().copied();
        keep_from.insert(partition, oldest.unwrap_or(0));
    }
    storage.log.retain(&keep_from, now - LOG_KEPT)?;
    Ok(())
}
