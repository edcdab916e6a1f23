//! What a file is packed with, told by its first bytes, whatever its name.

use flate2::read::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// Bytes that are read at once.
pub const READ_BYTES: usize = 256 << 10;

/// What is read to tell a packing: the longest of the marks.
const MAGIC_BYTES: u64 = 4;

/// `raw`, unpacked.
pub fn unpack(raw: impl Read + 'static) -> io::Result<Box<dyn BufRead>> {
    let mut raw = BufReader::with_capacity(READ_BYTES, raw);
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

enum Packing {
    None,
    Gzip,
    Zstd,
}

fn packing(magic: &[u8]) -> Packing {
    match magic {
        // RFC 1952, 2.3.1.
        [0x1f, 0x8b, ..] => Packing::Gzip,
        // RFC 8878, 3.1.1; and skippable frames, with which several writers begin (3.1.2).
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Packing::Zstd,
        _ => Packing::None,
    }
}
