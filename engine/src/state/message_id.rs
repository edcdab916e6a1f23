//! A message id as people's state keeps it: a UUID, as most are, needs no allocation.
//!
//! Every text has one form alone, so ids are equal where their texts are; and each gives back the very text it was made of.

use serde::{Deserialize, Serialize};

/// The id of a kept record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageId {
    /// Written as 8-4-4-4-12 lower-case hexadecimal digits.
    Uuid([u8; 16]),
    /// Any other.
    Text(Box<str>),
}

/// Room for the text of a UUID.
pub type UuidText = [u8; 36];

const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl MessageId {
    /// The text of this id; a UUID is written into `room`.
    pub fn text<'a>(&'a self, room: &'a mut UuidText) -> &'a str {
        match self {
            MessageId::Text(text) => text,
            MessageId::Uuid(bytes) => {
                write_uuid(bytes, room);
                std::str::from_utf8(room).expect("digits and hyphens")
            }
        }
    }

    /// The hash of its text, as windows keep it.
    pub(crate) fn hash(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(self.text(&mut [0; 36]).as_bytes())
    }

    /// Bytes asked of the allocator.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            MessageId::Uuid(_) => 0,
            MessageId::Text(text) => text.len(),
        }
    }
}

impl From<&str> for MessageId {
    fn from(text: &str) -> Self {
        read_uuid(text.as_bytes()).map_or_else(|| MessageId::Text(text.into()), MessageId::Uuid)
    }
}

fn read_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &UuidText = text.try_into().ok()?;
    if HYPHENS.iter().any(|at| text[*at] != b'-') {
        return None;
    }
    let mut bytes = [0; 16];
    let mut at = 0;
    for byte in &mut bytes {
        if HYPHENS.contains(&at) {
            at += 1;
        }
        *byte = digit(text[at])? << 4 | digit(text[at + 1])?;
        at += 2;
    }
    Some(bytes)
}

/// Lower case alone: a UUID in capitals is another text.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn write_uuid(bytes: &[u8; 16], text: &mut UuidText) {
    let mut at = 0;
    for byte in bytes {
        if HYPHENS.contains(&at) {
            text[at] = b'-';
            at += 1;
        }
        for half in [byte >> 4, byte & 15] {
            text[at] = b"0123456789abcdef"[usize::from(half)];
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_of(text: &str) -> String {
        MessageId::from(text).text(&mut [0; 36]).to_string()
    }

    #[test]
    fn a_uuid_is_kept_in_sixteen_bytes() {
        let id = MessageId::from("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
        assert_eq!(id.heap_bytes(), 0);
        assert_eq!(id.text(&mut [0; 36]), "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
    }

    #[test]
    fn what_is_nearly_a_uuid_is_kept_as_its_text() {
        for text in [
            "",
            "m-1",
            "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0",
            "0f1e2d3c4b5a-6978-8796-a5b4c3d2e1f0--",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0a",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1g0",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1é",
        ] {
            assert_eq!(MessageId::from(text), MessageId::Text(text.into()));
            assert_eq!(text_of(text), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "[0-9a-fA-F]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|.{0,40}") {
            prop_assert_eq!(text_of(&text), text);
        }
    }
}
