//! `GET /v1/inapp/outreach-inbox.js`: the web component, one file, for `<script type="module" src="…">`.

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::LazyLock;

/// The source itself: no build step stands between.
pub const COMPONENT: &str = include_str!("../assets/outreach-inbox.js");

/// Its first 16 hexadecimal digits of SHA-256, as an entity tag.
static ETAG: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::digest(COMPONENT.as_bytes());
    let hex = digest.iter().take(8).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    });
    format!("\"{hex}\"")
});

/// A day without asking, a week while asking: a new version is everywhere by the next visit.
const CACHE: &str = "public, max-age=86400, stale-while-revalidate=604800";
/// A page that isolates itself (COEP) may load it too.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(super) async fn component(headers: HeaderMap) -> Response {
    let known =
        [(header::ETAG, ETAG.as_str()), (header::CACHE_CONTROL, CACHE), (RESOURCE_POLICY, "cross-origin")];
    let asked = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let is_known = asked.split(',').any(|tag| tag.trim().trim_start_matches("W/") == ETAG.as_str());
    if is_known {
        return (StatusCode::NOT_MODIFIED, known).into_response();
    }
    let kind = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (known, kind, COMPONENT).into_response()
}
