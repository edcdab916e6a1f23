//! A replay from files: read, sort, decide, write.

use super::input::{Line, Mapping, Meter, Place, Reading, Reject};
use super::output::{OutFormat, Rows};
use super::sort::Sorter;
use super::tally::Tally;
use super::whole_file::WholeFile;
use super::world::World;
use outreach_engine::event::{Body, RecordError};
use outreach_engine::{Effect, Release, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What is to be replayed, and where to.
#[derive(Clone, Debug)]
pub struct History {
    /// In this order; of events of one time those of the first file come first.
    pub files: Vec<PathBuf>,
    /// Which columns are which fields, where their names do not say it.
    pub mapping: Mapping,
    /// The decisions.
    pub out: PathBuf,
    pub out_format: OutFormat,
    /// The lines that were no events, as NDJSON.
    pub rejects: Option<PathBuf>,
    /// The end of time; absent, the time of the last event. Later events are left out.
    pub until: Option<Timestamp>,
    /// Later events are rejects: the start of the command, unless it accepts the future.
    pub latest: Option<Timestamp>,
}

/// How far a replay is: for a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many more bytes of the files were read.
    Read(u64),
    /// All is read: so many events are to be decided on.
    Sorted(u64),
    /// So many more events were decided on.
    Decided(u64),
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Events that were replayed.
    pub events: u64,
    /// Events later than `until`.
    pub after_end: u64,
    /// Lines that were no events, by the reason's code.
    pub rejected: BTreeMap<&'static str, u64>,
    /// The first of each code: its place, and what was expected there.
    #[serde(skip)]
    pub first_rejected: BTreeMap<&'static str, String>,
    /// Records that the engine could not use.
    pub unusable: u64,
    pub rules: Tally,
}

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("{doing} {}", path.display())]
    File { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("an event that was sorted into a file came back damaged")]
    Damaged(#[from] RecordError),
    #[error("events cannot be sorted in files beside the output")]
    Sort(#[from] io::Error),
}

/// Events between two reports of how far it is.
const DECIDED_EVERY: u64 = 4_096;

/// Replays `history` with one release. `report` is told how far it is.
pub fn replay(
    release: &Release,
    history: &History,
    report: &mut dyn FnMut(Progress),
) -> Result<Report, ReplayError> {
    let mut counts = Report {
        events: 0,
        after_end: 0,
        rejected: BTreeMap::new(),
        first_rejected: BTreeMap::new(),
        unusable: 0,
        rules: Tally::of(release),
    };
    let dir = history.out.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut sorter = Sorter::new(dir);
    // Both outputs are begun first: that they cannot be written is said before the work, not after it.
    let rows = WholeFile::create(&history.out).map_err(file("cannot write", &history.out))?;
    let end = read_all(history, &mut sorter, &mut counts, report)?;
    counts.events = sorter.count();
    report(Progress::Sorted(counts.events));
    let rows = decide_all(release, sorter, end, rows, history, &mut counts, report)?;
    rows.finish().map_err(file("cannot write", &history.out))?;
    Ok(counts)
}

fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ReplayError {
    let path = path.to_owned();
    move |source| ReplayError::File { doing, path, source }
}

/// Reads all files into the sorter; the end of time, if there is any time.
fn read_all(
    history: &History,
    sorter: &mut Sorter,
    counts: &mut Report,
    report: &mut dyn FnMut(Progress),
) -> Result<Option<Timestamp>, ReplayError> {
    let mut rejects = None;
    if let Some(path) = &history.rejects {
        rejects = Some(WholeFile::create(path).map_err(file("cannot write", path))?);
    }
    let mut latest = None;
    let reading = Reading { mapping: &history.mapping, latest: history.latest };
    for path in &history.files {
        let meter = Meter::default();
        let name = path.display().to_string();
        // What goes wrong while reading is told from what goes wrong while keeping by where it stands.
        let done = reading.read(path, &meter, |line| {
            report(Progress::Read(meter.take()));
            match line {
                Line::Reject(reject) => {
                    counts.count_reject(&name, &reject);
                    let Some(rejects) = &mut rejects else { return Ok(()) };
                    write_reject(rejects, &name, &reject).map_err(Failure::Rejects)
                }
                Line::Event(event) if history.until.is_some_and(|until| event.occurred_at > until) => {
                    counts.after_end += 1;
                    Ok(())
                }
                Line::Event(event) => {
                    let at = event.occurred_at;
                    latest = latest.max(Some(at));
                    sorter.push(at, |out| Body::Event(event).encode(out)).map_err(Failure::Sort)
                }
            }
        });
        done.map_err(|error| match error {
            Failure::Input(source) => file("cannot read", path)(source),
            Failure::Rejects(source) => {
                file("cannot write", history.rejects.as_deref().unwrap_or(path))(source)
            }
            Failure::Sort(source) => ReplayError::Sort(source),
        })?;
    }
    if let (Some(rejects), Some(path)) = (rejects, &history.rejects) {
        rejects.finish().map_err(file("cannot write", path))?;
    }
    Ok(history.until.or(latest))
}

/// What failed while a file was read.
enum Failure {
    Input(io::Error),
    Rejects(io::Error),
    Sort(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Input(error)
    }
}

impl Report {
    fn count_reject(&mut self, name: &str, reject: &Reject) {
        let Reject { place, malformed } = reject;
        *self.rejected.entry(malformed.code).or_default() += 1;
        self.first_rejected.entry(malformed.code).or_insert_with(|| match place {
            Place::Line(line) => format!("{name}:{line}: {}", malformed.message),
            Place::Row(row) => format!("{name}, row {row}: {}", malformed.message),
        });
    }
}

fn write_reject(rejects: &mut WholeFile, name: &str, reject: &Reject) -> io::Result<()> {
    #[derive(Serialize)]
    struct Row<'r> {
        file: &'r str,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        row: Option<u64>,
        code: &'static str,
        reason: &'r str,
    }
    let Reject { place, malformed } = reject;
    let (line, row) = match *place {
        Place::Line(line) => (Some(line), None),
        Place::Row(row) => (None, Some(row)),
    };
    let row = Row { file: name, line, row, code: malformed.code, reason: &malformed.message };
    serde_json::to_writer(&mut *rejects, &row)?;
    rejects.write_all(b"\n")
}

fn decide_all(
    release: &Release,
    sorter: Sorter,
    end: Option<Timestamp>,
    out: WholeFile,
    history: &History,
    counts: &mut Report,
    report: &mut dyn FnMut(Progress),
) -> Result<WholeFile, ReplayError> {
    let mut rows = Rows::new(out, history.out_format).map_err(file("cannot write", &history.out))?;
    let mut failed = Ok(());
    let mut see = |effect: Effect| match effect {
        Effect::Decide(decision) => {
            counts.rules.count(&decision);
            if failed.is_ok() {
                failed = rows.take(*decision);
            }
        }
        Effect::Count(non_entry) => counts.rules.count_non_entry(&non_entry),
        // Every message has left at once: only what a product shows could still be taken back, and a row says what was sent.
        Effect::Cancel(_) => {}
        Effect::Reject(_) => counts.unusable += 1,
    };
    let mut world = World::new(release);
    let mut done = 0;
    sorter.drain(|at, mut bytes| {
        world.take_in(at, Body::decode(&mut bytes)?, &mut see);
        done += 1;
        if done % DECIDED_EVERY == 0 {
            report(Progress::Decided(DECIDED_EVERY));
        }
        Ok::<(), ReplayError>(())
    })?;
    if let Some(end) = end {
        world.end(end, &mut see);
    }
    failed.and_then(|()| rows.finish()).map_err(file("cannot write", &history.out))
}
