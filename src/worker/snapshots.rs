//! Snapshots: a shard's state at a position, in a folder or a bucket.
//!
//! An object is `p<partition>/<next offset>.snap`: eight bytes magic and version, eight bytes XXH3-64 of all that follows,
//! one byte length and the words of the engine's version, then the shard's bytes compressed with zstd. One that is torn
//! or damaged is passed over for the generation before; three are kept, since the log no longer holds all that they do.
//! The format before, whose engine version was a number, is read.

use futures_lite::future::block_on;
use futures_lite::stream::StreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use outreach_engine::Shard;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

const MAGIC: &[u8; 8] = b"OUTSNAP\x02";
const MAGIC_BEFORE: &[u8; 8] = b"OUTSNAP\x01";
/// Generations that are kept.
pub const GENERATIONS_MAX: usize = 3;

/// Where snapshots are kept.
#[derive(Debug)]
pub struct Snapshots {
    store: Arc<dyn ObjectStore>,
    engine_version: String,
}

/// A snapshot that was read.
#[derive(Debug)]
pub struct Snapshot {
    /// The first offset whose frame is not in it.
    pub offset: u64,
    /// The engine that made the state: another one may decide otherwise, so it may not re-run what was written.
    pub engine_version: String,
    pub shard: Shard,
}

/// Why a snapshot could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotsError {
    #[error("the snapshot store: {0}")]
    Store(#[from] object_store::Error),
    #[error("snapshot {path}: {reason}")]
    Damaged { path: String, reason: String },
}

impl Snapshots {
    /// Snapshots of this engine.
    pub fn new(store: Arc<dyn ObjectStore>) -> Snapshots {
        Snapshots::of_engine(store, outreach_engine::version())
    }

    /// Snapshots of an engine that calls itself `engine_version`, in at most 255 bytes.
    pub fn of_engine(store: Arc<dyn ObjectStore>, engine_version: String) -> Snapshots {
        assert!(engine_version.len() <= usize::from(u8::MAX), "a version in few words: {engine_version}");
        Snapshots { store, engine_version }
    }

    /// Snapshots in a folder of this machine.
    pub fn in_folder(folder: &std::path::Path) -> std::io::Result<Snapshots> {
        std::fs::create_dir_all(folder)?;
        let store = object_store::local::LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Snapshots::new(Arc::new(store)))
    }

    /// The version of the engine that makes them.
    pub fn engine_version(&self) -> &str {
        &self.engine_version
    }

    /// Keeps a shard's bytes as it stood before `offset`, and drops generations beyond those kept. Compresses and
    /// writes, which takes its time: a worker has it done by somebody else.
    pub fn put(&self, partition: u32, offset: u64, shard_bytes: &[u8]) -> Result<(), SnapshotsError> {
        let path = path(partition, offset);
        let packed =
            zstd::bulk::compress(shard_bytes, 1).map_err(|error| damaged(&path, error.to_string()))?;
        let version = self.engine_version.as_bytes();
        let mut hash = Xxh3::new();
        let parts = [&[version.len() as u8][..], version, &packed];
        parts.iter().for_each(|part| hash.update(part));
        let mut bytes = Vec::with_capacity(MAGIC.len() + 9 + version.len() + packed.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&hash.digest().to_le_bytes());
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        block_on(self.store.put(&path, PutPayload::from(bytes)))?;
        if let Err(error) = self.drop_old(partition) {
            tracing::warn!(partition, %error, "old snapshots are not dropped yet");
        }
        Ok(())
    }

    fn drop_old(&self, partition: u32) -> Result<(), SnapshotsError> {
        for old in self.offsets(partition)?.into_iter().rev().skip(GENERATIONS_MAX) {
            block_on(self.store.delete(&path(partition, old)))?;
        }
        Ok(())
    }

    /// The offsets of all snapshots of a partition, ascending.
    pub fn offsets(&self, partition: u32) -> Result<Vec<u64>, SnapshotsError> {
        let folder = Path::from(format!("p{partition:05}"));
        let listed: Vec<_> = block_on(self.store.list(Some(&folder)).collect());
        let mut offsets = Vec::new();
        for object in listed {
            let location = object?.location;
            let stem = location.filename().and_then(|name| name.strip_suffix(".snap"));
            offsets.extend(stem.and_then(|stem| stem.parse::<u64>().ok()));
        }
        offsets.sort_unstable();
        Ok(offsets)
    }

    /// Reads one.
    pub fn get(&self, partition: u32, offset: u64) -> Result<Snapshot, SnapshotsError> {
        let path = path(partition, offset);
        let bytes = block_on(async { self.store.get(&path).await?.bytes().await })?;
        let (engine_version, packed) = open(&bytes).map_err(|reason| damaged(&path, reason))?;
        let bytes = zstd::stream::decode_all(packed).map_err(|error| damaged(&path, error.to_string()))?;
        let shard = Shard::from_bytes(&bytes).map_err(|error| damaged(&path, error.to_string()))?;
        Ok(Snapshot { offset, engine_version, shard })
    }
}

fn path(partition: u32, offset: u64) -> Path {
    Path::from(format!("p{partition:05}/{offset:020}.snap"))
}

fn damaged(path: &Path, reason: String) -> SnapshotsError {
    SnapshotsError::Damaged { path: path.to_string(), reason }
}

/// The engine's version, and the packed shard.
fn open(bytes: &[u8]) -> Result<(String, &[u8]), String> {
    let short = || format!("it has only {} bytes", bytes.len());
    let (magic, rest) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
    match magic {
        MAGIC => {
            let (checksum, body) = rest.split_first_chunk::<8>().ok_or_else(short)?;
            check(checksum, body)?;
            let (length, body) = body.split_first().ok_or_else(short)?;
            let (version, packed) = body.split_at_checked(usize::from(*length)).ok_or_else(short)?;
            Ok((String::from_utf8_lossy(version).into_owned(), packed))
        }
        MAGIC_BEFORE => {
            let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
            let (checksum, packed) = rest.split_first_chunk::<8>().ok_or_else(short)?;
            check(checksum, packed)?;
            Ok((u32::from_le_bytes(*version).to_string(), packed))
        }
        _ => Err("it does not begin as a snapshot of this version or the one before does".into()),
    }
}

fn check(checksum: &[u8; 8], body: &[u8]) -> Result<(), String> {
    let (expected, found) = (u64::from_le_bytes(*checksum), xxh3_64(body));
    if expected == found {
        return Ok(());
    }
    Err(format!("expected checksum {expected:016x}, found {found:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    fn shard() -> Vec<u8> {
        Shard::new().to_bytes()
    }

    #[test]
    fn three_generations_are_kept_and_read_back() {
        let snapshots = Snapshots::new(Arc::new(InMemory::new()));
        for offset in [5, 10, 100, 1_000] {
            snapshots.put(3, offset, &shard()).unwrap();
        }
        assert_eq!(snapshots.offsets(3).unwrap(), [10, 100, 1_000]);
        assert!(snapshots.offsets(4).unwrap().is_empty());
        let snapshot = snapshots.get(3, 100).unwrap();
        assert_eq!(snapshot.shard.to_bytes(), shard());
        assert_eq!(snapshot.engine_version, outreach_engine::version());
    }

    #[test]
    fn a_torn_snapshot_is_told() {
        let store = Arc::new(InMemory::new());
        let snapshots = Snapshots::new(store.clone());
        snapshots.put(0, 7, &shard()).unwrap();
        let whole = block_on(async { store.get(&path(0, 7)).await.unwrap().bytes().await.unwrap() });
        for cut in 0..whole.len() {
            let torn = PutPayload::from(whole[..cut].to_vec());
            block_on(store.put(&path(0, 7), torn)).unwrap();
            assert!(snapshots.get(0, 7).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn the_format_before_is_read() {
        let store = Arc::new(InMemory::new());
        let packed = zstd::bulk::compress(&shard(), 1).unwrap();
        let (version, checksum) = (1u32.to_le_bytes(), xxh3_64(&packed).to_le_bytes());
        let bytes = [&MAGIC_BEFORE[..], &version, &checksum, &packed].concat();
        block_on(store.put(&path(0, 7), PutPayload::from(bytes))).unwrap();
        assert_eq!(Snapshots::new(store).get(0, 7).unwrap().engine_version, "1");
    }
}
