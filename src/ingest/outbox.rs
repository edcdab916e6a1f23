//! The outbox: records that were written with the ledger's rows, on their way back into the log.
