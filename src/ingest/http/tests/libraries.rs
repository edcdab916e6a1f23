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
async fn what_a_hand_posts_to_posthogs_door_is_kept_or_told_why_not() {
    let alone = r#"{"api_key":"server-key","event":"E","distinct_id":"ada","uuid":"u"}"#;
    let form = "application/x-www-form-urlencoded";
    let batch = |event: &str| captured("server-key", event);
    let without_key = r#"{"batch":[]}"#.to_owned();
    let of_header = format!(r#"{{"api_key":"nobody","batch":[{CAPTURED}]}}"#);
    let history = format!(r#"{{"api_key":"server-key","historical_migration":true,"batch":[{CAPTURED}]}}"#);
    // The path, the key of the header, the body, the answer, and what is kept: events, then codes of dead letters.
    type Row = (&'static str, &'static str, String, u16, usize, &'static [&'static str]);
    let table: [Row; 17] = [
        ("/batch/", "", alone.into(), 200, 1, &[]),
        ("/capture/", "", alone.into(), 200, 1, &[]),
        ("/i/v0/e/", "", alone.into(), 200, 1, &[]),
        ("/capture", "", batch(CAPTURED), 200, 1, &[]),
        ("/capture/", "", alone.replace("server-key", "nobody"), 401, 0, &[]),
        ("/batch/", "", without_key.clone(), 401, 0, &[]),
        ("/batch/", "server-key", without_key, 200, 0, &[]),
        ("/batch/", "server-key", of_header.clone(), 200, 1, &[]),
        ("/batch/", "nobody", of_header.replace("\"nobody", "\"server-key"), 200, 1, &[]),
        ("/batch/", "nobody", of_header, 401, 0, &[]),
        ("/batch/", "", history, 200, 1, &[]),
        ("/batch/", "", batch(r#"{"event":"E"}"#), 200, 0, &["no-id"]),
        ("/batch/", "", batch(r#"{"event":"E","distinct_id":""}"#), 200, 0, &["bad-id"]),
        ("/batch/", "", batch(r#"{"event":"E","distinct_id":42}"#), 200, 1, &[]),
        ("/batch/", "", batch(r#"{"event":"$create_alias","distinct_id":"a"}"#), 200, 0, &["no-id"]),
        (
            "/batch/",
            "",
            batch(r#"{"event":"$groupidentify","distinct_id":"a","properties":{}}"#),
            200,
            0,
            &["no-id"],
        ),
        ("/batch/", "", "data=eyJldmVudCI6IkUifQ%3D%3D".into(), 400, 0, &[]),
    ];
    for (path, key, body, status, events, codes) in table {
        let world = World::new();
        let request =
            posting(path).header("content-type", form).header("authorization", format!("Bearer {key}"));
        let request = if key.is_empty() { posting(path) } else { request };
        assert_eq!(sent(&world, request, body.clone()).await, status, "{path} {body}");
        let kept = world.events(|event| event.subject.id.to_string()).len();
        assert_eq!(
            (kept, world.codes()),
            (events, codes.iter().map(ToString::to_string).collect()),
            "{path} {body}"
        );
    }
}

#[tokio::test]
async fn a_zipped_body_is_known_by_its_first_bytes() {
    let world = World::new();
    let zipped = gzip(captured("server-key", CAPTURED).as_bytes());
    for path in ["/batch/?compression=gzip-js", "/v1/batch"] {
        let request =
            posting(path).header("content-type", "text/plain").header("authorization", "Bearer server-key");
        assert_eq!(sent(&world, request, zipped.clone()).await, 200, "{path}");
    }
    let broken = posting("/batch/").header("authorization", "Bearer server-key");
    assert_eq!(sent(&world, broken, zipped[..9].to_vec()).await, 400);
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
    let nobody = TRACK.replace("\"ada\"", "\"\"");
    let visitor = nobody.replace("}", ",\"anonymousId\":\"7f\"}");
    let beacon =
        posting("/beacon/v1/batch?writeKey=browser-key").header("content-type", "text/plain;charset=UTF-8");
    assert_eq!(sent(&world, beacon, batch(&[&nobody, &visitor])).await, 200);
    assert_eq!(
        world
            .events(|event| (event.subject.id.to_string(), event.is_proven))
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>(),
        [("7f".to_owned(), false), ("ada".to_owned(), false)].into()
    );
    assert_eq!(world.codes(), ["bad-id"]);
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
