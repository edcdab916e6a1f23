//! All mails that came, newest first.

use super::super::catcher::Caught;
use super::super::world::World;
use super::clock::{self, Back};
use super::page as framed;
use crate::http::dashboard::Shell;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use std::sync::Arc;

/// So many are listed: more nobody reads.
const LISTED_MAX: usize = 100;

pub(super) async fn page(shell: Shell, State(world): State<Arc<World>>) -> Response {
    let body = html! {
        (clock::bar(&world, Back::Mail))
        div.title { h1 { "Mailbox" } }
        p.lead { "The mail server of this demo delivers to nobody. What it took is here, newest first." }
        div.pane data-keep="/mail/list" { (list(&world)) }
    };
    shell.show(framed("Mailbox", body))
}

/// The list alone, for the script that keeps it true.
pub(super) async fn rows(State(world): State<Arc<World>>) -> Markup {
    list(&world)
}

fn list(world: &World) -> Markup {
    let mails = world.catcher.mails();
    html! {
        @if mails.is_empty() { p.quiet { "No mail yet: the first comes within seconds." } }
        ol.mails {
            @for (at, caught) in mails.iter().enumerate().rev().take(LISTED_MAX) { (row(at + 1, caught)) }
        }
        @if mails.len() > LISTED_MAX { p.quiet { (mails.len() - LISTED_MAX) " older ones are not listed." } }
    }
}

fn row(number: usize, caught: &Caught) -> Markup {
    let sent = caught.headers.sent_at();
    html! {
        li {
            a.strong href={ "/mail/" (number) } { (caught.headers.subject) }
            span.quiet { "to " (caught.to) }
            @if let Some(at) = sent { time.age datetime=(at) data-age { (at.strftime("%-d %b %H:%M")) } }
        }
    }
}
