//! What is refused comes after what was not: each call still arrives once, and what follows is decided by when it happened.

use serde_json::{Value, json};

use super::kept::log_of;
use super::library::{self, Library};
use super::{USER, be_reached_at, tell, wire};
use crate::service_desk::{SOON, command, operate, project, wait_for_state};
use crate::world::faulty_proxy::Fault::{self, Refuse, RefuseAfterNext};
use crate::world::faulty_proxy::FaultyProxy;
use crate::world::http::{Http, Reply};
use crate::world::service::Service;
use crate::world::smtp_sink::SmtpSink;
use crate::world::wait;

/// Refused once the next one is in the log, and once more.
const OVERTAKEN: &[Fault] = &[RefuseAfterNext(503), Refuse(429)];

#[test]
fn segments_node_library_delivers_out_of_order() {
    deliver(&library::SEGMENT_NODE, "order_node.mjs", OVERTAKEN);
}

#[test]
fn rudderstacks_node_library_delivers_out_of_order() {
    deliver(&library::RUDDERSTACK_NODE, "order_node.mjs", OVERTAKEN);
}

#[test]
fn posthogs_node_library_delivers_out_of_order() {
    deliver(&library::POSTHOG_NODE, "order_posthog.mjs", OVERTAKEN);
}

/// It sends one request at a time, and puts a batch that was refused behind all that waits.
#[test]
fn segments_python_library_delivers_out_of_order() {
    deliver(&library::SEGMENT_PYTHON, "order_segment.py", &[Refuse(503), Refuse(429)]);
}

#[test]
fn rudderstacks_python_library_delivers_out_of_order() {
    deliver(&library::RUDDERSTACK_PYTHON, "order_rudderstack.py", OVERTAKEN);
}

#[test]
fn segments_browser_library_delivers_out_of_order() {
    deliver(&library::SEGMENT_BROWSER, "order", OVERTAKEN);
}

#[test]
fn rudderstacks_browser_library_delivers_out_of_order() {
    deliver(&library::RUDDERSTACK_BROWSER, "order", OVERTAKEN);
}

/// What clients read from the proxy is what they read from the service: here that a key's rate is used up.
#[test]
fn the_proxy_refuses_as_the_service_does() {
    let key = "[[write_keys]]\nname = \"slow\"\nkind = \"browser\"\nkey_file = \"secrets/slow.key\"\nevents_per_second_max = 1\n";
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, key);
    project.write("secrets/slow.key", "slow-key-of-the-tests");
    let proxy = FaultyProxy::start(project.http_port, "again", &[Refuse(429)]);
    let service = Service::start(&project);
    // A key may burst that far.
    let burst = vec![json!({ "type": "track", "anonymousId": "a", "event": "E" }); 2_500];
    assert_eq!(ask(&service.http, "/v1/batch", &json!({ "batch": burst })).status, 200);
    let one = json!({ "anonymousId": "a", "event": "again" });
    let refused = || Some(ask(&service.http, "/v1/track", &one)).filter(|reply| reply.status != 200);
    let by_service = wait::for_value(SOON, refused);
    let by_proxy = ask(&Http::new(proxy.port()), "/v1/track", &one);
    let said = |reply: &Reply| {
        let of_connection = ["date", "connection", "content-length"];
        let mut headers = reply.headers.clone();
        headers.retain(|(name, _)| !of_connection.contains(&name.as_str()));
        headers.sort_unstable();
        let body = reply.json();
        let names: Vec<String> = body.as_object().expect("an object").keys().cloned().collect();
        (reply.status, headers, names)
    };
    assert_eq!(said(&by_proxy), said(&by_service.expect("a refusal")));
}

fn ask(http: &Http, path: &str, body: &Value) -> Reply {
    let login = "Bearer slow-key-of-the-tests";
    let headers = [("authorization", login), ("origin", "https://acme.example")];
    http.try_send("POST", path, &headers, body.to_string().into_bytes()).expect("an answer")
}

/// "Started" happened two hours ago and "Converted" one hour ago; they come the other way round.
#[track_caller]
fn deliver(library: &Library, script: &str, faults: &[Fault]) {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    tell(&project, "started", "event = \"Started\"", "in_product = \"card\"");
    tell(&project, "converted", "event = \"Converted\"", "in_product = \"card\"");
    let absence = |event: &str, without: &str| {
        format!("event = \"{event}\"\nwithout = \"{without}\"\nwithin = \"3 hours\"")
    };
    tell(&project, "never-converted", &absence("Started", "Converted"), "in_product = \"card\"");
    tell(&project, "never-started-again", &absence("Converted", "Started"), "in_product = \"card\"");
    let proxy = FaultyProxy::start(project.http_port, "\"Started\"", faults);
    be_reached_at(&project, &proxy.address());
    let mut service = Service::start(&project);
    library.run(script, &proxy.address());

    wait_for_state(&service, USER, "started", "sent");
    wait_for_state(&service, USER, "converted", "sent");
    let waits = waits(&service);
    assert_eq!(command(&project, &["dlq", "list"]), json!([]));
    assert!(service.stop().success());
    let kept = log_of(&project);
    wire::check(library, &proxy, &kept);

    let place = |what: &str| {
        let found: Vec<usize> = (0..kept.len()).filter(|at| kept[*at].what == what).collect();
        assert_eq!(found.len(), 1, "{what} once: {kept:#?}");
        found[0]
    };
    let (started, converted) = (place("track Started"), place("track Converted"));
    assert_eq!((&*kept[started].subject, &*kept[converted].subject), ("user:grace", "user:grace"));
    assert!(started > converted, "what was refused stands behind what was not: {kept:#?}");
    assert!(kept[started].occurred_at < kept[converted].occurred_at, "and happened before it: {kept:#?}");
    let since = kept[converted].occurred_at.to_string();
    assert_eq!(
        waits,
        [("never-started-again".to_owned(), since)],
        "who started, and converted then, is not waited for; whether they start once more, is"
    );
}

/// The absences that are still open about the user, and since when.
fn waits(service: &Service<'_>) -> Vec<(String, String)> {
    let person = wait::for_value(SOON, || {
        let answer = operate(service, &json!({ "command": "user", "subject": USER })).ok()?;
        answer["person"]["waits"].as_array().cloned()
    });
    let word = |wait: &Value, name: &str| wait[name].as_str().expect("a word").to_owned();
    let waits = person.expect("what is known of the user");
    waits.iter().map(|wait| (word(wait, "rule"), word(wait, "began_at"))).collect()
}
