//! History from files: NDJSON in Segment's form, Parquet, CSV; text plain, gzip or zstd.
//!
//! Each line and row becomes one JSON object, which is read by the one parser of all doors; nothing of the machine that
//! reads goes into an event. A line that is no event is a reject with its code, and the reading goes on.

mod cell;
mod csv;
mod line;
mod mapping;
mod members;
mod packing;
mod parquet;
mod plan;

pub use mapping::Mapping;

use members::Members;
use outreach_engine::Timestamp;
use outreach_engine::event::{Arrival, Envelope, Event, Malformed, MissingTime, malformed};
use plan::{Plan, Shape};
use std::fs::File;
use std::io::{self, BufRead, Read, Seek};
use std::path::Path;

/// A line that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub place: Place,
    pub malformed: Malformed,
}

/// Where in a file; counted from 1. A record of CSV is where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Line(u64),
    Row(u64),
}

/// What a line of a file says.
pub enum Line<'e> {
    Event(Event<'e>),
    Reject(Reject),
}

/// How files are read.
pub struct Reading<'m> {
    pub mapping: &'m Mapping,
    /// Later events are rejects.
    pub latest: Option<Timestamp>,
}

/// Bytes of a file that were read since it was last asked.
#[derive(Clone, Default)]
pub struct Meter(std::rc::Rc<std::cell::Cell<u64>>);

impl Meter {
    pub fn take(&self) -> u64 {
        self.0.take()
    }

    fn add(&self, bytes: u64) {
        self.0.set(self.0.get() + bytes);
    }
}

impl Reading<'_> {
    /// Shows each line of a file that is not empty, and each row. The file's name together with the number is the id of
    /// a message that has none.
    pub fn read<E: From<io::Error>>(
        &self,
        path: &Path,
        meter: &Meter,
        mut show: impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let name = path.display().to_string();
        let mut file = File::open(path)?;
        let mut magic = Vec::new();
        // What cannot be sought, as a pipe, is no Parquet, which begins to be read at its end.
        if file.metadata()?.is_file() {
            file.by_ref().take(parquet::MAGIC.len() as u64).read_to_end(&mut magic)?;
            file.rewind()?;
        }
        if magic == parquet::MAGIC {
            return self.read_parquet(&name, file, meter, &mut show);
        }
        let mut lines = packing::unpack(Metered { file, meter: meter.clone() })?;
        match ending(path) {
            Some("csv") => self.read_csv(&name, &mut *lines, false, &mut show),
            Some("tsv") => self.read_csv(&name, &mut *lines, true, &mut show),
            Some(_) | None => self.read_lines(&name, &mut *lines, &mut show),
        }
    }

    fn read_lines<E: From<io::Error>>(
        &self,
        name: &str,
        lines: &mut dyn BufRead,
        show: &mut dyn FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut members = Members::new(self.mapping).map_err(invalid)?;
        let (mut text, mut json) = (Vec::new(), String::new());
        let mut number = 0;
        while line::read_line(lines, &mut text)? {
            number += 1;
            let text = if number == 1 { line::without_mark(&text) } else { &text }.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let place = Place::Line(number);
            if self.mapping.is_empty() {
                let envelope = Envelope::parse(text);
                // Bags may be JSON text: seldom, so the usual line does not pay for the question.
                let is_text = matches!(&envelope, Err(malformed) if malformed.code == malformed::WRONG_TYPE);
                if !is_text {
                    self.show(name, place, envelope, show)?;
                    continue;
                }
            }
            match members.write(text, &mut json) {
                Ok(()) => {
                    let envelope =
                        Envelope::parse(json.as_bytes()).map_err(|found| members.name_column(found));
                    self.show(name, place, envelope, show)?;
                }
                Err(malformed) => show(Line::Reject(Reject { place, malformed }))?,
            }
        }
        Ok(members.finish().map_err(invalid)?)
    }

    fn read_csv<E: From<io::Error>>(
        &self,
        name: &str,
        lines: &mut dyn BufRead,
        is_tabs: bool,
        show: &mut dyn FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut records, columns) = csv::Records::open(lines, is_tabs)?;
        let shape = Shape { is_nested: false, is_closed: true };
        let plan = Plan::bind(self.mapping, &columns, shape).map_err(invalid)?;
        let mut json = String::new();
        while let Some((number, record)) = records.next()? {
            let written = record.and_then(|record| plan.write(record, &mut json));
            self.show_row(name, Place::Line(number), &plan, written, &json, show)?;
        }
        Ok(())
    }

    fn read_parquet<E: From<io::Error>>(
        &self,
        name: &str,
        file: File,
        meter: &Meter,
        show: &mut dyn FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let bytes = file.metadata()?.len();
        let table = parquet::Table::open(file)?;
        let shape = Shape { is_nested: true, is_closed: true };
        let plan = Plan::bind(self.mapping, &table.columns, shape).map_err(invalid)?;
        let total = table.rows.max(1);
        let mut rows = table.rows(&plan.columns())?;
        let mut json = String::new();
        let mut number = 0;
        loop {
            let damaged =
                |error: io::Error| io::Error::new(error.kind(), format!("row {}: {error}", number + 1));
            let Some(values) = rows.next().map_err(damaged)? else { return Ok(()) };
            let written = plan.write(&values, &mut json);
            // Rows are about equally long: enough for a bar.
            let until = |row: u64| (u128::from(bytes) * u128::from(row) / u128::from(total)) as u64;
            meter.add(until(number + 1) - until(number));
            number += 1;
            self.show_row(name, Place::Row(number), &plan, written, &json, show)?;
        }
    }

    fn show_row<E>(
        &self,
        name: &str,
        place: Place,
        plan: &Plan,
        written: Result<(), Malformed>,
        json: &str,
        show: &mut dyn FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let envelope = written.and_then(|()| Envelope::parse(json.as_bytes()));
        self.show(name, place, envelope.map_err(|found| plan.name_column(found)), show)
    }

    fn show<E>(
        &self,
        name: &str,
        place: Place,
        envelope: Result<Envelope<'_>, Malformed>,
        show: &mut dyn FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let envelope = match envelope {
            Ok(envelope) => envelope,
            Err(malformed) => return show(Line::Reject(Reject { place, malformed })),
        };
        let (Place::Line(number) | Place::Row(number)) = place;
        let message_id =
            if envelope.message_id.is_none() { format!("{name}:{number}") } else { String::new() };
        let arrival = Arrival {
            // It came whenever it happened: that it is not later than now is asked below.
            received_at: Timestamp::MAX,
            batch_sent_at: None,
            default_kind: None,
            is_proven: true,
            corrects_clock: false,
            default_message_id: &message_id,
            origin: None,
            missing_time: MissingTime::Refuse,
        };
        let event = envelope.resolve(&arrival).and_then(|event| not_later(event, self.latest));
        match event {
            Ok(event) => show(Line::Event(Event { received_at: event.occurred_at, ..event })),
            Err(malformed) => show(Line::Reject(Reject { place, malformed })),
        }
    }
}

fn not_later(event: Event<'_>, latest: Option<Timestamp>) -> Result<Event<'_>, Malformed> {
    match latest {
        Some(latest) if event.occurred_at > latest => {
            let expected = format_args!("a time no later than the start of this command, {latest}");
            Err(Malformed::expected(malformed::TIME_IN_FUTURE, expected, event.occurred_at))
        }
        Some(_) | None => Ok(event),
    }
}

fn invalid(words: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

/// What a file's name says of what is in it; what it is packed with does not count.
fn ending(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    ["csv", "tsv"].into_iter().find(|ending| name.ends_with(&format!(".{ending}")))
}

/// A file that counts the bytes read of it.
struct Metered {
    file: File,
    meter: Meter,
}

impl Read for Metered {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.meter.add(count as u64);
        Ok(count)
    }
}
