//! The product's topics in the whole service, against a real broker: events become mails, trouble with Kafka is
//! waited out in words, and time stands still meanwhile.

use outreach_engine::{Length, Timestamp};
use serde_json::{Value, json};

use crate::service_desk::{
    SOON, ago, command, decisions, identify, operate, project, reasons, rule, send, track,
    wait_for_decisions, wait_for_reason, wait_for_state,
};
use crate::world::kafka::Kafka;
use crate::world::kafka::records::Outgoing;
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::SmtpSink;
use crate::world::wait;

/// A keyed topic in Segment's form and one without keys, read by pointers.
pub fn two_sources(product: &str, billing: &str) -> String {
    format!(
        r#"
[[sources]]
name = "product"
topic = "{product}"
format = "segment"
[[sources]]
name = "billing"
topic = "{billing}"
format = "json"
fields = {{ user = "/customer/id", event = "/kind", time = "/at", properties = "/data", message_id = "/id" }}
"#
    )
}

/// An event as the billing system writes it.
pub fn billed(user: &str, kind: &str, id: &str, at: Timestamp) -> Outgoing {
    let event = json!({ "id": id, "kind": kind, "at": at.to_string(), "customer": { "id": user }, "data": { "amount": 49 } });
    Outgoing::new(event.to_string())
}

/// An event of the product's, keyed by its user.
pub fn keyed(event: &Value) -> Outgoing {
    Outgoing::keyed(event["userId"].as_str().expect("a user"), event.to_string())
}

fn signed_up(user: &str, message_id: &str) -> Value {
    track(user, "Signed Up", message_id, ago(Length::minutes(1)), json!({}))
}

fn with_rules(sink: &SmtpSink, kafka: &Kafka, sources: &str) -> Project {
    let project = project(sink.port(), Some(kafka), sources);
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    rule(
        &project,
        "third-failed-payment",
        "billing",
        "event = \"Payment Failed\"\ncount = 3\nwithin = \"1 day\"",
        "email = \"note\"\ntransactional = true",
    );
    project
}

#[test]
fn events_of_a_keyed_and_an_unkeyed_topic_become_mails_and_bad_records_dead_letters() {
    let kafka = Kafka::shared();
    kafka.create_topic("whole-product", 3, &[]);
    kafka.create_topic("whole-billing", 2, &[]);
    let sink = SmtpSink::start();
    let project = with_rules(&sink, kafka, &two_sources("whole-product", "whole-billing"));
    let service = Service::start(&project);
    kafka.produce(
        "whole-product",
        [
            keyed(&identify("ada", "ada@mail.test")),
            keyed(&identify("bob", "bob@mail.test")),
            keyed(&signed_up("ada", "s1")),
        ],
    );
    assert_eq!(sink.wait_for(1, SOON)[0].to, ["ada@mail.test"]);
    wait::until("bob is known", SOON, || {
        operate(&service, &json!({ "command": "user", "subject": "bob" }))
            .is_ok_and(|answer| answer["person"]["traits"]["email"] == "bob@mail.test")
    });

    let at = |minutes| ago(Length::minutes(minutes));
    let places = kafka.produce(
        "whole-billing",
        [
            billed("bob", "Payment Failed", "b1", at(30)).to(0),
            Outgoing::new("{\"customer\": {\"id\": \"bob\"").to(1),
            billed("bob", "Payment Failed", "b2", at(20)).to(1),
            Outgoing::new(
                json!({ "id": "b9", "kind": "Payment Failed", "customer": { "id": "bob" } }).to_string(),
            )
            .to(1),
            billed("bob", "Payment Failed", "b3", at(10)).to(0),
        ],
    );
    assert_eq!(sink.wait_for(2, SOON)[1].to, ["bob@mail.test"]);
    wait_for_state(&service, "bob", "third-failed-payment", "sent");

    wait::until("two letters", SOON, || {
        command(&project, &["dlq", "list"]).as_array().map(Vec::len) == Some(2)
    });
    let letters = command(&project, &["dlq", "list"]);
    for (letter, (place, code)) in letters
        .as_array()
        .expect("letters")
        .iter()
        .zip([(places[1], "malformed-json"), (places[3], "no-time")])
    {
        let found = (&letter["topic"], &letter["partition"], &letter["offset"], &letter["code"]);
        let wanted = (&json!("whole-billing"), &json!(place.partition), &json!(place.offset), &json!(code));
        assert_eq!(found, wanted);
        assert_eq!(letter["source"], "kafka:billing");
    }
    let text = String::from_utf8(project.run(&["dlq", "list"]).stdout).expect("text");
    assert!(text.contains(&format!("whole-billing/1 @ {}", places[1].offset)), "{text}");
    assert_eq!(sink.count(), 2);
}

#[test]
fn letters_of_a_topic_are_replayed_once_the_pointers_to_its_fields_are_mended() {
    let kafka = Kafka::shared();
    kafka.create_topic("mended-product", 1, &[]);
    kafka.create_topic("mended-billing", 1, &[]);
    let sink = SmtpSink::start();
    let right = two_sources("mended-product", "mended-billing");
    let project = with_rules(&sink, kafka, &right.replace("/customer/id", "/client/id"));
    let mut service = Service::start(&project);
    send(&service, &[identify("bob", "bob@mail.test")]);
    let at = ago(Length::minutes(5));
    kafka.produce("mended-billing", ["b1", "b2", "b3"].map(|id| billed("bob", "Payment Failed", id, at)));
    wait::until("three letters", SOON, || {
        command(&project, &["dlq", "list"]).as_array().map(Vec::len) == Some(3)
    });
    let letters = command(&project, &["dlq", "list"]);
    let ids: Vec<String> =
        letters.as_array().expect("letters").iter().map(|letter| letter["id"].to_string()).collect();
    assert_eq!(
        (&letters[0]["code"], &letters[0]["reason"]),
        (&json!("no-id"), &json!("expected a value at /client/id, found none"))
    );
    let replay: Vec<&str> = ["dlq", "replay"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    assert_eq!(project.run(&replay).status.code(), Some(1), "as they are read now they are still refused");

    assert!(service.stop().success());
    let text = std::fs::read_to_string(project.path().join("outreach.toml")).expect("outreach.toml");
    project.write("outreach.toml", &text.replace("/client/id", "/customer/id"));
    service.restart();
    let output = project.run(&replay);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(sink.wait_for(1, SOON)[0].to, ["bob@mail.test"]);
    let decided = wait_for_decisions(&service, "bob", "third-failed-payment", 1).remove(0);
    assert_eq!(decided["due_at"], at.to_string(), "by the record's own time: {decided}");
}

#[test]
fn kafka_that_is_down_at_the_start_is_waited_for_and_everything_is_read_when_it_comes() {
    let kafka = Kafka::start();
    kafka.create_topic("product", 2, &[]);
    kafka.create_topic("billing", 1, &[]);
    kafka.produce("product", [keyed(&identify("ada", "ada@mail.test")), keyed(&signed_up("ada", "s1"))]);
    kafka.stop();
    let sink = SmtpSink::start();
    let project = with_rules(&sink, &kafka, &two_sources("product", "billing"));
    let mut service = Service::launch(&project);
    let reason = wait_for_reason(&service, "source product waits");
    assert!(reason.len() > "source product waits: ".len(), "it says why: {reason}");
    wait_for_reason(&service, "source billing waits");
    assert_eq!(service.admin.get("/livez").status, 200);
    // HTTP goes on: what it takes is durable, and decided when time moves again.
    send(&service, &[identify("bob", "bob@mail.test"), signed_up("bob", "s2")]);

    kafka.restart();
    service.wait_ready().expect("ready by itself");
    let mails = sink.wait_for(2, SOON);
    let mut to: Vec<_> = mails.iter().flat_map(|mail| mail.to.clone()).collect();
    to.sort();
    assert_eq!(to, ["ada@mail.test", "bob@mail.test"]);
}

#[test]
fn timers_stand_still_while_a_required_source_cannot_be_read_and_nothing_is_lost() {
    let kafka = Kafka::start();
    kafka.create_topic("product", 2, &[]);
    kafka.create_topic("billing", 1, &[]);
    let sink = SmtpSink::start();
    let project = with_rules(&sink, &kafka, &two_sources("product", "billing"));
    rule(
        &project,
        "stalled",
        "onboarding",
        "event = \"Trial Begun\"\nwithout = \"Project Created\"\nwithin = \"1 hour\"",
        "email = \"note\"",
    );
    let mut service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), identify("bob", "bob@mail.test")]);
    kafka.produce("product", [keyed(&signed_up("bob", "s1"))]);
    sink.wait_for(1, SOON);

    kafka.kill();
    wait_for_reason(&service, "source product waits");
    // Their hour and the minute of grace end while Kafka is away.
    let begun_at = ago(Length(Length::hours(1).0 + Length::minutes(1).0 - Length::seconds(1).0));
    let begun = |user: &str| track(user, "Trial Begun", &format!("begun-{user}"), begun_at, json!({}));
    let now = || track("bob", "Signed Up", "s2", ago(Length(0)), json!({}));
    send(&service, &[begun("ada"), begun("bob"), now()]);
    // The events are known: the wait is open, a journey is due. Time does not move, so nothing is decided.
    let ada = wait::for_value(SOON, || view(&service, "ada").filter(|ada| ada["waits"].get(0).is_some()));
    let known_until = ada.expect("ada waits")["known_until"].clone();
    wait::until("a second after all were due", SOON, || {
        assert!(decisions(&service, "ada").is_empty() && decisions(&service, "bob").len() == 1);
        assert_ne!(reasons(&service), Vec::<String>::new());
        ago(Length::seconds(1)) > begun_at + Length::hours(1) + Length::minutes(1)
    });
    assert_eq!(view(&service, "ada").expect("ada")["known_until"], known_until, "time stands still");

    // What comes before time moves is part of the present in which ada is judged; for bob nothing comes.
    send(&service, &[track("ada", "Project Created", "c1", begun_at + Length::minutes(30), json!({}))]);
    kafka.restart();
    service.wait_ready().expect("ready by itself");
    kafka.produce("product", [keyed(&signed_up("bob", "s3"))]);
    wait_for_state(&service, "bob", "stalled", "sent");
    assert_eq!(wait_for_decisions(&service, "bob", "welcome", 3).len(), 3);
    assert_eq!(sink.wait_for(4, SOON).len(), 4);
    assert_eq!(decisions(&service, "ada"), Vec::<Value>::new());
}

fn view(service: &Service<'_>, user: &str) -> Option<Value> {
    operate(service, &json!({ "command": "user", "subject": user }))
        .ok()
        .map(|answer| answer["person"].clone())
}
