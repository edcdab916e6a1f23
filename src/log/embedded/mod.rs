//! The embedded log: SQLite, a file a day.
//!
//! # Constraints
//!
//! One process owns the folder. An append is acknowledged after an fsync of its frames and marks, which stand in one
//! transaction of one file. Nothing is ever changed in place: files are added at the end and deleted at the front, whole.
//! A frame's `appended_at` never goes back, whatever the clock does, and its day is the day of its file.
//!
//! # Files
//!
//! `log-2026-11-24.db` (UTC), each with four tables (`day_file`): `about` (format, number of partitions), `base` (where
//! each partition begins in this file), `frame` (partition, offset, appended_at, bytes as [`crate::log::frame`] tells),
//! and `mark` (how far each source was copied).
//!
//! # Operation
//!
//! [`Log::submit`] puts a batch into a bounded queue; one thread (`appender`) commits all that waits at once. Readers have
//! connections of their own, which a writer never blocks. [`EmbeddedLog::open`] proves that the files follow on each
//! other without a gap, and refuses to start otherwise (invariant 7).

mod appender;
mod day_file;
mod error;
mod heads;
mod queue;

#[cfg(test)]
mod tests;

use super::{Batch, Done, Entry, Log, LogError, SourceMark};
use crate::clock::Clock;
use crate::log::frame::PAYLOAD_BYTES_MAX;
use appender::Appender;
use day_file::{DayFile, Start, day_named, day_of, end_of, sync_dir};
use error::damaged;
use heads::Heads;
use outreach_engine::Timestamp;
use queue::Queue;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// A log in a folder of this machine. Dropping it writes what still waits.
pub struct EmbeddedLog {
    shared: Arc<Shared>,
    dir: PathBuf,
    appender: Option<JoinHandle<()>>,
}

/// What the appender and the readers share.
struct Shared {
    partitions: u32,
    queue: Queue,
    heads: Heads,
    /// Oldest first, never empty.
    files: RwLock<Vec<Arc<DayFile>>>,
    #[cfg(test)]
    page_count_max: std::sync::atomic::AtomicU32,
}

impl EmbeddedLog {
    /// Opens the log in `dir`, or makes one of `partitions` partitions there.
    ///
    /// Fails where the log has another number of partitions, where a file is missing or damaged, and where the disk
    /// does not do its part.
    pub fn open(dir: impl AsRef<Path>, partitions: u32, clock: Clock) -> Result<EmbeddedLog, LogError> {
        assert!(partitions > 0, "a log has at least one partition");
        let dir = dir.as_ref().to_owned();
        std::fs::create_dir_all(&dir).map_err(|error| error::file(&dir, &error))?;
        let mut files = open_files(&dir)?;
        if files.is_empty() {
            let at = clock();
            let start = Start { bases: vec![0; partitions as usize], at, marks: Vec::new() };
            files.push(Arc::new(DayFile::create(&dir, day_of(at), &start)?.0));
        }
        let (next_offsets, last_at) = prove(&files, partitions)?;
        let newest = files[files.len() - 1].clone();
        let shared = Arc::new(Shared {
            partitions,
            queue: Queue::default(),
            heads: Heads::new(next_offsets),
            files: RwLock::new(files),
            #[cfg(test)]
            page_count_max: Default::default(),
        });
        let appender = Appender::new(shared.clone(), clock, dir.clone(), newest, last_at)?;
        let thread = std::thread::Builder::new().name("log-appender".into());
        let appender = thread.spawn(move || appender.run()).map_err(|error| error::file(&dir, &error))?;
        Ok(EmbeddedLog { shared, dir, appender: Some(appender) })
    }

    /// Deletes the oldest days, whole: those whose frames all stand below `keep_from` of their partition and whose day
    /// ended by `older_than`. A partition that `keep_from` does not name keeps all its frames. The newest file stays.
    pub fn retain(&self, keep_from: &BTreeMap<u32, u64>, older_than: Timestamp) -> Result<(), LogError> {
        let mut files = self.shared.files.write().unwrap_or_else(PoisonError::into_inner);
        while let [oldest, next, ..] = files.as_slice() {
            let is_done_with = |(partition, base): (usize, &u64)| {
                let end = next.bases[partition];
                end == *base || keep_from.get(&(partition as u32)).is_some_and(|keep| end <= *keep)
            };
            if end_of(oldest.day) > older_than || !oldest.bases.iter().enumerate().all(is_done_with) {
                return Ok(());
            }
            delete(&oldest.path)?;
            sync_dir(&self.dir)?;
            files.remove(0);
        }
        Ok(())
    }
}

impl Log for EmbeddedLog {
    fn partitions(&self) -> u32 {
        self.shared.partitions
    }

    fn submit(&self, batch: Batch, done: Done) {
        for (partition, records) in &batch.records {
            assert!(
                *partition < self.shared.partitions,
                "partition {partition} of {}",
                self.shared.partitions
            );
            if records.bytes.len() > PAYLOAD_BYTES_MAX {
                let reason = format!("a frame of {} bytes, at most {PAYLOAD_BYTES_MAX}", records.bytes.len());
                return done(Err(LogError::Unavailable { reason }));
            }
        }
        if let Err((done, error)) = self.shared.queue.push(batch, done) {
            done(Err(error));
        }
    }

    fn read(&self, partition: u32, from: u64, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        let mut entries = Vec::new();
        let head = self.shared.heads.of(partition);
        let mut next = from;
        while next < head && (entries.is_empty() || size(&entries) < bytes_max) {
            let file = self.shared.file_with(partition, next).ok_or_else(|| {
                damaged(&self.dir, format_args!("frame {from} of partition {partition} is no longer held"))
            })?;
            file.read(partition, next, bytes_max, &mut entries)?;
            let end = from + entries.len() as u64;
            if end == next {
                return Err(damaged(
                    &file.path,
                    format_args!("frame {next} of partition {partition} is missing"),
                ));
            }
            next = end;
        }
        Ok(entries)
    }

    fn bounds(&self, partition: u32) -> Result<Range<u64>, LogError> {
        let files = self.shared.files.read().unwrap_or_else(PoisonError::into_inner);
        Ok(files[0].bases[partition as usize]..self.shared.heads.of(partition))
    }

    fn source_marks(&self) -> Result<Vec<SourceMark>, LogError> {
        self.shared.newest().marks()
    }

    fn wait(&self, partition: u32, offset: u64, timeout: Duration) {
        self.shared.heads.wait(partition, offset, timeout);
    }
}

impl EmbeddedLog {
    /// Ends all waits that are under way, though nothing came: the clock has moved, and who waits is to look again.
    pub fn rouse(&self) {
        self.shared.heads.rouse();
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.shared.queue.close();
        let Some(appender) = self.appender.take() else { return };
        // A `done` may hold the last reference; a thread cannot wait for itself.
        if appender.thread().id() != std::thread::current().id() {
            drop(appender.join());
        }
    }
}

impl Shared {
    fn newest(&self) -> Arc<DayFile> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files[files.len() - 1].clone()
    }

    fn add_file(&self, file: Arc<DayFile>) {
        self.files.write().unwrap_or_else(PoisonError::into_inner).push(file);
    }

    /// The file that has `offset`, which must be below the head.
    fn file_with(&self, partition: u32, offset: u64) -> Option<Arc<DayFile>> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.iter().rfind(|file| file.bases[partition as usize] <= offset).cloned()
    }

    /// Lets a test say when the disk is full.
    #[cfg(test)]
    fn limit_pages(&self, connection: &rusqlite::Connection) {
        let pages = self.page_count_max.load(std::sync::atomic::Ordering::SeqCst);
        if pages > 0 {
            let set = format!("PRAGMA max_page_count = {pages}");
            connection.query_row(&set, [], |_| Ok(())).unwrap();
        }
    }
}

fn size(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.frame.len()).sum()
}

/// The files in `dir`, oldest first.
fn open_files(dir: &Path) -> Result<Vec<Arc<DayFile>>, LogError> {
    let list = || -> std::io::Result<Vec<i64>> {
        let mut days = Vec::new();
        for item in std::fs::read_dir(dir)? {
            days.extend(item?.file_name().to_str().and_then(day_named));
        }
        days.sort_unstable();
        Ok(days)
    };
    let days = list().map_err(|error| error::file(dir, &error))?;
    let mut files = Vec::new();
    for (index, day) in days.iter().enumerate() {
        let path = dir.join(day_file::name_of(*day));
        match DayFile::open(path.clone(), *day)? {
            Some(file) => files.push(Arc::new(file)),
            // A crash while the newest file was made: nothing stands in it, and it will be made again.
            None if index + 1 == days.len() => delete(&path)?,
            None => {
                return Err(damaged(
                    &path,
                    "expected frames of the log, found an empty file before the newest",
                ));
            }
        }
    }
    Ok(files)
}

/// Proves that `files` are one log of `partitions` partitions; gives where it ends.
fn prove(files: &[Arc<DayFile>], partitions: u32) -> Result<(Vec<u64>, Timestamp), LogError> {
    let mut end: Option<day_file::End> = None;
    for file in files {
        if file.bases.len() != partitions as usize {
            let found = file.bases.len();
            let reason = format_args!(
                "expected {partitions} partitions, found {found}: their number is fixed when a log is made, \
                 set `partitions = {found}` under [data], or begin with another folder"
            );
            return Err(damaged(&file.path, reason));
        }
        if let Some(before) = end.filter(|before| before.next_offsets != file.bases) {
            let reason = format_args!(
                "begins at {:?}, the file before it ends at {:?}: a file is missing, restore it",
                file.bases, before.next_offsets
            );
            return Err(damaged(&file.path, reason));
        }
        end = Some(file.end()?);
    }
    let end = end.expect("a log has at least one file");
    Ok((end.next_offsets, end.appended_at))
}

/// The file first: what its write-ahead log holds is worth nothing without it, but it may be worth less without that.
fn delete(path: &Path) -> Result<(), LogError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error::file(path, &error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
