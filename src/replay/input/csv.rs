//! CSV (RFC 4180) with a header: records that may go over several lines, in bounded memory.
//!
//! The comma may be a semicolon or a tab: the header tells. An empty cell is absent. A quote that nothing closes costs at
//! most [`RECORD_BYTES_MAX`], and then the reading goes on with the next line.

use super::cell::Cell;
use super::line::{is_cut, read_line, without_mark};
use super::plan::Cells;
use outreach_engine::event::members::EVENT_BYTES_MAX;
use outreach_engine::event::{Malformed, malformed};
use std::io::{self, BufRead};

/// More than an event may have, with its quotes doubled.
const RECORD_BYTES_MAX: usize = 4 * EVENT_BYTES_MAX;

/// A record that is no row. Its line still counts.
pub const MALFORMED_CSV: &str = "malformed-csv";

/// Reads records.
pub struct Records<'r> {
    lines: &'r mut dyn BufRead,
    comma: u8,
    /// The header's number of cells; 0 before it was read.
    width: usize,
    /// Lines that were read.
    line: u64,
    text: Vec<u8>,
    record: Record,
}

/// The cells of a record, one behind the other.
#[derive(Default)]
pub struct Record {
    text: Vec<u8>,
    /// Where each cell ends.
    ends: Vec<usize>,
}

/// Where in a record the reading is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quote in a quoted cell: its end, or half of a quote.
    QuoteInQuoted,
}

impl<'r> Records<'r> {
    /// Reads the header; in words, why it is none.
    pub fn open(lines: &'r mut dyn BufRead, is_tabs: bool) -> io::Result<(Records<'r>, Vec<String>)> {
        let comma = if is_tabs { b'\t' } else { b',' };
        let mut records =
            Records { lines, comma, width: 0, line: 0, text: Vec::new(), record: Record::default() };
        let invalid = |words: &str| io::Error::new(io::ErrorKind::InvalidData, words.to_owned());
        let header = match records.next()? {
            None => return Err(invalid("expected a header with the names of the columns, found nothing")),
            Some((_, Err(malformed))) => return Err(invalid(&malformed.message)),
            Some((_, Ok(record))) => record.names(),
        };
        let names = header.ok_or_else(|| invalid("expected a header in UTF-8"))?;
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(invalid(&format!("expected each column once, found `{}` twice", twice.1)));
        }
        records.width = names.len();
        Ok((records, names))
    }

    /// The next record that is not empty, with the line in which it begins.
    #[allow(clippy::type_complexity)]
    pub fn next(&mut self) -> io::Result<Option<(u64, Result<&Record, Malformed>)>> {
        let Some(line) = self.first_line()? else { return Ok(None) };
        self.record.text.clear();
        self.record.ends.clear();
        let mut state = State::CellStart;
        if is_cut(&self.text) {
            return Ok(Some((line, Err(too_large()))));
        }
        loop {
            state = match self.record.take(&self.text, self.comma, state) {
                Ok(State::Quoted) => State::Quoted,
                Ok(_) => break,
                Err(malformed) => return Ok(Some((line, Err(malformed)))),
            };
            if self.record.text.len() > RECORD_BYTES_MAX || is_cut(&self.text) {
                return Ok(Some((line, Err(too_large()))));
            }
            if !read_line(self.lines, &mut self.text)? {
                let malformed =
                    Malformed::expected(MALFORMED_CSV, "the end of a quoted cell", "the end of the file");
                return Ok(Some((line, Err(malformed))));
            }
            self.line += 1;
        }
        let found = self.record.ends.len();
        if self.width > 0 && found != self.width {
            let expected = format_args!("{} cells as in the header", self.width);
            return Ok(Some((line, Err(Malformed::expected(MALFORMED_CSV, expected, found)))));
        }
        Ok(Some((line, Ok(&self.record))))
    }

    fn first_line(&mut self) -> io::Result<Option<u64>> {
        while read_line(self.lines, &mut self.text)? {
            self.line += 1;
            if self.line == 1 {
                self.text = without_mark(&self.text).to_vec();
            }
            if self.text.trim_ascii().is_empty() {
                continue;
            }
            if self.width == 0 && self.comma == b',' {
                self.comma = comma(&self.text);
            }
            return Ok(Some(self.line));
        }
        Ok(None)
    }
}

fn too_large() -> Malformed {
    let expected = format_args!("a record of at most {RECORD_BYTES_MAX} bytes");
    Malformed::expected(malformed::TOO_LARGE, expected, "more: is a quote not closed?")
}

/// The one that the header has most of.
fn comma(header: &[u8]) -> u8 {
    let count = |comma: &u8| header.iter().filter(|byte| *byte == comma).count();
    // Of equal ones the last is taken.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

impl Record {
    /// Takes a line with its end. Quoted: the cell goes on in the next one.
    fn take(&mut self, line: &[u8], comma: u8, mut state: State) -> Result<State, Malformed> {
        for (at, byte) in line.iter().copied().enumerate() {
            let is_end = byte == b'\n' || (byte == b'\r' && matches!(line[at + 1..], [] | [b'\n']));
            state = match (state, byte) {
                (State::Quoted, b'"') => State::QuoteInQuoted,
                (State::Quoted, _) => self.push(byte, State::Quoted),
                (State::QuoteInQuoted, b'"') => self.push(byte, State::Quoted),
                (State::CellStart, b'"') => State::Quoted,
                _ if byte == comma => self.end_cell(),
                _ if is_end => break,
                (State::QuoteInQuoted, _) => {
                    let found = format_args!("{:?}", char::from(byte));
                    return Err(Malformed::expected(MALFORMED_CSV, "a comma behind a quoted cell", found));
                }
                (State::CellStart | State::Plain, _) => self.push(byte, State::Plain),
            };
        }
        if state != State::Quoted {
            self.end_cell();
        }
        Ok(state)
    }

    fn push(&mut self, byte: u8, then: State) -> State {
        self.text.push(byte);
        then
    }

    fn end_cell(&mut self) -> State {
        self.ends.push(self.text.len());
        State::CellStart
    }

    fn bytes(&self, column: usize) -> &[u8] {
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[column]]
    }

    fn names(&self) -> Option<Vec<String>> {
        let name = |column| std::str::from_utf8(self.bytes(column)).ok().map(|name| name.trim().to_owned());
        (0..self.ends.len()).map(name).collect()
    }
}

impl Cells for Record {
    fn cell(&self, column: usize, _: &[String]) -> Result<Cell<'_>, Malformed> {
        let bytes = self.bytes(column);
        if bytes.is_empty() {
            return Ok(Cell::Absent);
        }
        let text = std::str::from_utf8(bytes);
        text.map(|text| Cell::Text(text.into()))
            .map_err(|_| Malformed::expected(malformed::INVALID_UTF8, "UTF-8", "another byte"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line and cells, or line and code.
    fn records(text: &str) -> Vec<(u64, String)> {
        let mut lines = text.as_bytes();
        let (mut records, _) = Records::open(&mut lines, false).unwrap();
        let mut all = Vec::new();
        while let Some((line, record)) = records.next().unwrap() {
            let told = match record {
                Ok(record) => (0..record.ends.len())
                    .map(|column| String::from_utf8_lossy(record.bytes(column)).into_owned())
                    .collect::<Vec<_>>()
                    .join("|"),
                Err(malformed) => malformed.code.to_owned(),
            };
            all.push((line, told));
        }
        all
    }

    fn seen(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
        expected.iter().map(|(line, told)| (*line, (*told).to_owned())).collect()
    }

    #[test]
    fn quotes_ends_of_lines_and_empty_cells_are_read_as_rfc_4180_has_them() {
        let text = "\u{feff}a,b\r\n1,2\r\n\r\n\"x, \"\"y\"\"\",\"two\r\nlines\"\n,\n5\" disk,\"\"\nlast,1";
        let expected = [(2, "1|2"), (4, "x, \"y\"|two\r\nlines"), (6, "|"), (7, "5\" disk|"), (8, "last|1")];
        assert_eq!(records(text), seen(&expected));
    }

    #[test]
    fn a_semicolon_or_a_tab_may_be_the_comma() {
        assert_eq!(records("a;b\n1,5;2\n"), seen(&[(2, "1,5|2")]));
        assert_eq!(records("a\tb\n1\t2\n"), seen(&[(2, "1|2")]));
    }

    #[test]
    fn a_record_that_is_none_is_told_and_the_reading_goes_on() {
        let text = format!("a,b\n1\n1,2,3\n\"x\"y,2\n\"{}\n1,2\n", "long\n".repeat(RECORD_BYTES_MAX));
        let all = records(&text);
        let csv = MALFORMED_CSV;
        assert_eq!(all[..4], seen(&[(2, csv), (3, csv), (4, csv), (5, "too-large")]));
        assert_eq!(all.last().unwrap().1, "1|2");
        assert_eq!(records("a,b\n1,\"2\n"), seen(&[(2, csv)]));
    }
}
