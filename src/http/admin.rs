//! Health, metrics, and what the command line asks a running service.
//!
//! Health and metrics answer everybody who reaches the address. Commands name people: they are answered to this machine
//! alone, under its own name (a page of elsewhere that rebinds its name sends another `Host`), and only as JSON, which a
//! page of elsewhere cannot send unasked.

use axum::body::Bytes;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Carries a command out: JSON in, JSON out, or what is wrong in words.
pub type Operate = Arc<dyn Fn(&[u8]) -> Result<serde_json::Value, String> + Send + Sync>;

/// What the admin address answers with.
pub struct Admin {
    /// Why the service is not ready; empty when it is.
    pub not_ready: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    pub metrics: PrometheusHandle,
    pub operate: Operate,
    /// The address that it listens on: who asks from it is this machine, too.
    pub own: IpAddr,
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
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_own(peer.ip(), admin.own) || !is_asked_by_name(&headers, admin.own) {
        return (StatusCode::FORBIDDEN, "commands are answered to this machine alone\n").into_response();
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

fn is_own(ip: IpAddr, own: IpAddr) -> bool {
    ip.to_canonical().is_loopback() || (ip == own && !own.is_unspecified())
}

/// `Host` is an address or `localhost`, never a name that somebody else may point here.
fn is_asked_by_name(headers: &HeaderMap, own: IpAddr) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |h| h.0);
    name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| is_own(ip, own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_this_machines_is_refused() {
        let asked = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            is_asked_by_name(&headers, [10, 0, 0, 2].into())
        };
        assert!(
            asked("127.0.0.1:8081") && asked("localhost:8081") && asked("[::1]:8081") && asked("localhost")
        );
        assert!(!asked("evil.example:8081") && !asked("10.0.0.1:8081") && !asked("localhost.evil.example"));
        assert!(!is_asked_by_name(&HeaderMap::new(), [0, 0, 0, 0].into()));
    }
}
