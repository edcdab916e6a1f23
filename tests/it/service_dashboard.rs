//! The page for operators, as they and others meet it: who gets in, what it shows, how it goes on.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use outreach_engine::Length;
use serde_json::{Value, json};

use crate::service_desk::{
    SOON, ago, identify, project, rule, send, track, wait_for_decisions, wait_for_state,
};
use crate::world::browser;
use crate::world::http::Reply;
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::SmtpSink;
use crate::world::solo::SERVER_KEY;
use crate::world::wait;

const TOKEN: &str = "an admin token of the tests";
/// What a proxy adds: the request is then not of this machine.
const HANDED_ON: (&str, &str) = ("x-forwarded-for", "203.0.113.7");

fn two_rules(smtp_port: u16) -> Project {
    let project = project(smtp_port, None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    rule(&project, "tip", "onboarding", "event = \"Tip Wanted\"", "email = \"note\"");
    project
}

/// With a token in its settings.
fn with_token(project: Project) -> Project {
    project.write("secrets/admin.token", TOKEN);
    let path = project.path().join("outreach.toml");
    let text = std::fs::read_to_string(path).expect("outreach.toml");
    project.write(
        "outreach.toml",
        &text.replace("[http]", "[http]\nadmin_token_file = \"secrets/admin.token\""),
    );
    project
}

fn did(user: &str, event: &str, message_id: &str) -> Value {
    track(user, event, message_id, ago(Length::ZERO), json!({ "plan": "trial" }))
}

fn get(service: &Service<'_>, path: &str, headers: &[(&str, &str)]) -> Reply {
    service.admin.try_send("GET", path, headers, Vec::new()).expect("an answer")
}

/// A form of one of our own pages.
fn post(service: &Service<'_>, project: &Project, path: &str, headers: &[(&str, &str)], form: &str) -> Reply {
    let origin = format!("http://127.0.0.1:{}", project.admin_port);
    let own = [("origin", origin.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let headers = [&own, headers].concat();
    service.admin.try_send("POST", path, &headers, form.as_bytes().to_vec()).expect("an answer")
}

#[test]
fn the_page_answers_this_machine_under_its_own_name_and_no_page_of_elsewhere() {
    let sink = SmtpSink::start();
    let project = two_rules(sink.port());
    let service = Service::start(&project);
    let own = format!("127.0.0.1:{}", project.admin_port);
    let table: [(&[(&str, &str)], u16); 7] = [
        (&[("host", &own)], 200),
        (&[("host", "localhost:1")], 200),
        (&[("host", "evil.example")], 403),
        (&[("host", &own), HANDED_ON], 403),
        (&[("host", &own), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")], 403),
        (&[("host", &own), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 200),
        (&[("host", &own), ("authorization", "Bearer an admin token of the tests")], 200),
    ];
    for (headers, status) in table {
        for path in ["/", "/people", "/rules", "/people/user%3Aada"] {
            let found = get(&service, path, headers).status;
            let expected = if path.len() > 8 && status == 200 { 404 } else { status };
            assert_eq!(found, expected, "{path} {headers:?}");
        }
    }
    let pause = |headers: &[(&str, &str)]| {
        service.admin.try_send("POST", "/rules/tip/pause", headers, Vec::new()).expect("an answer").status
    };
    assert_eq!(pause(&[("origin", "http://evil.example")]), 403);
    assert_eq!(pause(&[("origin", "null")]), 403);
    assert_eq!(pause(&[("origin", &format!("http://{own}"))]), 303);
    let command = json!({ "command": "resume", "rule": "tip" }).to_string().into_bytes();
    let json = ("content-type", "application/json");
    let operate = |headers: &[(&str, &str)]| {
        service.admin.try_send("POST", "/operate", headers, command.clone()).expect("an answer").status
    };
    assert_eq!(operate(&[json, ("host", "evil.example")]), 403);
    assert_eq!(operate(&[json, ("origin", "http://evil.example")]), 403);
    assert_eq!(operate(&[json]), 200);
}

#[test]
fn every_answer_forbids_what_it_does_not_need_and_nothing_stands_inline() {
    let sink = SmtpSink::start();
    let project = two_rules(sink.port());
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), did("ada", "Signed Up", "s1")]);
    wait_for_state(&service, "ada", "welcome", "sent");
    let pages =
        ["/", "/people", "/people?q=mail", "/people/user%3Aada", "/rules", "/rules/welcome", "/login"];
    for path in pages.iter().chain(&["/people/user%3Anobody", "/rules/none"]) {
        let reply = service.admin.get(path);
        let policy = reply.header("content-security-policy").expect("a policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {part} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        for inline in ["<style", " style=", "<script>", "onclick", "javascript:", "http://", "https://"] {
            let body = reply.body.replace("xmlns=\"http://", "");
            assert!(!body.contains(inline), "{path}: {inline} in {body}");
        }
        for asset in reply.body.split("/assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let asset = service.admin.get(&format!("/assets/{asset}"));
            let kept = asset.header("cache-control").unwrap_or_default();
            assert!(asset.status == 200 && kept.contains("immutable"), "{} {kept}", asset.status);
        }
    }
}

#[test]
fn other_machines_get_in_with_the_token_alone_and_out_again() {
    let sink = SmtpSink::start();
    let project = with_token(two_rules(sink.port()));
    let service = Service::start(&project);
    assert_eq!(service.admin.get("/").status, 200, "this machine needs none");
    let page = [HANDED_ON, ("accept", "text/html,*/*")];
    let turned = get(&service, "/people", &page);
    assert_eq!((turned.status, turned.header("location")), (303, Some("/login")));
    assert_eq!(get(&service, "/live/stream", &[HANDED_ON]).status, 401);
    assert!(get(&service, "/login", &page).body.contains("Admin token"));

    let wrong = post(&service, &project, "/login", &[HANDED_ON], "token=an+admin+token+of+the+tesTs");
    assert_eq!((wrong.status, wrong.header("set-cookie")), (401, None));
    let form = "token=an+admin+token+of+the+tests";
    let elsewhere = [HANDED_ON, ("sec-fetch-site", "cross-site")];
    assert_eq!(post(&service, &project, "/login", &elsewhere, form).status, 403);
    let entered = post(&service, &project, "/login", &[HANDED_ON], form);
    let cookie = entered.header("set-cookie").expect("a cookie").to_owned();
    assert_eq!((entered.status, entered.header("location")), (303, Some("/")));
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(TOKEN) && !cookie.contains("Secure"), "{cookie}");
    let tls = post(&service, &project, "/login", &[HANDED_ON, ("x-forwarded-proto", "https")], form);
    assert!(tls.header("set-cookie").is_some_and(|cookie| cookie.ends_with("; Secure")));

    let session = cookie.split(';').next().expect("its pair");
    let inside = get(&service, "/people", &[HANDED_ON, ("cookie", session)]);
    assert!(inside.status == 200 && inside.body.contains("Log out"), "{}", inside.body);
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(get(&service, "/rules", &[HANDED_ON, ("authorization", &bearer)]).status, 200);
    let command = json!({ "command": "pause", "rule": "tip" }).to_string().into_bytes();
    let asked = [HANDED_ON, ("content-type", "application/json"), ("authorization", &bearer)];
    let paused = service.admin.try_send("POST", "/operate", &asked, command.clone()).expect("an answer");
    assert_eq!(paused.status, 200, "{}", paused.body);
    let refused = service.admin.try_send("POST", "/operate", &asked[..2], command).expect("an answer");
    assert_eq!(refused.status, 403, "{}", refused.body);

    let left = post(&service, &project, "/logout", &[HANDED_ON, ("cookie", session)], "");
    assert!(left.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")), "{left:?}");
    let log = service.log();
    assert!(!log.contains(TOKEN), "{log}");
}

#[test]
fn a_token_that_could_be_guessed_does_not_start() {
    let sink = SmtpSink::start();
    let project = with_token(two_rules(sink.port()));
    project.write("secrets/admin.token", "short");
    let output = project.run(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("at least 16 bytes, found 5"), "{said}");
}

#[test]
fn a_person_is_found_by_id_address_or_a_part_and_their_page_says_why() {
    let sink = SmtpSink::start();
    let project = two_rules(sink.port());
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), did("ada", "Signed Up", "s1")]);
    send(&service, &[did("bob/1", "Signed Up", "s2"), identify("adam", "adam@mail.test")]);
    wait_for_state(&service, "ada", "welcome", "sent");
    wait_for_decisions(&service, "bob/1", "welcome", 1);
    let found = |text: &str| service.admin.get(&format!("/people?q={text}"));
    for (text, subject) in [("ada", "user%3Aada"), ("ADA%40mail.test", "user%3Aada"), ("bob", "")] {
        let reply = found(text);
        let expected = format!("/people/{subject}");
        let expected = (!subject.is_empty()).then_some(expected.as_str());
        assert_eq!(reply.header("location"), expected, "{text}");
    }
    let many = found("mail.test");
    assert!(many.body.contains("/people/user%3Aada\"") && many.body.contains("/people/user%3Aadam\""));
    assert!(found("nobody").body.contains("0 with “nobody”"));

    let ada = service.admin.get("/people/user%3Aada");
    for part in
        ["ada@mail.test", "“Signed Up” happened, and nothing stands against it.", ">sent<", "never entered"]
    {
        assert!(ada.body.contains(part), "{part} in {}", ada.body);
    }
    let bob = service.admin.get("/people/user%3Abob%2F1");
    let why = "“Signed Up” happened, but the person has no email address.";
    assert!(bob.status == 200 && bob.body.contains(why), "{}", bob.body);
    assert_eq!(service.admin.get("/people/user%3Anobody").status, 404);
}

#[test]
fn a_rule_says_what_it_does_is_counted_and_is_held_by_a_button() {
    let sink = SmtpSink::start();
    let project = two_rules(sink.port());
    let service = Service::start(&project);
    send(
        &service,
        &[identify("ada", "ada@mail.test"), did("ada", "Signed Up", "s1"), did("bob", "Signed Up", "s2")],
    );
    wait_for_state(&service, "ada", "welcome", "sent");
    wait_for_decisions(&service, "bob", "welcome", 1);
    let all = service.admin.get("/rules");
    assert!(all.body.contains("When “Signed Up” happens, send the email “note”."), "{}", all.body);
    let one = service.admin.get("/rules/welcome?since=week");
    for part in
        ["<th scope=\"row\">note</th><td>2</td><td>1</td><td>1</td>", "the person has no email address"]
    {
        assert!(one.body.contains(part), "{part} in {}", one.body);
    }
    let tip = service.admin.get("/rules/tip");
    assert!(tip.body.contains("Its trigger did not hold in this time."), "{}", tip.body);

    let held = post(&service, &project, "/rules/tip/pause", &[], "");
    assert_eq!((held.status, held.header("location")), (303, Some("/rules/tip")));
    assert!(service.admin.get("/rules/tip").body.contains("Resume"));
    send(&service, &[did("ada", "Tip Wanted", "t1")]);
    wait_for_state(&service, "ada", "tip", "held");
    let page = service.admin.get("/people/user%3Aada");
    assert!(page.body.contains("held: paused by an operator"), "{}", page.body);
    assert_eq!(post(&service, &project, "/rules/tip/resume", &[], "").status, 303);
    wait_for_state(&service, "ada", "tip", "sent");
    assert_eq!(post(&service, &project, "/rules/%2A/pause", &[], "").header("location"), Some("/rules"));
    assert!(service.admin.get("/rules").body.contains("Resume everything"));
    assert_eq!(post(&service, &project, "/rules/none/pause", &[], "").status, 503);
}

/// An event of a stream: its kind, id and data.
type Sent = (String, String, String);

/// Reads a stream of events.
struct Stream {
    lines: BufReader<TcpStream>,
}

impl Stream {
    /// The answer's status, and what follows.
    fn open(port: u16, path: &str, last_id: Option<&str>) -> (u16, Stream) {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("the service listens");
        socket.set_read_timeout(Some(SOON)).expect("a timeout");
        let resumed = last_id.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{resumed}\r\n");
        socket.write_all(head.as_bytes()).expect("the request is taken");
        let mut stream = Stream { lines: BufReader::new(socket) };
        let first = stream.line().expect("an answer");
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        while stream.line().is_some_and(|line| !line.is_empty()) {}
        (status, stream)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let count = self.lines.read_line(&mut line).expect("the stream goes on");
        (count > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event of that kind; nothing at the stream's end.
    fn next(&mut self, kind: &str) -> Option<Sent> {
        let (mut found, mut id, mut data) = (String::new(), String::new(), String::new());
        loop {
            let line = self.line()?;
            match line.split_once(':') {
                Some(("event", value)) => found = value.trim().to_owned(),
                Some(("id", value)) => id = value.trim().to_owned(),
                Some(("data", value)) => data.push_str(value.trim_start()),
                Some(_) => {}
                None if line.is_empty() && found == kind => return Some((found, id, data)),
                None if line.is_empty() => {
                    found.clear();
                    data.clear();
                }
                // The length of a chunk.
                None => {}
            }
        }
    }
}

/// Where the live page goes on.
fn place(service: &Service<'_>) -> String {
    let page = service.admin.get("/").body;
    let place = page.split("data-stream=\"").nth(1).and_then(|rest| rest.split('"').next());
    place.expect("a place to go on from").to_owned()
}

#[test]
fn the_live_page_goes_on_where_it_was_loaded_and_where_it_broke_off() {
    let sink = SmtpSink::start();
    let project = two_rules(sink.port());
    let mut service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), did("ada", "Before", "b1")]);
    wait::until("the page has what was before", SOON, || service.admin.get("/").body.contains("Before"));
    let (status, mut stream) = Stream::open(project.admin_port, &place(&service), None);
    assert_eq!(status, 200);
    let strip = stream.next("pulse").expect("the health strip").2;
    assert!(strip.contains("Ready"), "{strip}");
    send(&service, &[did("ada", "Signed Up", "s1")]);
    let (_, id, first) = stream.next("came").expect("an event");
    assert!(first.contains("Signed Up") && first.contains("plan: trial"), "{first}");
    let mut decision = stream.next("fell").expect("a decision").2;
    while !decision.contains(">sent<") {
        decision = stream.next("fell").expect("the decision, as it moves on").2;
    }
    assert!(decision.contains("“Signed Up” happened, and nothing stands against it."), "{decision}");
    drop(stream);

    // What came while nobody looked, and nothing of what was seen.
    send(&service, &[did("ada", "Meanwhile", "m1")]);
    let (_, mut again) = Stream::open(project.admin_port, "/live/stream", Some(&id));
    let mut came = Vec::new();
    while !came.last().is_some_and(|row: &String| row.contains("Meanwhile")) {
        came.push(again.next("came").expect("an event").2);
    }
    assert!(came.iter().all(|row| !row.contains("Signed Up") && !row.contains("Before")), "{came:?}");

    // A stop does not wait for who watches; a place of the process before says that the page is old.
    assert!(service.stop().success());
    assert!(!service.log().contains("connections that did not finish"), "{}", service.log());
    service.restart();
    let (_, mut old) = Stream::open(project.admin_port, "/live/stream", Some(&id));
    assert!(old.next("stale").is_some());
    assert_eq!(old.next("came"), None, "and the stream ends");
}

#[test]
fn so_many_may_watch_and_who_leaves_makes_room() {
    let sink = SmtpSink::start();
    let project = two_rules(sink.port());
    let service = Service::start(&project);
    let path = place(&service);
    let mut all: Vec<Stream> = Vec::new();
    let refused = wait::for_value(Duration::from_secs(60), || {
        let (status, stream) = Stream::open(project.admin_port, &path, None);
        if status == 200 {
            all.push(stream);
        }
        (status != 200).then_some(status)
    });
    assert_eq!((refused, all.len()), (Some(503), 32));
    all.clear();
    wait::until("there is room again", SOON, || Stream::open(project.admin_port, &path, None).0 == 200);
}

/// The pages in a real browser: `tests/browser/dashboard.mjs` says what is checked.
#[test]
fn the_pages_hold_in_chromium_whatever_people_are_called() {
    let sink = SmtpSink::start();
    let project = with_token(two_rules(sink.port()));
    let service = Service::start(&project);
    let settings = json!({
        "service": format!("http://127.0.0.1:{}", project.http_port),
        "admin": format!("http://127.0.0.1:{}", project.admin_port),
        "key": SERVER_KEY,
        "token": TOKEN,
        "pictures": std::env::var("OUTREACH_PICTURES").ok(),
    });
    let checked = browser::run("dashboard.mjs", &settings);
    assert!(checked["done"].as_array().is_some_and(|done| done.len() == 9), "{checked}");
    assert!(!service.log().contains("mail.test"), "no address in the log");
}
