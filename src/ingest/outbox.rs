//! The outbox: records that were written in one transaction with the ledger's rows (outcomes, consents), on their way
//! back into the log.
//!
//! At least once: rows are deleted after the append, so a crash between the two appends them again. The engine ignores
//! an outcome it has had.

use crate::ledger::{Ledger, LedgerError, OutboxRow};
use crate::log::{Batch, Log, LogError};
use outreach_engine::event::{Body, RecordError};

/// Rows of one step: few enough for one append of about a megabyte.
const ROWS_MAX: u32 = 2_000;

/// Why rows stay where they are. Nothing of a failed step is deleted.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("row {sequence} of the outbox is no record: {error}")]
    NoRecord { sequence: i64, error: RecordError },
    /// Appended as it is, it would be lost: nobody reads that partition.
    #[error("row {sequence} of the outbox is for partition {partition}, expected one below {partitions}")]
    NoPartition { sequence: i64, partition: u32, partitions: u32 },
}

/// One step: appends the oldest rows to the log, then deletes them. Returns how many; 0 when the outbox is empty.
pub fn pump(ledger: &impl Ledger, log: &dyn Log) -> Result<usize, OutboxError> {
    let rows = ledger.transaction(|transaction| transaction.outbox(ROWS_MAX))?;
    let Some(last) = rows.iter().map(|row| row.sequence).max() else { return Ok(0) };
    let mut batch = Batch::default();
    for row in &rows {
        add(&mut batch, row, log.partitions())?;
    }
    log.append(batch)?;
    ledger.transaction(|transaction| transaction.delete_outbox(last))?;
    Ok(rows.len())
}

/// Adds a row's record, once it is seen to be one whole record: a broken one would spoil the frame of others.
fn add(batch: &mut Batch, row: &OutboxRow, partitions: u32) -> Result<(), OutboxError> {
    let OutboxRow { sequence, partition, record } = row;
    if *partition >= partitions {
        return Err(OutboxError::NoPartition { sequence: *sequence, partition: *partition, partitions });
    }
    let mut rest = record.as_slice();
    let body = Body::decode(&mut rest).map_err(|error| OutboxError::NoRecord { sequence: *sequence, error })?;
    if !rest.is_empty() {
        let error = RecordError::Truncated { expected: "one record" };
        return Err(OutboxError::NoRecord { sequence: *sequence, error });
    }
    batch.push(*partition, &body);
    Ok(())
}
