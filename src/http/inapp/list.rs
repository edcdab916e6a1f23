//! `GET /v1/inapp/messages?limit=20&cursor=…`: what is shown now, newest first.

use super::answer::Refused;
use super::place::{Heard, cursor, parse_cursor};
use super::{Inapp, view};
use crate::ledger::{InboxPlace, Ledger};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Page {
    limit: Option<String>,
    cursor: Option<String>,
}

const LIMIT: u32 = 20;
const LIMIT_MAX: u32 = 100;

pub(super) async fn list<D: Ledger + 'static>(
    State(inapp): State<Arc<Inapp<D>>>,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let caller = inapp.caller(&headers, None)?;
    let Query(page) = page?;
    let limit = limit(page.limit.as_deref())?;
    let behind = match page.cursor.as_deref() {
        None => InboxPlace::NEWEST,
        Some(text) => parse_cursor(text)
            .ok_or(Refused::BadParameter { name: "cursor", expected: "the `next` of the page before" })?,
    };
    let (subject, now) = (caller.subject.to_string(), (inapp.clock)());
    let (mut entries, counts, change) = inapp
        .ask(move |transaction| {
            // One more than asked for tells whether there is a next page.
            let entries = transaction.inbox(&subject, now, behind, limit + 1)?;
            Ok((entries, transaction.inbox_counts(&subject, now)?, transaction.inbox_last_change()?))
        })
        .await?;
    let has_more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let last = entries.last().filter(|_| has_more);
    let next = last.map(|entry| cursor(InboxPlace { kept_at: entry.kept_at, id: entry.key.id }));
    let body = json!({
        "messages": entries.iter().map(view::message).collect::<Vec<_>>(),
        "next": next,
        "counts": view::counts(counts),
        "position": Heard { change, until: now }.to_string(),
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

fn limit(text: Option<&str>) -> Result<u32, Refused> {
    let Some(text) = text else { return Ok(LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    limit.ok_or(Refused::BadParameter { name: "limit", expected: "1 to 100" })
}
