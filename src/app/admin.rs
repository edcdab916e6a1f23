//! The admin address: health, metrics and commands, and the page for operators.

use super::health::Health;
use super::operations::Operations;
use super::releases::ReleaseStore;
use super::storage::Storage;
use super::telemetry;
use super::workers::Workers;
use crate::http::access::{Access, AdminToken};
use crate::http::admin::{self, Admin, Operate};
use crate::http::dashboard::{self, Annex, Dashboard};
use crate::ledger::sqlite::SqliteLedger;
use crate::project::Http;
use crate::worker::journal::Journal;
use anyhow::{Context, anyhow};
use axum::Router;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Who may ask; fails where a token is named and cannot be had.
pub fn access(http: &Http) -> anyhow::Result<Access> {
    let token = if http.admin_token.is_named() {
        let secret = http.admin_token.read().context("the admin token")?;
        let token = AdminToken::new(secret.reveal());
        Some(token.map_err(|reason| anyhow!("[http] admin_token_file of outreach.toml: {reason}"))?)
    } else {
        None
    };
    let access = Access::new(http.admin_listen.ip(), token);
    if !http.admin_listen.ip().is_loopback() && !access.has_token() {
        tracing::warn!("page and commands answer to this machine alone: no admin_token_file is set");
    }
    Ok(access)
}

/// What the page reads beside health and commands.
pub struct Watched {
    pub storage: Arc<Storage>,
    pub store: Arc<ReleaseStore<SqliteLedger>>,
    pub workers: Arc<Workers>,
    /// Ends the streams of those who watch.
    pub stop: CancellationToken,
}

pub fn router(
    health: Health,
    operations: Arc<Operations>,
    watched: Watched,
    access: Access,
    annex: Annex,
) -> Router {
    let (access, health) = (Arc::new(access), Arc::new(health));
    let Watched { storage, store, workers, stop } = watched;
    let (felt, asked, operating) = (health.clone(), operations.clone(), operations.clone());
    let operate: Operate = Arc::new(move |request| operating.operate(request));
    let clock = storage.clock.clone();
    let dashboard = Dashboard {
        access: access.clone(),
        clock: clock.clone(),
        not_ready: Arc::new(move || felt.not_ready()),
        ledger: storage.ledger.clone(),
        journal: Journal::new(storage.log.clone()),
        release: Arc::new(move || store.current().map(|built| built.release.clone())),
        person: Arc::new(move |subject| asked.person(subject)),
        find: Arc::new(move |text, count_max| workers.find(text, count_max)),
        operate: operate.clone(),
        stop,
    };
    let admin = Admin {
        not_ready: Arc::new(move || health.not_ready()),
        metrics: telemetry::start_metrics(),
        operate,
        access,
        clock,
    };
    admin::router(Arc::new(admin)).merge(dashboard::router(dashboard, annex))
}
