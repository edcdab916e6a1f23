//! Lines in bounded memory.

use outreach_engine::event::members::EVENT_BYTES_MAX;
use std::io::{self, BufRead, Read};

/// As some editors begin a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Of a line that is longer only the beginning is kept: enough for the parser to see that it is too large.
const LINE_BYTES_MAX: u64 = 2 * EVENT_BYTES_MAX as u64;

/// The next line with its end; false at the end of the file.
pub fn read_line(lines: &mut dyn BufRead, text: &mut Vec<u8>) -> io::Result<bool> {
    text.clear();
    Read::take(&mut *lines, LINE_BYTES_MAX).read_until(b'\n', text)?;
    if is_cut(text) {
        lines.skip_until(b'\n')?;
    }
    Ok(!text.is_empty())
}

/// Whether a line that was read is only the beginning of one.
pub fn is_cut(text: &[u8]) -> bool {
    text.len() as u64 == LINE_BYTES_MAX && !text.ends_with(b"\n")
}

/// The first line of a file without the mark.
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}
