//! Health, metrics, and what the command line asks a running service.
//!
//! Health and metrics answer everybody who reaches the address. Commands name people: `access` says who may give them, and
//! they are read only as JSON, which a page of elsewhere cannot send unasked.

use super::access::{Access, Refused};
use crate::clock::Clock;
use axum::body::Bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;

/// Carries a command out: JSON in, JSON out, or what is wrong in words.
pub type Operate = Arc<dyn Fn(&[u8]) -> Result<serde_json::Value, String> + Send + Sync>;

/// What the admin address answers with.
pub struct Admin {
    /// Why the service is not ready; empty when it is.
    pub not_ready: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    pub metrics: PrometheusHandle,
    pub operate: Operate,
    pub access: Arc<Access>,
    pub clock: Clock,
}

const COMMAND_BYTES_MAX: usize = 64 * 1024;

/// The routes. Serve them with connect info.
pub fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(async |State(admin): State<Arc<Admin>>| admin.metrics.render()))
        .route("/operate", post(operate))
        .layer(DefaultBodyLimit::max(COMMAND_BYTES_MAX))
        .with_state(admin)
}

async fn readyz(State(admin): State<Arc<Admin>>) -> Response {
    let asked = admin.clone();
    let reasons = tokio::task::spawn_blocking(move || (asked.not_ready)()).await;
    match reasons {
        Ok(reasons) if reasons.is_empty() => Json(json!({ "ready": true })).into_response(),
        Ok(reasons) => {
            let answer = Json(json!({ "ready": false, "reasons": reasons }));
            (StatusCode::SERVICE_UNAVAILABLE, answer).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn operate(
    State(admin): State<Arc<Admin>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(refused) = admin.access.admits(peer.ip(), &method, &headers, (admin.clock)()) {
        return (StatusCode::FORBIDDEN, words(refused)).into_response();
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected application/json\n").into_response();
    }
    match tokio::task::spawn_blocking(move || (admin.operate)(&body)).await {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(reason)) => (StatusCode::UNPROCESSABLE_ENTITY, reason).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn words(refused: Refused) -> &'static str {
    match refused {
        Refused::Elsewhere => "commands are answered to this machine alone: no admin_token_file is set\n",
        Refused::NoToken => "expected the admin token, as `Authorization: Bearer TOKEN`\n",
        Refused::OtherSite => "commands are not taken from pages of other sites\n",
    }
}
