//! The outbox: records that were written in one transaction with the ledger's rows (outcomes, consents), on their way
//! back into the log.
//!
//! At least once: rows are deleted after the append, so a crash between the two appends them again. The engine ignores
//! an outcome it has had.

use crate::ledger::{Ledger, LedgerError, OutboxRow};
use crate::log::{Batch, Log, LogError};
use outreach_engine::event::{Body, RecordError};
use outreach_engine::planted::{self, Bug};

/// The outbox as it is pumped. A trait of its own, since nothing else of a ledger is needed.
pub trait Outbox: Send + Sync {
    /// The oldest rows, in order.
    fn rows(&self, count_max: u32) -> Result<Vec<OutboxRow>, LedgerError>;
    fn delete(&self, up_to_sequence: i64) -> Result<(), LedgerError>;
}

impl<L: Ledger> Outbox for L {
    fn rows(&self, count_max: u32) -> Result<Vec<OutboxRow>, LedgerError> {
        self.transaction(|transaction| transaction.outbox(count_max))
    }

    fn delete(&self, up_to_sequence: i64) -> Result<(), LedgerError> {
        self.transaction(|transaction| transaction.delete_outbox(up_to_sequence))
    }
}

/// Rows of one step: few enough for one append of about a megabyte.
pub const ROWS_MAX: usize = 2_000;

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
pub fn pump(outbox: &dyn Outbox, log: &dyn Log) -> Result<usize, OutboxError> {
    let rows = outbox.rows(ROWS_MAX as u32)?;
    let Some(last) = rows.iter().map(|row| row.sequence).max() else { return Ok(0) };
    let mut batch = Batch::default();
    for row in &rows {
        add(&mut batch, row, log.partitions())?;
    }
    if planted::is_on(Bug::OutcomeLost) {
        outbox.delete(last)?;
    }
    log.append(batch)?;
    outbox.delete(last)?;
    Ok(rows.len())
}

/// Adds a row's record, once it is seen to be one whole record: a broken one would spoil the frame of others.
fn add(batch: &mut Batch, row: &OutboxRow, partitions: u32) -> Result<(), OutboxError> {
    let OutboxRow { sequence, partition, record } = row;
    if *partition >= partitions {
        return Err(OutboxError::NoPartition { sequence: *sequence, partition: *partition, partitions });
    }
    let mut rest = record.as_slice();
    let body =
        Body::decode(&mut rest).map_err(|error| OutboxError::NoRecord { sequence: *sequence, error })?;
    if !rest.is_empty() {
        let error = RecordError::Truncated { expected: "one record" };
        return Err(OutboxError::NoRecord { sequence: *sequence, error });
    }
    batch.push(*partition, &body);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fake::FakeLog;
    use super::*;
    use outreach_engine::Timestamp;
    use outreach_engine::effect::DecisionId;
    use outreach_engine::event::{Outcome, OutcomeKind, Subject};
    use std::sync::Mutex;

    #[derive(Default)]
    struct FakeOutbox {
        rows: Mutex<Vec<OutboxRow>>,
        cannot_delete: bool,
    }

    impl Outbox for FakeOutbox {
        fn rows(&self, count_max: u32) -> Result<Vec<OutboxRow>, LedgerError> {
            Ok(self.rows.lock().unwrap().iter().take(count_max as usize).cloned().collect())
        }

        fn delete(&self, up_to_sequence: i64) -> Result<(), LedgerError> {
            if self.cannot_delete {
                return Err(LedgerError::Unavailable { reason: "told so".into() });
            }
            self.rows.lock().unwrap().retain(|row| row.sequence > up_to_sequence);
            Ok(())
        }
    }

    fn outbox(count: usize) -> FakeOutbox {
        let rows = (0..count).map(|number| row(number as i64 + 1, number as u32 % 4)).collect();
        FakeOutbox { rows: Mutex::new(rows), cannot_delete: false }
    }

    fn row(sequence: i64, partition: u32) -> OutboxRow {
        let outcome = Outcome {
            subject: Subject::user("ada"),
            decision: DecisionId([7; 16]),
            kind: OutcomeKind::Sent,
            at: Timestamp(sequence),
        };
        let mut record = Vec::new();
        Body::Outcome(outcome).encode(&mut record);
        OutboxRow { sequence, partition, record }
    }

    fn partitions(log: &FakeLog) -> Vec<u32> {
        let mut found = Vec::new();
        log.each(|partition, _| found.push(partition));
        found
    }

    #[test]
    fn rows_go_to_the_partition_they_name_and_are_gone() {
        let (outbox, log) = (outbox(3), FakeLog::new(4));
        assert_eq!(pump(&outbox, &*log).unwrap(), 3);
        assert_eq!(partitions(&log), [0, 1, 2]);
        assert_eq!(pump(&outbox, &*log).unwrap(), 0);
        assert_eq!(log.bodies_count(), 3);
    }

    #[test]
    fn a_full_outbox_is_emptied_in_steps() {
        let (outbox, log) = (outbox(ROWS_MAX + 1), FakeLog::new(4));
        assert_eq!(pump(&outbox, &*log).unwrap(), ROWS_MAX);
        assert_eq!(pump(&outbox, &*log).unwrap(), 1);
        assert_eq!(log.bodies_count(), ROWS_MAX + 1);
    }

    #[test]
    fn rows_stay_while_the_log_takes_nothing() {
        let (outbox, log) = (outbox(3), FakeLog::new(4));
        log.set_down(true);
        assert!(matches!(pump(&outbox, &*log), Err(OutboxError::Log(_))));
        assert_eq!(outbox.rows(9).unwrap().len(), 3);
        log.set_down(false);
        assert_eq!(pump(&outbox, &*log).unwrap(), 3);
    }

    #[test]
    fn a_crash_before_the_rows_are_deleted_appends_them_again() {
        let (mut outbox, log) = (outbox(2), FakeLog::new(4));
        outbox.cannot_delete = true;
        assert!(matches!(pump(&outbox, &*log), Err(OutboxError::Ledger(_))));
        outbox.cannot_delete = false;
        assert_eq!(pump(&outbox, &*log).unwrap(), 2);
        assert_eq!(partitions(&log), [0, 1, 0, 1]);
    }

    #[test]
    fn a_row_that_is_no_record_or_has_no_partition_appends_nothing() {
        let log = FakeLog::new(4);
        for broken in [
            OutboxRow { record: vec![77], ..row(2, 0) },
            OutboxRow { record: [row(2, 0).record, vec![0]].concat(), ..row(2, 0) },
            row(2, 4),
        ] {
            let outbox = outbox(1);
            outbox.rows.lock().unwrap().push(broken);
            let error = pump(&outbox, &*log).unwrap_err();
            assert!(error.to_string().starts_with("row 2 of the outbox"), "{error}");
            assert_eq!(log.bodies_count(), 0);
        }
    }
}
