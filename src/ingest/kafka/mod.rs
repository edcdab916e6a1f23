//! Kafka sources: topics of the product, copied into the log exactly once.
//!
//! Three threads a source, so that polling never waits for work: one polls and parses (`copier`), one appends
//! (`append`), one asks where the partitions end (`probe`). Invariants:
//! - A source's position is its marks in our log, written in the same durable step as the records before it. The group
//!   holds nothing, and nothing is ever committed to it.
//! - A batch is appended only after the topic's id was seen to be the marked one later than the batch's last record was
//!   read: ids are never given twice, so all of it is of that topic.
//! - Batches are appended one after the other; one that the log refuses is tried again before the next.
//! - Dead letters are kept before the mark moves past them, and are named by their place: a re-read adds none.
//! - A position that cannot be found again stops the source (`start`). Nothing here ever moves a mark by guessing.

pub mod config;
pub mod property;
pub mod topic_id;
pub mod pointer;
pub mod format;
pub mod start;
pub mod read_through;
pub mod status;
mod source;
mod session;
pub mod collected;
mod copier;
mod append;
mod probe;
pub mod accept;

pub use accept::{AcceptError, accept_topic};
pub use config::{ConfigError, Properties, SourceConfig, SourceFormat, Start};
pub use format::Fields;
pub use property::{PropertyFault, faults};
pub use read_through::ReadThrough;
pub use start::SourceStopped;
pub use status::{SourceState, SourceStatus};

use super::dead_letters::DeadLetters;
use crate::clock::Clock;
use crate::log::Log;
use source::Running;
use std::sync::Arc;
use std::time::Duration;

/// How long one question to a broker may take; a stop waits for at most one of them.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// All sources of a project, being copied. Dropped, they stop: what is not appended yet is read again at the next start.
pub struct KafkaSources {
    running: Vec<Running>,
}

impl KafkaSources {
    /// Begins to copy. Kafka need not be there yet; what is wrong with the configuration is said at once.
    pub fn start(
        sources: Vec<SourceConfig>,
        properties: &Properties,
        log: Arc<dyn Log>,
        letters: Arc<dyn DeadLetters>,
        clock: Clock,
    ) -> Result<KafkaSources, ConfigError> {
        config::check_names(&sources)?;
        let clients = sources.into_iter().map(|source| Ok((source, config::client_config(properties)?)));
        let clients: Vec<_> = clients.collect::<Result<_, ConfigError>>()?;
        let start =
            |(source, client)| Running::start(source, client, log.clone(), letters.clone(), clock.clone());
        Ok(KafkaSources { running: clients.into_iter().map(start).collect() })
    }

    /// The instant that no tick may pass, now and later.
    pub fn read_through(&self) -> ReadThrough {
        ReadThrough::new(self.running.iter().map(|source| source.station().progress.clone()).collect())
    }

    /// Each source as it is now, in the order of outreach.toml.
    pub fn status(&self) -> Vec<SourceStatus> {
        self.running.iter().map(Running::status).collect()
    }

    /// Stops reading, and returns when nothing of it is under way any more.
    pub fn stop(self) {}
}

impl Drop for KafkaSources {
    fn drop(&mut self) {
        // All are asked before one is waited for.
        self.running.iter().for_each(|source| source.station().ask_to_stop());
    }
}
