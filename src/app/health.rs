//! Why the service is not ready, in words; an empty list is ready.

use super::sources;
use super::workers::{Workers, ledger_answers};
use crate::clock::Guarded;
use crate::dispatch::Dispatcher;
use crate::ingest::kafka::KafkaSources;
use crate::ledger::sqlite::SqliteLedger;
use crate::log::Log;
use crate::log::embedded::EmbeddedLog;
use crate::worker::Standing;
use outreach_engine::Length;
use outreach_engine::effect::Channel;
use std::sync::{Arc, Weak};

/// What is asked.
pub struct Health {
    pub log: Arc<EmbeddedLog>,
    pub guard: Arc<Guarded>,
    pub workers: Arc<Workers>,
    pub standing: Arc<Standing>,
    /// Weak: who stops the service drops them, and waits until they are gone.
    pub sources: Option<Weak<KafkaSources>>,
    pub dispatcher: Arc<Dispatcher<SqliteLedger>>,
}

/// A partition that was not at the log's end for so long is behind.
const BEHIND_AFTER: Length = Length::minutes(1);

/// Clocks are corrected by less in the ordinary run of things.
const AHEAD_MAX: Length = Length::minutes(1);

impl Health {
    pub fn not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let now = (self.dispatcher.clock)();
        let doubt = self.guard.doubt();
        reasons.extend(doubt.map(|doubt| doubt.to_string()));
        for (partition, trouble) in self.workers.troubles() {
            reasons.push(format!("partition {partition} does not run: {trouble}"));
        }
        // In doubt none counts as standing at the log's end, however little it has to read.
        for partition in (0..self.log.partitions()).filter(|_| doubt.is_none()) {
            let stood_at = self.standing.last_at(partition);
            if stood_at == outreach_engine::Timestamp::MIN || now.since(stood_at) > BEHIND_AFTER {
                reasons.push(format!("partition {partition} is behind: its log is being read"));
            }
            let engine_time = self.standing.engine_time(partition);
            if engine_time.since(now) > AHEAD_MAX {
                reasons.push(format!(
                    "partition {partition} stands at {engine_time}, ahead of the clock: the clock was wrong once; \
                     nothing is decided until it is there"
                ));
            }
        }
        if let Err(error) = ledger_answers(&*self.dispatcher.ledger) {
            reasons.push(error.to_string());
        }
        if let Err(error) = self.log.bounds(0) {
            reasons.push(error.to_string());
        }
        if let Some(sources) = self.sources.as_ref().and_then(Weak::upgrade) {
            reasons.extend(sources::troubles(&sources));
        }
        let breaker = *self.dispatcher.breaker.lock().expect("no panic while held");
        if breaker.is_in_trouble(Channel::Email, now) {
            let next = breaker.open_until(Channel::Email, now);
            let next = next.map_or("is tried again now".into(), |until| format!("tried again at {until}"));
            reasons.push(format!("the mail server cannot be used: {next}; messages wait"));
        }
        reasons
    }
}
