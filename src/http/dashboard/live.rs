//! What happens now: events as they come, decisions as they fall.

use super::Desk;
use super::feed::Row;
use super::shell::{Page, Shell};
use crate::ledger::Ledger;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use std::sync::Arc;

pub(super) async fn page<D: Ledger + 'static>(shell: Shell, State(desk): State<Arc<Desk<D>>>) -> Response {
    let looked = desk.blocking(|desk| desk.feed.snapshot()).await;
    match looked {
        Ok((came, fell, place)) => shell.show(Page::new("Live", body(&came, &fell, &place))),
        Err(reason) => shell.trouble(&reason),
    }
}

fn body(came: &[Row], fell: &[Row], place: &str) -> Markup {
    html! {
            div.title {
                h1 { "Live" }
                // Filled and shown by the script: without it the page is what was there when it was loaded.
                p.connection data-connection hidden { }
                button.quiet type="button" data-pause aria-pressed="false" hidden { "Pause" }
            }
            p.unseen role="status" data-announce { }
            div.live data-stream={ "/live/stream?after=" (place) } {
                (list("fell", "Decisions", "Nothing was decided yet. A decision falls when a rule's step comes due.", fell))
                (list("came", "Events", "Nothing came in yet. Send an event to the service, and it is here.", came))
            }
    p.quiet data-snapshot { "This is a snapshot: reload the page to see what is new." }
        }
}

/// A list that the script puts new rows on top of. It is not announced row by row: a busy service would never let a
/// reader finish a sentence. The status above says from time to time how many there were.
fn list(kind: &str, title: &str, empty: &str, rows: &[Row]) -> Markup {
    html! {
        section.pane aria-labelledby={ "h-" (kind) } {
            div.head {
                h2 id={ "h-" (kind) } { (title) }
                button.fresh type="button" data-fresh=(kind) hidden { }
            }
            ol.rows id=(kind) tabindex="0" aria-labelledby={ "h-" (kind) } {
                @for row in rows { (PreEscaped(row.html.as_ref())) }
            }
            p.empty { (empty) }
        }
    }
}
