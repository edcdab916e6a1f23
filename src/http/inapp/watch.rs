//! Looks into the ledger for changes of inboxes, and tells the streams that they are about.
//!
//! One small query for all streams together, only while there are any. Whatever wrote the change, this process or
//! another, it is seen.

use super::Inapp;
use crate::ledger::Ledger;
use std::sync::Arc;
use std::time::Duration;

/// So long a change may take to be on its way to a page.
const LOOK_EVERY: Duration = Duration::from_millis(200);
const CHANGES_MAX: u32 = 1_000;

/// Runs until the streams are stopped.
pub async fn watch<D: Ledger + 'static>(inapp: Arc<Inapp<D>>) {
    let stop = inapp.stop.clone();
    stop.run_until_cancelled(look(&inapp)).await;
}

async fn look<D: Ledger + 'static>(inapp: &Arc<Inapp<D>>) {
    // What changed before the start is nobody's news: a stream reads the ledger itself before it waits.
    let mut behind = loop {
        match inapp.ask(|transaction| transaction.inbox_last_change()).await {
            Ok(change) => break change,
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    };
    loop {
        inapp.streams.any().await;
        let changed =
            inapp.ask(move |transaction| transaction.inbox_whose_changed(behind, CHANGES_MAX)).await;
        let changed = changed.unwrap_or_default();
        for (change, subject) in &changed {
            inapp.streams.tell(subject);
            behind = *change;
        }
        if changed.len() < CHANGES_MAX as usize {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
