//! What a source says of itself, for `/readyz`: copying, waiting for something, or stopped.

use super::read_through::Progress;
use super::start::SourceStopped;
use outreach_engine::Timestamp;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One source, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    pub name: String,
    pub required: bool,
    pub state: SourceState,
    /// How many offsets are not copied yet, as last seen.
    pub lag: u64,
    /// Up to when everything is copied; nothing before the end was reached once.
    pub read_through: Option<Timestamp>,
}

/// What a source does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    Starting,
    Copying,
    /// Goes on by itself once the reason is gone.
    Waiting {
        reason: String,
    },
    /// Goes on only by a person's word.
    Stopped {
        reason: SourceStopped,
    },
}

/// What the threads of one source share.
#[derive(Debug)]
pub(super) struct Station {
    pub progress: std::sync::Arc<Progress>,
    inner: Mutex<Inner>,
    stop_asked: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    is_stop_asked: bool,
    is_assigned: bool,
    troubles: [Option<String>; TROUBLES],
    stopped: Option<SourceStopped>,
}

/// What a source may have to wait for. Each is set and cleared by the thread that meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Trouble {
    /// A broker does not answer questions about the topic.
    Asking,
    /// A broker does not give records.
    Reading,
    /// The log or the ledger takes nothing.
    Storing,
}

const TROUBLES: usize = 3;

impl Station {
    pub fn new(required: bool) -> Station {
        let progress = std::sync::Arc::new(Progress::new(required));
        Station { progress, inner: Mutex::default(), stop_asked: Condvar::new() }
    }

    pub fn state(&self) -> SourceState {
        let inner = self.lock();
        if let Some(reason) = &inner.stopped {
            return SourceState::Stopped { reason: reason.clone() };
        }
        match inner.troubles.iter().flatten().next() {
            Some(reason) => SourceState::Waiting { reason: reason.clone() },
            None if inner.is_assigned => SourceState::Copying,
            None => SourceState::Starting,
        }
    }

    /// Says what the source waits for; returns whether it is new, so that it is logged once.
    pub fn set_trouble(&self, trouble: Trouble, reason: String) -> bool {
        let old = self.lock().troubles[trouble as usize].replace(reason);
        old.is_none()
    }

    /// Returns whether there was something to clear.
    pub fn clear_trouble(&self, trouble: Trouble) -> bool {
        self.lock().troubles[trouble as usize].take().is_some()
    }

    pub fn set_assigned(&self, is_assigned: bool) {
        self.lock().is_assigned = is_assigned;
    }

    pub fn set_stopped(&self, reason: SourceStopped) {
        self.lock().stopped = Some(reason);
    }

    pub fn ask_to_stop(&self) {
        self.lock().is_stop_asked = true;
        self.stop_asked.notify_all();
    }

    pub fn is_stop_asked(&self) -> bool {
        self.lock().is_stop_asked
    }

    /// Waits, and returns at once when the source is asked to stop.
    pub fn wait(&self, length: Duration) {
        let until = Instant::now() + length;
        let mut inner = self.lock();
        while !inner.is_stop_asked {
            let Some(rest) = until.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero())
            else {
                return;
            };
            inner = self.stop_asked.wait_timeout(inner, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits between tries: soon at first, so that a restart of Kafka is hardly felt, then longer.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

const WAIT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(5);

impl Backoff {
    pub fn new() -> Backoff {
        Backoff(WAIT_MIN)
    }

    pub fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(WAIT_MAX);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_waits_while_any_trouble_is_left_and_a_stop_stands_above_all() {
        let station = Station::new(true);
        assert_eq!(station.state(), SourceState::Starting);
        station.set_assigned(true);
        assert!(station.set_trouble(Trouble::Asking, "no broker".into()));
        assert!(!station.set_trouble(Trouble::Asking, "no broker yet".into()));
        station.set_trouble(Trouble::Storing, "disk full".into());
        station.clear_trouble(Trouble::Asking);
        assert_eq!(station.state(), SourceState::Waiting { reason: "disk full".into() });
        station.clear_trouble(Trouble::Storing);
        assert_eq!(station.state(), SourceState::Copying);
        let reason = SourceStopped::LogDamaged { r#source: "product".into(), reason: "torn".into() };
        station.set_stopped(reason.clone());
        assert_eq!(station.state(), SourceState::Stopped { reason });
    }

    #[test]
    fn waits_grow_to_a_bound_and_end_at_once_when_asked() {
        let mut backoff = Backoff::new();
        let waits: Vec<Duration> = (0..8).map(|_| backoff.next()).collect();
        assert_eq!((waits[0], waits[1], waits[7]), (WAIT_MIN, WAIT_MIN * 2, WAIT_MAX));
        let station = Station::new(true);
        station.ask_to_stop();
        let before = Instant::now();
        station.wait(Duration::from_secs(60));
        assert!(before.elapsed() < Duration::from_secs(30));
    }
}
