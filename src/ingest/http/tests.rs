//! The door as a client sees it.

mod libraries;

use super::*;
use crate::ingest::fake::{FakeLetters, FakeLog};
use crate::ingest::identity::{IdentityKey, IdentityKeyKind};
use crate::ingest::keys::WriteKey;
use crate::log::embedded::EmbeddedLog;
use crate::log::frame::Frame;
use axum::body::Body;
use axum::http::{Request, request};
use outreach_engine::event::{Body as Record, Event, Subject};
use std::future::Future;
use std::io::Write;
use std::num::NonZeroU32;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tower::ServiceExt;

struct World {
    log: Arc<FakeLog>,
    letters: Arc<FakeLetters>,
    router: Router,
}

const NOON: &str = "2026-03-02T12:00:00Z";
const TRACK: &str = r#"{"type":"track","event":"E","userId":"ada","messageId":"m"}"#;

const IDENTITY_SECRET: &[u8] = b"an identity secret of the tests, long enough";

fn identity() -> Arc<Identity> {
    let key = IdentityKey { name: "app".into(), kind: IdentityKeyKind::Hs256(IDENTITY_SECRET.into()) };
    let clock: Clock = Arc::new(|| Timestamp::parse(NOON).unwrap());
    Arc::new(Identity::new("acme", vec![key], clock).unwrap())
}

/// A token for `user`, good until a minute after noon.
fn token(user: &str) -> String {
    let exp = Timestamp::parse(NOON).unwrap().0 / 1_000_000 + 60;
    let claims = serde_json::json!({ "sub": user, "aud": "acme", "exp": exp });
    let key = jsonwebtoken::EncodingKey::from_secret(IDENTITY_SECRET);
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

impl World {
    fn new() -> World {
        let letters = Arc::new(FakeLetters::default());
        World { letters: letters.clone(), ..World::with(letters) }
    }

    fn with(letters: Arc<dyn DeadLetters>) -> World {
        let log = FakeLog::new(4);
        let key = |name: &str, kind, rate, bytes| WriteKey {
            name: name.into(),
            kind,
            secret: format!("{name}-key"),
            events_per_second_max: NonZeroU32::new(rate).unwrap(),
            bytes_per_second_max: NonZeroU32::new(bytes).unwrap(),
        };
        let keys = Keys::new([
            key("server", KeyKind::Server, 100_000, u32::MAX),
            key("browser", KeyKind::Browser, 100_000, u32::MAX),
            key("slow", KeyKind::Server, 1, u32::MAX),
            key("thin", KeyKind::Server, 100_000, 1_000),
        ]);
        let now = Timestamp::parse(NOON).unwrap();
        let router = router(Arc::new(HttpDoor {
            identity: identity(),
            keys,
            log: log.clone(),
            letters,
            clock: Arc::new(move || now),
            public_url: "http://127.0.0.1:8080/".into(),
            unnamed: AtomicU64::new(0),
            takes: Arc::new(|_| true),
        }));
        World { log, letters: Arc::default(), router }
    }

    async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Posts `body` with the key of `name` as bearer; the status.
    async fn post(&self, path: &str, name: &str, body: impl Into<Body>) -> u16 {
        let request = posting(path).header("authorization", format!("Bearer {name}-key"));
        self.send(request.body(body.into()).unwrap()).await.status().as_u16()
    }

    fn events<T>(&self, look: impl Fn(&Event<'_>) -> T) -> Vec<T> {
        let mut found = Vec::new();
        self.log.each(|partition, body| {
            let Record::Event(event) = body else { panic!("a door writes events only") };
            assert_eq!(partition, event.subject.partition(4));
            found.push(look(&event));
        });
        found
    }

    fn codes(&self) -> Vec<String> {
        self.letters.kept().into_iter().map(|letter| letter.code).collect()
    }
}

fn posting(path: &str) -> request::Builder {
    Request::builder().method("POST").uri(path)
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn batch(members: &[&str]) -> String {
    format!(r#"{{"batch":[{}]}}"#, members.join(","))
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn every_path_takes_its_call() {
    for (name, call) in PATHS {
        for slash in ["", "/"] {
            let world = World::new();
            let event = r#"{"event":"E","userId":"a","groupId":"g","previousId":"p"}"#;
            let (body, kind) = match call {
                Call::One(kind) => (event.to_owned(), kind),
                Call::Batch | Call::PostHog => (batch(&[TRACK]), EventKind::Track),
            };
            assert_eq!(world.post(&format!("/v1/{name}{slash}"), "server", body).await, 200, "{name}");
            assert_eq!(world.events(|event| event.kind), [kind], "{name}");
        }
    }
}

#[tokio::test]
async fn a_key_may_come_as_basic_auth_user_bearer_or_in_the_body() {
    let world = World::new();
    let in_body = r#"{"event":"E","userId":"a","writeKey":"server-key"}"#;
    let in_batch = format!(r#"{{"writeKey":"server-key","batch":[{TRACK}]}}"#);
    let requests = [
        posting("/v1/track").header("authorization", "Basic c2VydmVyLWtleTo=").body(Body::from(TRACK)),
        posting("/v1/track").header("authorization", "Bearer server-key").body(Body::from(TRACK)),
        posting("/v1/track").header("authorization", "Bearer oauth-token").body(Body::from(in_body)),
        posting("/v1/track").header("content-type", "text/plain").body(Body::from(in_body)),
        posting("/v1/batch").body(Body::from(in_batch)),
    ];
    for request in requests {
        let response = world.send(request.unwrap()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(text(response).await, r#"{"success":true}"#);
    }
    for request in [
        posting("/v1/track").header("authorization", "Bearer nobody").body(Body::from(TRACK)),
        posting("/v1/track").body(Body::from(TRACK)),
        posting("/v1/batch").body(Body::from(batch(&[TRACK]))),
    ] {
        assert_eq!(world.send(request.unwrap()).await.status(), 401);
    }
    assert_eq!(world.log.bodies_count(), 5);
}

#[tokio::test]
async fn what_is_no_json_object_is_told_and_nothing_of_it_kept() {
    let world = World::new();
    for body in ["", "x", "[]", "null", "{", r#"{"event":"E""#, r#"{"event":"E"} x"#, "{\"event\":tru}"] {
        assert_eq!(world.post("/v1/track", "server", body).await, 400, "{body}");
    }
    let good_and = |other: &str| format!(r#"{{"batch":[{TRACK}{other}"#);
    for body in [
        "[]",
        "{}",
        r#"{"batch":{}}"#,
        r#"{"batch":null}"#,
        r#"{"batch":[],"batch":[]}"#,
        r#"{"batch":[],"x":tru}"#,
        &good_and(""),
        &good_and("]"),
        &good_and(",]}"),
        &good_and(",{\"x\":}]}"),
        &good_and(",tru]}"),
        &good_and(&format!(",{{\"x\":\"{}\",}}]}}", "y".repeat(40_000))),
    ] {
        assert_eq!(world.post("/v1/batch", "server", body.to_owned()).await, 400, "{body}");
    }
    assert_eq!(world.post("/v1/batch", "server", b"{\"batch\":[{\"x\":\"\xff\"}]}".to_vec()).await, 400);
    assert_eq!((world.log.bodies_count(), world.letters.kept().len()), (0, 0));
}

#[tokio::test]
async fn a_bad_event_is_a_dead_letter_and_the_others_of_its_batch_are_kept() {
    let world = World::new();
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(60_000), "]".repeat(20_000));
    let deep_and_small = format!(r#"{{"x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let large = format!(
        r#"{{"type":"track","userId":"a","event":"E","properties":{{"x":"{}"}}}}"#,
        "y".repeat(33_000)
    );
    let members = [
        TRACK,
        r#"{"type":"track","event":"E"}"#,
        r#"{"type":"track","event":"E","userId":"a","timestamp":"yesterday"}"#,
        r#"{"type":"track","event":"E","userId":"a","userId":"a"}"#,
        r#"{"type":"track","event":"cut \ud83d","userId":"a"}"#,
        "7",
        &deep_and_small,
        &large,
        TRACK,
    ];
    assert_eq!(world.post("/v1/batch", "server", batch(&members)).await, 200);
    assert_eq!(world.log.bodies_count(), 2);
    assert_eq!(
        world.codes(),
        ["no-id", "bad-time", "duplicate-key", "lone-surrogate", "wrong-type", "too-deep", "too-large"]
    );
    let letter = &world.letters.kept()[0];
    assert_eq!((letter.source.as_str(), &letter.origin), ("http:server", &None));
    assert_eq!(letter.payload, members[1].as_bytes());
    assert_eq!(world.post("/v1/track", "server", large).await, 200, "alone it is a letter too");
    assert_eq!(world.post("/v1/batch", "server", batch(&[&deep])).await, 400, "it has no end");
    let deepest = format!("{}{}", "[".repeat(240_000), "]".repeat(240_000));
    assert_eq!(world.post("/v1/batch", "server", batch(&[&deepest])).await, 200, "no stack overflows");
}

#[tokio::test]
async fn a_body_is_unzipped_up_to_its_limit() {
    let world = World::new();
    let zipped = |body: Vec<u8>| {
        let request = posting("/v1/batch").header("authorization", "Bearer server-key");
        request.header("content-encoding", "gzip").body(Body::from(body)).unwrap()
    };
    assert_eq!(world.send(zipped(gzip(batch(&[TRACK]).as_bytes()))).await.status(), 200);
    let bomb = gzip(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < BODY_BYTES_MAX);
    assert_eq!(world.send(zipped(bomb)).await.status(), 413);
    assert_eq!(world.send(zipped(b"no gzip".to_vec())).await.status(), 400);
    let mut cut = gzip(batch(&[TRACK]).as_bytes());
    cut.truncate(cut.len() - 9);
    assert_eq!(world.send(zipped(cut)).await.status(), 400);
    assert_eq!(world.log.bodies_count(), 1);
}

#[tokio::test]
async fn a_body_over_500_kilobytes_or_2500_events_is_too_large() {
    let world = World::new();
    let padded = |size: usize| format!("{}{}", batch(&[TRACK]), " ".repeat(size - batch(&[TRACK]).len()));
    assert_eq!(world.post("/v1/batch", "server", padded(BODY_BYTES_MAX)).await, 200);
    assert_eq!(world.post("/v1/batch", "server", padded(BODY_BYTES_MAX + 1)).await, 413);
    assert_eq!(world.post("/v1/batch", "server", batch(&vec![TRACK; BATCH_EVENTS_MAX])).await, 200);
    assert_eq!(world.post("/v1/batch", "server", batch(&vec![TRACK; BATCH_EVENTS_MAX + 1])).await, 413);
}

#[tokio::test]
async fn a_key_over_its_rate_is_told_when_to_come_back() {
    let world = World::new();
    let full = batch(&vec![TRACK; BATCH_EVENTS_MAX]);
    assert_eq!(world.post("/v1/batch", "slow", full.clone()).await, 200);
    let request = posting("/v1/batch").header("authorization", "Bearer slow-key").body(Body::from(full));
    let response = world.send(request.unwrap()).await;
    assert_eq!(response.status(), 429);
    let seconds: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((2_400..=2_500).contains(&seconds), "{seconds}: at one event a second");
    assert_eq!(world.post("/v1/track", "server", TRACK).await, 200, "another key has its own rate");
}

#[tokio::test]
async fn a_key_over_its_bytes_is_told_when_to_come_back() {
    let world = World::new();
    let large = format!("{}{TRACK}", " ".repeat(400_000));
    // What is zipped counts as what it becomes.
    let zipped = || {
        let request = posting("/v1/batch").header("authorization", "Bearer thin-key");
        let body = gzip(batch(&[&large]).as_bytes());
        request.header("content-encoding", "gzip").body(Body::from(body)).unwrap()
    };
    assert_eq!(world.send(zipped()).await.status(), 200);
    let response = world.send(zipped()).await;
    assert_eq!(response.status(), 429);
    let seconds: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((280..=290).contains(&seconds), "{seconds}: at 1,000 bytes a second, 512,000 at once");
    assert_eq!((world.log.bodies_count(), world.post("/v1/track", "server", TRACK).await), (1, 200));
}

#[tokio::test]
async fn a_letter_of_a_request_that_is_sent_again_after_503_is_one() {
    let ledger = Arc::new(crate::ledger::sqlite::SqliteLedger::in_memory().unwrap());
    let world = World::with(ledger.clone());
    world.log.set_down(true);
    let body = batch(&[TRACK, r#"{"type":"track","messageId":"nobody"}"#]);
    assert_eq!(world.post("/v1/batch", "server", body.clone()).await, 503, "its letter is kept already");
    world.log.set_down(false);
    assert_eq!(world.post("/v1/batch", "server", body).await, 200);
    let letters = crate::ledger::Ledger::transaction(&*ledger, |t| t.dead_letters(0, 9)).unwrap();
    assert_eq!(letters.iter().map(|letter| letter.count).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn what_cannot_be_durable_is_503_with_a_time_to_come_back() {
    let world = World::new();
    world.log.set_down(true);
    let request = posting("/v1/track").header("authorization", "Bearer server-key").body(Body::from(TRACK));
    let response = world.send(request.unwrap()).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    world.log.set_down(false);
    world.letters.set_down(true);
    assert_eq!(
        world.post("/v1/batch", "server", batch(&[TRACK, "{}"])).await,
        503,
        "the ledger keeps no letters"
    );
    assert_eq!(world.log.bodies_count(), 0, "the client will send both again");
    assert_eq!(world.post("/v1/batch", "server", batch(&[TRACK])).await, 200, "no letters, no ledger");
}

#[tokio::test]
async fn nobody_hears_200_before_the_append_is_durable() {
    let world = World::new();
    world.log.hold();
    let mut answer = pin!(world.post("/v1/track", "server", TRACK));
    let mut context = Context::from_waker(Waker::noop());
    assert!(answer.as_mut().poll(&mut context).is_pending());
    assert_eq!(world.log.waiting_count(), 1, "handed over, and waited for");
    assert_eq!(answer.as_mut().poll(&mut context), Poll::Pending);
    world.log.release();
    assert_eq!(answer.await, 200);
}

#[tokio::test]
async fn what_was_answered_200_stands_in_a_log_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let clock: Clock = Arc::new(|| Timestamp::parse(NOON).unwrap());
    let open = || EmbeddedLog::open(folder.path(), 4, clock.clone()).unwrap();
    let key = WriteKey {
        name: "server".into(),
        kind: KeyKind::Server,
        secret: "server-key".into(),
        events_per_second_max: NonZeroU32::MAX,
        bytes_per_second_max: NonZeroU32::MAX,
    };
    let log = Arc::new(open());
    let router = router(Arc::new(HttpDoor {
        identity: identity(),
        keys: Keys::new([key]),
        log: log.clone(),
        letters: Arc::new(FakeLetters::default()),
        clock: clock.clone(),
        public_url: "http://127.0.0.1:8080".into(),
        unnamed: AtomicU64::new(0),
        takes: Arc::new(|_| true),
    }));
    let request = posting("/v1/track").header("authorization", "Bearer server-key").body(Body::from(TRACK));
    assert_eq!(router.oneshot(request.unwrap()).await.unwrap().status(), 200);
    drop(log);
    let log = open();
    let partition = Subject::user("ada").partition(4);
    let entries = log.read(partition, 0, usize::MAX).unwrap();
    let frame = Frame::decode(&entries[0].frame).unwrap();
    let record = frame.records(0, entries[0].appended_at).next().unwrap().unwrap();
    assert_eq!(record.body.subject(), Some(Subject::user("ada")));
}

#[tokio::test]
async fn a_batch_says_when_it_was_sent_and_its_events_may_say_otherwise() {
    let world = World::new();
    let event = |more: &str| {
        format!(r#"{{"type":"track","event":"E","userId":"a","timestamp":"2026-03-02T12:50:00Z"{more}}}"#)
    };
    let body = format!(
        r#"{{"sentAt":"2026-03-02T13:00:00Z","batch":[{},{}]}}"#,
        event(""),
        event(r#","sentAt":"2026-03-02T12:51:00Z""#)
    );
    assert_eq!(world.post("/v1/batch", "server", body).await, 200);
    let at = |text| Timestamp::parse(text).unwrap();
    assert_eq!(
        world.events(|event| event.occurred_at),
        [at("2026-03-02T11:50:00Z"), at("2026-03-02T11:59:00Z")]
    );
    let unreadable = format!(r#"{{"sentAt":"soon","batch":[{TRACK}]}}"#);
    assert_eq!(world.post("/v1/batch", "server", unreadable).await, 200);
    assert_eq!(world.codes(), ["bad-time"]);
}

#[tokio::test]
async fn what_a_browser_key_brings_is_kept_unproven_and_links_nothing() {
    let world = World::new();
    let identify =
        r#"{"type":"identify","userId":"ada","anonymousId":"7f3","traits":{"email":"x@example.com"}}"#;
    for key in ["server", "browser"] {
        assert_eq!(world.post("/v1/batch", key, batch(&[TRACK, identify])).await, 200);
    }
    let look = |event: &Event<'_>| (event.is_proven, event.other_id.as_deref().map(str::to_owned));
    let other = Some("7f3".to_owned());
    assert_eq!(world.events(look), [(true, None), (true, other), (false, None), (false, None)]);
}

#[tokio::test]
async fn events_without_a_message_id_get_one_of_their_own() {
    let world = World::new();
    let member = r#"{"type":"page","anonymousId":"a"}"#;
    assert_eq!(world.post("/v1/batch", "server", batch(&[member, member])).await, 200);
    let ids = world.events(|event| event.message_id.to_string());
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn an_empty_batch_is_kept() {
    let world = World::new();
    assert_eq!(world.post("/v1/batch", "server", r#"{"batch":[]}"#).await, 200);
    assert_eq!(world.log.bodies_count(), 0);
}

#[tokio::test]
async fn a_browser_may_ask_before_it_sends() {
    let world = World::new();
    let preflight = Request::builder()
        .method("OPTIONS")
        .uri("/v1/t")
        .header("origin", "https://acme.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,x-retry-count");
    let response = world.send(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 200);
    let allowed = response.headers()["access-control-allow-headers"].to_str().unwrap().to_ascii_lowercase();
    for header in ["authorization", "content-type", "x-retry-count"] {
        assert!(allowed.contains(header), "{allowed}");
    }
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let plain = posting("/v1/t").header("origin", "https://acme.example").body(Body::from(TRACK)).unwrap();
    assert_eq!(
        world.send(plain).await.headers()["access-control-allow-origin"],
        "*",
        "a 401 can be read too"
    );
}

#[tokio::test]
async fn the_browser_library_is_told_where_to_send() {
    let world = World::new();
    let get = |key: &str| Request::get(format!("/v1/projects/{key}/settings")).body(Body::empty()).unwrap();
    let settings: serde_json::Value =
        serde_json::from_str(&text(world.send(get("browser-key")).await).await).unwrap();
    let destination = &settings["integrations"]["Segment.io"];
    assert_eq!(
        (&destination["apiKey"], &destination["apiHost"]),
        (&"browser-key".into(), &"127.0.0.1:8080/v1".into())
    );
    assert_eq!(destination["protocol"], "http");
    for key in ["server-key", "nobody"] {
        assert_eq!(world.send(get(key)).await.status(), 404, "a server key has no place in a page");
    }
}

#[tokio::test]
async fn a_token_proves_the_events_of_its_user_and_nobody_elses() {
    let world = World::new();
    let batch = r#"{"batch":[
        {"type":"track","event":"E","userId":"ada","messageId":"1"},
        {"type":"track","event":"E","userId":"bob","messageId":"2"},
        {"type":"track","event":"E","anonymousId":"ada","messageId":"3"},
        {"type":"identify","userId":"ada","anonymousId":"7f3","messageId":"4"}]}"#;
    let send = async |key: &str, token: &str| {
        let request = posting("/v1/batch").header("authorization", format!("Bearer {key}-key"));
        let request = request.header("x-outreach-identity", token).body(Body::from(batch)).unwrap();
        assert_eq!(world.send(request).await.status(), 200);
        let proven = world.events(|event| (event.message_id.to_string(), event.is_proven));
        proven.into_iter().rev().take(4).filter(|(_, is_proven)| *is_proven).count()
    };
    assert_eq!(send("browser", &token("ada")).await, 2);
    let proven = world.events(|event| event.is_proven.then(|| event.message_id.to_string()));
    let mut proven: Vec<String> = proven.into_iter().flatten().collect();
    proven.sort();
    assert_eq!(proven, ["1", "4"]);
    assert_eq!(world.events(|event| event.other_id.is_some()).iter().filter(|is| **is).count(), 1);
    for nobody in [token("eve"), "no.token.here".into(), String::new()] {
        let before = world.events(|event| event.is_proven).iter().filter(|is| **is).count();
        send("browser", &nobody).await;
        let after = world.events(|event| event.is_proven).iter().filter(|is| **is).count();
        assert_eq!(before, after, "{nobody}");
    }
    let before = world.events(|_| ()).len();
    send("server", "no.token.here").await;
    let proven = world.events(|event| event.is_proven);
    assert_eq!(proven.len() - before, 4);
    assert_eq!(proven.iter().filter(|is| **is).count(), 2 + 4, "a server key vouches for all");
}
