//! The loop of the service: the ends of attempts are written down and the next messages pass the gate in one
//! transaction, then these go out by the channels.
//!
//! One fsync so carries a whole round. An end is kept until it is written: forgetting it would make a message unknown
//! that was sent.

use super::conclude::Concluded;
use super::{Dispatcher, Passed, Places};
use crate::channel::{Delivery, Mailer, Outgoing};
use crate::ledger::{Ledger, LedgerError, Message};
use outreach_engine::{Length, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// With nothing to do the gate looks again this often: decisions come from other threads.
const IDLE: Duration = Duration::from_millis(20);
/// After a failure of the ledger.
const LEDGER_DOWN: Duration = Duration::from_millis(500);
/// How often what a crash left is looked for.
const SWEEP_EVERY: Length = Length::seconds(1);

/// Runs until `stop`; then finishes what is leaving.
pub async fn run<D, M>(dispatcher: Arc<Dispatcher<D>>, mailer: Arc<M>, stop: CancellationToken)
where
    D: Ledger + 'static,
    M: Mailer + 'static,
{
    let (sender, ends) = mpsc::unbounded_channel();
    let mut rounds = Rounds {
        dispatcher,
        mailer,
        sender,
        ends,
        leaving: Places::default(),
        ended: Arc::default(),
        swept_at: Timestamp::MIN,
    };
    while !stop.is_cancelled() {
        rounds.sweep_when_due().await;
        if !rounds.round().await {
            rounds.rest(&stop).await;
        }
    }
    rounds.finish().await;
}

struct Rounds<D, M> {
    dispatcher: Arc<Dispatcher<D>>,
    mailer: Arc<M>,
    sender: mpsc::UnboundedSender<Concluded>,
    ends: mpsc::UnboundedReceiver<Concluded>,
    /// Messages that passed the gate and whose ends are not written yet.
    leaving: Places,
    /// Ends that are not written yet, all of messages that `leaving` counts.
    ended: Arc<Vec<Concluded>>,
    swept_at: Timestamp,
}

impl<D: Ledger + 'static, M: Mailer + 'static> Rounds<D, M> {
    /// Writes down what has ended, and lets as many leave as there is room for then. False when nothing has moved.
    async fn round(&mut self) -> bool {
        let all = Places::all(&self.dispatcher.limits);
        if self.leaving.email >= all.email && self.ended.is_empty() {
            self.wait_for_end_or(IDLE).await;
        }
        self.gather();
        let room = all.without(self.leaving.without(self.ended_places()));
        let ended = self.ended.clone();
        let step = move |dispatcher: &Dispatcher<D>| dispatcher.conclude_and_pass(&ended, room);
        match self.blocking(step).await {
            Ok(passed) => {
                let has_moved = !self.ended.is_empty() || passed.looked_at > 0;
                self.forget_ended();
                self.hand_over_all(passed);
                has_moved
            }
            Err(error) => {
                tracing::warn!(%error, ends = self.ended.len(), "the gate waits for the ledger");
                tokio::time::sleep(LEDGER_DOWN).await;
                true
            }
        }
    }

    fn hand_over_all(&mut self, passed: Passed) {
        for message in passed.leaving {
            *self.leaving.of_mut(message.channel) += 1;
            let attempt = hand_over(self.dispatcher.clone(), self.mailer.clone(), message.clone());
            tokio::spawn(report(message, tokio::spawn(attempt), self.sender.clone()));
        }
    }

    /// Waits for an attempt to end, or for a moment.
    async fn rest(&mut self, stop: &CancellationToken) {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = self.wait_for_end_or(IDLE) => {}
        }
    }

    /// Writes down all that is leaving, however long it takes.
    async fn finish(&mut self) {
        while self.leaving.count() > 0 {
            if self.ended.is_empty() {
                self.wait_for_end().await;
            }
            self.gather();
            let ended = self.ended.clone();
            match self.blocking(move |dispatcher| dispatcher.conclude(&ended)).await {
                Ok(()) => {
                    self.forget_ended();
                }
                Err(error) => {
                    tracing::warn!(%error, ends = self.ended.len(), "outcomes wait for the ledger");
                    tokio::time::sleep(LEDGER_DOWN).await;
                }
            }
        }
    }

    async fn sweep_when_due(&mut self) {
        let now = (self.dispatcher.clock)();
        // A clock that was set back must not stop the sweeping.
        if now < self.swept_at || now.since(self.swept_at) >= SWEEP_EVERY {
            self.swept_at = now;
            let swept = self.blocking(|dispatcher| dispatcher.sweep()).await;
            swept.inspect_err(|error| tracing::warn!(%error, "what a crash left is not swept")).ok();
        }
    }

    fn ended_places(&self) -> Places {
        let mut places = Places::default();
        self.ended.iter().for_each(|ended| *places.of_mut(ended.message.channel) += 1);
        places
    }

    /// Their ends are written.
    fn forget_ended(&mut self) {
        self.leaving = self.leaving.without(self.ended_places());
        self.ended = Arc::default();
    }

    /// Safe to drop before it returns, as `wait_for_end` is.
    async fn wait_for_end_or(&mut self, moment: Duration) {
        tokio::select! {
            biased;
            () = self.wait_for_end() => {}
            () = tokio::time::sleep(moment) => {}
        }
    }

    /// Safe to drop before it returns: then nothing was taken.
    async fn wait_for_end(&mut self) {
        // This loop holds a sender, so the channel never ends.
        if let Some(end) = self.ends.recv().await {
            self.push(end);
        }
    }

    /// Takes what has ended by now.
    fn gather(&mut self) {
        while let Ok(end) = self.ends.try_recv() {
            self.push(end);
        }
    }

    fn push(&mut self, end: Concluded) {
        let ended = Arc::get_mut(&mut self.ended).expect("no step is under way, so nobody else holds it");
        ended.push(end);
    }

    /// Runs a step that talks to the ledger off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Dispatcher<D>) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let dispatcher = self.dispatcher.clone();
        let joined = tokio::task::spawn_blocking(move || step(&dispatcher)).await;
        joined.unwrap_or_else(|error| Err(LedgerError::Unavailable { reason: error.to_string() }))
    }
}

async fn hand_over<D: Ledger, M: Mailer>(
    dispatcher: Arc<Dispatcher<D>>,
    mailer: Arc<M>,
    message: Message,
) -> (Option<Delivery>, Option<String>) {
    match dispatcher.letters.prepare(&message, (dispatcher.clock)()) {
        Err(unfit) => (unfit, None),
        Ok(Outgoing::Email(_)) if !dispatcher.may_still_leave(&message) => (None, None),
        Ok(outgoing) => {
            let handed = outgoing.deliver(&*mailer).await;
            (Some(handed.delivery), handed.kept)
        }
    }
}

/// Says how an attempt ended; one that died by a fault of ours may have handed the message over.
async fn report(
    message: Message,
    attempt: tokio::task::JoinHandle<(Option<Delivery>, Option<String>)>,
    ends: mpsc::UnboundedSender<Concluded>,
) {
    let (delivery, kept) = attempt.await.unwrap_or_else(|error| {
        tracing::error!(%error, "an attempt died");
        (Some(Delivery::Unknown { why: "the attempt died".into() }), None)
    });
    // The loop ends only when nothing is leaving, so somebody listens.
    ends.send(Concluded { message, delivery, kept }).ok();
}
