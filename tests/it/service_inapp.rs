//! In-product messages, as a product's page gets them from the real service.

use outreach::ledger::Ledger;
use outreach_engine::Length;
use serde_json::{Value, json};

use crate::service_desk::{SOON, ago, ledger, project, rule, send, track, wait_for_state};
use crate::world::browser;
use crate::world::http::Reply;
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::SmtpSink;
use crate::world::solo::SERVER_KEY;
use crate::world::wait;

pub const SECRET: &str = "an identity secret of the tests, long enough";
pub const IDENTITY: &str = "[identity]\naudience = \"acme\"\n[[identity.keys]]\nname = \"app\"\nalgorithm = \"HS256\"\n\
    secret_file = \"secrets/identity.key\"\n";

/// A token of the product's server for `user`, good for ten minutes.
pub fn token(user: &str) -> String {
    let exp = ago(Length::minutes(-10)).0 / 1_000_000;
    let header = jsonwebtoken::Header { kid: Some("app".into()), ..jsonwebtoken::Header::default() };
    let claims = json!({ "sub": user, "aud": "acme", "exp": exp });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&header, &claims, &key).expect("a token")
}

/// A project with a rule that shows the card `card` to whoever does "Project Created", for a day.
fn with_card(smtp_port: u16) -> Project {
    let project = project(smtp_port, None, IDENTITY);
    project.write("secrets/identity.key", SECRET);
    rule(&project, "checklist", "onboarding", "event = \"Project Created\"", "in_product = \"card\"");
    project
}

pub fn ask(service: &Service<'_>, method: &str, path: &str, token: &str, body: &str) -> Reply {
    let bearer = format!("Bearer {token}");
    let headers: &[(&str, &str)] = if token.is_empty() { &[] } else { &[("authorization", &bearer)] };
    service.http.try_send(method, path, headers, body.into()).expect("an answer")
}

fn inbox(service: &Service<'_>, user: &str) -> Value {
    let reply = ask(service, "GET", "/v1/inapp/messages", &token(user), "");
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

fn created(user: &str, id: &str) -> Value {
    track(user, "Project Created", id, ago(Length::minutes(1)), json!({}))
}

#[test]
fn a_decided_message_is_fetched_by_its_user_and_by_nobody_else() {
    let sink = SmtpSink::start();
    let project = with_card(sink.port());
    let service = Service::start(&project);
    send(&service, &[created("ada", "p1")]);
    wait_for_state(&service, "ada", "checklist", "sent");

    let all = inbox(&service, "ada");
    let message = &all["messages"][0];
    assert_eq!(all["counts"], json!({ "total": 1, "unseen": 1 }), "{all}");
    for (key, value) in [
        ("kind", json!("card")),
        ("title", json!("Hello ada")),
        ("body_html", json!("<p>After Project Created</p>")),
        ("body", json!("After Project Created")),
        ("topic", json!("onboarding")),
        ("seen_at", Value::Null),
    ] {
        assert_eq!(message[key], value, "{key} of {message}");
    }
    let id = message["id"].as_str().expect("an id").to_owned();
    assert_eq!(inbox(&service, "bob")["messages"], json!([]));
    let seen = format!("/v1/inapp/messages/{id}/seen");
    assert_eq!(ask(&service, "POST", &seen, &token("bob"), "").status, 404);
    assert_eq!(ask(&service, "POST", &seen, "", "").status, 401);
    assert_eq!(inbox(&service, "ada")["counts"]["unseen"], 1);

    // A beacon sets no header: its body holds the token.
    let beacon = json!({ "token": token("ada") }).to_string();
    assert_eq!(ask(&service, "POST", &seen, "", &beacon).status, 204);
    let first = inbox(&service, "ada")["messages"][0]["seen_at"].clone();
    assert!(first.is_string());
    assert_eq!(ask(&service, "POST", &seen, &token("ada"), "").status, 204);
    assert_eq!(inbox(&service, "ada")["messages"][0]["seen_at"], first, "the first time wins");
    let dismissed = format!("/v1/inapp/messages/{id}/dismissed");
    assert_eq!(ask(&service, "POST", &dismissed, &token("ada"), "").status, 204);
    assert_eq!(inbox(&service, "ada")["counts"], json!({ "total": 0, "unseen": 0 }));
}

#[test]
fn a_rule_that_is_switched_off_takes_its_messages_back() {
    let sink = SmtpSink::start();
    let project = with_card(sink.port());
    rule(&project, "other", "onboarding", "event = \"Project Created\"", "in_product = \"card\"");
    let mut service = Service::start(&project);
    send(&service, &[created("ada", "p1")]);
    wait_for_state(&service, "ada", "checklist", "sent");
    wait_for_state(&service, "ada", "other", "sent");
    assert_eq!(inbox(&service, "ada")["counts"]["total"], 2);
    assert!(service.stop().success());
    let text = std::fs::read_to_string(project.path().join("rules/checklist.toml")).expect("the rule");
    project.write("rules/checklist.toml", &format!("status = \"off\"\n{text}"));
    service.restart();
    assert_eq!(inbox(&service, "ada")["counts"]["total"], 1, "how else could a wrong word be taken back?");
}

#[test]
fn an_exit_takes_a_message_back_though_its_journey_is_over() {
    let sink = SmtpSink::start();
    let project = with_card(sink.port());
    let path = project.path().join("rules/checklist.toml");
    let text = std::fs::read_to_string(&path).expect("the rule");
    let text = text.replacen("[[step]]", "[exit]\nevent = \"Project Deleted\"\n[[step]]", 1);
    project.write("rules/checklist.toml", &text);
    let service = Service::start(&project);
    send(&service, &[created("ada", "p1")]);
    wait_for_state(&service, "ada", "checklist", "sent");
    assert_eq!(inbox(&service, "ada")["counts"]["total"], 1);
    send(&service, &[track("ada", "Project Deleted", "p2", ago(Length::ZERO), json!({}))]);
    wait::until("it is taken back", SOON, || inbox(&service, "ada")["counts"]["total"] == 0);
    let told = String::from_utf8(project.run(&["user", "ada"]).stdout).expect("text");
    assert!(told.contains("out of their inbox: taken back (exit) at "), "{told}");
}

/// The life of messages in a real browser: `tests/browser/inbox.mjs` says what is checked.
#[test]
fn messages_live_in_chromium_from_the_event_to_the_outcome() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, IDENTITY);
    project.write("secrets/identity.key", SECRET);
    let action = "action = { label = \"Go on\", url = \"/projects/new\" }";
    let sample = r#"{ "properties": { "name": "Ada", "note": "n" }, "person": { "id": "ada" }, "traits": {}, "event": { "name": "E" }, "context": {} }"#;
    for (name, event, more) in [
        ("card", "Card", ""),
        ("banner", "Banner", ""),
        ("modal", "Modal", ""),
        ("short", "Short", "\nexpires = \"12 seconds\""),
        ("raw", "Raw", ""),
    ] {
        let kind = if ["banner", "modal"].contains(&name) { name } else { "card" };
        let body =
            "<p>Hear: {{properties.note}}</p><p><a href='{{properties.note}}'>{{properties.note}}</a></p>";
        let body = if name == "raw" { "{{properties.note}}" } else { body };
        let text =
            format!("title = \"{{{{properties.name}}}}\"\nbody = \"{body}\"\nkind = \"{kind}\"\n{action}\n");
        project.write(&format!("templates/{name}/in_product.toml"), &text);
        project.write(&format!("templates/{name}/sample.json"), sample);
        rule(
            &project,
            name,
            "onboarding",
            &format!("event = \"{event}\""),
            &format!("in_product = \"{name}\"{more}"),
        );
    }
    let mut service = Service::start(&project);
    let settings = json!({
        "service": format!("http://127.0.0.1:{}", project.http_port),
        "key": SERVER_KEY,
        "secret": SECRET,
        "pictures": std::env::var("OUTREACH_PICTURES").ok(),
    });
    let checked = browser::run("inbox.mjs", &settings);
    assert!(checked["done"].as_array().is_some_and(|done| done.len() >= 14), "{checked}");

    // What people did went back into the log, and the outbox is empty.
    assert!(service.stop().success());
    let ledger = ledger(&project);
    let rest = ledger.transaction(|transaction| transaction.outbox(10)).expect("the outbox");
    assert_eq!(rest, []);
    let mails = sink.connections();
    assert_eq!(mails, 0, "nothing of this goes by mail");
}
