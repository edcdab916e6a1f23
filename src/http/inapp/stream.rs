//! `GET /v1/inapp/stream?ticket=…`: what changes in one person's inbox, as server-sent events.
//!
//! `message`: a message that is new or has changed. `removed`: one that is shown no more, with the reason. `ready`: the
//! stream stands. Each carries the counts, and as its id how far the stream was heard: a client that gives it back
//! (`Last-Event-ID`, or `position` in the address, as the list gives it) misses nothing. A stream ends with its token.

use super::answer::Refused;
use super::place::Heard;
use super::streams::Seat;
use super::{Inapp, LAST_EVENT_ID, view};
use crate::ingest::identity::Identified;
use crate::ledger::{InboxCounts, InboxEntry, Ledger, LedgerError, Transaction};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use outreach_engine::Timestamp;
use outreach_engine::effect::DecisionId;
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

#[derive(Deserialize)]
pub(super) struct Asked {
    ticket: Option<String>,
    position: Option<String>,
}

/// Proxies close what is silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(3);
/// Events that wait for a slow client; then the stream waits.
const EVENTS_WAITING_MAX: usize = 16;
const CHANGES_MAX: u32 = 100;
/// Clocks may be set: what is due later is looked at again by then.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Nginx would hold events back to fill its buffer.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) async fn stream<D: Ledger + 'static>(
    State(inapp): State<Arc<Inapp<D>>>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let Query(asked) = asked?;
    let identified = match asked.ticket.as_deref() {
        Some(ticket) => inapp.tickets.take(ticket, (inapp.steady)()).ok_or(Refused::NoTicket)?,
        // Whoever can set headers needs no ticket.
        None => inapp.caller(&headers, None)?,
    };
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).or(asked.position.as_deref());
    let heard = match last.filter(|last| !last.is_empty()) {
        None => None,
        Some(last) => Some(Heard::parse(last).ok_or(Refused::BadParameter {
            name: "position",
            expected: "the `position` of a list or the id of an event",
        })?),
    };
    let seat = inapp.streams.open(&identified.subject.to_string()).ok_or(Refused::TooManyStreams)?;
    let (sender, receiver) = mpsc::channel(EVENTS_WAITING_MAX);
    let stop = inapp.stop.clone();
    tokio::spawn(async move {
        let follower = Follower { subject: identified.subject.to_string(), identified, inapp, sender };
        // Without an answer the client comes again.
        stop.run_until_cancelled(follower.follow(heard, seat)).await;
    });
    let events = ReceiverStream::new(receiver).map(Ok::<_, Infallible>);
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    Ok(([(header::CACHE_CONTROL, "no-store"), (X_ACCEL_BUFFERING, "no")], sse).into_response())
}

struct Follower<D> {
    inapp: Arc<Inapp<D>>,
    subject: String,
    identified: Identified,
    sender: mpsc::Sender<Event>,
}

/// What a look into the ledger gave.
struct News {
    changed: Vec<InboxEntry>,
    expired: Vec<DecisionId>,
    counts: InboxCounts,
    next_expiry: Option<Timestamp>,
    now: Timestamp,
    heard: Heard,
    /// There is more to be read at once.
    has_more: bool,
}

/// The client is gone, or the ledger is: the stream ends.
struct Over;

impl<D: Ledger + 'static> Follower<D> {
    async fn follow(self, heard: Option<Heard>, mut seat: Seat) {
        let mut heard = heard;
        loop {
            let Ok(news) = self.look(heard).await else { return };
            if self.tell(&news, heard.is_none()).await.is_err() {
                return;
            }
            heard = Some(news.heard);
            if news.has_more {
                continue;
            }
            let now = (self.inapp.clock)();
            if now >= self.identified.expires_at {
                return;
            }
            let next = news.next_expiry.unwrap_or(self.identified.expires_at).min(self.identified.expires_at);
            let micros = u64::try_from(next.0.saturating_sub(now.0)).unwrap_or_default();
            tokio::select! {
                () = seat.changed() => {}
                () = tokio::time::sleep(Duration::from_micros(micros).min(LOOK_AGAIN)) => {}
                () = self.sender.closed() => return,
            }
        }
    }

    async fn look(&self, heard: Option<Heard>) -> Result<News, Refused> {
        let (subject, now) = (self.subject.clone(), (self.inapp.clock)());
        self.inapp.ask(move |transaction| News::read(transaction, &subject, heard, now)).await
    }

    async fn tell(&self, news: &News, is_first: bool) -> Result<(), Over> {
        if is_first {
            self.send("ready", json!({}), news.counts, news.heard).await?;
        }
        for entry in &news.changed {
            let heard = Heard { change: entry.change, ..news.heard };
            if entry.is_shown(news.now) {
                self.send("message", json!({ "message": view::message(entry) }), news.counts, heard).await?;
            } else {
                let removed = json!({ "id": entry.key.id.to_string(), "reason": why_gone(entry) });
                self.send("removed", removed, news.counts, heard).await?;
            }
        }
        for id in &news.expired {
            let removed = json!({ "id": id.to_string(), "reason": "expired" });
            self.send("removed", removed, news.counts, news.heard).await?;
        }
        Ok(())
    }

    async fn send(&self, name: &str, mut data: Value, counts: InboxCounts, heard: Heard) -> Result<(), Over> {
        data["counts"] = view::counts(counts);
        let event = Event::default().event(name).id(heard.to_string()).retry(RETRY).data(data.to_string());
        self.sender.send(event).await.map_err(|_| Over)
    }
}

impl News {
    fn read(
        transaction: &mut dyn Transaction,
        subject: &str,
        heard: Option<Heard>,
        now: Timestamp,
    ) -> Result<News, LedgerError> {
        // Whoever has heard nothing begins now.
        let heard = match heard {
            Some(heard) => heard,
            None => Heard { change: transaction.inbox_last_change()?, until: now },
        };
        let changed = transaction.inbox_changes(subject, heard.change, CHANGES_MAX)?;
        let has_more = changed.len() == CHANGES_MAX as usize;
        // Ids of events go up: what expired is told with the last of the changes.
        let until = if has_more { heard.until } else { now.max(heard.until) };
        let expired = transaction.inbox_expired(subject, heard.until, until)?;
        let change = changed.last().map_or(heard.change, |entry| entry.change);
        Ok(News {
            changed,
            expired,
            counts: transaction.inbox_counts(subject, now)?,
            next_expiry: transaction.inbox_next_expiry(subject, now)?,
            now,
            heard: Heard { change, until },
            has_more,
        })
    }
}

fn why_gone(entry: &InboxEntry) -> &'static str {
    match (entry.dismissed_at, entry.cancelled_at) {
        (Some(_), _) => "dismissed",
        (None, Some(_)) => "cancelled",
        (None, None) => "expired",
    }
}
