//! What the tests of the service share: a project with small rules, events, the command line, and the ledger.

use std::time::Duration;

use outreach::ledger::sqlite::SqliteLedger;
use outreach::ledger::{Ledger, LedgerEntry};
use outreach_engine::{Length, Timestamp};
use serde_json::{Value, json};

use crate::world::http::Reply;
use crate::world::kafka::Kafka;
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::Mail;
use crate::world::solo::SERVER_KEY;
use crate::world::wait;

/// For anything that takes a second or two on a quiet machine.
pub const SOON: Duration = Duration::from_secs(90);

/// The part of outreach.toml that goes into the release.
const RELEASE: &str = r#"
timezone = "Europe/Paris"
transactional_rules = ["third-failed-payment", "receipt"]
[topics.onboarding]
name = "Getting started"
[topics.billing]
name = "Billing"
[topics.reminders]
name = "Reminders"
"#;
const SENDER: &str = "[sender]\nname = \"Acme\"\naddress = \"1 Main Street, Springfield\"\n";

const NOTE_BODY: &str = "<html><body><p>A note for {{person.id}} after {{event.name}}.</p>\
    <p>{{sender.name}}, {{sender.address}} <a href=\"{{unsubscribe_url}}\">Unsubscribe</a></p></body></html>";
const SAMPLE: &str = r#"{ "person": { "id": "ada" }, "traits": {}, "event": { "name": "E" }, "properties": {}, "context": {} }"#;
const CARD: &str = "kind = \"card\"\ntitle = \"Hello {{person.id}}\"\nbody = \"After {{event.name}}\"\n";

/// A project without rules, with the templates `note` (mail) and `card` (in-product).
pub fn project(smtp_port: u16, kafka: Option<&Kafka>, more: &str) -> Project {
    let project = Project::solo(RELEASE, smtp_port, kafka, &format!("{SENDER}{more}"));
    let files = [
        ("templates/note/subject.hbs", "A note for {{person.id}}"),
        ("templates/note/body.html", NOTE_BODY),
        ("templates/note/sample.json", SAMPLE),
        ("templates/card/in_product.toml", CARD),
        ("templates/card/sample.json", SAMPLE),
    ];
    files.iter().for_each(|(path, text)| project.write(path, text));
    project
}

/// Writes a rule of `topic`, each time anew for the same person: `trigger` and `step` are lines of TOML.
pub fn rule(project: &Project, id: &str, topic: &str, trigger: &str, step: &str) {
    let text = format!(
        "name = \"{id}\"\ntopic = \"{topic}\"\n[trigger]\n{trigger}\n[limits]\nonce_per = \"always\"\n[[step]]\n{step}\n"
    );
    project.write(&format!("rules/{id}.toml"), &text);
}

/// Now, less a length.
pub fn ago(length: Length) -> Timestamp {
    let now: Timestamp = outreach::clock::system()();
    Timestamp(now.0 - length.0)
}

pub fn identify(user: &str, address: &str) -> Value {
    let at = ago(Length::days(10)).to_string();
    json!({ "type": "identify", "userId": user, "messageId": format!("identify-{user}"), "timestamp": at,
        "traits": { "email": address, "first_name": "Ada" } })
}

pub fn track(user: &str, event: &str, message_id: &str, at: Timestamp, properties: Value) -> Value {
    json!({ "type": "track", "userId": user, "event": event, "messageId": message_id,
        "timestamp": at.to_string(), "properties": properties })
}

/// Sends events by HTTP, durable when it returns.
#[track_caller]
pub fn send(service: &Service<'_>, events: &[Value]) {
    for batch in events.chunks(500) {
        let reply = service.http.post("/v1/batch", SERVER_KEY, &json!({ "batch": batch }));
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}

/// Asks the running service as the command line does.
pub fn operate(service: &Service<'_>, request: &Value) -> Result<Value, String> {
    let headers = [("content-type", "application/json")];
    let sent = service.admin.try_send("POST", "/operate", &headers, request.to_string().into_bytes());
    let reply: Reply = sent.expect("the admin address answers");
    if reply.status == 200 { Ok(reply.json()) } else { Err(reply.body) }
}

/// The decisions about a person, newest first; none where nothing is known of them.
pub fn decisions(service: &Service<'_>, user: &str) -> Vec<Value> {
    let answer = operate(service, &json!({ "command": "user", "subject": user }));
    answer.ok().and_then(|answer| answer["decisions"].as_array().cloned()).unwrap_or_default()
}

/// Waits until a person's newest decision by `rule` has its message in `state`.
#[track_caller]
pub fn wait_for_state(service: &Service<'_>, user: &str, rule: &str, state: &str) -> Value {
    let found = wait::for_value(SOON, || {
        let decision = decisions(service, user).into_iter().find(|decision| decision["rule"] == rule)?;
        (decision["message"]["state"] == state).then_some(decision)
    });
    found.unwrap_or_else(|| {
        panic!("expected {rule} for {user} to be {state}, found {:#?}", decisions(service, user))
    })
}

/// Waits until `count` decisions by `rule` about a person are there, and gives them, newest first.
#[track_caller]
pub fn wait_for_decisions(service: &Service<'_>, user: &str, rule: &str, count: usize) -> Vec<Value> {
    let of_rule = || -> Vec<Value> {
        decisions(service, user).into_iter().filter(|decision| decision["rule"] == rule).collect()
    };
    let found = wait::for_value(SOON, || Some(of_rule()).filter(|found| found.len() >= count));
    found.unwrap_or_else(|| panic!("expected {count} decisions of {rule} for {user}, found {:#?}", of_rule()))
}

/// `outreach ARGUMENTS… --format json`, which must succeed.
#[track_caller]
pub fn command(project: &Project, arguments: &[&str]) -> Value {
    let output = project.run(&[arguments, &["--format", "json"]].concat());
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {} {out}{err}", output.status);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
}

/// Why the service is not ready; empty when it is.
pub fn reasons(service: &Service<'_>) -> Vec<String> {
    let Ok(reply) = service.admin.try_get("/readyz") else { return vec!["no answer".into()] };
    match reply.status {
        200 => Vec::new(),
        503 => serde_json::from_value(reply.json()["reasons"].clone()).expect("reasons"),
        status => panic!("/readyz says {status}: {}", reply.body),
    }
}

/// Waits until `/readyz` gives a reason that holds `words`.
#[track_caller]
pub fn wait_for_reason(service: &Service<'_>, words: &str) -> String {
    let found = wait::for_value(SOON, || reasons(service).into_iter().find(|reason| reason.contains(words)));
    found.unwrap_or_else(|| {
        panic!("expected /readyz to say {words:?}, it says {:?}\n{}", reasons(service), service.log())
    })
}

/// The ledger of a project whose service is stopped.
pub fn ledger(project: &Project) -> SqliteLedger {
    SqliteLedger::open(project.path().join("data/ledger.db")).expect("the ledger of the project")
}

/// All entries about a user, in a ledger that nobody else has open.
pub fn entries(ledger: &SqliteLedger, user: &str) -> Vec<LedgerEntry> {
    let subject = format!("user:{user}");
    ledger.transaction(|transaction| transaction.entries(&subject, 1_000)).expect("entries")
}

/// The mails to an address.
pub fn mails_to<'m>(mails: &'m [Mail], address: &str) -> Vec<&'m Mail> {
    mails.iter().filter(|mail| mail.to.iter().any(|to| to == address)).collect()
}
