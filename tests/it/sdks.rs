//! Client libraries of others, unchanged and by the lines of `docs/sdks.md`, deliver to the real service. Between the two
//! stands a proxy that refuses, repeats and drops: every call must be in the log, and count once.

mod kept;
mod library;
mod order;
mod signing_in;
mod wire;

use outreach::ledger::{InboxEntry, InboxPlace, Ledger};
use serde_json::{Value, json};

use crate::service_desk::{command, decisions, ledger, project, wait_for_decisions, wait_for_state};
use crate::world::faulty_proxy::Fault::{self, Pass, PassThenDrop, PassThenRefuse, Refuse};
use crate::world::faulty_proxy::FaultyProxy;
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::{Mail, SmtpSink};
use kept::{Kept, log_of};
use library::Library;

const USER: &str = "grace";

/// A request needs four attempts at most: libraries that give up after three retries still deliver.
const FAULTS: &[Fault] = &[Refuse(503), PassThenRefuse(503), Refuse(429), Pass, PassThenDrop];

/// What every library is told to say about `USER`.
const CALLS: [&str; 11] = [
    "alias",
    "group",
    "identify",
    "page",
    "screen",
    "track Done",
    "track Odd\0Name",
    "track Order Placed 1",
    "track Order Placed 2",
    "track Order Placed 3",
    "track Order Placed 4",
];

/// Says what a client said that has a NUL in it: as a mail, and as a message in the product.
const ODD_BODY: &str = "<html><body><p>({{properties.note}}) ({{traits.note}})</p>\
    <p>{{sender.name}}, {{sender.address}} <a href=\"{{unsubscribe_url}}\">Unsubscribe</a></p></body></html>";
const ODD_CARD: &str =
    "kind = \"card\"\ntitle = \"({{properties.note}})\"\nbody = \"({{properties.note}})\"\n";
const ODD_SAMPLE: &str = r#"{ "person": { "id": "ada" }, "traits": { "note": "x" }, "event": { "name": "E" }, "properties": { "note": "x" }, "context": {} }"#;

#[test]
fn segments_node_library_delivers_each_call_once() {
    deliver_all(&library::SEGMENT_NODE, "node.mjs");
}

#[test]
fn rudderstacks_node_library_delivers_each_call_once() {
    deliver_all(&library::RUDDERSTACK_NODE, "node.mjs");
}

#[test]
fn posthogs_node_library_delivers_each_call_once() {
    deliver_all(&library::POSTHOG_NODE, "posthog_node.mjs");
}

#[test]
fn segments_python_library_delivers_each_call_once() {
    deliver_all(&library::SEGMENT_PYTHON, "python.py");
}

#[test]
fn rudderstacks_python_library_delivers_each_call_once() {
    deliver_all(&library::RUDDERSTACK_PYTHON, "python.py");
}

#[test]
fn segments_browser_library_delivers_each_call_once() {
    deliver_all(&library::SEGMENT_BROWSER, "all");
}

#[test]
fn rudderstacks_browser_library_delivers_each_call_once() {
    deliver_all(&library::RUDDERSTACK_BROWSER, "all");
}

/// A beacon hears no answer, so nothing can be repeated; what waits goes when the page is left.
#[test]
fn rudderstacks_beacons_deliver_each_call_once() {
    let library = Library { content: ("text/plain", None), ..library::RUDDERSTACK_BROWSER };
    deliver(&library, &[], |base, admin_port| {
        let with_beacons = library.lines(base).replace("{ configUrl", "{ useBeacon: true, configUrl");
        library.run_page(&with_beacons, "all", Some(admin_port));
    });
}

#[track_caller]
fn deliver_all(library: &Library, script: &str) {
    deliver(library, FAULTS, |base, _| library.run(script, base));
}

/// Runs a library against the service behind a proxy, whose address it is given with the port of operators; and looks at
/// all that was on the wire, at all that the log then holds, and at what it led to.
#[track_caller]
fn deliver(library: &Library, faults: &[Fault], run: impl FnOnce(&str, u16)) {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    let templates = [
        ("subject.hbs", "({{properties.note}}) ({{traits.note}})"),
        ("body.html", ODD_BODY),
        ("in_product.toml", ODD_CARD),
        ("sample.json", ODD_SAMPLE),
    ];
    templates.iter().for_each(|(name, text)| project.write(&format!("templates/odd/{name}"), text));
    tell(&project, "order", "event = \"Order Placed\"", "in_product = \"card\"");
    tell(&project, "done", "event = \"Done\"", "in_product = \"odd\"");
    tell(&project, "odd", "event = \"Odd\\u0000Name\"", "in_product = \"card\"");
    crate::service_desk::rule(&project, "mail", "onboarding", "event = \"Done\"", "email = \"odd\"");
    let proxy = FaultyProxy::start(project.http_port, "", faults);
    be_reached_at(&project, &proxy.address());
    let mut service = Service::start(&project);
    run(&proxy.address(), project.admin_port);

    wait_for_state(&service, USER, "done", "sent");
    wait_for_state(&service, USER, "odd", "sent");
    wait_for_decisions(&service, USER, "order", 4);
    if library.is_proven() {
        wait_for_state(&service, USER, "mail", "sent");
        check_mail(&sink.mails()[0]);
    }
    assert_eq!(command(&project, &["dlq", "list"]), json!([]));
    let decided = decisions(&service, USER);
    let of_orders = decided.iter().filter(|decision| decision["rule"] == "order").count();
    assert_eq!(of_orders, 4, "each order sets the rule off once: {decided:#?}");
    assert!(service.stop().success());
    assert_eq!(titles(&project), ["(a b)"]);
    let kept = log_of(&project);
    wire::check(library, &proxy, &kept);
    check(&kept, library);
}

/// A NUL has no place in a mail: not as such, nor encoded.
#[track_caller]
fn check_mail(mail: &Mail) {
    let raw = String::from_utf8_lossy(&mail.raw);
    assert!(!raw.contains('\0') && !raw.contains("=00"), "{raw}");
    assert_eq!(raw.matches("(ab) (ab)").count(), 2, "as text and as HTML: {raw}");
    assert_eq!(mail.header("Subject").as_deref(), Some("(a b) (a b)"));
}

/// The titles of what the user's product shows by `templates/odd`.
fn titles(project: &Project) -> Vec<String> {
    let now = outreach::clock::system()();
    let ledger = ledger(project);
    let shown = ledger
        .transaction(|transaction| transaction.inbox(&format!("user:{USER}"), now, InboxPlace::NEWEST, 100));
    let read =
        |entry: InboxEntry| serde_json::from_str::<Value>(&entry.kept.expect("its words")).expect("JSON");
    let titles = shown.expect("the inbox").into_iter().map(read);
    let titles = titles.map(|message| message["title"].as_str().expect("a title").to_owned());
    titles.filter(|title| title.starts_with('(')).collect()
}

/// Writes a rule that takes what browsers say.
fn tell(project: &Project, id: &str, trigger: &str, step: &str) {
    let rule = format!(
        "name = \"{id}\"\nunproven = true\n[trigger]\n{trigger}\n[limits]\nonce_per = \"always\"\n[[step]]\n{step}\n"
    );
    project.write(&format!("rules/{id}.toml"), &rule);
}

/// The service tells pages to send to the proxy.
fn be_reached_at(project: &Project, address: &str) {
    let path = project.path().join("outreach.toml");
    let text = std::fs::read_to_string(path).expect("outreach.toml");
    let own = format!("public_url = \"http://127.0.0.1:{}\"", project.http_port);
    assert!(text.contains(&own), "{text}");
    project.write("outreach.toml", &text.replace(&own, &format!("public_url = \"{address}\"")));
}

/// Each call is there, under one id however often it came, and says what was said.
#[track_caller]
fn check(kept: &[Kept], library: &Library) {
    let mut first: Vec<&Kept> = Vec::new();
    for call in kept {
        assert_eq!(call.is_proven, library.is_proven(), "{call:?}");
        match first.iter().find(|known| known.message_id == call.message_id) {
            Some(known) => {
                assert_eq!(known.what, call.what);
                // Segment's browser library names the person when it sends: who has signed in since is another one
                // (`signing_in.rs`).
                let is_of_who_signed_in = call.what == "track Signed Up" && !library.is_proven();
                assert!(known.subject == call.subject || is_of_who_signed_in, "{known:?} {call:?}");
            }
            None => first.push(call),
        }
    }
    let (others, about_user): (Vec<&Kept>, Vec<&Kept>) =
        first.into_iter().partition(|call| call.what == "track Signed Up");
    let mut found: Vec<&str> = about_user.iter().map(|call| call.what.as_str()).collect();
    found.sort_unstable();
    // RudderStack's browser library has no call for screens.
    let has_screens = library.heading != library::RUDDERSTACK_BROWSER.heading;
    let expected: Vec<&str> = CALLS.into_iter().filter(|call| has_screens || *call != "screen").collect();
    assert_eq!(found, expected, "{kept:#?}");
    assert_eq!(others.len(), 1, "that of the lines in docs/sdks.md: {others:?}");
    assert_eq!(
        (others[0].what.as_str(), &others[0].properties["plan"]),
        ("track Signed Up", &json!("trial"))
    );
    about_user.into_iter().for_each(check_what_was_said);
}

fn check_what_was_said(call: &Kept) {
    match call.what.as_str() {
        "identify" => {
            assert_eq!(call.traits["email"], "ada@sdk.test", "{call:?}");
            assert_eq!(call.traits["note"], "a\0b", "{call:?}");
        }
        "group" => assert_eq!(call.traits["name"], "Ac\0me", "{call:?}"),
        "track Odd\0Name" => {
            assert_eq!(call.properties["ke\0y"], json!(["a\0b", { "note": "a\0b" }]), "{call:?}");
        }
        what if what.starts_with("track ") => assert_eq!(call.properties["note"], "a\0b", "{call:?}"),
        _ => {}
    }
}
