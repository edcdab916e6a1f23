//! A request's body: unzipped, and read as one call or as a batch of calls.

use super::answer::Answer;
use super::{posthog, split};
use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures_lite::StreamExt;
use outreach_engine::Timestamp;
use outreach_engine::event::malformed::{INVALID_UTF8, MALFORMED_JSON, TOO_LARGE};
use outreach_engine::event::{EventKind, Malformed, field, members::check_json};
use std::borrow::Cow;
use std::io::Read;

/// A body, unzipped (rules.md, "Answers").
pub const BODY_BYTES_MAX: usize = 500 * 1024;

/// So much of a body that is too large is still read, and dropped: a connection that is closed while its client sends
/// is reset, and the client never sees the answer. A longer one must bear that.
const READ_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Events of one batch (rules.md, "Answers").
pub const BATCH_EVENTS_MAX: usize = 2_500;

/// Begins every gzip stream.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a path calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    One(EventKind),
    Batch,
    /// A batch of PostHog's events, or one of them alone.
    PostHog,
}

/// The parts of a body.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The raw JSON of each call, not looked into.
    pub events: Vec<Cow<'a, [u8]>>,
    /// Of the batch. An unreadable one makes each event of the batch a dead letter.
    pub sent_at: Result<Option<Timestamp>, Malformed>,
    pub write_key: Option<String>,
}

/// The body's bytes as they came; nothing when the client went away while it sent.
pub async fn read(body: Body) -> Option<Result<Vec<u8>, Answer>> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.ok()?;
        length += chunk.len();
        if length > READ_BYTES_MAX {
            break;
        }
        if length <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&chunk);
        }
    }
    Some(if length > BODY_BYTES_MAX { Err(too_large()) } else { Ok(bytes) })
}

/// The body's bytes, unzipped if its encoding says so.
pub fn unzip<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Answer> {
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(b"".as_slice(), |value| value.as_bytes());
    match encoding.to_ascii_lowercase().as_slice() {
        // Some name it in the address or nowhere, and no JSON begins so.
        b"" | b"identity" if !body.starts_with(&GZIP_MAGIC) => Ok(Cow::Borrowed(body)),
        b"" | b"identity" | b"gzip" | b"x-gzip" => {
            let mut unzipped = Vec::with_capacity(body.len().saturating_mul(4).min(BODY_BYTES_MAX));
            // One byte more than is allowed tells a body that is too large; a bomb is never unzipped further.
            let mut reader = flate2::read::MultiGzDecoder::new(body).take(BODY_BYTES_MAX as u64 + 1);
            reader.read_to_end(&mut unzipped).map_err(|_| no_body("a gzip stream", "a broken one"))?;
            if unzipped.len() > BODY_BYTES_MAX { Err(too_large()) } else { Ok(Cow::Owned(unzipped)) }
        }
        _ => Err(no_body("Content-Encoding gzip or none", "another")),
    }
}

impl<'a> Parts<'a> {
    /// Cuts `body` into its events. `wants_write_key`: whether to look for a key inside.
    pub fn read(call: Call, body: &'a [u8], wants_write_key: bool) -> Result<Parts<'a>, Answer> {
        let mut parts = Parts { events: Vec::new(), sent_at: Ok(None), write_key: None };
        match call {
            Call::One(_) => {
                if wants_write_key {
                    let members = split::members(body).ok_or_else(no_object)?;
                    parts.write_key = text_of(one(&members, &["writeKey"])?);
                }
                parts.events.push(Cow::Borrowed(body));
            }
            Call::Batch | Call::PostHog => {
                let members = split::members(body).ok_or_else(no_object)?;
                let is_alone = call == Call::PostHog && one(&members, &["event"])?.is_some();
                let batch = match one(&members, &["batch"])? {
                    Some(batch) => batch,
                    None if is_alone => body,
                    None => return Err(no_batch()),
                };
                for (key, value) in &members {
                    check_json(key).map_err(Answer::Malformed)?;
                    if !std::ptr::eq(*value, batch) {
                        check_json(value).map_err(Answer::Malformed)?;
                    }
                }
                let events = if std::ptr::eq(batch, body) {
                    vec![body]
                } else {
                    split::items(batch, BATCH_EVENTS_MAX).ok_or_else(no_batch)?
                };
                if events.len() > BATCH_EVENTS_MAX {
                    return Err(Answer::TooLarge(format!(
                        "expected at most {BATCH_EVENTS_MAX} events in a batch"
                    )));
                }
                parts.sent_at = time_of(one(&members, &["sentAt", "sent_at"])?);
                let (events, key) = match call {
                    Call::PostHog => (events.into_iter().flat_map(posthog::calls).collect(), "api_key"),
                    Call::Batch | Call::One(_) => {
                        (events.into_iter().map(Cow::Borrowed).collect(), "writeKey")
                    }
                };
                parts.events = events;
                parts.write_key = text_of(one(&members, &[key])?);
            }
        }
        Ok(parts)
    }
}

/// Whether `malformed` says that the body is not even a JSON object: then nothing of it can be kept, and the client is
/// told. An event that is JSON spoils nothing but itself.
pub fn spoils_the_body(call: Call, event: &[u8], malformed: &Malformed) -> bool {
    let is_object = event.trim_ascii_start().first() == Some(&b'{');
    match malformed.code {
        MALFORMED_JSON | INVALID_UTF8 => true,
        // In a batch a member of another type is a letter of its own.
        _ if !is_object && matches!(call, Call::One(_)) => true,
        // Nobody has looked inside yet.
        TOO_LARGE => check_json(event).is_err_and(|inside| spoils_the_body(call, event, &inside)),
        _ => false,
    }
}

fn no_body(expected: &str, found: &str) -> Answer {
    Answer::Malformed(Malformed::expected(MALFORMED_JSON, expected, found))
}

fn no_object() -> Answer {
    no_body("a JSON object", "something else")
}

fn no_batch() -> Answer {
    no_body("an object with an array \"batch\"", "none")
}

fn too_large() -> Answer {
    Answer::TooLarge(format!("expected a body of at most {BODY_BYTES_MAX} bytes when unzipped"))
}

/// The one member of these names, if any.
fn one<'a>(members: &[(&[u8], &'a [u8])], names: &[&str]) -> Result<Option<&'a [u8]>, Answer> {
    let mut found = None;
    for (key, value) in members {
        let is_named = text_of(Some(key)).is_some_and(|key| names.contains(&key.as_str()));
        if is_named && found.replace(*value).is_some() {
            return Err(no_body(&format!("\"{}\" once", names[0]), "it twice"));
        }
    }
    Ok(found)
}

pub(super) fn text_of(raw: Option<&[u8]>) -> Option<String> {
    let text = check_json(raw?).ok()?;
    field::text("text", text.into()).ok().map(Cow::into_owned)
}

fn time_of(raw: Option<&[u8]>) -> Result<Option<Timestamp>, Malformed> {
    match raw.map(check_json).transpose()? {
        None | Some("null") => Ok(None),
        Some(text) => field::time("sentAt", text.into()).map(Some),
    }
}
