//! Events in order of (`occurred_at`, place in the input), in bounded memory.
//!
//! Events are kept as the bytes they have in a frame of the log. What does not fit into memory is written as sorted
//! runs into files that have no name any more, so nothing is left behind however the process ends. In a run stand, one
//! after the other: the time (8 bytes), the event's number in the input (8), the length of its bytes (4), its bytes;
//! numbers little-endian.

use outreach_engine::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// What is kept in memory before a run is written: little beside what people's state takes.
const RUN_BYTES_MAX: usize = 256 << 20;
/// Runs that are open at once; more are merged into one.
const RUNS_MAX: usize = 64;

/// Takes events in any order, and gives them back sorted.
pub struct Sorter {
    /// Where runs are written.
    dir: PathBuf,
    run_bytes_max: usize,
    bytes: Vec<u8>,
    kept: Vec<Kept>,
    runs: Vec<File>,
    /// The number of the next event.
    next: u64,
}

/// Where an event's bytes are. Ordered as events are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    at: Timestamp,
    number: u64,
    start: usize,
    end: usize,
}

impl Sorter {
    /// Runs go into `dir`, which must be writable if there are more events than memory takes.
    pub fn new(dir: &Path) -> Sorter {
        Sorter::with_run_bytes_max(dir, RUN_BYTES_MAX)
    }

    fn with_run_bytes_max(dir: &Path, run_bytes_max: usize) -> Sorter {
        let dir = dir.to_owned();
        Sorter { dir, run_bytes_max, bytes: Vec::new(), kept: Vec::new(), runs: Vec::new(), next: 0 }
    }

    /// Takes the next event of the input, whose bytes `encode` appends.
    pub fn push(&mut self, at: Timestamp, encode: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let start = self.bytes.len();
        encode(&mut self.bytes);
        self.kept.push(Kept { at, number: self.next, start, end: self.bytes.len() });
        self.next += 1;
        if self.bytes.len() + self.kept.len() * size_of::<Kept>() >= self.run_bytes_max {
            self.spill()?;
        }
        Ok(())
    }

    pub fn count(&self) -> u64 {
        self.next
    }

    /// Shows all events in order.
    pub fn drain<E: From<io::Error>>(
        mut self,
        mut show: impl FnMut(Timestamp, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.runs.is_empty() {
            self.kept.sort_unstable();
            return self.kept.iter().try_for_each(|kept| show(kept.at, &self.bytes[kept.start..kept.end]));
        }
        self.spill()?;
        merge(self.runs, |at, _, bytes| show(at, bytes))
    }

    fn spill(&mut self) -> io::Result<()> {
        self.kept.sort_unstable();
        let mut run = BufWriter::new(nameless(&self.dir)?);
        for kept in self.kept.drain(..) {
            write_event(&mut run, kept.at, kept.number, &self.bytes[kept.start..kept.end])?;
        }
        self.bytes.clear();
        self.runs.push(run.into_inner().map_err(io::IntoInnerError::into_error)?);
        if self.runs.len() >= RUNS_MAX {
            let mut run = BufWriter::new(nameless(&self.dir)?);
            merge(std::mem::take(&mut self.runs), |at, number, bytes| {
                write_event(&mut run, at, number, bytes)
            })?;
            self.runs.push(run.into_inner().map_err(io::IntoInnerError::into_error)?);
        }
        Ok(())
    }
}

/// A file that is gone when it is closed.
fn nameless(dir: &Path) -> io::Result<File> {
    let path = dir.join(format!(".outreach-sort-{}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn write_event(run: &mut impl Write, at: Timestamp, number: u64, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    run.write_all(&at.0.to_le_bytes())?;
    run.write_all(&number.to_le_bytes())?;
    run.write_all(&length.to_le_bytes())?;
    run.write_all(bytes)
}

/// A run that is read, at its next event.
struct Cursor {
    at: Timestamp,
    number: u64,
    bytes: Vec<u8>,
    rest: BufReader<File>,
}

impl Cursor {
    /// The next event of the run; nothing at its end.
    fn step(mut self) -> io::Result<Option<Cursor>> {
        if self.rest.fill_buf()?.is_empty() {
            return Ok(None);
        }
        self.at = Timestamp(i64::from_le_bytes(take(&mut self.rest)?));
        self.number = u64::from_le_bytes(take(&mut self.rest)?);
        let length = u32::from_le_bytes(take(&mut self.rest)?);
        self.bytes.resize(length as usize, 0);
        self.rest.read_exact(&mut self.bytes)?;
        Ok(Some(self))
    }
}

fn take<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map(|()| bytes)
}

fn merge<E: From<io::Error>>(
    runs: Vec<File>,
    mut show: impl FnMut(Timestamp, u64, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut cursors = Vec::new();
    let mut order = BinaryHeap::new();
    for mut run in runs {
        run.rewind()?;
        let start = Cursor { at: Timestamp::MIN, number: 0, bytes: Vec::new(), rest: BufReader::new(run) };
        if let Some(cursor) = start.step()? {
            order.push(Reverse((cursor.at, cursor.number, cursors.len())));
            cursors.push(Some(cursor));
        }
    }
    while let Some(Reverse((at, number, index))) = order.pop() {
        let cursor = cursors[index].take().expect("in the order once, while it has an event");
        show(at, number, &cursor.bytes)?;
        if let Some(cursor) = cursor.step()? {
            order.push(Reverse((cursor.at, cursor.number, index)));
            cursors[index] = Some(cursor);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(run_bytes_max: usize, times: &[i64]) -> Vec<(i64, Vec<u8>)> {
        let dir = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::with_run_bytes_max(dir.path(), run_bytes_max);
        for (number, at) in times.iter().enumerate() {
            sorter.push(Timestamp(*at), |out| out.extend(number.to_string().bytes())).unwrap();
        }
        let mut all = Vec::new();
        let shown: io::Result<()> = sorter.drain(|at, bytes| {
            all.push((at.0, bytes.to_vec()));
            Ok(())
        });
        shown.unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "no file is left behind");
        all
    }

    #[test]
    fn ties_keep_the_order_of_the_input() {
        let all = sorted(RUN_BYTES_MAX, &[3, 1, 3, 2, 1]);
        let expected = [(1, "1"), (1, "4"), (2, "3"), (3, "0"), (3, "2")];
        assert_eq!(all, expected.map(|(at, text)| (at, text.as_bytes().to_vec())));
    }

    #[test]
    fn what_was_written_to_files_comes_in_the_same_order_as_from_memory() {
        let times: Vec<i64> = (0..1_000).map(|number| (number * 7_919) % 83).collect();
        let in_memory = sorted(RUN_BYTES_MAX, &times);
        // A run an event: more runs than may be open at once.
        assert_eq!(sorted(1, &times), in_memory);
        assert_eq!(sorted(1_000, &times), in_memory);
        assert_eq!(sorted(1, &[]), []);
    }
}
