//! `POST /v1/inapp/messages/{id}/{seen|clicked|dismissed}`: what a person did with a message. The first time wins.
//!
//! A page that is closed can only send a beacon, which sets no header: then the body holds the token, as
//! `{"token": "…"}` or bare, in any content type (`text/plain` asks for no preflight).

use super::Inapp;
use super::answer::Refused;
use crate::ledger::{Ledger, Reaction};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use outreach_engine::DecisionId;
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;

#[derive(Deserialize)]
struct Beacon<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
}

pub(super) async fn react<D: Ledger + 'static>(
    State(inapp): State<Arc<Inapp<D>>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let (Path((id, reaction)), body) = (path?, body?);
    let caller = inapp.caller(&headers, token_of(&body).as_deref())?;
    let reaction = match reaction.as_str() {
        "seen" => Reaction::Seen,
        "clicked" => Reaction::Clicked,
        "dismissed" => Reaction::Dismissed,
        _ => return Err(Refused::NotFound),
    };
    let id = DecisionId::parse(&id).ok_or(Refused::NotFound)?;
    let (subject, now) = (caller.subject.to_string(), (inapp.clock)());
    let is_new = inapp.ask(move |transaction| transaction.react(&subject, id, reaction, now)).await?;
    if is_new.ok_or(Refused::NotFound)? {
        let reaction = reaction.outcome().as_str();
        metrics::counter!("outreach_inapp_reactions_total", "reaction" => reaction).increment(1);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn token_of(body: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(body).ok()?.trim();
    if text.starts_with('{') {
        return serde_json::from_str::<Beacon<'_>>(text).ok().map(|beacon| beacon.token);
    }
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}
