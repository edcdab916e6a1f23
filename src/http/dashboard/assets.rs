//! The files of the pages: one style, one script, one mark. Their addresses hold a hash of them, so a browser keeps them
//! for ever and still sees the next version at once.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The style of all pages.
pub static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("page.css", "text/css; charset=utf-8", include_str!("assets/page.css")));
/// What a page does beyond being there.
pub static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("page.js", "text/javascript; charset=utf-8", include_str!("assets/page.js")));
/// The mark in the browser's tab.
pub static MARK: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("mark.svg", "image/svg+xml", include_str!("assets/mark.svg")));

/// A file that is served as it stands. A host of the dashboard may make its own.
pub struct Asset {
    /// Where it is served, with its hash.
    pub href: String,
    path: String,
    kind: &'static str,
    text: &'static str,
}

const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Of the hash in an address: enough to tell versions apart.
const HASH_BYTES: usize = 6;

impl Asset {
    /// `name` is the file's: `page.css`.
    pub fn new(name: &str, kind: &'static str, text: &'static str) -> Asset {
        let hash = Sha256::digest(text.as_bytes());
        let hash: String = hash[..HASH_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
        let path = format!("/assets/{name}");
        Asset { href: format!("{path}?v={hash}"), path, kind, text }
    }

    /// Serves it at its path.
    pub fn route(&'static self) -> Router {
        let answer =
            async || ([(header::CONTENT_TYPE, self.kind), (header::CACHE_CONTROL, FOR_EVER)], self.text);
        Router::new().route(&self.path, get(answer))
    }
}

/// The routes of ours.
pub(super) fn router() -> Router {
    STYLE.route().merge(SCRIPT.route()).merge(MARK.route())
}
