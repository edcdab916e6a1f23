//! Client libraries of others, unchanged and by the lines of `docs/sdks.md`, deliver to the real service. Between the two
//! stands a proxy that refuses, repeats and drops: every call must be in the log, and count once.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use outreach::log::embedded::EmbeddedLog;
use outreach::log::{Frame, Log};
use outreach_engine::Timestamp;
use outreach_engine::event::{Body, Event, EventKind};
use serde_json::{Value, json};

use crate::service_desk::{command, decisions, project, wait_for_decisions, wait_for_state};
use crate::world::browser;
use crate::world::faulty_proxy::Fault::{self, Pass, PassThenDrop, PassThenRefuse, Refuse};
use crate::world::faulty_proxy::FaultyProxy;
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::SmtpSink;
use crate::world::solo::{BROWSER_KEY, SERVER_KEY};

const USER: &str = "grace";

/// A request needs four attempts at most: libraries that give up after three retries still deliver.
const FAULTS: &[Fault] = &[Refuse(503), PassThenRefuse(503), Refuse(429), Pass, PassThenDrop];

/// What every library is told to say about `USER`.
const CALLS: [&str; 10] = [
    "alias",
    "group",
    "identify",
    "page",
    "screen",
    "track Done",
    "track Order Placed 1",
    "track Order Placed 2",
    "track Order Placed 3",
    "track Order Placed 4",
];

/// The order in which the page says them.
const AS_SAID: [&str; 10] = [
    "identify",
    "track Order Placed 1",
    "track Order Placed 2",
    "track Order Placed 3",
    "track Order Placed 4",
    "page",
    "screen",
    "group",
    "alias",
    "track Done",
];

/// A call as the log has it.
#[derive(Debug)]
struct Kept {
    subject: String,
    /// Its kind, the name of a track, and its number.
    what: String,
    message_id: String,
    is_proven: bool,
    occurred_at: Timestamp,
    properties: Value,
    traits: Value,
}

#[test]
fn segments_node_library_delivers_each_call_once() {
    let kept = deliver(FAULTS, |base, _| run_node("Segment, Node", "node.mjs", base));
    check(&kept, &CALLS, true);
}

#[test]
fn rudderstacks_node_library_delivers_each_call_once() {
    let kept = deliver(FAULTS, |base, _| run_node("RudderStack, Node", "node.mjs", base));
    check(&kept, &CALLS, true);
}

#[test]
fn posthogs_node_library_delivers_each_call_once() {
    let kept = deliver(FAULTS, |base, _| run_node("PostHog, Node", "posthog_node.mjs", base));
    check(&kept, &CALLS, true);
}

#[test]
fn segments_python_library_delivers_each_call_once() {
    let kept = deliver(FAULTS, |base, _| run_python("Segment, Python", base));
    check(&kept, &CALLS, true);
}

#[test]
fn rudderstacks_python_library_delivers_each_call_once() {
    let kept = deliver(FAULTS, |base, _| run_python("RudderStack, Python", base));
    check(&kept, &CALLS, true);
}

#[test]
fn segments_browser_library_delivers_each_call_once_and_out_of_order() {
    let kept = deliver(FAULTS, |base, _| run_browser(&snippet("Segment, browser", base, BROWSER_KEY), None));
    check(&kept, &CALLS, false);
    let mut came: Vec<&str> = Vec::new();
    for what in kept.iter().map(|call| call.what.as_str()).filter(|what| CALLS.contains(what)) {
        if !came.contains(&what) {
            came.push(what);
        }
    }
    assert_ne!(came, AS_SAID, "what was refused comes after what was not");
}

#[test]
fn rudderstacks_browser_library_delivers_each_call_once() {
    let kept =
        deliver(FAULTS, |base, _| run_browser(&snippet("RudderStack, browser", base, BROWSER_KEY), None));
    check(&kept, &without_screen(), false);
}

/// A beacon hears no answer, so nothing can be repeated; what waits goes when the page is left.
#[test]
fn rudderstacks_beacons_deliver_each_call_once() {
    let kept = deliver(&[], |base, admin_port| {
        let snippet = snippet("RudderStack, browser", base, BROWSER_KEY);
        let with_beacons = snippet.replace("{ configUrl", "{ useBeacon: true, configUrl");
        run_browser(&with_beacons, Some(admin_port));
    });
    check(&kept, &without_screen(), false);
}

/// RudderStack's browser library has no such call.
fn without_screen() -> Vec<&'static str> {
    CALLS.into_iter().filter(|call| *call != "screen").collect()
}

/// Runs a library against the service behind a proxy, whose address it is given with the port of operators; all that the
/// log then holds, in its order.
#[track_caller]
fn deliver(faults: &[Fault], run: impl FnOnce(&str, u16)) -> Vec<Kept> {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    for (id, event) in [("order", "Order Placed"), ("done", "Done")] {
        let rule = format!(
            "name = \"{id}\"\nunproven = true\n[trigger]\nevent = \"{event}\"\n[limits]\nonce_per = \"always\"\n\
             [[step]]\nin_product = \"card\"\n"
        );
        project.write(&format!("rules/{id}.toml"), &rule);
    }
    let proxy = FaultyProxy::start(project.http_port, faults);
    be_reached_at(&project, &proxy.address());
    let started_at = outreach::clock::system()();
    let mut service = Service::start(&project);
    run(&proxy.address(), project.admin_port);

    wait_for_state(&service, USER, "done", "sent");
    wait_for_decisions(&service, USER, "order", 4);
    assert_eq!(command(&project, &["dlq", "list"]), json!([]));
    let decided = decisions(&service, USER);
    let of_orders = decided.iter().filter(|decision| decision["rule"] == "order").count();
    assert_eq!(of_orders, 4, "each order sets the rule off once: {decided:#?}");
    assert_eq!(proxy.faults_left(), 0, "{:?}", proxy.posts());
    assert!(service.stop().success());
    let kept = log_of(&project);
    for call in &kept {
        assert!(call.occurred_at >= started_at, "{call:?}");
    }
    let times = |id: &str| kept.iter().filter(|call| call.message_id == id).count();
    assert_eq!(faults.is_empty(), kept.iter().all(|call| times(&call.message_id) == 1), "{kept:#?}");
    kept
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
fn check(kept: &[Kept], calls: &[&str], is_proven: bool) {
    let mut first: Vec<&Kept> = Vec::new();
    for call in kept {
        assert_eq!(call.is_proven, is_proven, "{call:?}");
        match first.iter().find(|known| known.message_id == call.message_id) {
            Some(known) => {
                assert_eq!(known.what, call.what);
                // Segment's browser library names the person when it sends: who has signed in since is another one.
                let is_of_who_signed_in = call.what == "track Signed Up" && !is_proven;
                assert!(known.subject == call.subject || is_of_who_signed_in, "{known:?} {call:?}");
            }
            None => first.push(call),
        }
    }
    let (others, about_user): (Vec<&Kept>, Vec<&Kept>) =
        first.into_iter().partition(|call| call.what == "track Signed Up");
    let mut found: Vec<&str> = about_user.iter().map(|call| call.what.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, calls, "{kept:#?}");
    assert_eq!(others.len(), 1, "that of the lines in docs/sdks.md: {others:?}");
    assert_eq!(
        (others[0].what.as_str(), &others[0].properties["plan"]),
        ("track Signed Up", &json!("trial"))
    );
    for call in about_user {
        if call.what.starts_with("track Order") {
            assert_eq!(call.properties["note"], "a\0b", "{call:?}");
        }
        if call.what == "identify" {
            assert_eq!(call.traits["email"], "ada@sdk.test", "{call:?}");
            assert_eq!(call.traits["note"], "a\0b", "{call:?}");
        }
        if call.what == "group" {
            assert_eq!(call.traits["name"], "Acme", "{call:?}");
        }
    }
}

/// All events in the log of a service that is stopped.
fn log_of(project: &Project) -> Vec<Kept> {
    let log =
        EmbeddedLog::open(project.path().join("data/log"), 4, outreach::clock::system()).expect("the log");
    let mut kept = Vec::new();
    for partition in 0..log.partitions() {
        for entry in log.read(partition, 0, usize::MAX).expect("its frames") {
            let frame = Frame::decode(&entry.frame).expect("a frame");
            for record in frame.records(entry.offset, entry.appended_at) {
                if let Body::Event(event) = record.expect("a record").body {
                    kept.push(kept_of(&event));
                }
            }
        }
    }
    kept
}

fn kept_of(event: &Event<'_>) -> Kept {
    let bag = |text: &str| serde_json::from_str::<Value>(text).expect("a JSON object");
    let properties = bag(&event.properties);
    let what = match event.kind {
        EventKind::Track => format!("track {} {}", event.name, properties["n"]).replace(" null", ""),
        EventKind::Identify | EventKind::Page | EventKind::Screen | EventKind::Group | EventKind::Alias => {
            event.kind.as_str().to_owned()
        }
    };
    Kept {
        subject: event.subject.to_string(),
        what,
        message_id: event.message_id.to_string(),
        is_proven: event.is_proven,
        occurred_at: event.occurred_at,
        traits: bag(&event.traits),
        properties,
    }
}

/// The lines under a heading of the page, for this service and key.
fn snippet(heading: &str, base: &str, key: &str) -> String {
    let page = text_of("docs/sdks.md");
    let section = page.split("\n## ").find(|section| section.starts_with(heading));
    let block = section.and_then(|section| section.split("```").nth(1));
    let block = block.unwrap_or_else(|| panic!("expected code under {heading:?}"));
    let (_, lines) = block.split_once('\n').expect("lines");
    lines.replace("https://events.acme.example", base).replace("WRITE_KEY", key)
}

fn text_of(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn run_node(heading: &str, script: &str, base: &str) {
    let program = snippet(heading, base, SERVER_KEY) + &text_of(&format!("tests/sdks/{script}"));
    run(&[".cache/node/bin/node", "--input-type=module", "-"], &program);
}

#[track_caller]
fn run_python(heading: &str, base: &str) {
    let program = snippet(heading, base, SERVER_KEY) + &text_of("tests/sdks/python.py");
    run(&[".cache/python/bin/python", "-"], &program);
}

#[track_caller]
fn run_browser(snippet: &str, admin_port: Option<u16>) {
    let settings = json!({ "snippet": snippet, "user": USER, "admin": admin_port });
    let told = browser::run("../sdks/browser.mjs", &settings);
    let asked = told["asked"].as_array().expect("hosts");
    let is_here = |host: &Value| host.as_str().is_some_and(|host| host.starts_with("127.0.0.1:"));
    assert!(asked.iter().all(is_here), "nobody else is asked: {told}");
}

/// Runs a program that stands on stdin: packages are found from where it runs, in `tests/browser`.
#[track_caller]
fn run(command: &[&str], program: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = root.join(command[0]);
    assert!(binary.exists(), "expected {}: run scripts/setup", binary.display());
    let mut child = Command::new("timeout")
        .args(["--kill-after=1", "100"])
        .arg(binary)
        .args(&command[1..])
        .env("SDK_USER", USER)
        .current_dir(root.join("tests/browser"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("its input").write_all(program.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("its end");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}{err}\n{program}", output.status);
}
