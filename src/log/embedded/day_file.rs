//! One day of the log: an SQLite file.
//!
//! Invariants:
//! - `base` holds, for each partition, the offset of the first frame this file may have; frames follow without a gap.
//!   So the base of a file is where the file before it ended, and a lost file is seen.
//! - `mark` begins with all marks of the file before; older files are never needed for them.
//! - `about`, `base` and the first marks are written in one transaction: a file without `about` was never used.

use super::error::{damaged, sqlite};
use crate::log::{Entry, LogError, SourceMark};
use outreach_engine::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A day's file, read through connections of its own.
pub(super) struct DayFile {
    /// Days since 1970-01-01.
    pub(super) day: i64,
    pub(super) path: PathBuf,
    /// By partition: the first offset of this file.
    pub(super) bases: Vec<u64>,
    idle_readers: Mutex<Vec<Connection>>,
}

/// What a new file begins with: where the one before ended.
pub(super) struct Start {
    pub(super) bases: Vec<u64>,
    pub(super) at: Timestamp,
    pub(super) marks: Vec<SourceMark>,
}

/// Where a file ends.
pub(super) struct End {
    pub(super) next_offsets: Vec<u64>,
    pub(super) appended_at: Timestamp,
}

const FORMAT: i64 = 1;
const DAY_MICROSECONDS: i64 = 86_400_000_000;
/// Readers kept open a file: as many partitions as are usually read at once.
const IDLE_READERS_MAX: usize = 4;
/// Another connection holds the file only for a checkpoint or a recovery.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Frames are kilobytes: larger pages than SQLite's 4 KiB make shorter chains, yet a lone tick does not write much.
const PAGE_BYTES: i64 = 8_192;
/// How far the write-ahead log grows before its pages are moved into the file, in pages: 32 MiB.
const CHECKPOINT_PAGES: i64 = 4_096;

const CREATE: &str = "
    CREATE TABLE IF NOT EXISTS about (format INTEGER NOT NULL, partitions INTEGER NOT NULL, started_at INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS base (partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS frame (
        sequence INTEGER PRIMARY KEY,
        partition INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        appended_at INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        UNIQUE (partition, offset)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS mark (
        source TEXT NOT NULL,
        partition INTEGER NOT NULL,
        topic_id TEXT NOT NULL,
        next_offset INTEGER NOT NULL,
        PRIMARY KEY (source, partition)
    ) STRICT, WITHOUT ROWID;
    DELETE FROM about;
    DELETE FROM base;
    DELETE FROM mark;";
const HAS_ABOUT: &str = "SELECT count(*) FROM sqlite_schema WHERE name = 'about'";
const HAS_FRAMES: &str = "SELECT EXISTS (SELECT 1 FROM frame)";
const INSERT_ABOUT: &str = "INSERT INTO about (format, partitions, started_at) VALUES ($1, $2, $3)";
const INSERT_BASE: &str = "INSERT INTO base (partition, next_offset) VALUES ($1, $2)";
const INSERT_FRAME: &str =
    "INSERT INTO frame (partition, offset, appended_at, bytes) VALUES ($1, $2, $3, $4)";
const DROP_MARKS_OF_OTHER_TOPIC: &str = "DELETE FROM mark WHERE source = $1 AND topic_id <> $2";
const UPSERT_MARK: &str = "INSERT INTO mark (source, partition, topic_id, next_offset) VALUES ($1, $2, $3, $4)
    ON CONFLICT (source, partition) DO UPDATE SET topic_id = excluded.topic_id, next_offset = excluded.next_offset";
const SELECT_ABOUT: &str = "SELECT format, started_at FROM about";
const SELECT_BASES: &str = "SELECT partition, next_offset FROM base ORDER BY partition";
const SELECT_NEXT: &str = "SELECT max(offset) + 1 FROM frame WHERE partition = $1";
const SELECT_LAST_AT: &str = "SELECT appended_at FROM frame ORDER BY sequence DESC LIMIT 1";
const SELECT_FRAMES: &str =
    "SELECT offset, appended_at, bytes FROM frame WHERE partition = $1 AND offset >= $2 ORDER BY offset";
const SELECT_MARKS: &str =
    "SELECT source, topic_id, partition, next_offset FROM mark ORDER BY source, partition";

/// The day of an instant, in days since 1970-01-01 (UTC).
pub(super) fn day_of(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY_MICROSECONDS)
}

/// The first instant after `day`.
pub(super) fn end_of(day: i64) -> Timestamp {
    Timestamp((day + 1) * DAY_MICROSECONDS)
}

/// `log-2026-11-24.db`.
pub(super) fn name_of(day: i64) -> String {
    format!("log-{}.db", Timestamp(day * DAY_MICROSECONDS).to_jiff().strftime("%Y-%m-%d"))
}

/// The day of a file's name; nothing where it is not one of the log's.
pub(super) fn day_named(name: &str) -> Option<i64> {
    let date: jiff::civil::Date = name.strip_prefix("log-")?.strip_suffix(".db")?.parse().ok()?;
    let start = jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(day_of(Timestamp::from(start)))
}

impl DayFile {
    /// Makes the file of `day` in `dir`, durably, and opens it for writing.
    pub(super) fn create(dir: &Path, day: i64, start: &Start) -> Result<(DayFile, Connection), LogError> {
        let path = dir.join(name_of(day));
        let connection = begin(&path, start).map_err(|error| sqlite(&path, &error))?;
        let has_frames: bool =
            connection.query_row(HAS_FRAMES, [], |row| row.get(0)).map_err(|error| sqlite(&path, &error))?;
        if has_frames {
            return Err(damaged(
                &path,
                "expected no file of this day, found one with frames: another process writes",
            ));
        }
        sync_dir(dir)?;
        Ok((DayFile { day, path, bases: start.bases.clone(), idle_readers: Mutex::default() }, connection))
    }

    /// Opens a file that is there; nothing where it was never used.
    pub(super) fn open(path: PathBuf, day: i64) -> Result<Option<DayFile>, LogError> {
        let mut file = DayFile { day, path, bases: Vec::new(), idle_readers: Mutex::default() };
        let found = file.with_reader(|reader| {
            if reader.query_row(HAS_ABOUT, [], |row| row.get::<_, i64>(0))? == 0 {
                return Ok(None);
            }
            let format: i64 = reader.query_row(SELECT_ABOUT, [], |row| row.get(0))?;
            let mut select = reader.prepare(SELECT_BASES)?;
            let bases =
                select.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)? as u64)))?;
            Ok(Some((format, bases.collect::<rusqlite::Result<Vec<_>>>()?)))
        })?;
        let Some((format, bases)) = found else { return Ok(None) };
        if format != FORMAT {
            return Err(damaged(&file.path, format_args!("expected format {FORMAT}, found {format}")));
        }
        if !bases.iter().enumerate().all(|(index, (partition, _))| index as u32 == *partition) {
            return Err(damaged(&file.path, "expected a base for each partition"));
        }
        file.bases = bases.into_iter().map(|(_, base)| base).collect();
        Ok(Some(file))
    }

    /// A connection that writes; there must be one only.
    pub(super) fn writer(&self) -> Result<Connection, LogError> {
        writer(&self.path).map_err(|error| sqlite(&self.path, &error))
    }

    pub(super) fn end(&self) -> Result<End, LogError> {
        self.with_reader(|reader| {
            let mut select = reader.prepare_cached(SELECT_NEXT)?;
            let next = |(partition, base): (usize, &u64)| {
                let found: Option<i64> = select.query_row([partition as i64], |row| row.get(0))?;
                Ok(found.map_or(*base, |next| next as u64))
            };
            let next_offsets = self.bases.iter().enumerate().map(next).collect::<rusqlite::Result<_>>()?;
            let last_at = reader.query_row(SELECT_LAST_AT, [], |row| row.get(0)).optional()?;
            let started_at: i64 = reader.query_row(SELECT_ABOUT, [], |row| row.get(1))?;
            Ok(End { next_offsets, appended_at: Timestamp(last_at.unwrap_or(started_at)) })
        })
    }

    /// Adds frames of `partition` from `from` on to `entries`, until these hold `bytes_max`; always one, if there is any.
    pub(super) fn read(
        &self,
        partition: u32,
        from: u64,
        bytes_max: usize,
        entries: &mut Vec<Entry>,
    ) -> Result<(), LogError> {
        let mut bytes: usize = entries.iter().map(|entry| entry.frame.len()).sum();
        let mut next = from;
        self.with_reader(|reader| {
            let mut select = reader.prepare_cached(SELECT_FRAMES)?;
            let mut rows = select.query(params![partition, from as i64])?;
            while entries.is_empty() || bytes < bytes_max {
                let Some(row) = rows.next()? else { break };
                let entry = Entry {
                    partition,
                    offset: row.get::<_, i64>(0)? as u64,
                    appended_at: Timestamp(row.get(1)?),
                    frame: row.get(2)?,
                };
                if entry.offset != next {
                    return Ok(Err(entry.offset));
                }
                next += 1;
                bytes += entry.frame.len();
                entries.push(entry);
            }
            Ok(Ok(()))
        })?
        .map_err(|found| {
            damaged(&self.path, format_args!("expected frame {next} of partition {partition}, found {found}"))
        })
    }

    pub(super) fn marks(&self) -> Result<Vec<SourceMark>, LogError> {
        self.with_reader(|reader| reader.prepare_cached(SELECT_MARKS)?.query_map([], mark)?.collect())
    }

    /// Lends an idle connection to `work`, or a new one.
    fn with_reader<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LogError> {
        let idle = self.idle_readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let lend = || {
            let reader = idle.map_or_else(|| reader(&self.path), Ok)?;
            let result = work(&reader)?;
            Ok((reader, result))
        };
        let (reader, result) = lend().map_err(|error| sqlite(&self.path, &error))?;
        let mut idle_readers = self.idle_readers.lock().unwrap_or_else(PoisonError::into_inner);
        if idle_readers.len() < IDLE_READERS_MAX {
            idle_readers.push(reader);
        }
        Ok(result)
    }
}

/// Writes a frame; part of the transaction that is open on `connection`.
pub(super) fn insert_frame(
    connection: &Connection,
    partition: u32,
    offset: u64,
    at: Timestamp,
    frame: &[u8],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(INSERT_FRAME)?;
    insert.execute(params![partition, offset as i64, at.0, frame]).map(drop)
}

/// Moves a mark; part of the transaction that is open on `connection`. A source has one topic: a mark of another drops
/// those of the one before.
pub(super) fn move_mark(connection: &Connection, mark: &SourceMark) -> rusqlite::Result<()> {
    connection.prepare_cached(DROP_MARKS_OF_OTHER_TOPIC)?.execute(params![mark.source, mark.topic_id])?;
    let mut upsert = connection.prepare_cached(UPSERT_MARK)?;
    upsert.execute(params![mark.source, mark.partition, mark.topic_id, mark.next_offset as i64]).map(drop)
}

/// Makes the names in `dir` durable, as a file's own sync does not.
pub(super) fn sync_dir(dir: &Path) -> Result<(), LogError> {
    let sync = || std::fs::File::open(dir)?.sync_all();
    sync().map_err(|error| super::error::file(dir, &error))
}

fn begin(path: &Path, start: &Start) -> rusqlite::Result<Connection> {
    let mut connection = writer(path)?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(CREATE)?;
    transaction.execute(INSERT_ABOUT, params![FORMAT, start.bases.len() as i64, start.at.0])?;
    for (partition, base) in start.bases.iter().enumerate() {
        transaction.execute(INSERT_BASE, params![partition as i64, *base as i64])?;
    }
    for mark in &start.marks {
        move_mark(&transaction, mark)?;
    }
    transaction.commit()?;
    Ok(connection)
}

fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(connection)
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    // Not read-only: the first to open a file after a crash must be able to recover its write-ahead log.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn mark(row: &Row<'_>) -> rusqlite::Result<SourceMark> {
    Ok(SourceMark {
        source: row.get(0)?,
        topic_id: row.get(1)?,
        partition: row.get(2)?,
        next_offset: row.get::<_, i64>(3)? as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_day() {
        let at = Timestamp::parse("2026-11-24T23:59:59.999999Z").unwrap();
        assert_eq!(name_of(day_of(at)), "log-2026-11-24.db");
        assert_eq!(day_named("log-2026-11-24.db"), Some(day_of(at)));
        assert_eq!(end_of(day_of(at)), Timestamp(at.0 + 1));
        for other in ["log-2026-11-24.db-wal", "ledger.db", "log-2026-13-01.db", "log-.db"] {
            assert_eq!(day_named(other), None, "{other}");
        }
    }
}
