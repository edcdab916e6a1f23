//! One source and its thread: sessions one after the other, with a wait between, until it is stopped.

use super::config::SourceConfig;
use super::session::{End, Session};
use super::status::{Backoff, SourceStatus, Station, Trouble};
use crate::clock::Clock;
use crate::ingest::dead_letters::DeadLetters;
use crate::log::Log;
use rdkafka::ClientConfig;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A source whose threads run; they end with it.
pub(super) struct Running {
    source: Arc<Source>,
    thread: Option<JoinHandle<()>>,
}

/// What all threads of a source need.
pub(super) struct Source {
    pub config: SourceConfig,
    /// `kafka:` and the name: as letters and metrics call it.
    pub door: String,
    pub client: ClientConfig,
    pub log: Arc<dyn Log>,
    pub letters: Arc<dyn DeadLetters>,
    pub clock: Clock,
    pub station: Station,
}

/// A session of this length was none that fails as it begins.
const SESSION_LASTED: Duration = Duration::from_secs(10);

impl Running {
    pub fn start(
        config: SourceConfig,
        client: ClientConfig,
        log: Arc<dyn Log>,
        letters: Arc<dyn DeadLetters>,
        clock: Clock,
    ) -> Running {
        let station = Station::new(config.required);
        let door = format!("kafka:{}", config.name);
        let source = Arc::new(Source { config, door, client, log, letters, clock, station });
        let of_thread = source.clone();
        let thread = std::thread::Builder::new().name(source.door.clone()).spawn(move || {
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| of_thread.run())).is_err() {
                let reason = "its thread failed: start outreach again, and report what it printed".to_owned();
                of_thread.trouble(Trouble::Reading, reason);
            }
        });
        Running { source, thread: Some(thread.expect("the system has a thread for each source")) }
    }

    pub fn station(&self) -> &Station {
        &self.source.station
    }

    pub fn status(&self) -> SourceStatus {
        let Source { config, station, .. } = &*self.source;
        SourceStatus {
            name: config.name.clone(),
            required: config.required,
            state: station.state(),
            lag: station.progress.lag(),
            read_through: station.progress.read_through(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.source.station.ask_to_stop();
        if let Some(thread) = self.thread.take() {
            // It catches its panics itself.
            drop(thread.join());
        }
    }
}

impl Source {
    fn run(&self) {
        let mut backoff = Backoff::new();
        while !self.station.is_stop_asked() {
            let began = Instant::now();
            let end = Session::run(self);
            self.station.set_assigned(false);
            match end {
                End::Asked => return,
                End::Stopped(reason) => {
                    tracing::error!(source = self.config.name, %reason, "source stopped");
                    self.station.set_stopped(reason);
                    return;
                }
                End::PlanAgain => {
                    // After one that lasted the next may follow soon; one after the other at once helps nobody.
                    if began.elapsed() > SESSION_LASTED {
                        backoff = Backoff::new();
                    }
                    self.station.wait(backoff.next());
                }
                End::Unreachable(reason) => {
                    self.trouble(Trouble::Asking, reason);
                    self.station.wait(backoff.next());
                }
            }
        }
    }

    /// Notes what the source waits for, and logs it when it begins.
    pub fn trouble(&self, trouble: Trouble, reason: String) {
        if self.station.set_trouble(trouble, reason.clone()) {
            tracing::warn!(source = self.config.name, reason, "source waits");
        }
    }

    /// The trouble is over.
    pub fn ease(&self, trouble: Trouble) {
        if self.station.clear_trouble(trouble) {
            tracing::info!(source = self.config.name, was = ?trouble, "source goes on");
        }
    }
}
