//! The scenes are played against the real service: events go through its HTTP door, and what follows is read from its
//! ledger and its shards, as operators read it.

use super::catcher::Catcher;
use super::report::Report;
use super::story::{Deed, Expects, Scene};
use crate::app::operations::Operations;
use crate::ledger::{DeadLetter, Ledger, LedgerEntry, MessageState};
use crate::worker::PersonView;
use anyhow::{Context, bail};
use outreach_engine::event::Subject;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Where it plays.
pub(super) struct Stage {
    pub operations: Arc<Operations>,
    pub catcher: Arc<Catcher>,
    /// `http://127.0.0.1:43121`.
    pub url: String,
    pub write_key: String,
    /// Asked to stop.
    pub stop: CancellationToken,
    /// Between scenes, so that one can follow.
    pub pace: Duration,
}

/// What is there after a scene.
pub(super) struct Seen {
    /// The person's rows, oldest first.
    pub rows: Vec<LedgerEntry>,
    pub person: Option<PersonView>,
    pub letters: Vec<DeadLetter>,
}

/// How the play ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Played,
    Stopped,
}

/// A scene is over within milliseconds. A slow machine gets this long.
const SCENE_MAX: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);
const ROWS_MAX: u32 = 50;
const HTTP_WITHIN: Duration = Duration::from_secs(10);

impl Stage {
    /// Plays all scenes. Fails when one does not end as it should.
    pub fn play(&self, scenes: &[Scene], report: &mut Report<'_>) -> anyhow::Result<Ended> {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(HTTP_WITHIN)).proxy(None).build().into();
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        for scene in scenes {
            report.scene(&scene.actor, scene.tells)?;
            match &scene.deed {
                Deed::Sends(events) => self.send(&agent, events)?,
                Deed::Unsubscribes => self.unsubscribe(&agent, scene)?,
            }
            let Some(seen) = self.wait_for_end(scene)? else { return Ok(Ended::Stopped) };
            let told = told.entry(&scene.actor.id).or_default();
            report.what_followed(scene, &seen, *told, &self.catcher)?;
            *told = seen.rows.len();
            if self.rest(self.pace) {
                return Ok(Ended::Stopped);
            }
        }
        Ok(Ended::Played)
    }

    /// What came in of the person, through the door that every product uses.
    fn send(&self, agent: &ureq::Agent, events: &[Value]) -> anyhow::Result<()> {
        let url = format!("{}/v1/batch", self.url);
        let request = agent.post(&url).header("Authorization", format!("Bearer {}", self.write_key));
        request.send_json(json!({ "batch": events })).context("the events were not taken")?;
        Ok(())
    }

    /// As a mail program does it when one presses its button (RFC 8058).
    fn unsubscribe(&self, agent: &ureq::Agent, scene: &Scene) -> anyhow::Result<()> {
        let rows = self.rows(&scene.actor.id)?;
        let newest = rows.last().context("expected a mail to unsubscribe from, found no decision")?;
        let mail = self.catcher.of_decision(&newest.decision.id.to_string());
        let url = mail.and_then(|mail| mail.headers.unsubscribe_url);
        let url = url.context("expected a mail with List-Unsubscribe, found none")?;
        let request = agent.post(&url).content_type("application/x-www-form-urlencoded");
        request.send("List-Unsubscribe=One-Click").context("the unsubscribe was not taken")?;
        Ok(())
    }

    /// Looks until the scene is over; nothing when asked to stop.
    fn wait_for_end(&self, scene: &Scene) -> anyhow::Result<Option<Seen>> {
        let until = Instant::now() + SCENE_MAX;
        loop {
            let seen = self.look(&scene.actor.id)?;
            if seen.is_end_of(scene.expects) {
                return Ok(Some(seen));
            }
            if Instant::now() > until {
                let name = scene.actor.who.name();
                bail!("{name} {}: within {SCENE_MAX:?} nothing followed of what should", scene.tells);
            }
            if self.rest(LOOK_EVERY) {
                return Ok(None);
            }
        }
    }

    fn look(&self, id: &str) -> anyhow::Result<Seen> {
        // A partition that is not up yet knows nobody; one that never comes up ends the scene by its time.
        let person = (self.operations.viewer)(Subject::user(id)).ok().flatten();
        let letters = self.operations.ledger.transaction(|t| t.dead_letters(0, ROWS_MAX))?;
        Ok(Seen { rows: self.rows(id)?, person, letters })
    }

    fn rows(&self, id: &str) -> anyhow::Result<Vec<LedgerEntry>> {
        let subject = Subject::user(id).to_string();
        let mut rows = self.operations.ledger.transaction(|t| t.entries(&subject, ROWS_MAX))?;
        rows.reverse();
        Ok(rows)
    }

    /// Whether to stop.
    fn rest(&self, length: Duration) -> bool {
        std::thread::sleep(length);
        self.stop.is_cancelled()
    }
}

impl Seen {
    fn is_end_of(&self, expects: Expects) -> bool {
        let journeys = self.person.iter().flat_map(|person| &person.journeys);
        let has = |words: &str| journeys.clone().any(|journey| journey.state.contains(words));
        match expects {
            Expects::Rows(count) => {
                // The outcome has come back, too: the next scene builds on it.
                self.rows.len() >= count && self.rows.iter().all(is_ended) && !has("on its way")
            }
            Expects::Silence => {
                let is_idle = |person: &PersonView| person.journeys.is_empty() && person.waits.is_empty();
                self.rows.is_empty() && self.person.as_ref().is_some_and(is_idle)
            }
            Expects::Hold => has("held until"),
            Expects::OptOut => self.person.as_ref().is_some_and(|person| !person.topics_off.is_empty()),
            Expects::DeadLetters(count) => self.letters.len() >= count,
        }
    }
}

/// Whether nothing more becomes of it.
pub(super) fn is_ended(row: &LedgerEntry) -> bool {
    match row.message.as_ref().map(|(state, _, _)| state) {
        Some(MessageState::Queued | MessageState::Held | MessageState::Leaving) => false,
        Some(
            MessageState::Sent
            | MessageState::Failed
            | MessageState::Unknown
            | MessageState::Cancelled
            | MessageState::Expired
            | MessageState::Skipped,
        )
        | None => true,
    }
}
