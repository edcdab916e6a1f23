//! Input that is no event, by both doors: a dead letter with its reason and place, and the stream goes on.

use outreach_engine::Length;
use serde_json::{Value, json};

use crate::service_desk::{SOON, ago, command, identify, project, rule, send, track};
use crate::service_kafka::two_sources;
use crate::world::http::Reply;
use crate::world::kafka::Kafka;
use crate::world::kafka::records::Outgoing;
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::SmtpSink;
use crate::world::solo::SERVER_KEY;
use crate::world::wait;

/// Levels of arrays within arrays: far over what any event needs, far under what would end a stack.
const DEEP: usize = 10_000;
const TEN_MEGABYTES: usize = 10 * 1024 * 1024;

fn with_rule(sink: &SmtpSink, kafka: Option<&Kafka>, more: &str) -> Project {
    let project = project(sink.port(), kafka, more);
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    project
}

fn good(message_id: &str) -> String {
    track("ada", "Signed Up", message_id, ago(Length::minutes(1)), json!({})).to_string()
}

/// Events that are JSON, and each the code of what is wrong with it.
fn wrong_events() -> Vec<(String, &'static str)> {
    let event =
        |more: &str| format!(r#"{{"type":"track","event":"E","timestamp":"2026-03-02T10:00:00Z"{more}}}"#);
    let at = |time: &str| format!(r#"{{"type":"track","event":"E","userId":"a","timestamp":{time}}}"#);
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    vec![
        (event(""), "no-id"),
        (event(r#","userId":"""#), "bad-id"),
        (event(r#","userId":{"id":1}"#), "bad-id"),
        (event(&format!(r#","userId":"{}""#, "x".repeat(300))), "bad-id"),
        (event(r#","userId":"a","properties":[1]"#), "wrong-type"),
        (event(r#","userId":"a","userId":"b""#), "duplicate-key"),
        (event(r#","userId":"a","user_id":"b""#), "duplicate-key"),
        (event(&format!(r#","userId":"a","properties":{{"x":{deep}}}"#)), "too-deep"),
        (event(&format!(r#","userId":"a","properties":{{"x":"{}"}}"#, "y".repeat(40_000))), "too-large"),
        (event(r#","userId":"a","properties":{"x":"\ud800"}"#), "lone-surrogate"),
        (at("\"1969-12-31T23:59:59Z\""), "time-before-1970"),
        (at("\"0001-01-01T00:00:00Z\""), "time-before-1970"),
        (at("\"9999-12-31T23:59:59Z\""), "time-in-future"),
        (at("\"2026-03-02T10:00:00\""), "bad-time"),
        (at("17"), "bad-time"),
        (r#"{"type":"track","userId":"a","timestamp":"2026-03-02T10:00:00Z"}"#.to_owned(), "no-event"),
        (r#"{"type":"tracked","userId":"a","timestamp":"2026-03-02T10:00:00Z"}"#.to_owned(), "unknown-type"),
        ("[]".to_owned(), "wrong-type"),
        ("null".to_owned(), "wrong-type"),
    ]
}

fn letters(project: &Project, count: usize) -> Vec<Value> {
    let list = || command(project, &["dlq", "list"]).as_array().cloned().unwrap_or_default();
    let found = wait::for_value(SOON, || Some(list()).filter(|letters| letters.len() >= count));
    found.unwrap_or_else(|| panic!("expected {count} letters, found {:#?}", list()))
}

fn post(service: &Service<'_>, path: &str, body: Vec<u8>) -> Reply {
    let headers =
        [("authorization", format!("Bearer {SERVER_KEY}")), ("content-type", "application/json".into())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    service.http.try_send("POST", path, &headers, body).expect("an answer")
}

#[test]
fn bad_events_of_a_batch_are_dead_letters_by_code_and_the_good_ones_go_on() {
    let sink = SmtpSink::start();
    let project = with_rule(&sink, None, "");
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test")]);
    let wrong = wrong_events();
    let mut events: Vec<String> = wrong.iter().map(|(event, _)| event.clone()).collect();
    events.insert(0, good("before"));
    events.push(good("after"));
    let reply = post(&service, "/v1/batch", format!("{{\"batch\":[{}]}}", events.join(",")).into_bytes());
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(sink.wait_for(2, SOON).len(), 2);

    let found = letters(&project, wrong.len());
    assert_eq!(found.len(), wrong.len());
    for (letter, (event, code)) in found.iter().zip(&wrong) {
        let shown = &event[..event.len().min(200)];
        assert_eq!(letter["code"], *code, "{shown}: {letter}");
        assert!(letter["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{letter}");
        assert_eq!((&letter["source"], &letter["topic"]), (&json!("http:server"), &Value::Null));
    }
    let metrics = service.admin.get("/metrics").body;
    assert!(
        metrics.contains("outreach_ingested_events_total{source=\"http:server\",outcome=\"too-deep\"} 1")
    );
}

#[test]
fn a_body_that_is_no_json_is_refused_at_the_door_and_the_next_is_taken() {
    let sink = SmtpSink::start();
    let project = with_rule(&sink, None, "");
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test")]);
    let deep = format!("{{\"batch\":{}{}}}", "[".repeat(DEEP), "]".repeat(DEEP));
    let bodies: [(&str, Vec<u8>, &[u16]); 8] = [
        ("/v1/track", b"{\"userId\":".to_vec(), &[400]),
        ("/v1/track", b"\xff\xfe\x00".to_vec(), &[400]),
        ("/v1/track", b"{\"type\":\"track\",\"userId\":\"\xff\",\"event\":\"E\"}".to_vec(), &[400]),
        ("/v1/track", Vec::new(), &[400]),
        ("/v1/batch", b"[]".to_vec(), &[400]),
        ("/v1/batch", b"{\"events\":[]}".to_vec(), &[400]),
        ("/v1/track", vec![b' '; TEN_MEGABYTES], &[413]),
        // A batch of one member that is no event, or no batch at all: nothing worse may come of it.
        ("/v1/batch", deep.into_bytes(), &[200, 400]),
    ];
    for (path, body, statuses) in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let reply = post(&service, path, body);
        assert!(statuses.contains(&reply.status), "{path} {shown}: {} {}", reply.status, reply.body);
        assert_eq!(post(&service, "/v1/track", good(&format!("{path}{shown}")).into_bytes()).status, 200);
    }
    assert_eq!(sink.wait_for(8, SOON).len(), 8);
}

#[test]
fn bad_records_of_a_topic_are_dead_letters_with_their_place_and_the_stream_goes_on() {
    let kafka = Kafka::shared();
    let large = TEN_MEGABYTES + 1024 * 1024;
    kafka.create_topic("bad-product", 2, &[("max.message.bytes", &large.to_string())]);
    kafka.create_topic("bad-billing", 1, &[]);
    let sink = SmtpSink::start();
    let project = with_rule(&sink, Some(kafka), &two_sources("bad-product", "bad-billing"));
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test")]);

    let ten_megabytes = format!(r#"{{"type":"track","userId":"a","x":"{}"}}"#, "y".repeat(TEN_MEGABYTES));
    let deep = format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP));
    let mut wrong: Vec<(Vec<u8>, &str)> =
        wrong_events().into_iter().map(|(event, code)| (event.into_bytes(), code)).collect();
    let raw: [(&[u8], &str); 7] = [
        (b"", "malformed-json"),
        (b"{\"type\":\"track\"", "malformed-json"),
        (b"{} {}", "malformed-json"),
        (b"{\"type\":\"track\",\"userId\":\"\xff\"}", "invalid-utf8"),
        (deep.as_bytes(), "too-deep"),
        (ten_megabytes.as_bytes(), "too-large"),
        (br#"{"type":"track","event":"E","userId":"a"}"#, "no-time"),
    ];
    wrong.extend(raw.map(|(bytes, code)| (bytes.to_vec(), code)));
    let records = wrong.iter().enumerate().flat_map(|(number, (bytes, _))| {
        let partition = number as i32 % 2;
        [Outgoing::new(bytes.clone()).to(partition), Outgoing::new(good(&format!("g{number}"))).to(partition)]
    });
    let places = kafka.produce("bad-product", records);
    assert_eq!(sink.wait_for(wrong.len(), SOON).len(), wrong.len(), "a good one after each");

    let found = letters(&project, wrong.len());
    assert_eq!(found.len(), wrong.len());
    for (number, (bytes, code)) in wrong.iter().enumerate() {
        let place = places[2 * number];
        let is_here =
            |letter: &&Value| letter["partition"] == place.partition && letter["offset"] == place.offset;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let letter = found.iter().find(is_here).unwrap_or_else(|| panic!("{shown} at {place:?}: {found:#?}"));
        assert_eq!(letter["code"], *code, "{shown}: {letter}");
        assert_eq!((&letter["topic"], &letter["source"]), (&json!("bad-product"), &json!("kafka:product")));
    }
    let largest = found.iter().find(|letter| letter["reason"].to_string().contains("bytes are kept"));
    assert!(largest.is_some_and(|letter| letter["bytes"].as_u64() < Some(100_000)), "{largest:?}");
}
