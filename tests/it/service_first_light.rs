//! The thinnest whole service, as its users see it: events in by HTTP, mails and in-product messages out, and the
//! command line beside it.

mod clock;
mod operators;
mod stopping;

use outreach_engine::Length;
use serde_json::json;

use crate::service_desk::{
    SOON, ago, command, decisions, identify, mails_to, operate, project, rule, send, track,
    wait_for_decisions, wait_for_state,
};
use crate::world::service::Service;
use crate::world::smtp_sink::SmtpSink;

/// The rule holds a tenth of people out; with the fixed seed of the hash she is not among them.
const TREATED: &str = "ada";

#[test]
fn stalled_onboarding_and_third_failed_payment_become_mails() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    project.copy("rules");
    project.copy("templates");
    let service = Service::start(&project);

    let signed_up_at = ago(Length(Length::days(3).0 + Length::minutes(2).0));
    let payment = |number: i64| {
        let at = ago(Length::minutes(30 - number));
        track("bob", "Payment Failed", &format!("p{number}"), at, json!({ "amount": 49, "currency": "EUR" }))
    };
    send(
        &service,
        &[
            identify(TREATED, "ada@mail.test"),
            track(TREATED, "Signed Up", "s1", signed_up_at, json!({ "plan": "trial" })),
            identify("bob", "bob@mail.test"),
            payment(1),
            payment(2),
        ],
    );
    let mails = sink.wait_for(1, SOON);
    assert_eq!(mails[0].to, ["ada@mail.test"]);
    assert_eq!(mails[0].header("Subject").as_deref(), Some("Ada, your first project takes two minutes"));

    send(&service, &[payment(3)]);
    let mails = sink.wait_for(2, SOON);
    assert_eq!(mails[1].to, ["bob@mail.test"]);
    let subject = mails[1].header("Subject").expect("a subject");
    assert!(subject.contains("Your payment of"), "{subject}");
    assert_eq!(mails[1].header("List-Unsubscribe"), None, "what must be said has no link to stop it");

    let stalled = wait_for_state(&service, TREATED, "stalled-onboarding", "sent");
    let due_at = (signed_up_at + Length::days(3)).to_string();
    assert_eq!((&stalled["verdict"], &stalled["due_at"]), (&json!("send"), &json!(due_at)));
    let message_id = mails[0].header("Message-ID").expect("a message id");
    let id = stalled["id"].as_str().expect("an id");
    assert!(message_id.contains(id), "{message_id} names decision {id}");
    assert!(mails[0].from.contains(id) && mails[0].from.ends_with("@bounce.test"), "VERP: {}", mails[0].from);
    assert_eq!(sink.count(), 2, "nobody else is written to");
}

#[test]
fn a_mail_about_what_did_not_happen_reads_the_event_that_it_waited_after() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    project.copy("rules");
    project.copy("templates");
    let service = Service::start(&project);
    let at = ago(Length(Length::days(11).0 + Length::minutes(2).0));
    let trial = json!({ "trial_end_date": "2026-03-16T09:30:00Z" });
    send(&service, &[identify(TREATED, "ada@mail.test"), track(TREATED, "Trial Started", "t1", at, trial)]);
    let mails = sink.wait_for(1, SOON);
    assert_eq!(mails[0].header("Subject").as_deref(), Some("Ada, your trial ends on Monday"));
}

#[test]
fn in_product_message_is_decided_and_kept_with_its_reason() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    rule(&project, "checklist", "onboarding", "event = \"Project Created\"", "in_product = \"card\"");
    let service = Service::start(&project);
    send(&service, &[track("ada", "Project Created", "p1", ago(Length::minutes(1)), json!({}))]);
    wait_for_state(&service, "ada", "checklist", "sent");

    let user = command(&project, &["user", "ada"]);
    let decision = &user["decisions"][0];
    assert_eq!(user["subject"], "user:ada");
    for (key, value) in
        [("rule", "checklist"), ("channel", "in_product"), ("template", "card"), ("verdict", "send")]
    {
        assert_eq!(decision[key], value, "{key} of {decision}");
    }
    assert!(decision["facts"].to_string().contains("p1"), "the event that made it so: {decision}");
    assert_eq!(sink.connections(), 0, "no mail server is asked");
    let text = String::from_utf8(project.run(&["user", "ada"]).stdout).expect("text");
    assert!(
        text.starts_with("user:ada\n") && text.contains("checklist / card by in_product: send"),
        "{text}"
    );
}

#[test]
fn health_and_metrics_answer_and_logs_name_nobody() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let mut service = Service::start(&project);
    assert_eq!(service.admin.get("/livez").status, 200);
    assert_eq!(service.admin.get("/readyz").json(), json!({ "ready": true }));
    let secret = ("zelda-of-hyrule", "zelda@mail.test", "Zelda-Trait");
    let mut known = identify(secret.0, secret.1);
    known["traits"]["first_name"] = secret.2.into();
    send(&service, &[known, track(secret.0, "Signed Up", "s1", ago(Length::minutes(1)), json!({}))]);
    // Failures tell more than success does: one of each kind.
    send(&service, &[json!({ "type": "track", "userId": secret.0, "timestamp": "yesterday", "event": "E" })]);
    wait_for_state(&service, secret.0, "welcome", "sent");
    let refused = service.http.post("/v1/track", "no-such-key", &json!({ "userId": secret.0, "event": "E" }));
    assert_eq!(refused.status, 401);

    let metrics = service.admin.get("/metrics").body;
    for line in [
        "outreach_ingested_events_total{source=\"http:server\",outcome=\"accepted\"} 2",
        "outreach_ingested_events_total{source=\"http:server\",outcome=\"bad-time\"} 1",
        "outreach_deliveries_total{channel=\"email\",end=\"accepted\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    assert!(service.stop().success());
    let log = service.log();
    assert!(log.contains("outreach runs") && log.contains("\"stopped\""), "{log}");
    for word in [secret.0, secret.1, secret.2] {
        assert!(!log.contains(word) && !metrics.contains(word), "{word} in\n{log}\n{metrics}");
    }
}

#[test]
fn a_repeated_event_counts_once() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let service = Service::start(&project);
    let event = track("ada", "Signed Up", "the-same", ago(Length::minutes(1)), json!({}));
    send(&service, &[identify("ada", "ada@mail.test"), event.clone(), event.clone()]);
    send(&service, &[event, track("ada", "Signed Up", "another", ago(Length::minutes(1)), json!({}))]);
    wait_for_decisions(&service, "ada", "welcome", 2);
    let mails = sink.wait_for(2, SOON);
    assert_eq!(mails_to(&mails, "ada@mail.test").len(), 2);
    assert_eq!(decisions(&service, "ada").len(), 2);
}
