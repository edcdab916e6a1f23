//! What SQLite says, in the ledger's words.

use crate::ledger::{LedgerError, MessageKey};
use rusqlite::ErrorCode;

/// What passes by itself (a full disk, a lock) is `Unavailable`; what is there and should not be is `Damaged`.
impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch,
            )
            | None => LedgerError::Damaged { reason },
            Some(_) => LedgerError::Unavailable { reason },
        }
    }
}

/// A cell that holds no value of its kind.
pub(super) fn unknown(what: &str, found: impl std::fmt::Display) -> LedgerError {
    LedgerError::Damaged { reason: format!("unknown {what} `{found}`: it was written by a newer version") }
}

/// A move that the picture of a message's life does not have.
pub(super) fn no_such_move(key: MessageKey, from: &str, to: &str) -> LedgerError {
    LedgerError::Damaged { reason: format!("message {} stands at {from} and cannot become {to}", key.id) }
}

pub(super) fn no_such_message(key: MessageKey) -> LedgerError {
    LedgerError::Damaged { reason: format!("no message {} judged at {}", key.id, key.judged_at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32) -> LedgerError {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None).into()
    }

    #[test]
    fn what_passes_is_unavailable_and_what_does_not_is_damaged() {
        use rusqlite::ffi;
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_IOERR, ffi::SQLITE_CANTOPEN] {
            assert!(matches!(of(code), LedgerError::Unavailable { .. }), "{code}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_CONSTRAINT] {
            assert!(matches!(of(code), LedgerError::Damaged { .. }), "{code}");
        }
    }
}
