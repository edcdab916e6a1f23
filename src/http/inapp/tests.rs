//! The routes as a page meets them, over a ledger in memory and a clock that stands where the test puts it.

use super::*;
use crate::ingest::identity::{IdentityKey, IdentityKeyKind};
use crate::ledger::MessageKey;
use crate::ledger::contract;
use crate::ledger::sqlite::SqliteLedger;
use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use futures_lite::StreamExt;
use outreach_engine::effect::{Channel, Decision};
use outreach_engine::event::{OutcomeKind, Subject};
use outreach_engine::{Length, Timestamp};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use tower::ServiceExt;

const SECRET: &[u8] = b"an identity secret of the tests, long enough";

struct World {
    ledger: Arc<SqliteLedger>,
    /// In seconds.
    now: Arc<AtomicI64>,
    stop: CancellationToken,
    router: Router,
    watching: tokio::task::JoinHandle<()>,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

fn at(second: i64) -> Timestamp {
    Timestamp(second * 1_000_000)
}

/// For `user`, good until second 1,000.
fn token(user: &str) -> String {
    let claims = json!({ "sub": user, "aud": "acme", "exp": 1_000 });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

impl World {
    /// It is second 500.
    fn new() -> World {
        let ledger = Arc::new(SqliteLedger::in_memory().unwrap());
        let now = Arc::new(AtomicI64::new(500));
        let told = now.clone();
        let clock: Clock = Arc::new(move || at(told.load(Ordering::Relaxed)));
        let key = IdentityKey { name: "app".into(), kind: IdentityKeyKind::Hs256(SECRET.into()) };
        let identity = Arc::new(Identity::new("acme", vec![key], clock.clone()).unwrap());
        let stop = CancellationToken::new();
        let told = now.clone();
        let steady: Steady = Arc::new(move || Length::seconds(told.load(Ordering::Relaxed)));
        let inapp = Inapp::new(ledger.clone(), identity, clock, stop.clone());
        let inapp = Arc::new(Inapp { steady, ..inapp });
        let watching = tokio::spawn(watch(inapp.clone()));
        World { ledger, now, stop, router: router(inapp), watching }
    }

    /// Keeps message `number` for ada at `second`, for a hundred seconds.
    fn keep(&self, number: u32, second: i64) -> MessageKey {
        let decision = Decision {
            subject: Subject::user("ada").to_owned(),
            channel: Channel::InProduct,
            address: None,
            expires_at: at(second + 100),
            ..contract::decision(number)
        };
        let key = MessageKey { judged_at: decision.judged_at, id: decision.id };
        let title = json!({ "title": number.to_string(), "kind": "card", "body_html": "<p>x</p>" });
        let kept = self.ledger.transaction(|transaction| {
            transaction.insert_decisions(0, &[decision])?;
            transaction.set_leaving(key, at(second))?;
            transaction.set_ended(key, OutcomeKind::Sent, at(second), None, Some(&title.to_string()))
        });
        assert!(kept.unwrap());
        key
    }

    async fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
    }

    async fn ask(&self, method: &str, path: &str, token: &str, body: &str) -> Reply {
        let bearer = format!("Bearer {token}");
        let headers: &[_] = if token.is_empty() { &[] } else { &[("authorization", bearer.as_str())] };
        let response = self.raw(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Reply { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &token("ada"), "").await
    }

    async fn ticket(&self) -> String {
        let reply = self.ask("POST", "/v1/inapp/ticket", &token("ada"), "").await;
        assert_eq!((reply.status.as_u16(), &reply.body["expires_in"]), (200, &json!(60)));
        reply.body["ticket"].as_str().unwrap().to_owned()
    }

    async fn stream(&self, heard: &str) -> Events {
        let path = format!("/v1/inapp/stream?ticket={}", self.ticket().await);
        let response = self.raw("GET", &path, &[("last-event-id", heard)], "").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { stream: response.into_body().into_data_stream(), rest: String::new() }
    }
}

/// A stream as it comes.
struct Events {
    stream: BodyDataStream,
    rest: String,
}

impl Events {
    /// The next event: its name, its id and its data; nothing at the end.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        while !self.rest.contains("\n\n") {
            let bytes = self.stream.next().await?.unwrap();
            self.rest.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        let (event, rest) = self.rest.split_once("\n\n").unwrap();
        let field = |name: &str| {
            let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default().to_owned()
        };
        let found = (field("event"), field("id"), serde_json::from_str(&field("data")).unwrap());
        self.rest = rest.to_owned();
        Some(found)
    }

    async fn named(&mut self, name: &str) -> (String, Value) {
        let (found, id, data) = self.next().await.expect("the stream goes on");
        assert_eq!(found, name, "{data}");
        (id, data)
    }
}

fn titles(reply: &Reply) -> Vec<String> {
    let messages = reply.body["messages"].as_array().unwrap();
    messages.iter().map(|message| message["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_lead_through_all_messages_newest_first() {
    let world = World::new();
    for number in 1..=5 {
        world.keep(number, 410 + i64::from(number));
    }
    let mut reply = world.get("/v1/inapp/messages?limit=2").await;
    assert_eq!(reply.body["counts"], json!({ "total": 5, "unseen": 5 }));
    assert_eq!(reply.headers["cache-control"], "no-store");
    let mut pages = vec![titles(&reply)];
    while let Some(next) = reply.body["next"].as_str().map(str::to_owned) {
        reply = world.get(&format!("/v1/inapp/messages?limit=2&cursor={next}")).await;
        pages.push(titles(&reply));
    }
    assert_eq!(pages, [vec!["5", "4"], vec!["3", "2"], vec!["1"]]);
    world.now.store(513, Ordering::Relaxed);
    assert_eq!(titles(&world.get("/v1/inapp/messages").await), ["5", "4"], "the others are over");
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("limit=1&limit=2", "query"),
    ] {
        let reply = world.get(&format!("/v1/inapp/messages?{query}")).await;
        assert_eq!((reply.status.as_u16(), &reply.body["code"]), (400, &json!("bad-parameter")), "{query}");
        assert!(reply.body["message"].as_str().unwrap().contains(name));
    }
}

#[tokio::test]
async fn whoever_names_nobody_gets_a_code_and_no_message() {
    let world = World::new();
    let id = world.keep(1, 450).id;
    let seen = format!("/v1/inapp/messages/{id}/seen");
    for (method, path) in [
        ("GET", "/v1/inapp/messages"),
        ("POST", "/v1/inapp/ticket"),
        ("GET", "/v1/inapp/stream"),
        ("POST", seen.as_str()),
    ] {
        for (token, code) in [("", "no-token"), ("x.y.z", "bad-token")] {
            let reply = world.ask(method, path, token, "").await;
            assert_eq!((reply.status.as_u16(), &reply.body["code"]), (401, &json!(code)), "{method} {path}");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
            assert!(reply.body.get("messages").is_none());
        }
    }
    world.now.store(1_020, Ordering::Relaxed);
    let reply = world.get("/v1/inapp/messages").await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (401, &json!("expired-token")));
}

#[tokio::test]
async fn reactions_are_of_ones_own_messages_and_come_by_header_or_beacon() {
    let world = World::new();
    let id = world.keep(1, 450).id;
    let path = |what: &str| format!("/v1/inapp/messages/{id}/{what}");
    let status = async |path: &str, token: &str, body: &str| {
        world.ask("POST", path, token, body).await.status.as_u16()
    };
    assert_eq!(status(&path("seen"), &token("bob"), "").await, 404, "another's");
    assert_eq!(status(&path("eaten"), &token("ada"), "").await, 404);
    assert_eq!(status("/v1/inapp/messages/x/seen", &token("ada"), "").await, 404);
    assert_eq!(status(&path("seen"), "", &token("ada")).await, 204, "a bare token in the body");
    let beacon = json!({ "token": token("ada") }).to_string();
    assert_eq!(status(&path("clicked"), "", &beacon).await, 204);
    assert_eq!(status(&path("clicked"), "", &beacon).await, 204, "again");
    assert_eq!(status(&path("seen"), "", "{\"token\":3}").await, 401);
    assert_eq!(status(&path("seen"), "", &"x".repeat(20_000)).await, 413);
    let message = world.get("/v1/inapp/messages").await.body["messages"][0].clone();
    assert!(message["seen_at"].is_string() && message["clicked_at"].is_string(), "{message}");
    assert_eq!(
        world.ledger.transaction(|transaction| transaction.outbox(9)).unwrap().len(),
        3,
        "sent, seen, clicked"
    );
}

#[tokio::test]
async fn a_stream_tells_what_comes_changes_and_goes_and_is_resumed_where_it_was_heard() {
    let world = World::new();
    let first = world.keep(1, 450);
    let mut events = world.stream("").await;
    let (_, ready) = events.named("ready").await;
    assert_eq!(ready["counts"], json!({ "total": 1, "unseen": 1 }), "what was there before is no news");
    world.keep(2, 460);
    let (heard, new) = events.named("message").await;
    assert_eq!((&new["message"]["title"], &new["counts"]["unseen"]), (&json!("2"), &json!(2)));
    let dismissed = format!("/v1/inapp/messages/{}/dismissed", first.id);
    assert_eq!(world.ask("POST", &dismissed, &token("ada"), "").await.status, 204);
    let gone =
        json!({ "id": first.id.to_string(), "reason": "dismissed", "counts": { "total": 1, "unseen": 1 } });
    assert_eq!(events.named("removed").await.1, gone);
    drop(events);

    // What was missed comes after, and what expired meanwhile goes.
    world.keep(3, 490);
    world.now.store(565, Ordering::Relaxed);
    let mut events = world.stream(&heard).await;
    assert_eq!(events.named("removed").await.1["reason"], "dismissed");
    let (_, new) = events.named("message").await;
    assert_eq!(new["message"]["title"], "3");
    let (heard, gone) = events.named("removed").await;
    assert_eq!((&gone["reason"], &gone["counts"]["total"]), (&json!("expired"), &json!(1)));
    drop(events);
    world.keep(4, 495);
    let mut events = world.stream(&heard).await;
    assert_eq!(events.named("message").await.1["message"]["title"], "4", "and nothing twice");

    world.stop.cancel();
    assert_eq!(events.next().await, None, "a stop ends the streams");
    world.watching.await.unwrap();
}

#[tokio::test]
async fn a_list_says_from_where_a_stream_goes_on() {
    let world = World::new();
    world.keep(1, 450);
    let position = world.get("/v1/inapp/messages").await.body["position"].as_str().unwrap().to_owned();
    world.keep(2, 460);
    let path = format!("/v1/inapp/stream?position={position}");
    let bearer = format!("Bearer {}", token("ada"));
    // Who can set headers needs no ticket.
    let response = world.raw("GET", &path, &[("authorization", &bearer)], "").await;
    let mut events = Events { stream: response.into_body().into_data_stream(), rest: String::new() };
    assert_eq!(events.named("message").await.1["message"]["title"], "2");
    let reply = world.get("/v1/inapp/stream?position=x").await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (400, &json!("bad-parameter")));
}

#[tokio::test]
async fn a_ticket_opens_one_stream_and_a_stream_ends_with_its_token() {
    let world = World::new();
    let path = format!("/v1/inapp/stream?ticket={}", world.ticket().await);
    world.now.store(1_001, Ordering::Relaxed);
    let late = world.ask("GET", &path, "", "").await;
    assert_eq!((late.status.as_u16(), &late.body["code"]), (401, &json!("no-ticket")), "after a minute");
    world.now.store(1_000, Ordering::Relaxed);
    let path = format!("/v1/inapp/stream?ticket={}", world.ticket().await);
    let response = world.raw("GET", &path, &[], "").await;
    let mut events = Events { stream: response.into_body().into_data_stream(), rest: String::new() };
    events.named("ready").await;
    assert_eq!(events.next().await, None, "the token is over");
    assert_eq!(world.ask("GET", &path, "", "").await.body["code"], "no-ticket", "once");
}

#[tokio::test]
async fn one_person_can_hold_so_many_streams_and_ask_so_often() {
    let world = World::new();
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(world.stream("").await);
    }
    let path = format!("/v1/inapp/stream?ticket={}", world.ticket().await);
    let reply = world.ask("GET", &path, "", "").await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (429, &json!("too-many-streams")));
    let mut last = reply;
    for _ in 0..=REQUESTS_BURST.get() {
        last = world.get("/v1/inapp/messages").await;
    }
    assert_eq!((last.status.as_u16(), &last.body["code"]), (429, &json!("too-many-requests")));
    assert!(last.headers.contains_key("retry-after"));
    assert_eq!(
        world.ask("GET", "/v1/inapp/messages", &token("bob"), "").await.status,
        200,
        "others are not held"
    );
}

#[tokio::test]
async fn a_page_of_any_origin_may_ask_and_read_what_it_is_told() {
    let world = World::new();
    let origin = ("origin", "https://app.acme.example");
    let headers = [
        origin,
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization,last-event-id"),
    ];
    let preflight = world.raw("OPTIONS", "/v1/inapp/messages", &headers, "").await;
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert!(preflight.headers()["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
    let refused = world.raw("GET", "/v1/inapp/messages", &[origin], "").await;
    assert_eq!(
        (refused.status(), &refused.headers()["access-control-allow-origin"]),
        (StatusCode::UNAUTHORIZED, &"*".parse().unwrap())
    );
    assert!(!refused.headers().contains_key("access-control-allow-credentials"), "no cookie is ever read");
}

#[tokio::test]
async fn the_component_is_one_small_file_that_is_asked_for_once() {
    use std::io::Read;
    let world = World::new();
    let path = "/v1/inapp/outreach-inbox.js";
    let first = world.raw("GET", path, &[], "").await;
    assert_eq!(first.headers()["content-type"], "text/javascript; charset=utf-8");
    assert!(first.headers()["cache-control"].to_str().unwrap().starts_with("public, max-age="));
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = world.raw("GET", path, &[("if-none-match", &format!("\"x\", W/{tag}"))], "").await;
    assert_eq!(again.status(), 304);
    assert_eq!(world.raw("GET", path, &[("if-none-match", "\"x\"")], "").await.status(), 200);
    let zipped = world.raw("GET", path, &[("accept-encoding", "gzip, br")], "").await;
    assert_eq!(
        (&zipped.headers()["content-encoding"], &zipped.headers()["vary"]),
        (&"gzip".parse().unwrap(), &"accept-encoding".parse().unwrap())
    );
    let bytes = axum::body::to_bytes(zipped.into_body(), usize::MAX).await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, component::COMPONENT);
}
