//! Appends what was collected, one batch after the other: the topic's identity first, then dead letters, then records
//! and marks in one durable step. Whatever is not there is waited for; a batch is given up only when the source stops.

use super::ANSWER_WITHIN;
use super::collected::Collected;
use super::session::Session;
use super::start::SourceStopped;
use super::status::{Backoff, Trouble};
use super::topic_id::topic_id;
use crate::ingest::intake::report;
use crate::log::{Batch, LogError};
use metrics::gauge;
use rdkafka::consumer::Consumer;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

pub(super) struct Appender<'s> {
    pub session: &'s Session<'s>,
}

/// Why the appender takes no more.
enum Ended {
    Asked,
    Outdated,
    Stopped(SourceStopped),
}

impl Appender<'_> {
    /// Appends until the session is over; returns why the source must stop, if it must.
    pub fn run(&self, batches: Receiver<Collected>) -> Option<SourceStopped> {
        for collected in batches {
            match self.append(collected) {
                Ok(()) => {}
                Err(Ended::Asked) => return None,
                Err(Ended::Outdated) => {
                    self.session.is_outdated.store(true, Ordering::Relaxed);
                    return None;
                }
                Err(Ended::Stopped(reason)) => return Some(reason),
            }
        }
        None
    }

    fn append(&self, collected: Collected) -> Result<(), Ended> {
        let source = self.session.source;
        self.confirm_identity()?;
        let accepted = collected.intake.accepted();
        let (batch, letters) = collected.into_parts();
        if !letters.is_empty() {
            self.until_done(Trouble::Storing, || {
                source.letters.put(&letters).map_err(|error| error.to_string())
            })?;
        }
        self.append_batch(&batch)?;
        let progress = &source.station.progress;
        progress.appended_all(&batch.marks);
        report(&source.door, accepted, letters.iter().map(|letter| letter.code.as_str()));
        gauge!("outreach_source_lag_records", "source" => source.door.clone()).set(progress.lag() as f64);
        Ok(())
    }

    /// The topic is still the one that the session began with, at a moment after all of the batch was read.
    fn confirm_identity(&self) -> Result<(), Ended> {
        let Session { source, identity, asker, .. } = self.session;
        let mut is_same = false;
        self.until_done(Trouble::Asking, || {
            let found =
                topic_id(asker.client(), &source.config.topic, ANSWER_WITHIN).map_err(|e| e.to_string())?;
            is_same = found.id == identity.id;
            Ok(())
        })?;
        if is_same { Ok(()) } else { Err(Ended::Outdated) }
    }

    fn append_batch(&self, batch: &Batch) -> Result<(), Ended> {
        let source = self.session.source;
        let mut damaged = None;
        self.until_done(Trouble::Storing, || match source.log.append(batch.clone()) {
            Ok(()) => Ok(()),
            Err(LogError::Unavailable { reason }) => Err(format!("the log takes nothing now: {reason}")),
            Err(LogError::Damaged { reason }) => {
                damaged = Some(reason);
                Ok(())
            }
        })?;
        match damaged {
            None => Ok(()),
            Some(reason) => {
                let name = source.config.name.clone();
                Err(Ended::Stopped(SourceStopped::LogDamaged { r#source: name, reason }))
            }
        }
    }

    /// Tries until it succeeds, with longer and longer waits, or the source is to stop.
    fn until_done(
        &self,
        trouble: Trouble,
        mut work: impl FnMut() -> Result<(), String>,
    ) -> Result<(), Ended> {
        let source = self.session.source;
        let mut backoff = Backoff::new();
        loop {
            match work() {
                Ok(()) => {
                    source.ease(trouble);
                    return Ok(());
                }
                Err(reason) => source.trouble(trouble, reason),
            }
            source.station.wait(backoff.next());
            if source.station.is_stop_asked() {
                return Err(Ended::Asked);
            }
        }
    }
}
