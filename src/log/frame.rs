//! A frame: many records of one partition in one entry of the log.
//!
//! # Constraints
//!
//! A frame is whole or an error: a bit that turned, a cut tail and a foreign version are all told, never read over. Who
//! wrote it cannot be told from it; that is the log's business. A frame knows neither its offset nor its time: those
//! are the entry's, so that the same bytes can be joined, copied and compared.
//!
//! # Bytes
//!
//! All numbers are little-endian.
//!
//! | at | bytes | what |
//! |---:|---:|---|
//! | 0 | 1 | version, 1 |
//! | 1 | 1 | flags: bit 0 says that the payload is compressed with zstd; all others are 0 |
//! | 2 | 4 | how many records |
//! | 6 | 4 | length of the payload before compression |
//! | 10 | 8 | XXH3-64 of the payload as it stands here, seeded with the XXH3-64 of the bytes 0 to 9 |
//! | 18 | … | payload: the records as `Body::encode` wrote them, back to back |
//!
//! # Operation
//!
//! A payload above [`COMPRESS_BYTES_MIN`] is compressed at level 1, and kept as it was when that gains nothing. The
//! checksum is over what is stored, so a damaged frame never reaches the decompressor. [`Frame::read`] and
//! [`Frame::encode_into`] keep their buffers: a reader that goes through a log allocates nothing a frame.

use super::Records;
use outreach_engine::Timestamp;
use outreach_engine::event::{Body, Place, Record, RecordError};
use std::cell::RefCell;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};
use zstd::bulk::{Compressor, Decompressor};

/// The records of one entry, unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    count: u32,
    payload: Vec<u8>,
}

/// Why bytes are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("expected a frame of at least {HEADER_BYTES} bytes, found {found}")]
    Truncated { found: usize },
    #[error(
        "expected frame version {VERSION}, found {found}: it was written by another version, which must read it"
    )]
    Version { found: u8 },
    #[error("unknown frame flags {found:#04x}: it was written by a newer version, which must read it")]
    Flags { found: u8 },
    #[error(
        "expected checksum {expected:016x}, found {found:016x}: the frame is damaged, restore it from a copy"
    )]
    Checksum { expected: u64, found: u64 },
    #[error("expected a payload of {expected} bytes, found {found}")]
    Length { expected: usize, found: usize },
    #[error("the payload does not unpack: {reason}")]
    Packed { reason: String },
    #[error("record {index} of the frame: {source}")]
    Record { index: u32, source: RecordError },
    #[error("{bytes} bytes are left after the {count} records of the frame")]
    Trailing { count: u32, bytes: usize },
}

/// The longest payload before compression, in bytes: a length is believed only up to here. Far above what the log joins
/// and what HTTP takes, far below what would hurt to allocate.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 20;

/// Shorter payloads are not worth a compressor's header, in bytes.
const COMPRESS_BYTES_MIN: usize = 512;
const COMPRESS_LEVEL: i32 = 1;
const VERSION: u8 = 1;
const FLAG_ZSTD: u8 = 1;
const HEADER_BYTES: usize = 18;
const SUMMED_HEADER_BYTES: usize = 10;

thread_local! {
    // A context is a few hundred kilobytes: one a thread, not one a frame.
    static COMPRESSOR: RefCell<Compressor<'static>> =
        RefCell::new(Compressor::new(COMPRESS_LEVEL).expect("zstd knows level 1"));
    static DECOMPRESSOR: RefCell<Decompressor<'static>> =
        RefCell::new(Decompressor::new().expect("a decompressor without a dictionary"));
}

impl Frame {
    /// The bytes of a frame of these records.
    pub fn encode(records: &Records) -> Vec<u8> {
        let mut out = Vec::new();
        Frame::encode_into(records, &mut out);
        out
    }

    /// [`Frame::encode`] into `out`, which is emptied first and keeps its capacity.
    pub fn encode_into(records: &Records, out: &mut Vec<u8>) {
        let raw = records.bytes.as_slice();
        assert!(
            raw.len() <= PAYLOAD_BYTES_MAX,
            "a frame of {} bytes, at most {PAYLOAD_BYTES_MAX}",
            raw.len()
        );
        out.clear();
        out.resize(HEADER_BYTES, 0);
        let is_packed = raw.len() >= COMPRESS_BYTES_MIN && pack(raw, out);
        if !is_packed {
            out.extend_from_slice(raw);
        }
        out[0] = VERSION;
        out[1] = if is_packed { FLAG_ZSTD } else { 0 };
        out[2..6].copy_from_slice(&records.count.to_le_bytes());
        out[6..10].copy_from_slice(&(raw.len() as u32).to_le_bytes());
        let sum = checksum(out);
        out[10..18].copy_from_slice(&sum.to_le_bytes());
    }

    /// Reads a frame.
    pub fn decode(bytes: &[u8]) -> Result<Frame, FrameError> {
        let mut frame = Frame::default();
        frame.read(bytes)?;
        Ok(frame)
    }

    /// [`Frame::decode`] into this frame, whose buffer is kept. After an error the frame is empty.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        self.count = 0;
        self.payload.clear();
        let header =
            bytes.first_chunk::<HEADER_BYTES>().ok_or(FrameError::Truncated { found: bytes.len() })?;
        let [version, flags, c0, c1, c2, c3, l0, l1, l2, l3, sum @ ..] = *header;
        if version != VERSION {
            return Err(FrameError::Version { found: version });
        }
        let (expected, found) = (u64::from_le_bytes(sum), checksum(bytes));
        if expected != found {
            return Err(FrameError::Checksum { expected, found });
        }
        if flags & !FLAG_ZSTD != 0 {
            return Err(FrameError::Flags { found: flags });
        }
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let stored = &bytes[HEADER_BYTES..];
        if flags & FLAG_ZSTD == 0 {
            self.payload.extend_from_slice(stored)
        } else {
            self.unpack(stored, length)?
        }
        let found = self.payload.len();
        if found != length {
            self.payload.clear();
            return Err(FrameError::Length { expected: length, found });
        }
        self.count = u32::from_le_bytes([c0, c1, c2, c3]);
        Ok(())
    }

    /// How many records the frame has.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The records in order, each with its place. After an error nothing more comes.
    pub fn records(&self, offset: u64, appended_at: Timestamp) -> FrameRecords<'_> {
        FrameRecords { rest: &self.payload, count: self.count, index: 0, offset, appended_at }
    }

    fn unpack(&mut self, stored: &[u8], length: usize) -> Result<(), FrameError> {
        if length > PAYLOAD_BYTES_MAX {
            return Err(FrameError::Length { expected: PAYLOAD_BYTES_MAX, found: length });
        }
        self.payload.reserve(length);
        DECOMPRESSOR
            .with_borrow_mut(|decompressor| decompressor.decompress_to_buffer(stored, &mut self.payload))
            .map(drop)
            .map_err(|error| FrameError::Packed { reason: error.to_string() })
    }
}

/// Appends the packed `raw` to `out`; false, and `out` as it was, where that gains nothing.
fn pack(raw: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    // One byte less than raw: a payload that does not shrink is stored as it is.
    out.resize(start + raw.len() - 1, 0);
    let packed =
        COMPRESSOR.with_borrow_mut(|compressor| compressor.compress_to_buffer(raw, &mut out[start..]));
    out.truncate(start + packed.as_ref().map_or(0, |count| *count));
    packed.is_ok()
}

fn checksum(frame: &[u8]) -> u64 {
    xxh3_64_with_seed(&frame[HEADER_BYTES..], xxh3_64(&frame[..SUMMED_HEADER_BYTES]))
}

/// The records of a frame, in order.
#[derive(Clone, Debug)]
pub struct FrameRecords<'a> {
    rest: &'a [u8],
    count: u32,
    index: u32,
    offset: u64,
    appended_at: Timestamp,
}

impl<'a> Iterator for FrameRecords<'a> {
    type Item = Result<Record<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.index;
        if index == self.count {
            let bytes = std::mem::take(&mut self.rest).len();
            return (bytes > 0).then_some(Err(FrameError::Trailing { count: self.count, bytes }));
        }
        self.index += 1;
        match Body::decode(&mut self.rest) {
            Ok(body) => {
                let place = Place { offset: self.offset, index };
                Some(Ok(Record { place, appended_at: self.appended_at, body }))
            }
            Err(source) => {
                (self.rest, self.index) = (&[], self.count);
                Some(Err(FrameError::Record { index, source }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(count: i64) -> Records {
        let mut records = Records::default();
        for at in 0..count {
            Body::Tick { at: Timestamp(at), until: None }.encode(&mut records.bytes);
            records.count += 1;
        }
        records
    }

    #[test]
    fn what_is_written_is_read_back_small_or_large() {
        for count in [0, 1, 3, 5_000] {
            let bytes = Frame::encode(&ticks(count));
            let frame = Frame::decode(&bytes).unwrap();
            assert_eq!(i64::from(frame.count()), count);
            let read: Vec<_> = frame.records(7, Timestamp(9)).map(Result::unwrap).collect();
            assert_eq!(read.len() as i64, count);
            for (index, record) in read.iter().enumerate() {
                assert_eq!(record.place, Place { offset: 7, index: index as u32 });
                assert_eq!(record.appended_at, Timestamp(9));
                assert_eq!(record.body, Body::Tick { at: Timestamp(index as i64), until: None });
            }
        }
        assert!(
            Frame::encode(&ticks(5_000)).len() < ticks(5_000).bytes.len() / 2,
            "large frames are compressed"
        );
    }

    #[test]
    fn any_turned_bit_and_any_cut_is_an_error() {
        for count in [2, 100] {
            let bytes = Frame::encode(&ticks(count));
            for at in 0..bytes.len() {
                assert!(Frame::decode(&bytes[..at]).is_err(), "cut at {at}");
                for bit in 0..8 {
                    let mut turned = bytes.clone();
                    turned[at] ^= 1 << bit;
                    assert!(Frame::decode(&turned).is_err(), "bit {bit} of byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_wrong_count_is_an_error_and_ends_the_records() {
        let mut records = ticks(3);
        records.count = 2;
        let frame = Frame::decode(&Frame::encode(&records)).unwrap();
        let read: Vec<_> = frame.records(0, Timestamp(0)).collect();
        assert_eq!(read.len(), 3);
        assert!(matches!(read[2], Err(FrameError::Trailing { count: 2, .. })));
        records.count = 4;
        let frame = Frame::decode(&Frame::encode(&records)).unwrap();
        let read: Vec<_> = frame.records(0, Timestamp(0)).collect();
        assert!(matches!(read[3], Err(FrameError::Record { index: 3, .. })));
        assert_eq!(read.len(), 4);
    }

    #[test]
    fn what_does_not_shrink_is_stored_as_it_is() {
        let mut state = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(4_096)
        .collect();
        let bytes = Frame::encode(&Records { bytes: noise.clone(), count: 1 });
        assert_eq!(bytes.len(), HEADER_BYTES + noise.len());
        assert_eq!(Frame::decode(&bytes).unwrap().payload, noise);
    }

    #[test]
    fn a_frame_can_be_read_into_again_and_is_empty_after_an_error() {
        let mut frame = Frame::default();
        frame.read(&Frame::encode(&ticks(1_000))).unwrap();
        frame.read(&Frame::encode(&ticks(2))).unwrap();
        assert_eq!(frame.records(0, Timestamp(0)).count(), 2);
        assert!(frame.read(b"x").is_err());
        assert_eq!(frame, Frame::default());
    }
}
