//! Stop when asked, from the first mail on: the link of a mail that was really received.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use outreach_engine::Length;
use serde_json::{Value, json};

use crate::service_desk::{
    SOON, ago, command, decisions, identify, project, rule, send, track, wait_for_decisions, wait_for_state,
};
use crate::world::http::Reply;
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::{Fault, Mail, SmtpSink};
use crate::world::wait;

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// Two rules of one topic, one of another, and one that says what must be said.
fn four_rules(smtp_port: u16, more: &str) -> Project {
    let project = project(smtp_port, None, more);
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    rule(&project, "tip", "onboarding", "event = \"Tip Wanted\"", "email = \"note\"");
    rule(&project, "invoice", "billing", "event = \"Invoice Made\"", "email = \"note\"");
    rule(&project, "receipt", "onboarding", "event = \"Paid\"", "email = \"note\"\ntransactional = true");
    project
}

fn happened(user: &str, event: &str, message_id: &str) -> Value {
    track(user, event, message_id, ago(Length::minutes(1)), json!({}))
}

/// The path of the link in the header, as a mail program takes it.
fn path_of_link(service_port: u16, mail: &Mail) -> String {
    let header = mail.header("List-Unsubscribe").expect("List-Unsubscribe");
    let address = header.strip_prefix('<').and_then(|rest| rest.split('>').next()).expect("a link");
    let base = format!("http://127.0.0.1:{service_port}");
    address.strip_prefix(&base).unwrap_or_else(|| panic!("a link to {base}, found {address}")).to_owned()
}

fn post_form(service: &Service<'_>, path: &str, form: &str) -> Reply {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    service.http.try_send("POST", path, &headers, form.as_bytes().to_vec()).expect("an answer")
}

#[test]
fn one_click_stops_what_is_queued_and_what_comes_later_and_a_get_changes_nothing() {
    let sink = SmtpSink::start();
    let project = four_rules(sink.port(), "");
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), identify("bob", "Ada@Mail.test")]);
    send(&service, &[happened("ada", "Signed Up", "s1")]);
    let mail = sink.wait_for(1, SOON).remove(0);
    assert_eq!(mail.header("List-Unsubscribe-Post").as_deref(), Some(ONE_CLICK));
    let path = path_of_link(project.http_port, &mail);
    let text = String::from_utf8_lossy(&mail.raw).replace("=\r\n", "");
    assert!(text.contains("Content-Type: text/plain"), "a plain part always: {text}");

    let page = service.http.get(&path);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Unsubscribe?") && page.body.contains("Getting started"), "{}", page.body);
    // A GET changes nothing: mail of the topic still comes.
    send(&service, &[happened("ada", "Tip Wanted", "t0")]);
    wait_for_state(&service, "ada", "tip", "sent");

    // Queued and held when the person clicks: of the topic, of another, of what must be said; and another user's with
    // the same address.
    command(&project, &["pause"]);
    send(
        &service,
        &[
            happened("ada", "Tip Wanted", "t1"),
            happened("bob", "Signed Up", "s2"),
            happened("ada", "Invoice Made", "i1"),
            happened("ada", "Paid", "p1"),
        ],
    );
    for (user, rule) in [("ada", "tip"), ("bob", "welcome"), ("ada", "invoice"), ("ada", "receipt")] {
        wait_for_state(&service, user, rule, "held");
    }
    let done = post_form(&service, &path, ONE_CLICK);
    assert_eq!(done.status, 200);
    assert!(done.body.contains("You are unsubscribed"), "{}", done.body);
    command(&project, &["resume"]);
    let skipped = wait_for_state(&service, "bob", "welcome", "skipped");
    assert_eq!(skipped["message"]["reason"], "topic-opt-out", "by address: {skipped}");
    wait_for_state(&service, "ada", "invoice", "sent");
    wait_for_state(&service, "ada", "receipt", "sent");
    let tip = wait_ended(&service, "ada", "tip");
    assert!(tip == "skipped" || tip == "cancelled", "the queued one of the topic is {tip}");
    assert_eq!(sink.count(), 4, "the first, the tip before the click, the invoice and the receipt");

    // The engine has heard of it: the next one is refused when it is judged, and no message is made.
    wait::until("the person's shard knows", SOON, || {
        command(&project, &["user", "ada"])["person"]["topics_off"] == json!(["onboarding"])
    });
    send(&service, &[happened("ada", "Signed Up", "s3")]);
    let later = wait_for_decisions(&service, "ada", "welcome", 2).remove(0);
    assert_eq!((&later["verdict"], &later["reason"]), (&json!("refuse"), &json!("topic-opt-out")));
    assert_eq!(later["message"], Value::Null);
    assert_eq!(sink.count(), 4);
}

/// The state in which a message has ended, whichever.
fn wait_ended(service: &Service<'_>, user: &str, rule: &str) -> String {
    let state = || {
        let decision = decisions(service, user).into_iter().find(|decision| decision["rule"] == rule)?;
        let state = decision["message"]["state"].as_str()?.to_owned();
        (!["queued", "held", "leaving"].contains(&state.as_str())).then_some(state)
    };
    wait::for_value(SOON, state)
        .unwrap_or_else(|| panic!("{rule} for {user}: {:#?}", decisions(service, user)))
}

#[test]
fn nothing_leaves_after_the_click_from_a_queue_that_a_slow_server_has_made() {
    let sink = SmtpSink::start();
    let project = four_rules(sink.port(), "");
    let mut service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), happened("ada", "Signed Up", "s0")]);
    let first = sink.wait_for(1, SOON).remove(0);
    // All four connections are held up; forty more wait behind them.
    sink.misbehave(Fault::HoldReply, usize::MAX);
    let events: Vec<Value> =
        (0..44).map(|number| happened("ada", "Tip Wanted", &format!("t{number}"))).collect();
    send(&service, &events);
    sink.wait_for(5, SOON);
    wait_for_decisions(&service, "ada", "tip", 44);

    let path = path_of_link(project.http_port, &first);
    assert_eq!(post_form(&service, &path, ONE_CLICK).status, 200);
    sink.behave();
    wait::until("every message has ended", SOON, || {
        let mut states =
            decisions(&service, "ada").into_iter().map(|decision| decision["message"]["state"].clone());
        states.all(|state| !["queued", "held", "leaving"].map(Value::from).contains(&state))
    });
    assert_eq!(sink.count(), 5, "only the four that were leaving when the page said it");
    assert!(service.stop().success());
}

#[test]
fn everything_may_be_ended_and_only_what_must_be_said_still_comes() {
    let sink = SmtpSink::start();
    let project = four_rules(sink.port(), "");
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), happened("ada", "Signed Up", "s1")]);
    let path = path_of_link(project.http_port, &sink.wait_for(1, SOON)[0]);
    let done = post_form(&service, &path, "scope=all");
    assert!(done.status == 200 && done.body.contains("You are unsubscribed"), "{}", done.body);
    wait::until("the person's shard knows", SOON, || {
        command(&project, &["user", "ada"])["person"]["all_off"] == json!(true)
    });
    send(&service, &[happened("ada", "Invoice Made", "i1"), happened("ada", "Paid", "p1")]);
    let refused = wait_for_decisions(&service, "ada", "invoice", 1).remove(0);
    assert_eq!((&refused["verdict"], &refused["reason"]), (&json!("refuse"), &json!("suppressed")));
    wait_for_state(&service, "ada", "receipt", "sent");
    assert_eq!(sink.count(), 2);
}

#[test]
fn a_forged_or_cut_link_is_not_found_and_changes_nothing() {
    let sink = SmtpSink::start();
    let project = four_rules(sink.port(), "");
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), happened("ada", "Signed Up", "s1")]);
    let path = path_of_link(project.http_port, &sink.wait_for(1, SOON)[0]);
    // Another address of the same length under the old signature.
    let token = URL_SAFE_NO_PAD.decode(path.strip_prefix("/u/").expect("a token")).expect("base64");
    let at = token.windows(13).position(|part| part == b"ada@mail.test").expect("the address");
    let forged = [&token[..at], b"bob@mail.test", &token[at + 13..]].concat();
    let forged = format!("/u/{}", URL_SAFE_NO_PAD.encode(forged));
    for wrong in [forged.as_str(), &path[..path.len() - 1], "/u/x"] {
        assert_eq!(service.http.get(wrong).status, 404, "{wrong}");
        let reply = post_form(&service, wrong, ONE_CLICK);
        assert_eq!(reply.status, 404, "{wrong}");
        assert!(!reply.body.contains("ada@mail.test"), "{}", reply.body);
    }
    send(&service, &[happened("ada", "Tip Wanted", "t1")]);
    wait_for_state(&service, "ada", "tip", "sent");
}

#[test]
fn the_click_holds_over_kill_9_right_after_its_answer() {
    let sink = SmtpSink::start();
    let project = four_rules(sink.port(), "");
    let mut service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), happened("ada", "Signed Up", "s1")]);
    let path = path_of_link(project.http_port, &sink.wait_for(1, SOON)[0]);
    command(&project, &["pause"]);
    send(&service, &[happened("ada", "Tip Wanted", "t1")]);
    wait_for_state(&service, "ada", "tip", "held");
    assert_eq!(post_form(&service, &path, ONE_CLICK).status, 200);
    service.kill();
    service.restart();
    command(&project, &["resume"]);
    assert_ne!(wait_ended(&service, "ada", "tip"), "sent");
    wait::until("the person's shard knows", SOON, || {
        command(&project, &["user", "ada"])["person"]["topics_off"] == json!(["onboarding"])
    });
    assert_eq!(sink.count(), 1);
}

#[test]
fn the_link_of_an_old_mail_works_after_the_secret_was_replaced() {
    let sink = SmtpSink::start();
    let project = four_rules(sink.port(), "");
    let mut service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), happened("ada", "Signed Up", "s1")]);
    let old = path_of_link(project.http_port, &sink.wait_for(1, SOON)[0]);
    assert!(service.stop().success());

    let toml = project.path().join("outreach.toml");
    let before = std::fs::read_to_string(&toml).expect("outreach.toml");
    let secret = std::fs::read_to_string(project.path().join("secrets/unsubscribe.key")).expect("a secret");
    project.write("secrets/unsubscribe-old.key", &secret);
    project.write("secrets/unsubscribe.key", "another secret of the tests, long enough");
    let named =
        "secret_file = \"secrets/unsubscribe.key\"\nold_secret_files = [\"secrets/unsubscribe-old.key\"]";
    project.write("outreach.toml", &before.replace("secret_file = \"secrets/unsubscribe.key\"", named));
    service.restart();
    assert_eq!(post_form(&service, &old, ONE_CLICK).status, 200);

    send(&service, &[happened("ada", "Invoice Made", "i1"), happened("ada", "Tip Wanted", "t1")]);
    let new = path_of_link(project.http_port, &sink.wait_for(2, SOON)[1]);
    // By the engine where it has read of the click, else by the gate.
    wait::until("the tip is refused", SOON, || {
        decisions(&service, "ada").iter().any(|decision| {
            decision["rule"] == "tip"
                && [&decision["reason"], &decision["message"]["reason"]].contains(&&json!("topic-opt-out"))
        })
    });
    assert!(service.stop().success());

    // Without the old one its links are no links of ours; those of the new one are.
    project.write("outreach.toml", &before);
    service.restart();
    assert_eq!(post_form(&service, &old, ONE_CLICK).status, 404);
    assert_eq!(service.http.get(&new).status, 200);
}
