//! The headers of every page: nothing runs, loads or frames but what we serve ourselves.
//!
//! Values of people are escaped where they are written; this is what holds should one ever not be.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use std::fmt::Write;

/// A page's `Content-Security-Policy`. What the default forbids, a page may ask for by name.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    frames: Vec<String>,
    connects: Vec<String>,
    scripts: Vec<String>,
}

impl Policy {
    /// Frames of this origin (`'self'`) or of another one.
    pub fn frames(mut self, source: &str) -> Policy {
        self.frames.push(source.to_owned());
        self
    }

    /// Fetches and event streams of another origin, beside our own.
    pub fn connects(mut self, origin: &str) -> Policy {
        self.connects.push(origin.to_owned());
        self
    }

    /// Scripts of another origin, beside our own.
    pub fn scripts(mut self, origin: &str) -> Policy {
        self.scripts.push(origin.to_owned());
        self
    }

    fn value(&self) -> HeaderValue {
        let list = |sources: &[String]| sources.iter().map(|source| format!(" {source}")).collect::<String>();
        let mut value = format!(
            "default-src 'none'; script-src 'self'{}; style-src 'self'; connect-src 'self'{}; img-src 'self' data:; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            list(&self.scripts),
            list(&self.connects),
        );
        if !self.frames.is_empty() {
            write!(value, "; frame-src{}", list(&self.frames)).expect("a String takes all");
        }
        HeaderValue::try_from(value).expect("origins are ASCII without controls")
    }

    /// Adds this policy to an answer.
    pub fn put(&self, headers: &mut HeaderMap) {
        headers.insert(header::CONTENT_SECURITY_POLICY, self.value());
    }
}

/// What every answer of the dashboard carries; what a handler has set stays. A referrer goes to our own pages alone:
/// with none at all a browser would send `Origin: null` with our forms.
pub fn harden(headers: &mut HeaderMap) {
    let own: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in own {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        Policy::default().put(headers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gets_what_it_names_and_nothing_inline() {
        let plain = Policy::default().value();
        let plain = plain.to_str().unwrap();
        assert!(plain.starts_with("default-src 'none'; script-src 'self';"), "{plain}");
        assert!(!plain.contains("unsafe") && !plain.contains("frame-src"), "{plain}");
        let more = Policy::default().frames("'self'").connects("http://127.0.0.1:8080").value();
        let more = more.to_str().unwrap();
        assert!(more.contains("connect-src 'self' http://127.0.0.1:8080;"), "{more}");
        assert!(more.ends_with("frame-src 'self'"), "{more}");
    }
}
