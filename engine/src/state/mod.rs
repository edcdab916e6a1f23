//! One partition's people in memory.
