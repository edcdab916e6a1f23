//! What the live page goes on with: server-sent events, resumed by `Last-Event-ID`.
//!
//! `came` and `fell` carry a row, `pulse` the health strip, `now` the clock that ages are told by, `more` says that more
//! came in than is shown, and `stale` that the page should be loaded anew. A comment goes out now and then, so that
//! nobody takes silence for an end.

use super::Desk;
use super::feed::{Kind, News};
use super::pulse;
use crate::ledger::Ledger;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// Where a page stands that has just been loaded.
#[derive(Deserialize)]
pub(super) struct From {
    #[serde(default)]
    after: String,
}

/// Streams at a time. Each costs a look at log and ledger every [`LOOK_EVERY`], which they share.
pub(super) const STREAMS_MAX: usize = 32;
const LOOK_EVERY: Duration = Duration::from_millis(400);
const PULSE_EVERY: Duration = Duration::from_secs(2);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// Before a browser tries again.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Events on their way to one client: who reads slowly is waited for.
const ON_THEIR_WAY_MAX: usize = 64;
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that keep answers until they are whole are told not to.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) async fn follow<D: Ledger + 'static>(
    State(desk): State<Arc<Desk<D>>>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Response {
    let Ok(permit) = desk.streams.clone().try_acquire_owned() else {
        let words = "so many watch already that no more may: close a page of them\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], words).into_response();
    };
    let resumed = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let place = resumed.unwrap_or(from.after);
    let (sender, receiver) = mpsc::channel(ON_THEIR_WAY_MAX);
    let stop = desk.stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = sender.closed() => {}
            // Ends when the client is to begin anew.
            Some(()) = watch(desk, place, &sender) => {}
        }
        drop(permit);
    });
    let events = ReceiverStream::new(receiver).map(Ok::<Event, Infallible>);
    let keep_alive = KeepAlive::new().interval(HEARTBEAT_EVERY);
    ([(BUFFERING, "no")], Sse::new(events).keep_alive(keep_alive)).into_response()
}

/// Sends what is new until the client is gone (nothing), or has to begin anew.
async fn watch<D: Ledger + 'static>(
    desk: Arc<Desk<D>>,
    mut place: String,
    sender: &mpsc::Sender<Event>,
) -> Option<()> {
    sender.send(Event::default().retry(RETRY_AFTER).comment("outreach")).await.ok()?;
    let mut felt: Option<(Instant, String)> = None;
    loop {
        let (looking, from) = (desk.clone(), place.clone());
        let looked = tokio::task::spawn_blocking(move || looking.feed.since(&from)).await;
        match looked.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(News::Stale) => {
                sender.send(Event::default().event("stale").data("")).await.ok()?;
                return Some(());
            }
            Ok(News::Rows { rows, is_cut }) => {
                for row in rows {
                    place = desk.feed.place(row.number);
                    let kind = match row.kind {
                        Kind::Came => "came",
                        Kind::Fell => "fell",
                    };
                    sender.send(Event::default().event(kind).id(&place).data(&row.html)).await.ok()?;
                }
                if is_cut {
                    sender.send(Event::default().event("more").data("")).await.ok()?;
                }
            }
            // The strip says what is wrong; it passes, or the next look fails as well.
            Err(error) => tracing::warn!(error, "a live page sees nothing new"),
        }
        if felt.as_ref().is_none_or(|(at, _)| at.elapsed() >= PULSE_EVERY) {
            let now = (desk.clock)().to_string();
            sender.send(Event::default().event("now").data(now)).await.ok()?;
            let feeler = desk.feeler.clone();
            let pulse = tokio::task::spawn_blocking(move || feeler.feel()).await.ok()?;
            let strip = pulse::strip(&pulse, None).into_string();
            if felt.as_ref().is_none_or(|(_, last)| *last != strip) {
                sender.send(Event::default().event("pulse").data(&strip)).await.ok()?;
            }
            felt = Some((Instant::now(), strip));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
