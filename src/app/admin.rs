//! The admin address: health, metrics and commands, and the page for operators.

use super::health::Health;
use super::operations::Operations;
use super::telemetry;
use crate::http::access::{Access, AdminToken};
use crate::http::admin::{self, Admin};
use crate::http::dashboard::{self, Annex, Dashboard};
use crate::project::Http;
use anyhow::{Context, anyhow};
use axum::Router;
use std::sync::Arc;

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

pub fn router(health: Health, operations: Arc<Operations>, access: Access, annex: Annex) -> Router {
    let access = Arc::new(access);
    let health = Arc::new(health);
    let (felt, clock, ledger) = (health.clone(), operations.clock.clone(), operations.ledger.clone());
    let dashboard = Dashboard {
        access: access.clone(),
        clock: clock.clone(),
        not_ready: Arc::new(move || felt.not_ready()),
        ledger,
    };
    let admin = Admin {
        not_ready: Arc::new(move || health.not_ready()),
        metrics: telemetry::start_metrics(),
        operate: Arc::new(move |request| operations.operate(request)),
        access,
        clock,
    };
    admin::router(Arc::new(admin)).merge(dashboard::router(dashboard, annex))
}
