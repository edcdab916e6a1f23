//! What the stock browser library asks for before it sends: where to send, and that nothing else is on.

use super::HttpDoor;
use crate::ingest::keys::KeyKind;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// `GET /v1/projects/{writeKey}/settings`. Only browser keys are answered: a server key has no place in a page.
pub async fn settings(State(door): State<Arc<HttpDoor>>, Path(write_key): Path<String>) -> Response {
    if door.keys.find(&write_key).is_none_or(|known| known.kind != KeyKind::Browser) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (protocol, host) = door.public_url.split_once("://").unwrap_or(("https", &door.public_url));
    let settings = serde_json::json!({
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": format!("{}/v1", host.trim_end_matches('/')),
                "protocol": protocol,
                "unbundledIntegrations": [],
                "addBundledMetadata": true,
            },
        },
        "plan": { "track": { "__default": { "enabled": true, "integrations": {} } } },
        "enabledMiddleware": {},
        "remotePlugins": [],
        // Else the library reports about itself to its maker.
        "metrics": { "sampleRate": 0 },
    });
    ([(header::CONTENT_TYPE, "application/json")], settings.to_string()).into_response()
}
