//! `GET /v1/inapp/outreach-inbox.js`: the web component, one file, for `<script type="module" src="…">`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::LazyLock;

/// The source itself: no build step stands between.
pub const COMPONENT: &str = include_str!("../assets/outreach-inbox.js");

/// As it is sent, each form with an entity tag of its own.
struct Form {
    bytes: Vec<u8>,
    tag: String,
}

static PLAIN: LazyLock<Form> = LazyLock::new(|| Form::new(COMPONENT.as_bytes().to_vec()));
static ZIPPED: LazyLock<Form> = LazyLock::new(|| {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(COMPONENT.as_bytes()).expect("a Vec takes all");
    Form::new(gzip.finish().expect("a Vec takes all"))
});

/// A day without asking, a week while asking: a new version is everywhere by the next visit.
const CACHE: &str = "public, max-age=86400, stale-while-revalidate=604800";
/// A page that isolates itself (COEP) may load it too.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

impl Form {
    /// The tag is the beginning of the SHA-256.
    fn new(bytes: Vec<u8>) -> Form {
        let digest = Sha256::digest(&bytes);
        let hex = digest.iter().take(8).fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes all");
            text
        });
        Form { bytes, tag: format!("\"{hex}\"") }
    }
}

pub(super) async fn component(headers: HeaderMap) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_zipped = takes_gzip(text(header::ACCEPT_ENCODING));
    let form = if is_zipped { &*ZIPPED } else { &*PLAIN };
    let known = [
        (header::ETAG, form.tag.as_str()),
        (header::CACHE_CONTROL, CACHE),
        (header::VARY, "accept-encoding"),
        (RESOURCE_POLICY, "cross-origin"),
    ];
    let mut tags = text(header::IF_NONE_MATCH).split(',');
    if tags.any(|tag| tag.trim().trim_start_matches("W/") == form.tag) {
        return (StatusCode::NOT_MODIFIED, known).into_response();
    }
    let kind = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let mut response = (known, kind, form.bytes.as_slice()).into_response();
    if is_zipped {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether `gzip` is among the encodings, and not with a weight of nothing.
fn takes_gzip(encodings: &str) -> bool {
    encodings.split(',').any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().trim_start_matches("q=");
        name.trim().eq_ignore_ascii_case("gzip")
            && weight.parse::<f32>().ok().is_none_or(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_whoever_takes_it() {
        for takes in ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5"] {
            assert!(takes_gzip(takes), "{takes}");
        }
        for not in ["", "identity", "br", "gzip;q=0", "gzip; q=0.0", "xgzip"] {
            assert!(!takes_gzip(not), "{not}");
        }
    }

    #[test]
    fn it_is_small_and_takes_no_html_on_trust() {
        assert!(ZIPPED.bytes.len() < 15_000, "{} bytes of gzip", ZIPPED.bytes.len());
        assert_ne!(ZIPPED.tag, PLAIN.tag);
        for word in
            ["innerHTML", "insertAdjacentHTML", "document.write", "eval(", "<style", ".style.", "import("]
        {
            assert!(!COMPONENT.contains(word), "{word}");
        }
    }
}
