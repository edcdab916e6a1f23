//! The frame around every page: head, menu, the health strip, and the place where the page itself stands.
//!
//! A handler asks for a [`Shell`] and shows its page in it:
//!
//! ```text
//! async fn mailbox(shell: Shell) -> Response {
//!     shell.show(Page::new("Mailbox", html! { h1 { "Mailbox" } }).policy(Policy::default().frames("'self'")))
//! }
//! ```

use super::assets::{MARK, SCRIPT, STYLE};
use super::policy::Policy;
use super::pulse::{self, Pulse};
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use outreach_engine::Timestamp;
use std::sync::Arc;

/// An entry of the menu.
#[derive(Clone, Debug)]
pub struct NavEntry {
    pub href: String,
    pub label: String,
}

/// What the frame needs to know of a request; a handler takes it as an argument.
#[derive(Clone)]
pub struct Shell {
    pub(super) nav: Arc<[NavEntry]>,
    /// The request's path: the entry of the menu that is marked.
    pub(super) here: String,
    pub(super) pulse: Option<Arc<Pulse>>,
    /// By the service's clock.
    pub(super) now: Option<Timestamp>,
    /// Got in by the login form, and may leave again.
    pub(super) has_session: bool,
}

/// A page to be shown.
pub struct Page<'p> {
    title: &'p str,
    body: Markup,
    policy: Policy,
    scripts: Vec<String>,
    styles: Vec<String>,
    status: StatusCode,
}

impl<'p> Page<'p> {
    /// The title stands in the browser's tab; the body brings its own `h1`.
    pub fn new(title: &'p str, body: Markup) -> Page<'p> {
        let (scripts, styles) = (Vec::new(), Vec::new());
        Page { title, body, policy: Policy::default(), scripts, styles, status: StatusCode::OK }
    }

    pub fn policy(mut self, policy: Policy) -> Page<'p> {
        self.policy = policy;
        self
    }

    /// A script (a module) beside the one of all pages.
    pub fn script(mut self, href: &str) -> Page<'p> {
        self.scripts.push(href.to_owned());
        self
    }

    /// A style sheet after the one of all pages.
    pub fn style(mut self, href: &str) -> Page<'p> {
        self.styles.push(href.to_owned());
        self
    }

    pub fn status(mut self, status: StatusCode) -> Page<'p> {
        self.status = status;
        self
    }
}

impl Shell {
    /// For pages before one is let in: no menu, no health.
    pub(super) fn bare() -> Shell {
        Shell { nav: Arc::new([]), here: String::new(), pulse: None, now: None, has_session: false }
    }

    /// The page in its frame, with its headers.
    pub fn show(&self, page: Page<'_>) -> Response {
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                (head(&page))
                body {
                    a.skip href="#main" { "Skip to the page" }
                    (self.header())
                    @if let Some(pulse) = &self.pulse { (pulse::strip(pulse, self.now)) }
                    main #main tabindex="-1" { (page.body) }
                }
            }
        };
        let mut response = (page.status, markup).into_response();
        page.policy.put(response.headers_mut());
        response
    }

    /// The page that says what went wrong, in words.
    pub fn trouble(&self, reason: &str) -> Response {
        let body = html! {
            section.alone {
                h1 { "That did not work" }
                p { (reason) }
                p { a href=(self.here) { "Try again" } }
            }
        };
        self.show(Page::new("That did not work", body).status(StatusCode::SERVICE_UNAVAILABLE))
    }

    fn header(&self) -> Markup {
        html! {
            header.top {
                a.brand href="/" { img src=(MARK.href) alt="" width="22" height="22"; "outreach" }
                @if !self.nav.is_empty() {
                    nav aria-label="Pages" {
                        ul {
                            @for entry in self.nav.iter() {
                                li { a href=(entry.href) aria-current=[self.mark(entry)] { (entry.label) } }
                            }
                        }
                    }
                }
                @if self.has_session {
                    form.logout method="post" action="/logout" { button.quiet type="submit" { "Log out" } }
                }
            }
        }
    }

    fn mark(&self, entry: &NavEntry) -> Option<&'static str> {
        let below = self.here.strip_prefix(entry.href.as_str());
        match below {
            Some("") => Some("page"),
            Some(rest) if rest.starts_with('/') && entry.href != "/" => Some("true"),
            Some(_) | None => None,
        }
    }
}

fn head(page: &Page<'_>) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="robots" content="noindex, nofollow";
            title { (page.title) " · outreach" }
            link rel="icon" type="image/svg+xml" href=(MARK.href);
            link rel="stylesheet" href=(STYLE.href);
            @for style in &page.styles { link rel="stylesheet" href=(style); }
            script type="module" src=(SCRIPT.href) {}
            @for script in &page.scripts { script type="module" src=(script) {} }
        }
    }
}

/// Given to every handler behind the guard.
impl<S: Sync> FromRequestParts<S> for Shell {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Shell, Response> {
        let shell = parts.extensions.get::<Shell>().cloned();
        shell.ok_or_else(|| (StatusCode::INTERNAL_SERVER_ERROR, "a page outside its guard\n").into_response())
    }
}
