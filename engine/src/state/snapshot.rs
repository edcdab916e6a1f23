//! A shard as bytes: one byte version, then the tables and the people in their order.
//!
//! The same state gives the same bytes. Whoever changes a type of `state` gives the bytes a new version and keeps reading the one before.

use super::people::{self, Map};
use super::{Person, Released, Scan, Shard, Turnover, before};
use crate::event::SubjectId;
use crate::time::Timestamp;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

const VERSION: u8 = 3;

/// Why bytes are no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error("expected a snapshot of version {VERSION} or {before}, found version {0}", before = before::VERSION)]
    Version(u8),
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
}

type Tables = (Timestamp, Arc<str>, Vec<Arc<str>>, Vec<Arc<str>>, BTreeMap<(u64, u32), u64>, usize);

/// What is shown to everybody, and to whom it still is; what releases left behind.
type Showing = (BTreeMap<u32, Released>, Vec<Scan>, Turnover);

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
        let bytes = postcard::to_extend(&tables, vec![VERSION]).expect("memory takes all bytes");
        postcard::to_extend(&(&self.released, &self.scans, &self.turnover), bytes)
            .expect("memory takes all bytes")
    }

    /// The shard of these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Shard, SnapshotError> {
        let damaged = |error: postcard::Error| SnapshotError::Damaged(error.to_string());
        let (version, rest) =
            bytes.split_first().ok_or_else(|| SnapshotError::Damaged("it is empty".into()))?;
        let (tables, showing, people, rest) = match *version {
            VERSION => {
                let (tables, rest) = postcard::take_from_bytes::<Tables>(rest).map_err(damaged)?;
                let (showing, rest) = postcard::take_from_bytes::<Showing>(rest).map_err(damaged)?;
                let (people, rest) = take_people(tables.5, rest, |person: Person| person).map_err(damaged)?;
                (tables, showing, people, rest)
            }
            before::VERSION => {
                let (tables, rest) = postcard::take_from_bytes::<before::Tables>(rest).map_err(damaged)?;
                let (people, rest) = take_people(tables.5, rest, before::Person::now).map_err(damaged)?;
                (tables, Showing::default(), people, rest)
            }
            other => return Err(SnapshotError::Version(other)),
        };
        let (now, release, rules, releases, origins, _) = tables;
        if !rest.is_empty() {
            return Err(SnapshotError::Damaged(format!("{} bytes too many", rest.len())));
        }
        let (released, scans, turnover) = showing;
        let mut shard = Shard {
            now,
            release,
            people: people.into(),
            rules: rules.into_iter().collect(),
            releases: releases.into_iter().collect(),
            origins,
            released,
            scans,
            turnover,
            ..Shard::default()
        };
        for (number, (subject, person)) in shard.people.iter().enumerate() {
            shard.timers.restore(number, subject, person.filed);
        }
        Ok(shard)
    }
}

/// So many people in front of the bytes, as they are kept now, and what is behind them.
fn take_people<P: DeserializeOwned>(
    count: usize,
    mut bytes: &[u8],
    now: impl Fn(P) -> Person,
) -> Result<(Map, &[u8]), postcard::Error> {
    let mut people = Map::default();
    for _ in 0..count {
        let ((subject, person), behind) = postcard::take_from_bytes::<(SubjectId, P)>(bytes)?;
        people.insert(subject, now(person));
        bytes = behind;
    }
    Ok((people, bytes))
}
