//! What single client libraries ask of the door, byte by byte; `tests/it/sdks.rs` runs the real ones.

use super::*;

const CAPTURED: &str = r#"{"event":"E","distinct_id":"ada","uuid":"u","properties":{"note":"a\u0000b"}}"#;

fn captured(key: &str, events: &str) -> String {
    format!(r#"{{"api_key":"{key}","batch":[{events}],"sent_at":"2026-03-02T12:00:00Z"}}"#)
}

async fn sent(world: &World, request: request::Builder, body: impl Into<Body>) -> u16 {
    world.send(request.body(body.into()).unwrap()).await.status().as_u16()
}

#[tokio::test]
async fn a_batch_of_posthogs_is_kept_as_calls_and_its_key_is_in_the_body() {
    let world = World::new();
    let with_person = r#"{"event":"F","distinct_id":"ada","uuid":"v","properties":{"$set":{"x":1}}}"#;
    let body = captured("server-key", &format!("{CAPTURED},{with_person},7,{{}}"));
    let zipped = posting("/batch/").header("content-encoding", "gzip");
    assert_eq!(sent(&world, zipped, gzip(body.as_bytes())).await, 200);
    assert_eq!(sent(&world, posting("/batch"), captured("nobody", CAPTURED)).await, 401);
    assert_eq!(sent(&world, posting("/batch"), "[]").await, 400);
    let look = |event: &Event<'_>| (event.kind, event.message_id.to_string(), event.properties.to_string());
    assert_eq!(
        world.events(look),
        [
            (EventKind::Track, "u".to_owned(), r#"{"note":"a\u0000b"}"#.to_owned()),
            (EventKind::Identify, "v/set".to_owned(), "{}".to_owned()),
            (EventKind::Track, "v".to_owned(), r#"{"$set":{"x":1}}"#.to_owned()),
        ]
    );
    assert_eq!(world.codes(), ["wrong-type", "no-id"]);
}

#[tokio::test]
async fn posthogs_clock_is_corrected_and_its_batches_have_the_same_limits() {
    let world = World::new();
    let event = r#"{"event":"E","distinct_id":"a","timestamp":"2026-03-02T11:55:00Z"}"#;
    let fast = captured("server-key", event).replace("T12:00:00Z\"}", "T13:00:00Z\"}");
    assert_eq!(sent(&world, posting("/batch/"), fast).await, 200);
    assert_eq!(world.events(|event| event.occurred_at), [Timestamp::parse("2026-03-02T10:55:00Z").unwrap()]);
    let many = vec![CAPTURED; BATCH_EVENTS_MAX + 1].join(",");
    assert_eq!(sent(&world, posting("/batch/"), captured("server-key", &many)).await, 413);
}

#[tokio::test]
async fn a_beacon_brings_its_key_in_the_address_and_nothing_else_may() {
    let world = World::new();
    let beacon = posting("/beacon/v1/batch?writeKey=browser-key").header("content-type", "text/plain");
    assert_eq!(sent(&world, beacon, batch(&[TRACK])).await, 200);
    assert_eq!(world.events(|event| event.is_proven), [false]);
    for elsewhere in
        ["/beacon/v1/batch", "/beacon/v1/batch?writeKey=nobody", "/v1/batch?writeKey=browser-key"]
    {
        assert_eq!(sent(&world, posting(elsewhere), batch(&[TRACK])).await, 401, "{elsewhere}");
    }
}

#[tokio::test]
async fn rudderstacks_library_is_told_that_nothing_else_is_on() {
    let world = World::new();
    let ask = |query: &str| Request::get(format!("/sourceConfig/?p=npm&writeKey={query}"));
    let response = world.send(ask("browser-key").body(Body::empty()).unwrap()).await;
    let source: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(source["source"]["enabled"], true);
    assert_eq!(source["source"]["destinations"], serde_json::json!([]));
    assert_eq!(source["source"]["config"]["statsCollection"]["errors"]["enabled"], false);
    let by_header = ask("").header("authorization", "Basic YnJvd3Nlci1rZXk6").body(Body::empty()).unwrap();
    assert_eq!(world.send(by_header).await.status(), 200);
    for key in ["server-key", "nobody", ""] {
        assert_eq!(world.send(ask(key).body(Body::empty()).unwrap()).await.status(), 404, "{key}");
    }
}
