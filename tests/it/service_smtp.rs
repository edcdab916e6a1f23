//! The mail server in trouble: waited for with growing patience, told in `/readyz`; nothing is lost, nothing doubled.

use outreach_engine::Length;
use serde_json::{Value, json};

use crate::service_desk::{
    SOON, ago, command, decisions, identify, mails_to, project, reasons, rule, send, track,
    wait_for_decisions, wait_for_reason, wait_for_state,
};
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::{Fault, SmtpSink};
use crate::world::wait;

fn with_rules(smtp_port: u16, more: &str) -> Project {
    let project = project(smtp_port, None, more);
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    rule(&project, "invoice", "billing", "event = \"Invoice Made\"", "email = \"note\"");
    rule(&project, "receipt", "billing", "event = \"Paid\"", "email = \"note\"\ntransactional = true");
    project
}

fn happened(user: &str, event: &str, message_id: &str) -> Value {
    track(user, event, message_id, ago(Length::minutes(1)), json!({}))
}

fn people(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("u{number}")).collect()
}

fn sign_up(service: &Service<'_>, users: &[String]) {
    let events = users.iter().flat_map(|user| {
        [identify(user, &format!("{user}@mail.test")), happened(user, "Signed Up", &format!("s-{user}"))]
    });
    send(service, &events.collect::<Vec<_>>());
}

#[test]
fn mail_server_that_is_down_at_the_start_is_waited_for_and_each_mail_comes_once() {
    let sink = SmtpSink::start();
    sink.down();
    let project = with_rules(sink.port(), "");
    let service = Service::start(&project);
    let users = people(12);
    sign_up(&service, &users);
    let reason = wait_for_reason(&service, "the mail server cannot be used");
    assert!(reason.contains("messages wait"), "{reason}");
    assert_eq!(service.admin.get("/livez").status, 200);

    sink.up();
    sink.wait_for(users.len(), SOON);
    wait::until("ready by itself", SOON, || reasons(&service).is_empty());
    for user in &users {
        wait_for_state(&service, user, "welcome", "sent");
        assert_eq!(mails_to(&sink.mails(), &format!("{user}@mail.test")).len(), 1, "{user}");
    }
}

#[test]
fn mail_server_that_goes_down_later_loses_nothing_and_doubles_nothing() {
    let sink = SmtpSink::start();
    let project = with_rules(sink.port(), "[dispatch]\nmessages_per_second_max = 20\n");
    let service = Service::start(&project);
    let users = people(60);
    sign_up(&service, &users);
    sink.wait_for(5, SOON);
    sink.down();
    wait_for_reason(&service, "the mail server cannot be used");
    sink.up();

    let mut unknown = 0;
    for user in &users {
        let ended = wait::for_value(SOON, || {
            let state = decisions(&service, user).first()?["message"]["state"].as_str()?.to_owned();
            ["sent", "unknown"].contains(&state.as_str()).then_some(state)
        });
        let copies = mails_to(&sink.mails(), &format!("{user}@mail.test")).len();
        match ended.as_deref() {
            Some("sent") => assert_eq!(copies, 1, "{user}"),
            // Cut off after the final dot and before the reply.
            Some("unknown") => {
                assert!(copies <= 1, "{user}");
                unknown += 1;
            }
            _ => panic!("{user}: {:#?}", decisions(&service, user)),
        }
    }
    assert!(unknown <= 4, "{unknown} unknown, with four connections");
    wait::until("ready by itself", SOON, || reasons(&service).is_empty());
}

#[test]
fn a_4xx_is_tried_again_and_a_5xx_is_failed_for_good() {
    let sink = SmtpSink::start();
    let project = with_rules(sink.port(), "");
    let service = Service::start(&project);
    let recipient = |user: &str| format!("{user}@mail.test");
    sink.misbehave(
        Fault::RefuseRecipient { recipient: recipient("u0"), reply: "450 4.2.1 greylisted".into() },
        1,
    );
    sink.misbehave(
        Fault::RefuseData { recipient: recipient("u1"), reply: "451 4.3.0 scanner is away".into() },
        1,
    );
    sink.misbehave(
        Fault::RefuseData { recipient: recipient("u2"), reply: "554 5.7.1 this is spam".into() },
        1,
    );
    let users = people(3);
    sign_up(&service, &users);
    let failed = wait_for_state(&service, "u2", "welcome", "failed");
    assert!(failed["message"]["reason"].to_string().contains("5.7.1 this is spam"), "{failed}");
    let again = wait_for_state(&service, "u0", "welcome", "queued");
    assert!(again["message"]["reason"].to_string().contains("450 4.2.1 greylisted"), "{again}");
    assert_eq!(reasons(&service), Vec::<String>::new(), "the server is not to blame");

    let mails = sink.wait_for(2, SOON);
    assert_eq!((mails_to(&mails, "u0@mail.test").len(), mails_to(&mails, "u1@mail.test").len()), (1, 1));
    for user in ["u0", "u1"] {
        wait_for_state(&service, user, "welcome", "sent");
    }
    // What was refused for its content says nothing about the address.
    send(&service, &[happened("u2", "Invoice Made", "i2")]);
    wait_for_state(&service, "u2", "invoice", "sent");
    assert_eq!(sink.count(), 3);
}

#[test]
fn a_hard_bounce_suppresses_the_address_for_every_rule_and_user() {
    let sink = SmtpSink::start();
    let project = with_rules(sink.port(), "");
    let service = Service::start(&project);
    send(&service, &[identify("ada", "gone@mail.test"), identify("bob", "Gone@Mail.Test")]);
    let gone =
        Fault::RefuseRecipient { recipient: "gone@mail.test".into(), reply: "550 5.1.1 no such user".into() };
    sink.misbehave(gone, 1);
    send(&service, &[happened("ada", "Signed Up", "s1")]);
    let failed = wait_for_state(&service, "ada", "welcome", "failed");
    assert!(failed["message"]["reason"].to_string().contains("no such user"), "{failed}");

    // Her shard has heard of it: the next rule refuses, what must be said included.
    wait::until("the shard knows", SOON, || {
        send(&service, &[happened("ada", "Invoice Made", &format!("i{}", decisions(&service, "ada").len()))]);
        wait_for_decisions(&service, "ada", "invoice", 1)[0]["reason"] == "suppressed"
    });
    send(&service, &[happened("ada", "Paid", "p1")]);
    let receipt = wait_for_decisions(&service, "ada", "receipt", 1).remove(0);
    assert_eq!((&receipt["verdict"], &receipt["reason"]), (&json!("refuse"), &json!("suppressed")));

    // The other user's shard has not; the gate goes by the address.
    send(&service, &[happened("bob", "Signed Up", "s2"), happened("bob", "Paid", "p2")]);
    for rule in ["welcome", "receipt"] {
        let skipped = wait_for_state(&service, "bob", rule, "skipped");
        assert_eq!(skipped["message"]["reason"], "suppressed", "{skipped}");
    }
    assert_eq!(sink.count(), 0);
    // Whoever gives another address is written to again.
    let mut moved = identify("bob", "bob@mail.test");
    moved["messageId"] = "identify-bob-again".into();
    moved["timestamp"] = ago(Length::minutes(1)).to_string().into();
    send(&service, &[moved, happened("bob", "Signed Up", "s3")]);
    assert_eq!(sink.wait_for(1, SOON)[0].to, ["bob@mail.test"]);
}

#[test]
fn acceptance_without_a_reply_repeats_only_what_must_arrive() {
    let sink = SmtpSink::start();
    let project = with_rules(sink.port(), "");
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test")]);
    sink.misbehave(Fault::DropAfterData, 1);
    send(&service, &[happened("ada", "Signed Up", "s1")]);
    let unknown = wait_for_state(&service, "ada", "welcome", "unknown");
    assert!(unknown["message"]["reason"].to_string().contains("no reply came"), "{unknown}");
    sink.misbehave(Fault::DropAfterData, 1);
    send(&service, &[happened("ada", "Paid", "p1")]);
    wait_for_state(&service, "ada", "receipt", "sent");
    let mails = sink.mails();
    assert_eq!(mails.len(), 3, "the receipt twice");
    assert_eq!(mails[1].header("Message-ID"), mails[2].header("Message-ID"));
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    let user = command(&project, &["user", "ada"]);
    assert_eq!(user["decisions"].as_array().map(Vec::len), Some(2), "{user}");
}
