//! What a client is told (rules.md, "Answers"). Client libraries drop events on most 4xx and repeat on 429 and 5xx: a
//! fault that passes is never a 4xx.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use outreach_engine::event::Malformed;
use std::time::Duration;

/// The answers of the HTTP door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All is durable: events in the log, dead letters in the ledger.
    Kept,
    /// The body is no JSON object, or has no `batch`.
    Malformed(Malformed),
    UnknownKey,
    /// Over 500 kB unzipped, or 2,500 events.
    TooLarge(String),
    /// The key's rate is used up.
    TooMany(Duration),
    /// Nothing is kept, or it is not known to be.
    Unavailable,
}

/// When to come back after a 503: soon, for the log is back at once when its disk is.
const RETRY_AFTER_UNAVAILABLE: Duration = Duration::from_secs(1);

impl Answer {
    /// The label of metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Answer::Kept => "kept",
            Answer::Malformed(_) => "malformed",
            Answer::UnknownKey => "unknown-key",
            Answer::TooLarge(_) => "too-large",
            Answer::TooMany(_) => "too-many",
            Answer::Unavailable => "unavailable",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Answer::Kept => StatusCode::OK,
            Answer::Malformed(_) => StatusCode::BAD_REQUEST,
            Answer::UnknownKey => StatusCode::UNAUTHORIZED,
            Answer::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Answer::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Answer::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn message(&self) -> String {
        match self {
            Answer::Kept => String::new(),
            Answer::Malformed(malformed) => malformed.to_string(),
            Answer::UnknownKey => {
                "expected a write key of this service as basic-auth user, as bearer token, or as writeKey (PostHog: api_key) in the body"
                    .into()
            }
            Answer::TooLarge(message) => message.clone(),
            Answer::TooMany(_) => "the rate of this write key is used up: try again after Retry-After seconds".into(),
            Answer::Unavailable => "events cannot be stored durably now: try again after Retry-After seconds".into(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Answer::TooMany(wait) => Some(*wait),
            Answer::Unavailable => Some(RETRY_AFTER_UNAVAILABLE),
            Answer::Kept | Answer::Malformed(_) | Answer::UnknownKey | Answer::TooLarge(_) => None,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let body = match self {
            Answer::Kept => r#"{"success":true}"#.to_owned(),
            _ => serde_json::json!({ "success": false, "code": self.as_str(), "message": self.message() })
                .to_string(),
        };
        let mut response =
            (self.status(), [(header::CONTENT_TYPE, "application/json")], body).into_response();
        if let Some(wait) = self.retry_after() {
            // Whole seconds, up: client libraries read nothing else.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}
