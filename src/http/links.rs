//! Where the links of mails lead: `/u/TOKEN`, for one click by a mail program (RFC 8058) and for people.
//!
//! A POST acts before it answers: the suppression and the record that tells the person's shard are one transaction. A GET
//! never acts.

use super::unsubscribe::{
    FORM_BYTES_MAX, POLICY, Page, REFERRER_POLICY, Scope, ask_page, done_page, invalid_page,
};
use crate::channel::unsubscribe_token::{Claims, Key, verify};
use crate::clock::Clock;
use crate::ledger::{Ledger, LedgerError, Suppression, SuppressionKind};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::Markup;
use outreach_engine::Timestamp;
use outreach_engine::event::{Body, Consent, ConsentKind};
use std::sync::Arc;

/// A topic's name for people.
pub type TopicName = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What the links need.
pub struct Links<D> {
    pub ledger: Arc<D>,
    pub key: Key,
    pub sender_name: String,
    pub topic_name: TopicName,
    /// Of the log: a person's consent goes to their partition.
    pub partitions: u32,
    pub clock: Clock,
}

/// A multipart form of a mail program is a little longer than the form itself.
const BODY_BYTES_MAX: usize = 4 * FORM_BYTES_MAX;

/// The routes.
pub fn router<D: Ledger + 'static>(links: Arc<Links<D>>) -> Router {
    Router::new()
        .route("/u/{token}", get(ask::<D>).post(act::<D>))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(links)
}

async fn ask<D: Ledger>(State(links): State<Arc<Links<D>>>, Path(token): Path<String>) -> Response {
    match verify(&links.key, &token) {
        Some(claims) => page(StatusCode::OK, links.with_page(&claims, ask_page)),
        None => page(StatusCode::NOT_FOUND, invalid_page()),
    }
}

async fn act<D: Ledger + 'static>(
    State(links): State<Arc<Links<D>>>,
    Path(token): Path<String>,
    body: Bytes,
) -> Response {
    let Some((claims, scope)) = links.asked(&token, &body) else {
        return page(StatusCode::NOT_FOUND, invalid_page());
    };
    let (acting, said) = (links.clone(), claims.clone());
    let acted = tokio::task::spawn_blocking(move || acting.unsubscribe(&said, scope)).await;
    match acted {
        Ok(Ok(())) => {
            metrics::counter!("outreach_unsubscribes_total").increment(1);
            page(StatusCode::OK, links.with_page(&claims, |page| done_page(page, scope)))
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "an unsubscribe was not kept");
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], "Please try again in a moment.\n")
                .into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an unsubscribe was not kept");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl<D: Ledger> Links<D> {
    fn with_page(&self, claims: &Claims, show: impl FnOnce(&Page<'_>) -> Markup) -> Markup {
        let topic = (self.topic_name)(&claims.topic).unwrap_or_else(|| claims.topic.clone());
        show(&Page { sender: &self.sender_name, topic: &topic, address: &claims.address })
    }

    /// What a POST asks for; nothing where we did not sign its link.
    pub fn asked(&self, token: &str, body: &[u8]) -> Option<(Claims, Scope)> {
        let claims = verify(&self.key, token)?;
        // A message without a topic has only everything to end.
        let scope = if claims.topic.is_empty() { Scope::All } else { Scope::of_form(body) };
        Some((claims, scope))
    }

    /// Suppression and outbox row in one transaction: when the page says "unsubscribed", nothing that has not left
    /// leaves any more.
    pub fn unsubscribe(&self, claims: &Claims, scope: Scope) -> Result<(), LedgerError> {
        let now: Timestamp = (self.clock)();
        let topic = (scope == Scope::Topic).then(|| claims.topic.clone());
        let subject = claims.subject.as_ref();
        let kind = match &topic {
            Some(topic) => ConsentKind::TopicOff(topic.as_str().into()),
            None => ConsentKind::AllOff,
        };
        let mut record = Vec::new();
        Body::Consent(Consent { subject, kind, at: now }).encode(&mut record);
        let suppression = Suppression {
            address: claims.address.clone(),
            topic,
            kind: SuppressionKind::Unsubscribed,
            at: now,
        };
        self.ledger.transaction(|transaction| {
            transaction.suppress(&suppression, true)?;
            transaction.push_outbox(subject.partition(self.partitions), &record)
        })
    }
}

fn page(status: StatusCode, markup: Markup) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::REFERRER_POLICY, REFERRER_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, markup).into_response()
}
