//! What the live demo is made of: the service, its time, its mail, the people whom a visitor may play.

use super::acts::Act;
use super::catcher::{Catcher, Caught};
use super::people::Someone;
use super::scribe::{Actor, Scribe};
use super::time::Time;
use crate::app::operations::Operations;
use anyhow::{Context, anyhow};
use outreach_engine::{Length, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// Shared by the life of the product and the pages.
pub(super) struct World {
    pub time: Time,
    pub catcher: Arc<Catcher>,
    /// Where events and messages in the product are: `http://127.0.0.1:43121`.
    pub public_url: String,
    pub write_key: String,
    /// Signs the tokens of the product's users.
    pub identity_secret: String,
    /// The people whom a visitor plays: nothing happens to them but what a visitor lets happen.
    pub cast: Vec<Actor>,
    pub scribe: Mutex<Scribe>,
    pub agent: ureq::Agent,
    pub names: Mutex<BTreeMap<String, Someone>>,
    /// What the product itself keeps of the cast, by id.
    pub accounts: Mutex<BTreeMap<String, Account>>,
    /// Of the service, once it runs.
    pub operations: OnceLock<Arc<Operations>>,
}

/// What the sample product shows its user of themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub has_signed_up: bool,
    pub has_verified: bool,
    pub has_subscribed: bool,
    pub projects: Vec<&'static str>,
    pub failed_payments: u32,
}

/// Of events sent at a time.
const BATCH_MAX: usize = 200;
const HTTP_WITHIN: Duration = Duration::from_secs(10);
/// A page's token holds as long as the demo does, however fast its time goes. A product's holds for minutes.
const TOKEN_HOLDS: Length = Length::days(3_650);
pub(super) const AUDIENCE: &str = "acme";
pub(super) const IDENTITY_KEY: &str = "app";

/// Talks to the demo's own service.
pub(super) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(HTTP_WITHIN)).proxy(None).build().into()
}

impl World {
    /// Lets it happen: events go in by the door that every product uses, as its server sends them.
    pub fn happens(&self, what: &[(Timestamp, Actor, Act)]) -> anyhow::Result<()> {
        let mut events = Vec::new();
        for (at, actor, act) in what {
            self.remember(actor, *act);
            if *act == Act::Unsubscribes {
                self.send(&std::mem::take(&mut events))?;
                self.unsubscribe(actor)?;
            }
            let mut scribe = self.scribe.lock().expect("no panic while held");
            events.extend(act.events(actor, *at, &mut scribe));
        }
        self.send(&events)
    }

    fn send(&self, events: &[Value]) -> anyhow::Result<()> {
        let url = format!("{}/v1/batch", self.public_url);
        for batch in events.chunks(BATCH_MAX) {
            let request = self.agent.post(&url).header("Authorization", format!("Bearer {}", self.write_key));
            request.send_json(json!({ "batch": batch })).context("the events were not taken")?;
        }
        Ok(())
    }

    /// By the newest mail that offers it; nothing where none does. Returns whether one did.
    fn unsubscribe(&self, actor: &Actor) -> anyhow::Result<bool> {
        let mails = self.catcher.mails();
        let theirs = |caught: &&Caught| Some(&caught.to) == actor.address.as_ref();
        let url = mails.iter().rev().filter(theirs).find_map(|caught| caught.headers.unsubscribe_url.clone());
        let Some(url) = url else { return Ok(false) };
        self.one_click(&url)?;
        Ok(true)
    }

    /// As a mail program does it when one presses its button (RFC 8058).
    pub fn one_click(&self, url: &str) -> anyhow::Result<()> {
        let request = self.agent.post(url).content_type("application/x-www-form-urlencoded");
        request.send("List-Unsubscribe=One-Click").context("the unsubscribe was not taken")?;
        Ok(())
    }

    /// The name of somebody; the id of a stranger.
    pub fn name(&self, id: &str) -> String {
        let names = self.names.lock().expect("no panic while held");
        names.get(id).map_or_else(|| id.to_owned(), Someone::name)
    }

    pub fn account(&self, id: &str) -> Account {
        self.accounts.lock().expect("no panic while held").get(id).cloned().unwrap_or_default()
    }

    /// As the product's server signs it for its signed-in user.
    pub fn token(&self, user: &str) -> anyhow::Result<String> {
        let header =
            jsonwebtoken::Header { kid: Some(IDENTITY_KEY.into()), ..jsonwebtoken::Header::default() };
        let expires = (self.time.now() + TOKEN_HOLDS).0 / 1_000_000;
        let claims = json!({ "sub": user, "aud": AUDIENCE, "exp": expires });
        let key = jsonwebtoken::EncodingKey::from_secret(self.identity_secret.as_bytes());
        jsonwebtoken::encode(&header, &claims, &key).map_err(|error| anyhow!("no token was signed: {error}"))
    }

    fn remember(&self, actor: &Actor, act: Act) {
        self.names.lock().expect("no panic while held").insert(actor.id.clone(), actor.who);
        let mut accounts = self.accounts.lock().expect("no panic while held");
        let account = accounts.entry(actor.id.clone()).or_default();
        match act {
            Act::SignsUp => account.has_signed_up = true,
            Act::Verifies => account.has_verified = true,
            Act::MakesProject(name) => account.projects.push(name),
            Act::PaymentFails(_) => account.failed_payments += 1,
            Act::Pays(_) => account.failed_payments = 0,
            Act::Subscribes => account.has_subscribed = true,
            Act::ComesBack | Act::Invites | Act::Unsubscribes => {}
        }
    }
}
