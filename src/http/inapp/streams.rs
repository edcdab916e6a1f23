//! The open streams: how many there may be, and who is told that their inbox changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, watch};

/// Open streams, by whom they are about.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Inner>);

#[derive(Default)]
struct Inner {
    open: Mutex<Open>,
    /// Somebody opened the first one.
    opened: Notify,
}

#[derive(Default)]
struct Open {
    by_subject: HashMap<String, Listeners>,
    total: usize,
}

struct Listeners {
    changed: watch::Sender<()>,
    count: usize,
}

/// A place among the open streams; given back when it is dropped.
pub(super) struct Seat {
    streams: Streams,
    subject: String,
    changed: watch::Receiver<()>,
}

/// Tabs of one person: browsers open six connections to one origin.
const STREAMS_PER_PERSON_MAX: usize = 8;
/// Each holds a connection and a task.
const STREAMS_MAX: usize = 10_000;

impl Streams {
    /// A seat for one more stream about `subject`; nothing when there are too many.
    pub fn open(&self, subject: &str) -> Option<Seat> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= STREAMS_MAX {
            return None;
        }
        let listeners = open.by_subject.entry(subject.to_owned());
        let listeners = listeners.or_insert_with(|| Listeners { changed: watch::Sender::new(()), count: 0 });
        if listeners.count >= STREAMS_PER_PERSON_MAX {
            return None;
        }
        listeners.count += 1;
        let changed = listeners.changed.subscribe();
        open.total += 1;
        metrics::gauge!("outreach_inapp_streams").set(open.total as f64);
        self.0.opened.notify_one();
        Some(Seat { streams: self.clone(), subject: subject.to_owned(), changed })
    }

    /// Tells all streams about `subject` to look.
    pub fn tell(&self, subject: &str) {
        let open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listeners) = open.by_subject.get(subject) {
            listeners.changed.send_replace(());
        }
    }

    /// Waits until there is a stream.
    pub async fn any(&self) {
        loop {
            let opened = self.0.opened.notified();
            if self.0.open.lock().unwrap_or_else(PoisonError::into_inner).total > 0 {
                return;
            }
            opened.await;
        }
    }
}

impl Seat {
    /// Waits until the inbox may have changed. What changed before the first call counts.
    pub async fn changed(&mut self) {
        // The sender lives as long as this seat.
        self.changed.changed().await.ok();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.streams.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        metrics::gauge!("outreach_inapp_streams").set(open.total as f64);
        let Some(listeners) = open.by_subject.get_mut(&self.subject) else { return };
        listeners.count -= 1;
        if listeners.count == 0 {
            open.by_subject.remove(&self.subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_bounded_for_each_person_and_a_closed_one_makes_room() {
        let streams = Streams::default();
        let mut seats: Vec<Seat> =
            (0..STREAMS_PER_PERSON_MAX).map(|_| streams.open("user:ada").unwrap()).collect();
        assert!(streams.open("user:ada").is_none());
        assert!(streams.open("user:bob").is_some());
        seats.pop();
        assert!(streams.open("user:ada").is_some());
        drop(seats);
        assert!(streams.0.open.lock().unwrap().by_subject.is_empty());
    }

    #[tokio::test]
    async fn a_change_before_the_wait_is_not_missed() {
        let streams = Streams::default();
        let mut seat = streams.open("user:ada").unwrap();
        streams.tell("user:bob");
        streams.tell("user:ada");
        seat.changed().await;
    }
}
