//! How a worker starts: the newest good snapshot that is not past the ledger's position, then the log.
//!
//! What the ledger has was written with its position, so the frames up to it are re-run for their state alone. No
//! fitting snapshot, and a log that no longer begins at the beginning: the shard cannot prove its state, and refuses.

use super::snapshots::{ENGINE_VERSION, Snapshot};
use super::{Pace, Tools, Unwritten, Worker, WorkerError};
use crate::ledger::Ledger;
use crate::log::{Frame, Log};
use outreach_engine::Shard;

impl<L: Log, D: Ledger> Worker<L, D> {
    /// Takes over `partition` where the ledger stands.
    pub fn start(partition: u32, tools: Tools<L, D>) -> Result<Worker<L, D>, WorkerError> {
        let position = tools.ledger.transaction(|transaction| transaction.position(partition))?;
        let held = tools.log.bounds(partition)?;
        if position > held.end {
            let reason = format!(
                "the ledger stands at offset {position}, and the log ends at {}: it lost what was acknowledged; \
                 restore the log that belongs to this ledger",
                held.end
            );
            return Err(WorkerError::Unproven { partition, reason });
        }
        let snapshot = newest_good(partition, position, &tools)?;
        let (shard, next) = match snapshot {
            Some(snapshot) if snapshot.offset >= held.start => (snapshot.shard, snapshot.offset),
            Some(_) | None if held.start == 0 => (Shard::new(), 0),
            Some(_) | None => {
                let reason = format!(
                    "no snapshot at or before offset {position} joins the log, which begins at {}; put a snapshot back",
                    held.start
                );
                return Err(WorkerError::Unproven { partition, reason });
            }
        };
        let release = match shard.release() {
            "" => None,
            id => {
                Some((tools.releases)(id).map_err(|reason| WorkerError::Release { id: id.into(), reason })?)
            }
        };
        let now = (tools.clock)();
        Ok(Worker {
            partition,
            shard,
            release,
            next,
            position,
            unwritten: Unwritten::default(),
            pace: Pace::default(),
            written_at: now,
            snapshot_at: now,
            snapshot_offset: next,
            frame: Frame::default(),
            tools,
        })
    }
}

/// The newest snapshot that can be read and is not past `position`. One that would have to be re-run by another engine
/// than the one that made it is no proof: it may decide otherwise than what is written.
fn newest_good<L, D>(
    partition: u32,
    position: u64,
    tools: &Tools<L, D>,
) -> Result<Option<Snapshot>, WorkerError> {
    let unproven = |reason: String| WorkerError::Unproven { partition, reason };
    let offsets = tools.snapshots.offsets(partition).map_err(|error| unproven(error.to_string()))?;
    for offset in offsets.into_iter().rev().filter(|offset| *offset <= position) {
        match tools.snapshots.get(partition, offset) {
            Ok(snapshot) if snapshot.engine_version == ENGINE_VERSION || offset == position => {
                return Ok(Some(snapshot));
            }
            Ok(snapshot) => {
                return Err(unproven(format!(
                    "the snapshot at offset {offset} is of engine version {}, this is {ENGINE_VERSION}, and offsets \
                     {offset} to {position} would have to be re-run: run the old version until it stops cleanly",
                    snapshot.engine_version
                )));
            }
            Err(error) => tracing::warn!(partition, offset, %error, "a snapshot is passed over"),
        }
    }
    Ok(None)
}
