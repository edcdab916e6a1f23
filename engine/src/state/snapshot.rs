//! A shard as bytes: one byte version, then the tables and the people in their order.
//!
//! The same state gives the same bytes. Whoever changes a type of `state` gives the bytes a new version and keeps reading the one before.

use super::{FixedHasher, Person, Shard, before, people, slot_of};
use crate::event::SubjectId;
use crate::time::Timestamp;
use indexmap::{IndexMap, IndexSet};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

const VERSION: u8 = 2;

/// Why bytes are no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error("expected a snapshot of version {VERSION} or {before}, found version {0}", before = before::VERSION)]
    Version(u8),
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
}

type Tables = (Timestamp, Arc<str>, Vec<Arc<str>>, Vec<Arc<str>>, BTreeMap<(u64, u32), u64>, usize);

impl Shard {
    /// The bytes of this shard.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.people.iter().fold(self.tables(), |bytes, entry| people::write(entry, bytes))
    }

    /// Begins to make the bytes of this shard as it stands, little by little; what was begun before is given up.
    pub fn begin_bytes(&mut self) {
        self.people.begin_copy(self.tables());
    }

    /// Goes on with up to `people_max` people more. Once these were the last: what [`Shard::to_bytes`] would have given
    /// when they were begun.
    pub fn more_bytes(&mut self, people_max: usize) -> Option<Vec<u8>> {
        self.people.copy_on(people_max)
    }

    /// All but the people.
    fn tables(&self) -> Vec<u8> {
        let tables: Tables = (
            self.now,
            self.release.clone(),
            self.rules.iter().cloned().collect(),
            self.releases.iter().cloned().collect(),
            self.origins.clone(),
            self.people.len(),
        );
        postcard::to_extend(&tables, vec![VERSION]).expect("memory takes all bytes")
    }

    /// The shard of these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Shard, SnapshotError> {
        let damaged = |error: postcard::Error| SnapshotError::Damaged(error.to_string());
        let (version, rest) =
            bytes.split_first().ok_or_else(|| SnapshotError::Damaged("it is empty".into()))?;
        if ![VERSION, before::VERSION].contains(version) {
            return Err(SnapshotError::Version(*version));
        }
        let (tables, mut rest) = postcard::take_from_bytes::<Tables>(rest).map_err(damaged)?;
        let (now, release, rules, releases, origins, people_count) = tables;
        let mut releases: IndexSet<Arc<str>, FixedHasher> = releases.into_iter().collect();
        let mut people: IndexMap<SubjectId, Person, FixedHasher> = IndexMap::default();
        for _ in 0..people_count {
            let (subject, person, behind) = if *version == VERSION {
                take_person(rest).map_err(damaged)?
            } else {
                let (subject, person, behind) = take_person::<before::Person>(rest).map_err(damaged)?;
                (subject, person.now(slot_of(&mut releases, &release)), behind)
            };
            people.insert(subject, person);
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(SnapshotError::Damaged(format!("{} bytes too many", rest.len())));
        }
        let mut shard = Shard {
            now,
            release,
            people: people.into(),
            rules: rules.into_iter().collect(),
            releases,
            origins,
            ..Shard::default()
        };
        for (number, (subject, person)) in shard.people.iter().enumerate() {
            shard.timers.restore(number, subject, person.filed);
        }
        Ok(shard)
    }
}

fn take_person<P: DeserializeOwned>(bytes: &[u8]) -> Result<(SubjectId, P, &[u8]), postcard::Error> {
    let ((subject, person), behind) = postcard::take_from_bytes(bytes)?;
    Ok((subject, person, behind))
}
