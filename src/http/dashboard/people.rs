//! Find a person: by id, by address, or by a part of either.

use super::Desk;
use super::row;
use super::shell::{Page, Shell};
use crate::ledger::Ledger;
use crate::worker::Found;
use crate::worker::journal::{Line, What};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

/// More than these nobody reads: a longer part finds fewer.
const FOUND_MAX: usize = 50;
/// People of the newest events.
const RECENT_MAX: usize = 20;
const ASKED_CHARS_MAX: usize = 256;

pub(super) async fn page<D: Ledger + 'static>(
    shell: Shell,
    State(desk): State<Arc<Desk<D>>>,
    Query(asked): Query<Asked>,
) -> Response {
    let text: String = asked.q.trim().chars().take(ASKED_CHARS_MAX).collect();
    if text.is_empty() {
        let recent = desk.blocking(|desk| recent(desk)).await;
        return match recent {
            Ok(recent) => shell.show(Page::new("People", body("", recent_list(&recent)))),
            Err(reason) => shell.trouble(&reason),
        };
    }
    let wanted = text.clone();
    let found = desk.blocking(move |desk| Ok(look_up(desk, &wanted))).await;
    match found {
        Ok(Hits::One(subject)) => {
            Redirect::to(&format!("/people/{}", row::segment(&subject))).into_response()
        }
        Ok(Hits::Some(found)) => shell.show(Page::new("People", body(&text, found_list(&text, &found)))),
        Err(reason) => shell.trouble(&reason),
    }
}

enum Hits {
    /// Whoever bears this very id, or this very address alone.
    One(String),
    Some(Vec<Found>),
}

fn look_up<D: Ledger>(desk: &Desk<D>, text: &str) -> Hits {
    let found = (desk.find)(text, FOUND_MAX);
    let mut same = found.iter().filter(|found| is_same(found, text));
    if let (Some(one), None) = (same.next(), same.next()) {
        return Hits::One(one.subject.clone());
    }
    // Somebody whom their shard has let go may still stand in the ledger.
    if found.is_empty()
        && let Ok(report) = (desk.person)(text)
    {
        return Hits::One(report.subject);
    }
    Hits::Some(found)
}

fn is_same(found: &Found, text: &str) -> bool {
    let id = found.subject.split_once(':').map_or("", |(_, id)| id);
    found.subject == text || id == text || found.address.eq_ignore_ascii_case(text)
}

/// The newest line of everybody whom the newest events are about, newest first.
fn recent<D: Ledger>(desk: &Desk<D>) -> Result<Vec<Line>, String> {
    let (lines, _) = desk.journal.newest(10 * RECENT_MAX)?;
    let mut newest: Vec<Line> = Vec::new();
    for line in lines.lines.into_iter().rev() {
        let is_event = matches!(line.what, What::Event { .. });
        if is_event && newest.iter().all(|known| known.subject != line.subject) {
            newest.push(line);
        }
    }
    newest.truncate(RECENT_MAX);
    Ok(newest)
}

fn body(text: &str, list: Markup) -> Markup {
    html! {
        div.title { h1 { "People" } }
        form.search role="search" action="/people" method="get" {
            label.unseen for="q" { "An id, an address, or a part of either" }
            input #q type="search" name="q" value=(text) placeholder="An id, an address, or a part of either" autocomplete="off" spellcheck="false";
            button type="submit" { "Find" }
        }
        (list)
    }
}

fn recent_list(newest: &[Line]) -> Markup {
    html! {
        section.pane.tall aria-labelledby="h-recent" {
            div.head { h2 #h-recent { "Seen of late" } }
            ol.rows { @for line in newest { (row::came(line, row::Around::All)) } }
            p.empty { "Nobody yet: no event has come in." }
        }
    }
}

fn found_list(text: &str, found: &[Found]) -> Markup {
    html! {
        section.card {
            h2 { (found.len()) @if found.len() == FOUND_MAX { " or more" } " with “" (text) "”" }
            @if found.is_empty() {
                p.quiet { "Nobody whom a rule has looked at has this id or address, or a part of it." }
            }
            ul.people.wide {
                @for one in found {
                    li { (row::person(&one.subject)) @if !one.address.is_empty() { " " span.quiet { (one.address) } } }
                }
            }
        }
    }
}
