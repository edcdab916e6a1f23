//! What the stock browser libraries ask for before they send: where to send, and that nothing else is on.
//!
//! Only browser keys are answered: a server key has no place in a page.

use super::{HttpDoor, InQuery, credentials};
use crate::ingest::keys::KeyKind;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::sync::Arc;

/// `GET /v1/projects/{writeKey}/settings`, for Segment's.
pub async fn settings(State(door): State<Arc<HttpDoor>>, Path(write_key): Path<String>) -> Response {
    if name_of(&door, &write_key).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (protocol, host) = door.public_url.split_once("://").unwrap_or(("https", &door.public_url));
    answer(&serde_json::json!({
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
    }))
}

/// `GET /sourceConfig/?writeKey=…`, for RudderStack's. The page itself says where to send.
pub async fn source_config(
    State(door): State<Arc<HttpDoor>>,
    Query(query): Query<InQuery>,
    headers: HeaderMap,
) -> Response {
    let key = credentials::of_header(&headers).or(query.write_key);
    let Some(name) = key.as_deref().and_then(|key| name_of(&door, key)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // Else the library reports about itself to its maker.
    let off = serde_json::json!({ "enabled": false });
    answer(&serde_json::json!({
        "source": {
            "id": name,
            "name": name,
            "workspaceId": "outreach",
            "enabled": true,
            "config": { "statsCollection": { "errors": off, "metrics": off } },
            "connections": [],
            "destinations": [],
            "dataplanes": {},
        },
    }))
}

/// What a browser key is called.
fn name_of<'d>(door: &'d HttpDoor, write_key: &str) -> Option<&'d str> {
    let known = door.keys.find(write_key).filter(|known| known.kind == KeyKind::Browser);
    known.map(|known| known.name.as_str())
}

fn answer(settings: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], settings.to_string()).into_response()
}
