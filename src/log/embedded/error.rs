//! What SQLite says, in the log's words.

use crate::log::LogError;
use rusqlite::ErrorCode;
use std::path::Path;

/// A failure of SQLite on `path`: what passes by itself is `Unavailable`, what does not is `Damaged`.
pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> LogError {
    let reason = format!("{}: {error}", path.display());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) | None => LogError::Damaged { reason },
        Some(ErrorCode::ConstraintViolation) => LogError::Damaged {
            reason: format!("{reason}: another process writes to this log; a folder has one owner"),
        },
        Some(_) => LogError::Unavailable { reason },
    }
}

/// A failure of the file system on `path`.
pub(super) fn file(path: &Path, error: &std::io::Error) -> LogError {
    LogError::Unavailable { reason: format!("{}: {error}", path.display()) }
}

pub(super) fn damaged(path: &Path, reason: impl std::fmt::Display) -> LogError {
    LogError::Damaged { reason: format!("{}: {reason}", path.display()) }
}
