//! Snapshots: a shard's state at a position, in a folder or a bucket.
//!
//! An object is `p<partition>/<next offset>.snap`: eight bytes magic and version, four bytes engine version, eight bytes
//! XXH3-64 of what follows, then the shard's bytes compressed with zstd. One that is torn or damaged is passed over for
//! the generation before; three are kept, since the log no longer holds all that they do.

use futures_lite::future::block_on;
use futures_lite::stream::StreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use outreach_engine::Shard;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: &[u8; 8] = b"OUTSNAP\x01";
const HEADER_BYTES: usize = 20;
/// Generations that are kept.
pub const GENERATIONS_MAX: usize = 3;
/// The engine that made the state: another one may decide otherwise, so it may not re-run what was written.
pub const ENGINE_VERSION: u32 = 2;

/// Where snapshots are kept.
#[derive(Debug)]
pub struct Snapshots {
    store: Arc<dyn ObjectStore>,
}

/// A snapshot that was read.
#[derive(Debug)]
pub struct Snapshot {
    /// The first offset whose frame is not in it.
    pub offset: u64,
    pub engine_version: u32,
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
    pub fn new(store: Arc<dyn ObjectStore>) -> Snapshots {
        Snapshots { store }
    }

    /// Snapshots in a folder of this machine.
    pub fn in_folder(folder: &std::path::Path) -> std::io::Result<Snapshots> {
        std::fs::create_dir_all(folder)?;
        let store = object_store::local::LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Snapshots::new(Arc::new(store)))
    }

    /// Keeps the shard as it stands before `offset`, and drops generations beyond those kept.
    pub fn put(&self, partition: u32, offset: u64, shard: &Shard) -> Result<(), SnapshotsError> {
        let packed = zstd::bulk::compress(&shard.to_bytes(), 1)
            .map_err(|error| damaged(&path(partition, offset), error.to_string()))?;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + packed.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&ENGINE_VERSION.to_le_bytes());
        bytes.extend_from_slice(&xxh3_64(&packed).to_le_bytes());
        bytes.extend_from_slice(&packed);
        block_on(self.store.put(&path(partition, offset), PutPayload::from(bytes)))?;
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

fn open(bytes: &[u8]) -> Result<(u32, &[u8]), String> {
    let (header, packed) = bytes
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or_else(|| format!("it has only {} bytes", bytes.len()))?;
    if &header[..8] != MAGIC {
        return Err("it does not begin as a snapshot of this version does".into());
    }
    let engine_version = u32::from_le_bytes(header[8..12].try_into().map_err(|_| "no version")?);
    let expected = u64::from_le_bytes(header[12..].try_into().map_err(|_| "no checksum")?);
    let found = xxh3_64(packed);
    if expected != found {
        return Err(format!("expected checksum {expected:016x}, found {found:016x}"));
    }
    Ok((engine_version, packed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    #[test]
    fn three_generations_are_kept_and_read_back() {
        let snapshots = Snapshots::new(Arc::new(InMemory::new()));
        for offset in [5, 10, 100, 1_000] {
            snapshots.put(3, offset, &Shard::new()).unwrap();
        }
        assert_eq!(snapshots.offsets(3).unwrap(), [10, 100, 1_000]);
        assert!(snapshots.offsets(4).unwrap().is_empty());
        let snapshot = snapshots.get(3, 100).unwrap();
        assert_eq!(snapshot.shard.to_bytes(), Shard::new().to_bytes());
        assert_eq!(snapshot.engine_version, ENGINE_VERSION);
    }

    #[test]
    fn a_torn_snapshot_is_told() {
        let store = Arc::new(InMemory::new());
        let snapshots = Snapshots::new(store.clone());
        snapshots.put(0, 7, &Shard::new()).unwrap();
        let whole = block_on(async { store.get(&path(0, 7)).await.unwrap().bytes().await.unwrap() });
        for cut in [0, 10, HEADER_BYTES, whole.len() - 1] {
            let torn = PutPayload::from(whole[..cut].to_vec());
            block_on(store.put(&path(0, 7), torn)).unwrap();
            assert!(snapshots.get(0, 7).is_err(), "cut at {cut}");
        }
    }
}
