//! How a worker starts: the newest good snapshot that is not past the ledger's position, then the log.
//!
//! What the ledger has was written with its position, so the frames up to it are re-run for their state alone. No
//! fitting snapshot, and a log that no longer begins at the beginning: the shard cannot prove its state, and refuses.

use super::keeping::Keeping;
use super::snapshots::Snapshot;
use super::{Pace, Sighted, Tools, Unwritten, Worker, WorkerError};
use crate::ledger::Ledger;
use crate::log::{Frame, Log};
use outreach_engine::{Shard, Timestamp};

impl<L: Log, D: Ledger> Worker<L, D> {
    /// Takes over `partition` where the ledger stands.
    pub fn start(partition: u32, tools: Tools<L, D>) -> Result<Worker<L, D>, WorkerError> {
        let unproven = |reason: String| WorkerError::Unproven { partition, reason };
        // Before the position, which a snapshot follows: one past it is not another owner's who went on meanwhile.
        let offsets = tools.snapshots.offsets(partition).map_err(|error| unproven(error.to_string()))?;
        let position = tools.ledger.transaction(|transaction| transaction.position(partition))?;
        if let Some(past) = offsets.last().filter(|newest| **newest > position) {
            return Err(unproven(format!(
                "the ledger stands at offset {position}, and a snapshot at {past}: the ledger lost what it held, and mail \
                 that has left since would leave again; restore the ledger that belongs to the snapshots, or take those \
                 past {position} away to go on without"
            )));
        }
        let held = tools.log.bounds(partition)?;
        if position > held.end {
            let reason = format!(
                "the ledger stands at offset {position}, and the log ends at {}: it lost what was acknowledged; \
                 restore the log that belongs to this ledger",
                held.end
            );
            return Err(unproven(reason));
        }
        let snapshot = newest_good(partition, &offsets, position, &tools)?;
        let is_ours =
            snapshot.as_ref().is_some_and(|found| found.engine_version == tools.snapshots.engine_version());
        let (shard, next) = match snapshot {
            Some(snapshot) if snapshot.offset >= held.start => (snapshot.shard, snapshot.offset),
            Some(_) | None if held.start == 0 => (Shard::new(), 0),
            Some(_) | None => {
                let reason = format!(
                    "no snapshot at or before offset {position} joins the log, which begins at {}; put a snapshot back",
                    held.start
                );
                return Err(unproven(reason));
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
            // The next start must know whose decisions follow.
            snapshot: Keeping::new(partition, now, next, !is_ours && next == position),
            sighted: Sighted { end: 0, at: Timestamp::MIN },
            frame: Frame::default(),
            tools,
        })
    }
}

/// The newest snapshot that can be read and is not past `position`. One that would have to be re-run by another engine
/// than the one that made it is no proof: it may decide otherwise than what is written.
fn newest_good<L, D>(
    partition: u32,
    offsets: &[u64],
    position: u64,
    tools: &Tools<L, D>,
) -> Result<Option<Snapshot>, WorkerError> {
    let own = tools.snapshots.engine_version();
    for offset in offsets.iter().copied().rev() {
        match tools.snapshots.get(partition, offset) {
            Ok(snapshot) if snapshot.engine_version == own || offset == position => {
                return Ok(Some(snapshot));
            }
            Ok(snapshot) => {
                let theirs = snapshot.engine_version;
                return Err(WorkerError::Unproven {
                    partition,
                    reason: format!(
                        "the engine of the snapshot at offset {offset} is {theirs}, this one is {own}, and the ledger \
                         stands at {position}: what lies between would be run again and might be decided otherwise. Run \
                         {theirs} once more and stop it with SIGTERM, which leaves a snapshot at the ledger's position; \
                         then start this one"
                    ),
                });
            }
            Err(error) => tracing::warn!(partition, offset, %error, "a snapshot is passed over"),
        }
    }
    Ok(None)
}
