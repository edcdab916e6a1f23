//! `POST /v1/inapp/ticket`: opens one stream within a minute, so that no token stands in an address, which proxies and
//! browsers write down.

use super::Inapp;
use super::answer::Refused;
use crate::ingest::identity::Identified;
use crate::ledger::Ledger;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use outreach_engine::Length;
use std::collections::HashMap;
use std::fmt::Write;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

/// Tickets that were given and not used yet. They are gone with the process: a page asks for another.
#[derive(Default)]
pub(super) struct Tickets {
    held: Mutex<HashMap<String, Held>>,
}

struct Held {
    identified: Identified,
    until: Length,
}

const TICKET_SECONDS: i64 = 60;
/// A minute of pages being opened; above it a page waits.
const TICKETS_MAX: usize = 20_000;

impl Tickets {
    /// A ticket for whom a token named; nothing when too many are out, or nothing random is to be had.
    fn give(&self, identified: Identified, now: Length) -> Option<String> {
        let ticket = random().ok()?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= TICKETS_MAX {
            held.retain(|_, held| held.until > now);
        }
        if held.len() >= TICKETS_MAX {
            return None;
        }
        held.insert(
            ticket.clone(),
            Held { identified, until: Length(now.0 + Length::seconds(TICKET_SECONDS).0) },
        );
        Some(ticket)
    }

    /// Whom the ticket was given to. It is used up.
    pub fn take(&self, ticket: &str, now: Length) -> Option<Identified> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(ticket)?;
        (held.until > now).then_some(held.identified)
    }
}

pub(super) async fn ticket<D: Ledger + 'static>(
    State(inapp): State<Arc<Inapp<D>>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let caller = inapp.caller(&headers, None)?;
    let ticket = inapp.tickets.give(caller, (inapp.steady)()).ok_or(Refused::Unavailable)?;
    let body = serde_json::json!({ "ticket": ticket, "expires_in": TICKET_SECONDS });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// 128 bits of the kernel's, as hexadecimal digits.
fn random() -> std::io::Result<String> {
    let mut bytes = [0u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use outreach_engine::Timestamp;
    use outreach_engine::event::Subject;

    fn ada() -> Identified {
        Identified { subject: Subject::user("ada").to_owned(), expires_at: Timestamp(i64::MAX) }
    }

    #[test]
    fn a_ticket_opens_one_stream_within_a_minute() {
        let (tickets, now) = (Tickets::default(), Length::ZERO);
        let [first, second] = [(); 2].map(|()| tickets.give(ada(), now).unwrap());
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
        assert_eq!(tickets.take(&first, now), Some(ada()));
        assert_eq!(tickets.take(&first, now), None, "once");
        assert_eq!(tickets.take(&second, Length::seconds(TICKET_SECONDS)), None, "for a minute");
        assert_eq!(tickets.take("", now), None);
    }

    #[test]
    fn tickets_that_nobody_used_make_room_once_they_are_over() {
        let (tickets, now) = (Tickets::default(), Length::ZERO);
        for _ in 0..TICKETS_MAX {
            tickets.give(ada(), now).unwrap();
        }
        assert_eq!(tickets.give(ada(), now), None);
        assert!(tickets.give(ada(), Length::seconds(TICKET_SECONDS)).is_some());
    }
}
