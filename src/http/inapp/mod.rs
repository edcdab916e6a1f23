//! In-product messages, as the product's page fetches them: a list, a stream of what changes, and what people did.
//!
//! Whoever asks proves by a signed token who they are ([`crate::ingest::identity`]) and sees their own messages alone;
//! another's id is as unknown as one that never was. No cookie is ever read, so any origin may ask: what is answered
//! depends on the token alone. Every answer but the stream and the component is JSON, errors with a `code`.

mod answer;
mod component;
mod list;
mod place;
mod react;
mod stream;
mod streams;
#[cfg(test)]
mod tests;
mod tickets;
mod view;
mod watch;

pub use watch::watch;

use self::answer::Refused;
use self::streams::Streams;
use self::tickets::Tickets;
use crate::clock::{self, Clock, Steady};
use crate::ingest::identity::{Identified, Identity, IdentityError};
use crate::ledger::{Ledger, LedgerError, Transaction};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::routing::{get, post};
use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower_http::cors::{Any, CorsLayer};

/// What the routes need.
pub struct Inapp<D> {
    ledger: Arc<D>,
    identity: Arc<Identity>,
    clock: Clock,
    /// For tickets, which are used within the second, whatever the time is said to be.
    steady: Steady,
    streams: Streams,
    tickets: Tickets,
    rate: DefaultKeyedRateLimiter<String>,
    /// Ends the streams.
    stop: CancellationToken,
}

/// Of one person: a page that is opened asks three times, and each message is shown once.
const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("it is not zero");
const REQUESTS_BURST: NonZeroU32 = NonZeroU32::new(60).expect("it is not zero");
/// People whose rates are remembered; those who are quiet are then forgotten.
const RATES_MAX: usize = 50_000;
/// A token of the longest kind, in JSON.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// A day: browsers ask again after two hours at the latest.
const PREFLIGHT_AGE: Duration = Duration::from_secs(86_400);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

impl<D: Ledger + 'static> Inapp<D> {
    pub fn new(ledger: Arc<D>, identity: Arc<Identity>, clock: Clock, stop: CancellationToken) -> Inapp<D> {
        let quota = Quota::per_second(REQUESTS_PER_SECOND).allow_burst(REQUESTS_BURST);
        Inapp {
            ledger,
            identity,
            clock,
            steady: clock::since_boot(),
            streams: Streams::default(),
            tickets: Tickets::default(),
            rate: RateLimiter::keyed(quota),
            stop,
        }
    }

    /// Who asks, by a bearer token, or by the token that a body holds.
    fn caller(&self, headers: &HeaderMap, in_body: Option<&str>) -> Result<Identified, Refused> {
        let token = bearer(headers).or(in_body).ok_or(IdentityError::NoToken)?;
        let identified = self.identity.verify(token)?;
        self.spend(&identified)?;
        Ok(identified)
    }

    fn spend(&self, identified: &Identified) -> Result<(), Refused> {
        if self.rate.len() > RATES_MAX {
            self.rate.retain_recent();
        }
        let now = self.rate.clock().now();
        let spent = self.rate.check_key(&identified.subject.to_string());
        spent.map_err(|not_until| Refused::TooMany(not_until.wait_time_from(now)))
    }

    /// Asks the ledger, which blocks, off the threads that serve.
    async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, Refused> {
        let ledger = self.ledger.clone();
        match tokio::task::spawn_blocking(move || ledger.transaction(work)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the ledger gives no in-product messages");
                Err(Refused::Unavailable)
            }
            Err(_) => Err(Refused::Unavailable),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The routes, under `/v1/inapp/`.
pub fn router<D: Ledger + 'static>(inapp: Arc<Inapp<D>>) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, LAST_EVENT_ID])
        .expose_headers([header::RETRY_AFTER])
        .max_age(PREFLIGHT_AGE);
    Router::new()
        .route("/v1/inapp/messages", get(list::list::<D>))
        .route("/v1/inapp/messages/{id}/{reaction}", post(react::react::<D>))
        .route("/v1/inapp/ticket", post(tickets::ticket::<D>))
        .route("/v1/inapp/stream", get(stream::stream::<D>))
        .route("/v1/inapp/outreach-inbox.js", get(component::component))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(cors)
        .with_state(inapp)
}
