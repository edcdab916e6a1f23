//! The bytes that a record's fields are made of: numbers of variable length, texts, times, options.

use super::subject::{Subject, SubjectKind};
use crate::time::Timestamp;

/// Why bytes are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("expected {expected}, found the end of the frame")]
    Truncated { expected: &'static str },
    #[error("expected UTF-8 in {field}")]
    NotText { field: &'static str },
    #[error("unknown {what} {number}: it was written by a newer version, which must read it")]
    Unknown { what: &'static str, number: u8 },
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_time(out: &mut Vec<u8>, at: Timestamp) {
    out.extend_from_slice(&at.0.to_le_bytes());
}

pub(super) fn put_subject(out: &mut Vec<u8>, subject: Subject<'_>) {
    out.push(subject.kind as u8);
    put_text(out, subject.id);
}

pub(super) fn put_option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

pub(super) fn take_slice<'a>(
    bytes: &mut &'a [u8],
    count: usize,
    expected: &'static str,
) -> Result<&'a [u8], RecordError> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or(RecordError::Truncated { expected })?;
    *bytes = rest;
    Ok(taken)
}

pub(super) fn take_array<const N: usize>(
    bytes: &mut &[u8],
    expected: &'static str,
) -> Result<[u8; N], RecordError> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or(RecordError::Truncated { expected })?;
    *bytes = rest;
    Ok(*taken)
}

pub(super) fn take_byte(bytes: &mut &[u8], expected: &'static str) -> Result<u8, RecordError> {
    take_array::<1>(bytes, expected).map(|[byte]| byte)
}

pub(super) fn take_varint(bytes: &mut &[u8], expected: &'static str) -> Result<u64, RecordError> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(bytes, expected)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(RecordError::Truncated { expected })
}

pub(super) fn take_text<'a>(bytes: &mut &'a [u8], field: &'static str) -> Result<&'a str, RecordError> {
    let count = take_varint(bytes, field)?;
    let taken = take_slice(bytes, usize::try_from(count).unwrap_or(usize::MAX), field)?;
    std::str::from_utf8(taken).map_err(|_| RecordError::NotText { field })
}

pub(super) fn take_time(bytes: &mut &[u8]) -> Result<Timestamp, RecordError> {
    take_array(bytes, "a time").map(|taken| Timestamp(i64::from_le_bytes(taken)))
}

pub(super) fn take_subject<'a>(bytes: &mut &'a [u8]) -> Result<Subject<'a>, RecordError> {
    let kind = known(take_byte(bytes, "a subject")?, "subject kind", SubjectKind::from_byte)?;
    Ok(Subject { kind, id: take_text(bytes, "subject id")? })
}

pub(super) fn take_option<'a, T>(
    bytes: &mut &'a [u8],
    take: impl FnOnce(&mut &'a [u8]) -> Result<T, RecordError>,
) -> Result<Option<T>, RecordError> {
    if take_byte(bytes, "an option")? == 0 { Ok(None) } else { take(bytes).map(Some) }
}

pub(super) fn known<T>(number: u8, what: &'static str, from: fn(u8) -> Option<T>) -> Result<T, RecordError> {
    from(number).ok_or(RecordError::Unknown { what, number })
}
