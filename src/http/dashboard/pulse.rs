//! The health strip: why the service is not ready, and how many messages stand where.

use super::row;
use crate::ledger::{Ledger, MessageState};
use maud::{Markup, html};
use outreach_engine::Timestamp;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How the service is at a moment.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    /// Empty when it is ready.
    pub reasons: Vec<String>,
    pub counts: Vec<(MessageState, u64)>,
    /// Messages of all rules are held.
    pub is_paused: bool,
}

/// Why the service is not ready, in words.
pub type NotReady = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// Feels the pulse, at most once in a while however many pages are asked for.
pub struct Feeler<D> {
    not_ready: NotReady,
    ledger: Arc<D>,
    felt: Mutex<Option<(Instant, Arc<Pulse>)>>,
}

/// A pulse is kept for this long.
const KEPT: Duration = Duration::from_secs(1);

impl<D: Ledger> Feeler<D> {
    pub fn new(not_ready: NotReady, ledger: Arc<D>) -> Feeler<D> {
        Feeler { not_ready, ledger, felt: Mutex::default() }
    }

    /// May wait for the ledger: not for an async thread.
    pub fn feel(&self) -> Arc<Pulse> {
        // Who waits here gets what the one before has felt.
        let mut felt = self.felt.lock().expect("no panic while held");
        if let Some((at, pulse)) = &*felt
            && at.elapsed() < KEPT
        {
            return pulse.clone();
        }
        let pulse = Arc::new(self.look());
        *felt = Some((Instant::now(), pulse.clone()));
        pulse
    }

    fn look(&self) -> Pulse {
        let reasons = (self.not_ready)();
        let read = self.ledger.reading(|transaction| {
            let is_paused = transaction.pauses()?.iter().any(|pause| pause.rule.is_none());
            Ok((transaction.message_counts()?, is_paused))
        });
        // What keeps the ledger from answering stands among the reasons.
        let (counts, is_paused) = read.unwrap_or_default();
        Pulse { reasons, counts, is_paused }
    }
}

/// The strip below the menu. `now` is what ages on the page are told by.
pub fn strip(pulse: &Pulse, now: Option<Timestamp>) -> Markup {
    html! {
        section #strip.strip aria-label="Health" data-now=[now] {
            @if pulse.reasons.is_empty() {
                p.state.good { "Ready" }
            } @else {
                details.reasons open {
                    summary.state.bad { "Not ready" }
                    ul { @for reason in &pulse.reasons { li { (row::with_ages(reason)) } } }
                }
            }
            @if pulse.is_paused { p.state.held { "Everything is paused" } }
            dl.counts {
                @for (state, count) in &pulse.counts {
                    div class={ "count " (state.as_str()) } { dt { (state.as_str()) } dd { (count) } }
                }
            }
        }
    }
}
