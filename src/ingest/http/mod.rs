//! The HTTP door: Segment's API, for its client libraries, those of RudderStack, and for everybody's `curl`; and PostHog's
//! batches, which are read as Segment's calls (`posthog.rs`).
//!
//! A 200 means that every event of the request is durable: in the log, or with its reason among the dead letters.
//! Personal data stays out of logs: nothing of a body is traced.

mod answer;
mod body;
mod credentials;
mod posthog;
mod settings;
mod split;
#[cfg(test)]
mod tests;

pub use body::{BATCH_EVENTS_MAX, BODY_BYTES_MAX};

use self::answer::Answer;
use self::body::{Call, Parts};
use super::dead_letters::DeadLetters;
use super::identity::{Identified, Identity};
use super::intake::{Input, Intake, report};
use super::keys::{KeyKind, Keys, Known};
use crate::clock::Clock;
use crate::log::Log;
use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use outreach_engine::Timestamp;
use outreach_engine::event::{Arrival, Envelope, EventKind, MissingTime};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

/// What the door needs.
pub struct HttpDoor {
    pub keys: Keys,
    /// Says who a browser's events are from.
    pub identity: Arc<Identity>,
    pub log: Arc<dyn Log>,
    pub letters: Arc<dyn DeadLetters>,
    pub clock: Clock,
    /// Where clients reach this service, such as `https://events.acme.example`.
    pub public_url: String,
    /// Numbers events that bring no `messageId`.
    pub unnamed: AtomicU64,
    pub takes: Takes,
}

/// Whether a partition may take events now; a request with events for one that may not is answered 503.
pub type Takes = Arc<dyn Fn(u32) -> bool + Send + Sync>;

/// A day: browsers ask again after two hours at the latest.
const PREFLIGHT_AGE: Duration = Duration::from_secs(86_400);

const X_RETRY_COUNT: HeaderName = HeaderName::from_static("x-retry-count");
/// The signed token that says who a browser's events are from.
const X_OUTREACH_IDENTITY: HeaderName = HeaderName::from_static("x-outreach-identity");

const PATHS: [(&str, Call); 14] = [
    ("track", Call::One(EventKind::Track)),
    ("identify", Call::One(EventKind::Identify)),
    ("page", Call::One(EventKind::Page)),
    ("screen", Call::One(EventKind::Screen)),
    ("group", Call::One(EventKind::Group)),
    ("alias", Call::One(EventKind::Alias)),
    ("batch", Call::Batch),
    ("t", Call::One(EventKind::Track)),
    ("i", Call::One(EventKind::Identify)),
    ("p", Call::One(EventKind::Page)),
    ("s", Call::One(EventKind::Screen)),
    ("g", Call::One(EventKind::Group)),
    ("a", Call::One(EventKind::Alias)),
    ("b", Call::Batch),
];

/// Of PostHog's libraries, and what its documentation gives for single events.
const POSTHOG_PATHS: [&str; 3] = ["/batch", "/capture", "/i/v0/e"];

/// The routes of the door.
pub fn router(door: Arc<HttpDoor>) -> Router {
    let mut router = Router::new()
        .route("/v1/projects/{write_key}/settings", get(settings::settings))
        .route("/sourceConfig", get(settings::source_config))
        .route("/sourceConfig/", get(settings::source_config));
    for (name, call) in PATHS {
        router = both(router, &format!("/v1/{name}"), call);
    }
    for path in POSTHOG_PATHS {
        router = both(router, path, Call::PostHog);
    }
    let beacon = |State(door): State<Arc<HttpDoor>>,
                  query: Query<InQuery>,
                  headers: HeaderMap,
                  body: Body| async move {
        receive(&door, Call::Batch, query.write_key.as_deref(), &headers, body).await
    };
    router = router.route("/beacon/v1/batch", post(beacon));
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        // Libraries add headers of their own. No cookie opens anything here, so there is nothing to keep from a page.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([header::RETRY_AFTER])
        .max_age(PREFLIGHT_AGE);
    router.layer(cors).with_state(door)
}

/// `path` with and without a slash at its end.
fn both(router: Router<Arc<HttpDoor>>, path: &str, call: Call) -> Router<Arc<HttpDoor>> {
    let handler = move |State(door): State<Arc<HttpDoor>>, headers: HeaderMap, body: Body| async move {
        receive(&door, call, None, &headers, body).await
    };
    router.route(path, post(handler)).route(&format!("{path}/"), post(handler))
}

/// What an address may say behind `?`. Only where nothing else can say it: addresses end up in the logs of others.
#[derive(Deserialize)]
struct InQuery {
    #[serde(rename = "writeKey")]
    write_key: Option<String>,
}

/// Whose events of a request are proven.
enum Trust {
    All,
    /// Those of the user whom a token names.
    Of(Identified),
    None,
}

impl Trust {
    fn proves(&self, envelope: &Envelope<'_>) -> bool {
        match self {
            Trust::All => true,
            Trust::Of(identified) => envelope.user_id.as_deref() == Some(&*identified.subject.id),
            Trust::None => false,
        }
    }
}

async fn receive(
    door: &HttpDoor,
    call: Call,
    key_of_query: Option<&str>,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    // The client went away while it sent: nobody hears the answer.
    let Some(body) = body::read(body).await else { return StatusCode::BAD_REQUEST.into_response() };
    let answer = match body {
        Ok(body) => door.take(call, key_of_query, headers, &body).await,
        Err(too_large) => Err(too_large),
    };
    let answer = answer.map_or_else(|refused| refused, |()| Answer::Kept);
    metrics::counter!("outreach_http_requests_total", "answer" => answer.as_str()).increment(1);
    if headers.get(X_RETRY_COUNT).is_some_and(|count| count.as_bytes() != b"0") {
        metrics::counter!("outreach_http_retried_requests_total", "answer" => answer.as_str()).increment(1);
    }
    answer.into_response()
}

impl HttpDoor {
    /// Takes a request; returns when all of it is durable.
    async fn take(
        &self,
        call: Call,
        key_of_query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Answer> {
        let received_at = (self.clock)();
        let body = body::unzip(headers, body)?;
        let key_of_header = credentials::of_header(headers);
        let keys = [key_of_header.as_deref(), key_of_query];
        let known_outside = keys.into_iter().flatten().find_map(|key| self.keys.find(key));
        let parts = Parts::read(call, &body, known_outside.is_none())?;
        let known = known_outside
            .or_else(|| parts.write_key.as_deref().and_then(|key| self.keys.find(key)))
            .ok_or(Answer::UnknownKey)?;
        known.spend(parts.events.len(), body.len()).map_err(Answer::TooMany)?;
        let trust = self.trust(known, headers);
        let intake = self.gather(call, known, &trust, &parts, received_at)?;
        self.store(known, intake).await
    }

    /// A token that is over, forged or another's proves nothing; its events are kept as those without one are, for a
    /// client that is refused drops them.
    fn trust(&self, known: &Known, headers: &HeaderMap) -> Trust {
        if known.kind == KeyKind::Server {
            return Trust::All;
        }
        let token = headers.get(X_OUTREACH_IDENTITY).and_then(|token| token.to_str().ok());
        match token.map(|token| self.identity.verify(token.trim())) {
            Some(Ok(identified)) => Trust::Of(identified),
            Some(Err(error)) => {
                metrics::counter!("outreach_identity_tokens_refused_total", "reason" => error.code())
                    .increment(1);
                Trust::None
            }
            None => Trust::None,
        }
    }

    fn gather(
        &self,
        call: Call,
        known: &Known,
        trust: &Trust,
        parts: &Parts<'_>,
        received_at: Timestamp,
    ) -> Result<Intake, Answer> {
        let mut intake = Intake::new(self.log.partitions());
        for payload in &parts.events {
            let input = Input { source: &known.source, origin: None, payload };
            let envelope = match Envelope::parse(payload) {
                Err(malformed) if body::spoils_the_body(call, payload, &malformed) => {
                    return Err(Answer::Malformed(malformed));
                }
                envelope => envelope,
            };
            let batch_sent_at = match &parts.sent_at {
                Ok(sent_at) => *sent_at,
                Err(malformed) => {
                    intake.refuse(&input, received_at, malformed.clone());
                    continue;
                }
            };
            let needs_id = envelope.as_ref().is_ok_and(|envelope| envelope.message_id.is_none());
            let default_message_id =
                if needs_id { self.fresh_message_id(received_at) } else { String::new() };
            let arrival = Arrival {
                received_at,
                batch_sent_at,
                default_kind: match call {
                    Call::One(kind) => Some(kind),
                    Call::Batch | Call::PostHog => None,
                },
                is_proven: envelope.as_ref().is_ok_and(|envelope| trust.proves(envelope)),
                corrects_clock: true,
                default_message_id: &default_message_id,
                origin: None,
                missing_time: MissingTime::UseReceivedAt,
            };
            intake.take_envelope(&input, &arrival, envelope);
        }
        Ok(intake)
    }

    /// An id no other event has: after a restart the time is another.
    fn fresh_message_id(&self, received_at: Timestamp) -> String {
        format!("http-{}-{}", received_at.0, self.unnamed.fetch_add(1, Ordering::Relaxed))
    }

    async fn store(&self, known: &Known, intake: Intake) -> Result<(), Answer> {
        if !intake.partitions().all(|partition| (self.takes)(partition)) {
            return Err(Answer::Unavailable);
        }
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let done = Box::new(move |result| drop(sender.send(result)));
        let accepted = intake.accepted();
        let codes: Vec<String> = intake.letters().iter().map(|letter| letter.code.clone()).collect();
        let handed_over = if codes.is_empty() {
            intake.store(&*self.log, &*self.letters, done)
        } else {
            // The ledger blocks until its transaction is durable.
            let (log, letters) = (self.log.clone(), self.letters.clone());
            let stored = tokio::task::spawn_blocking(move || intake.store(&*log, &*letters, done)).await;
            stored.map_err(|_| Answer::Unavailable)?
        };
        if let Err(error) = handed_over {
            tracing::warn!(source = known.source, %error, "the ledger keeps no dead letters: the request is refused");
            return Err(Answer::Unavailable);
        }
        match receiver.await {
            Ok(Ok(())) => {
                report(&known.source, accepted, codes.iter().map(String::as_str));
                Ok(())
            }
            Ok(Err(error)) => {
                tracing::warn!(source = known.source, %error, "the log keeps no events: the request is refused");
                Err(Answer::Unavailable)
            }
            Err(_) => Err(Answer::Unavailable),
        }
    }
}
