//! A project's release is stored in the ledger, then announced by one record in every partition.
//!
//! Announcing is idempotent, and taken up again after a crash: what is announced and not complete is announced again, and
//! a shard that reads the same release twice changes nothing.

use super::releases::ReleaseStore;
use crate::ledger::{Ledger, LedgerError, StoredRelease, Transaction};
use crate::log::{Batch, Log};
use crate::project::ReleaseParts;
use anyhow::{Context, anyhow};
use outreach_engine::event::Body;
use outreach_engine::{Release, Timestamp};

/// Releases a project's parts if they differ from the last release. Returns the id that holds now.
pub fn announce<L: Log, D: Ledger>(
    parts: &ReleaseParts,
    log: &L,
    ledger: &D,
    store: &ReleaseStore<D>,
    now: Timestamp,
) -> anyhow::Result<String> {
    let (id, bundle) = (parts.id(), parts.bundle());
    let is_announced = ledger
        .transaction(|transaction| {
            if transaction.announced()? == Some((id.clone(), true)) {
                return Ok(true);
            }
            if transaction.release(&id)?.is_none() {
                transaction.insert_release(&StoredRelease { id: id.clone(), bundle, created_at: now })?;
            }
            transaction.set_announced(&id, false, now)?;
            transaction.audit(now, "run", &format!("release {id}"))?;
            Ok(false)
        })
        .context("the release cannot be stored")?;
    if !is_announced {
        let mut batch = Batch::default();
        for partition in 0..log.partitions() {
            batch.push(partition, &Body::Release { id: id.as_str().into() });
        }
        log.append(batch).context("the release cannot be announced")?;
        let built = store.find(&id).map_err(|reason| anyhow!(reason))?;
        ledger.transaction(|transaction| {
            take_back(transaction, &built.release, now)?;
            transaction.set_announced(&id, true, now)
        })?;
        tracing::info!(release = id, "released");
    }
    store.set_current(&id).map_err(|reason| anyhow!(reason))?;
    Ok(id)
}

/// What a product shows of a rule that is off now is shown no more: how else could a wrong word be taken back?
fn take_back(
    transaction: &mut dyn Transaction,
    release: &Release,
    now: Timestamp,
) -> Result<(), LedgerError> {
    for rule in transaction.inbox_rules(now)? {
        if release.is_off(&rule) {
            let count = transaction.inbox_take_back(&rule, now)?;
            tracing::info!(rule, count, "messages of a rule that is off are taken back from products");
        }
    }
    Ok(())
}
