//! What a page is told that does not get what it asks for: JSON with a stable `code`.

use super::BODY_BYTES_MAX;
use crate::ingest::identity::IdentityError;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// Why a request is not answered as it was asked.
#[derive(Debug)]
pub(super) enum Refused {
    /// Nobody is named: a new token is needed.
    Unidentified(IdentityError),
    /// A ticket that was never given, is used or is over.
    NoTicket,
    /// No message of this person.
    NotFound,
    /// A parameter that is none.
    BadParameter {
        name: &'static str,
        expected: &'static str,
    },
    /// A body that is longer than any token, or breaks off.
    BadBody,
    TooMany(Duration),
    TooManyStreams,
    Unavailable,
}

/// When to come back after a 503.
const RETRY_AFTER_UNAVAILABLE: Duration = Duration::from_secs(2);
/// Streams end with pages, which takes longer.
const RETRY_AFTER_STREAMS: Duration = Duration::from_secs(30);

impl From<IdentityError> for Refused {
    fn from(error: IdentityError) -> Self {
        Refused::Unidentified(error)
    }
}

impl From<BytesRejection> for Refused {
    fn from(_: BytesRejection) -> Self {
        Refused::BadBody
    }
}

impl From<QueryRejection> for Refused {
    fn from(_: QueryRejection) -> Self {
        Refused::BadParameter { name: "the query", expected: "each parameter once" }
    }
}

impl From<PathRejection> for Refused {
    fn from(_: PathRejection) -> Self {
        Refused::NotFound
    }
}

impl Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::Unidentified(error) => error.code(),
            Refused::NoTicket => "no-ticket",
            Refused::NotFound => "no-such-message",
            Refused::BadParameter { .. } => "bad-parameter",
            Refused::BadBody => "bad-body",
            Refused::TooMany(_) => "too-many-requests",
            Refused::TooManyStreams => "too-many-streams",
            Refused::Unavailable => "unavailable",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Refused::Unidentified(_) | Refused::NoTicket => StatusCode::UNAUTHORIZED,
            Refused::NotFound => StatusCode::NOT_FOUND,
            Refused::BadParameter { .. } => StatusCode::BAD_REQUEST,
            Refused::BadBody => StatusCode::PAYLOAD_TOO_LARGE,
            Refused::TooMany(_) | Refused::TooManyStreams => StatusCode::TOO_MANY_REQUESTS,
            Refused::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn message(&self) -> String {
        match self {
            Refused::Unidentified(error) => error.to_string(),
            Refused::NoTicket => {
                "expected a ticket of POST /v1/inapp/ticket, not used yet and less than 60 seconds old".into()
            }
            Refused::NotFound => "this person has no such message".into(),
            Refused::BadParameter { name, expected } => format!("expected {name} to be {expected}"),
            Refused::BadBody => format!("expected a body of at most {BODY_BYTES_MAX} bytes"),
            Refused::TooMany(_) => {
                "too many requests of this person: try again after Retry-After seconds".into()
            }
            Refused::TooManyStreams => {
                "too many open streams: close one, or try again after Retry-After seconds".into()
            }
            Refused::Unavailable => "messages cannot be had now: try again after Retry-After seconds".into(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Refused::TooMany(wait) => Some(*wait),
            Refused::TooManyStreams => Some(RETRY_AFTER_STREAMS),
            Refused::Unavailable => Some(RETRY_AFTER_UNAVAILABLE),
            Refused::Unidentified(_)
            | Refused::NoTicket
            | Refused::NotFound
            | Refused::BadBody
            | Refused::BadParameter { .. } => None,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "code": self.code(), "message": self.message() });
        let mut response = (self.status(), axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}
