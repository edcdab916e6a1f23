//! Whom records are about.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The kinds of subject. `user:x` and `anon:x` are two people (rules.md, "Identity").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum SubjectKind {
    User = 0,
    Anon = 1,
}

impl SubjectKind {
    pub fn as_str(self) -> &'static str {
        match self {
            SubjectKind::User => "user",
            SubjectKind::Anon => "anon",
        }
    }

    pub fn from_byte(byte: u8) -> Option<SubjectKind> {
        match byte {
            0 => Some(SubjectKind::User),
            1 => Some(SubjectKind::Anon),
            _ => None,
        }
    }
}

/// A subject, borrowed from a record. Prints as `user:ada`. Ordered by kind, then by the bytes of the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject<'a> {
    pub kind: SubjectKind,
    /// 1 to 256 bytes, NFC.
    pub id: &'a str,
}

/// A subject that the engine keeps. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SubjectId {
    pub kind: SubjectKind,
    pub id: Arc<str>,
}

/// The longest id, in bytes (rules.md, "Identity").
pub const SUBJECT_ID_BYTES_MAX: usize = 256;

impl<'a> Subject<'a> {
    pub fn user(id: &'a str) -> Subject<'a> {
        Subject { kind: SubjectKind::User, id }
    }

    pub fn anon(id: &'a str) -> Subject<'a> {
        Subject { kind: SubjectKind::Anon, id }
    }

    pub fn to_owned(self) -> SubjectId {
        SubjectId { kind: self.kind, id: Arc::from(self.id) }
    }

    /// Reads `user:ada` or `anon:7f3`.
    pub fn parse(text: &'a str) -> Option<Subject<'a>> {
        let (kind, id) = text.split_once(':')?;
        let kind = match kind {
            "user" => SubjectKind::User,
            "anon" => SubjectKind::Anon,
            _ => return None,
        };
        (!id.is_empty() && id.len() <= SUBJECT_ID_BYTES_MAX).then_some(Subject { kind, id })
    }

    /// The partition of this subject among `partitions`: stable for the life of a log.
    pub fn partition(self, partitions: u32) -> u32 {
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(self.id.as_bytes(), self.kind as u64);
        (hash % u64::from(partitions.max(1))) as u32
    }
}

impl SubjectId {
    pub fn as_ref(&self) -> Subject<'_> {
        Subject { kind: self.kind, id: &self.id }
    }
}

impl Hash for Subject<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(self.kind as u8);
        state.write(self.id.as_bytes());
    }
}

impl Hash for SubjectId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

impl indexmap::Equivalent<SubjectId> for Subject<'_> {
    fn equivalent(&self, key: &SubjectId) -> bool {
        *self == key.as_ref()
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_an_anonymous_person_of_one_id_are_two_people() {
        assert_ne!(Subject::user("x"), Subject::anon("x"));
        assert_eq!(Subject::user("x").to_string(), "user:x");
        assert_eq!(Subject::parse("anon:x:y"), Some(Subject::anon("x:y")));
        assert_eq!(Subject::parse("user:"), None);
        assert_eq!(Subject::parse("group:x"), None);
    }
}
