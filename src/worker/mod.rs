//! Shards: one partition's people in memory, ticks, snapshots, releases.
