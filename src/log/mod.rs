//! The log: all that can change a decision, in order.
//!
//! Invariants, for every kind of log (`contract` holds them):
//! - An append is all or nothing over all its partitions and marks, and is acknowledged only when it is durable.
//! - Offsets of a partition rise by one a frame, begin at 0, and never change.
//! - What was acknowledged before an append began stands before it.
//! - A frame that does not match its checksum is an error, never a shorter frame.

#[doc(hidden)]
pub mod contract;
pub mod embedded;
pub mod frame;

use outreach_engine::Timestamp;
use outreach_engine::event::Body;
use std::time::Duration;

pub use frame::{Frame, FrameError};

/// One frame as the log holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub partition: u32,
    pub offset: u64,
    /// The log's own clock when it took the frame.
    pub appended_at: Timestamp,
    /// What [`Frame::decode`] reads.
    pub frame: Vec<u8>,
}

/// How far a source was copied: moves in the same durable step as the frames copied up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceMark {
    /// The source's name in outreach.toml.
    pub source: String,
    /// The identity of the topic; a re-created topic has another.
    pub topic_id: String,
    pub partition: u32,
    /// The next offset wanted.
    pub next_offset: u64,
}

/// What is appended in one durable step.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Encoded records by partition, in order; the log makes frames of them and may join those of several batches.
    pub records: std::collections::BTreeMap<u32, Records>,
    pub marks: Vec<SourceMark>,
}

/// Encoded records of one partition, back to back.
#[derive(Clone, Debug, Default)]
pub struct Records {
    pub bytes: Vec<u8>,
    pub count: u32,
}

impl Batch {
    /// Adds a record to `partition`.
    pub fn push(&mut self, partition: u32, body: &Body<'_>) {
        let records = self.records.entry(partition).or_default();
        body.encode(&mut records.bytes);
        records.count += 1;
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.marks.is_empty()
    }
}

/// Why the log could not do it. Nothing of a failed append is there, or will be.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// The disk is full, or too many appends wait: the caller answers 503 and tries again.
    #[error("the log takes nothing now: {reason}")]
    Unavailable { reason: String },
    /// Files are missing, changed, or of another log; only a person can mend that.
    #[error("the log cannot be used: {reason}")]
    Damaged { reason: String },
}

/// Called once, when an append is durable or has failed.
pub type Done = Box<dyn FnOnce(Result<(), LogError>) + Send>;

/// A log of a fixed number of partitions.
pub trait Log: Send + Sync {
    fn partitions(&self) -> u32;

    /// Hands over a batch; `done` is called from any thread once it is durable, or has failed.
    fn submit(&self, batch: Batch, done: Done);

    /// The frames of `partition` from `from` on, at most about `bytes_max` of them (one at the least, if there is any).
    fn read(&self, partition: u32, from: u64, bytes_max: usize) -> Result<Vec<Entry>, LogError>;

    /// The first offset that is still held, and the offset that the next frame will get.
    fn bounds(&self, partition: u32) -> Result<std::ops::Range<u64>, LogError>;

    /// How far each source was copied.
    fn source_marks(&self) -> Result<Vec<SourceMark>, LogError>;

    /// Returns when `partition` has a frame at `offset`, or after `timeout`.
    fn wait(&self, partition: u32, offset: u64, timeout: Duration);

    /// [`Log::submit`], waiting for the end.
    fn append(&self, batch: Batch) -> Result<(), LogError> {
        let (sender, receiver) = std::sync::mpsc::channel();
        self.submit(batch, Box::new(move |result| drop(sender.send(result))));
        receiver
            .recv()
            .unwrap_or_else(|_| Err(LogError::Unavailable { reason: "the log has stopped".into() }))
    }
}
