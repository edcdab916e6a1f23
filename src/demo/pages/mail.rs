//! One mail: as it looks, as text, as it came.
//!
//! What a mail says is somebody else's word. It is shown in a frame that is a world of its own: no scripts, no forms, no
//! addresses but its own, by its sandbox and by a policy that comes with it, so each holds without the other. Its links
//! open beside it.

use super::super::catcher::Caught;
use super::super::world::World;
use super::page as framed;
use crate::http::dashboard::{Page, Policy, Shell};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use mail_parser::{Message, MessageParser};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// Which way to look at it.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Part {
    #[default]
    Html,
    Text,
    Source,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    part: Part,
}

const PARTS: [(Part, &str, &str); 3] =
    [(Part::Html, "html", "As it looks"), (Part::Text, "text", "Text"), (Part::Source, "source", "Source")];
/// Of a mail alone: pictures may stand in it, nothing is fetched, nothing runs, and only our own page may frame it.
const BODY_POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";
/// What its frame may do: open what a link leads to, as a mail program does. In the frame itself nothing else may load.
const FRAME_SANDBOX: &str = "allow-popups allow-popups-to-escape-sandbox";
/// Where links open that do not say it. At the end, so that the mail begins as it did; a `base` counts wherever it stands.
const LINKS_OPEN_ANEW: &str = "<base target=\"_blank\">";

pub(super) async fn page(
    shell: Shell,
    State(world): State<Arc<World>>,
    Path(number): Path<usize>,
    Query(asked): Query<Asked>,
) -> Response {
    let Some((caught, bytes)) = read(&world, number) else { return shell.show(no_such()) };
    let text = String::from_utf8_lossy(&bytes);
    let Some(message) = MessageParser::default().parse(&bytes) else { return shell.show(no_such()) };
    let title = caught.headers.subject.clone();
    let body = html! {
        p { a href="/mail" { "All mails" } }
        article.mail {
            (head(number, &caught, &message))
            nav aria-label="Ways to look at it" {
                ul.spans {
                    @for (part, name, label) in PARTS {
                        li {
                            a href={ "/mail/" (number) "?part=" (name) } aria-current=[(part == asked.part).then_some("true")] { (label) }
                        }
                    }
                }
            }
            @match asked.part {
                Part::Html => {
                    iframe src={ "/mail/" (number) "/html" } sandbox=(FRAME_SANDBOX) title="The mail as its recipient sees it" {}
                }
                Part::Text => {
                    pre tabindex="0" aria-label="The mail as text" { (message.body_text(0).unwrap_or_default()) }
                }
                Part::Source => {
                    p { a href={ "/mail/" (number) "/source" } download={ "mail-" (number) ".eml" } { "Save it as a file" } }
                    pre.source tabindex="0" aria-label="The mail as it came" { (text) }
                }
            }
        }
    };
    let policy = Policy::default().frames("'self'");
    shell.show(framed(&title, body).policy(policy))
}

/// The HTML of a mail, for its frame.
pub(super) async fn body(State(world): State<Arc<World>>, Path(number): Path<usize>) -> Response {
    let html = read(&world, number).and_then(|(_, bytes)| {
        let message = MessageParser::default().parse(&bytes)?;
        Some(message.body_html(0)?.into_owned() + LINKS_OPEN_ANEW)
    });
    let Some(html) = html else { return StatusCode::NOT_FOUND.into_response() };
    let policy = HeaderValue::from_static(BODY_POLICY);
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)], html).into_response()
}

pub(super) async fn source(State(world): State<Arc<World>>, Path(number): Path<usize>) -> Response {
    let Some((_, bytes)) = read(&world, number) else { return StatusCode::NOT_FOUND.into_response() };
    // As plain text a browser would not show what it holds as anything else, either.
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], bytes).into_response()
}

/// What a mail program does when one presses its button.
pub(super) async fn unsubscribe(
    shell: Shell,
    State(world): State<Arc<World>>,
    Path(number): Path<usize>,
) -> Response {
    let Some(url) = read(&world, number).and_then(|(caught, _)| caught.headers.unsubscribe_url) else {
        return shell.show(no_such());
    };
    let pressed = tokio::task::spawn_blocking(move || world.one_click(&url)).await;
    match pressed {
        Ok(Ok(())) => Redirect::to(&format!("/mail/{number}")).into_response(),
        Ok(Err(error)) => shell.trouble(&error.to_string()),
        Err(error) => shell.trouble(&error.to_string()),
    }
}

/// Mails are numbered from 1.
fn read(world: &World, number: usize) -> Option<(Caught, Vec<u8>)> {
    let caught = world.catcher.mails().get(number.checked_sub(1)?)?.clone();
    let bytes = std::fs::read(&caught.path).ok()?;
    Some((caught, bytes))
}

fn head(number: usize, caught: &Caught, message: &Message<'_>) -> Markup {
    let from = message.from().and_then(|from| from.first());
    let name = from.and_then(|from| from.name()).unwrap_or_default();
    let address = from.and_then(|from| from.address()).unwrap_or_default();
    html! {
        h1 { (caught.headers.subject) }
        dl.pairs {
            div { dt { "From" } dd { (name) " <" (address) ">" } }
            div { dt { "To" } dd { (caught.to) } }
            @if let Some(at) = caught.headers.sent_at() {
                div { dt { "Date" } dd { time datetime=(at) { (at.strftime("%A, %-d %B %Y, %H:%M UTC")) } } }
            }
        }
        @if let Some(url) = &caught.headers.unsubscribe_url {
            form.press method="post" action={ "/mail/" (number) "/unsubscribe" } data-stay
                data-said="Unsubscribed with one click. What comes next of this topic is refused, and says why." {
                button.quiet type="submit" { "Unsubscribe, as a mail program does" }
                " "
                a href=(url) target="_blank" rel="noreferrer" { "The page that the link in the mail leads to" }
            }
        }
        p.said role="status" {}
    }
}

fn no_such() -> Page<'static> {
    let body = html! {
        section.alone { h1 { "No such mail" } p { a href="/mail" { "All mails" } } }
    };
    framed("No such mail", body).status(StatusCode::NOT_FOUND)
}
