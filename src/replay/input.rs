//! History from files: NDJSON in Segment's form, plain, gzip or zstd.
//!
//! What a file is packed with is told by its first bytes, whatever its name. Each line is read by the one parser of all
//! doors; nothing of the machine that reads goes into an event. A line that is no event is a reject with its code, and
//! the reading goes on.

use flate2::read::MultiGzDecoder;
use outreach_engine::Timestamp;
use outreach_engine::event::members::EVENT_BYTES_MAX;
use outreach_engine::event::{Arrival, Envelope, Event, Malformed, MissingTime, malformed};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

/// A line that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Counted from 1.
    pub line: u64,
    pub malformed: Malformed,
}

/// What a line of a file says.
pub enum Line<'e> {
    Event(Event<'e>),
    Reject(Reject),
}

/// Opens a file, unpacked. `wrap` sees the bytes as they stand in the file.
pub fn open<R: Read + 'static>(path: &Path, wrap: impl FnOnce(File) -> R) -> io::Result<Box<dyn BufRead>> {
    let mut raw = BufReader::with_capacity(READ_BYTES, wrap(File::open(path)?));
    let mut magic = Vec::new();
    raw.by_ref().take(MAGIC_BYTES).read_to_end(&mut magic)?;
    let whole = Cursor::new(magic.clone()).chain(raw);
    Ok(match packing(&magic) {
        Packing::None => Box::new(whole),
        Packing::Gzip => Box::new(BufReader::with_capacity(READ_BYTES, MultiGzDecoder::new(whole))),
        Packing::Zstd => {
            Box::new(BufReader::with_capacity(READ_BYTES, zstd::stream::read::Decoder::with_buffer(whole)?))
        }
    })
}

/// Shows each line that is not empty. `name` is the file's: together with the line's number it is the id of a message
/// that has none. Events later than `latest` are rejects.
pub fn read<E: From<io::Error>>(
    name: &str,
    lines: &mut dyn BufRead,
    latest: Option<Timestamp>,
    mut show: impl FnMut(Line<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut text = Vec::new();
    let mut line = 0;
    while read_line(lines, &mut text)? {
        line += 1;
        let mut text = text.as_slice();
        if line == 1 {
            text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        }
        let text = text.trim_ascii();
        if !text.is_empty() {
            read_event(name, line, text, latest, &mut show)?;
        }
    }
    Ok(())
}

fn read_event<E>(
    name: &str,
    line: u64,
    text: &[u8],
    latest: Option<Timestamp>,
    show: &mut impl FnMut(Line<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let envelope = match Envelope::parse(text) {
        Ok(envelope) => envelope,
        Err(malformed) => return show(Line::Reject(Reject { line, malformed })),
    };
    let message_id = if envelope.message_id.is_none() { format!("{name}:{line}") } else { String::new() };
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
    let event = envelope.resolve(&arrival).and_then(|event| not_later(event, latest));
    match event {
        Ok(event) => show(Line::Event(Event { received_at: event.occurred_at, ..event })),
        Err(malformed) => show(Line::Reject(Reject { line, malformed })),
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

enum Packing {
    None,
    Gzip,
    Zstd,
}

const READ_BYTES: usize = 256 << 10;
const MAGIC_BYTES: u64 = 4;
/// As some editors begin a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Of a line that is longer only the beginning is kept: enough for the parser to see that it is too large.
const LINE_BYTES_MAX: u64 = 2 * EVENT_BYTES_MAX as u64;

fn packing(magic: &[u8]) -> Packing {
    match magic {
        // RFC 1952, 2.3.1.
        [0x1f, 0x8b, ..] => Packing::Gzip,
        // RFC 8878, 3.1.1; and skippable frames, with which several writers begin (3.1.2).
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Packing::Zstd,
        _ => Packing::None,
    }
}

/// The next line; false at the end of the file.
fn read_line(lines: &mut dyn BufRead, text: &mut Vec<u8>) -> io::Result<bool> {
    text.clear();
    lines.take(LINE_BYTES_MAX).read_until(b'\n', text)?;
    if text.len() as u64 == LINE_BYTES_MAX && !text.ends_with(b"\n") {
        lines.skip_until(b'\n')?;
    }
    Ok(!text.is_empty())
}
