//! The loop of the service: through the gate, out by the channels, and the ends written down.

use super::conclude::Concluded;
use super::{Dispatcher, Prepared};
use crate::channel::{Delivery, Mailer, in_product};
use crate::ledger::{Ledger, LedgerError, Message};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// With nothing to do the gate looks again this often: decisions come from other threads.
const IDLE: Duration = Duration::from_millis(20);
/// After a failure of the ledger.
const LEDGER_DOWN: Duration = Duration::from_millis(500);
/// How often what a crash left is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Runs until `stop`; then finishes what is leaving.
pub async fn run<D, M>(dispatcher: Arc<Dispatcher<D>>, mailer: Arc<M>, stop: CancellationToken)
where
    D: Ledger + 'static,
    M: Mailer + 'static,
{
    let (sender, mut ends) = mpsc::unbounded_channel();
    let mut leaving = 0;
    let mut swept_at = Instant::now();
    loop {
        leaving -= write_down(&dispatcher, &mut ends, leaving > 0 && is_full(&dispatcher, leaving)).await;
        if stop.is_cancelled() {
            if leaving == 0 {
                return;
            }
            leaving -= write_down(&dispatcher, &mut ends, true).await;
            continue;
        }
        if swept_at.elapsed() >= SWEEP_EVERY {
            swept_at = Instant::now();
            let swept = blocking(&dispatcher, |dispatcher| dispatcher.sweep()).await;
            swept.inspect_err(|error| tracing::warn!(%error, "what a crash left is not swept")).ok();
        }
        let room = dispatcher.limits.leaving_max.saturating_sub(leaving);
        let passed = blocking(&dispatcher, move |dispatcher| dispatcher.pass(room)).await;
        match passed {
            Ok(passed) => {
                let has_moved = passed.looked_at > 0;
                leaving += passed.leaving.len();
                for message in passed.leaving {
                    let attempt = hand_over(dispatcher.clone(), mailer.clone(), message.clone());
                    tokio::spawn(report(message, tokio::spawn(attempt), sender.clone()));
                }
                if !has_moved {
                    rest(&dispatcher, &mut ends, &mut leaving, &stop).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the gate waits for the ledger");
                tokio::time::sleep(LEDGER_DOWN).await;
            }
        }
    }
}

fn is_full<D>(dispatcher: &Dispatcher<D>, leaving: usize) -> bool {
    leaving >= dispatcher.limits.leaving_max
}

/// Waits for an attempt to end, or for a moment.
async fn rest<D: Ledger + 'static>(
    dispatcher: &Arc<Dispatcher<D>>,
    ends: &mut mpsc::UnboundedReceiver<Concluded>,
    leaving: &mut usize,
    stop: &CancellationToken,
) {
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        first = ends.recv() => {
            if let Some(first) = first {
                *leaving -= conclude_all(dispatcher, ends, first).await;
            }
        }
        () = tokio::time::sleep(IDLE) => {}
    }
}

/// Writes down the attempts that have ended; waits for one when `waits`. Returns how many.
async fn write_down<D: Ledger + 'static>(
    dispatcher: &Arc<Dispatcher<D>>,
    ends: &mut mpsc::UnboundedReceiver<Concluded>,
    waits: bool,
) -> usize {
    let first = if waits { ends.recv().await } else { ends.try_recv().ok() };
    match first {
        Some(first) => conclude_all(dispatcher, ends, first).await,
        None => 0,
    }
}

/// One transaction for all that have ended by now. It is tried until it is written: forgetting it would make a message
/// unknown that was sent.
async fn conclude_all<D: Ledger + 'static>(
    dispatcher: &Arc<Dispatcher<D>>,
    ends: &mut mpsc::UnboundedReceiver<Concluded>,
    first: Concluded,
) -> usize {
    let mut ended = vec![first];
    ended.extend(std::iter::from_fn(|| ends.try_recv().ok()));
    let ended = Arc::new(ended);
    loop {
        let these = ended.clone();
        match blocking(dispatcher, move |dispatcher| dispatcher.conclude(&these)).await {
            Ok(()) => return ended.len(),
            Err(error) => {
                tracing::warn!(%error, count = ended.len(), "outcomes wait for the ledger");
                tokio::time::sleep(LEDGER_DOWN).await;
            }
        }
    }
}

async fn hand_over<D: Ledger, M: Mailer>(
    dispatcher: Arc<Dispatcher<D>>,
    mailer: Arc<M>,
    message: Message,
) -> (Option<Delivery>, Option<String>) {
    match dispatcher.letters.prepare(&message, (dispatcher.clock)()) {
        Err(unfit) => (unfit, None),
        Ok(Prepared::InProduct(kept)) => (Some(in_product::deliver()), Some(kept)),
        Ok(Prepared::Email(_)) if !dispatcher.may_still_leave(&message) => (None, None),
        Ok(Prepared::Email(mail)) => (Some(mailer.deliver(mail).await), None),
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

/// Runs a step that talks to the ledger off the async threads.
async fn blocking<D: Ledger + 'static, T: Send + 'static>(
    dispatcher: &Arc<Dispatcher<D>>,
    step: impl FnOnce(&Dispatcher<D>) -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    let dispatcher = dispatcher.clone();
    let joined = tokio::task::spawn_blocking(move || step(&dispatcher)).await;
    joined.unwrap_or_else(|error| Err(LedgerError::Unavailable { reason: error.to_string() }))
}
