//! The email channel against a scripted server: every way an attempt can end.

use super::scripted_server::{Act, Script, ScriptedServer, say};
use super::*;
use crate::channel::Delivery;
use outreach_engine::{DecisionId, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn mail(number: u8) -> Composed {
    compose(&Draft {
        decision: DecisionId([number; 16]),
        from: "Ada at Acme <hello@acme.example>",
        to: "grace@example.com",
        return_path_domain: "bounce.acme.example",
        subject: "Your project waits",
        html: "<p>Hello</p>",
        text: ".Hello\n.\n..",
        unsubscribe_url: Some("https://acme.example/u/TOKEN"),
        feedback_id: None,
        at: Timestamp(1_700_000_000_000_000),
        is_test: false,
    })
    .unwrap()
}

fn settings(port: u16) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".into(),
        port,
        tls: TlsKind::None,
        login: None,
        extra_ca: None,
        hello_name: "outreach.test".into(),
        timeouts: Timeouts::default(),
    }
}

/// Loses patience soon, before the end of DATA or after it.
fn hasty(port: u16, before: bool) -> EmailChannel {
    let (soon, default) = (Duration::from_millis(200), Timeouts::default());
    let timeouts =
        if before { Timeouts { command: soon, ..default } } else { Timeouts { end: soon, ..default } };
    EmailChannel::new(SmtpSettings { timeouts, ..settings(port) }, 1).unwrap()
}

fn channel(port: u16) -> EmailChannel {
    EmailChannel::new(settings(port), 2).unwrap()
}

fn script(steps: impl Fn(usize, &str) -> Option<Act> + Send + Sync + 'static) -> Script {
    Arc::new(steps)
}

/// A script that does `act` at the step that begins with `at`, on every connection.
fn at(at: &'static str, act: Option<Act>) -> Script {
    script(move |_, step| if step.starts_with(at) { act.clone() } else { None })
}

async fn one(script: Script) -> (Delivery, ScriptedServer) {
    let server = ScriptedServer::start(script).await;
    let delivery = channel(server.port).deliver(mail(1)).await;
    (delivery, server)
}

#[tokio::test]
async fn an_accepted_mail_arrives_as_it_was_composed() {
    let (delivery, server) = one(script(|_, _| None)).await;
    assert_eq!(delivery, Delivery::Accepted { reply: "250 2.0.0 taken".into() });
    assert_eq!(server.mails(), [String::from_utf8(mail(1).bytes).unwrap()]);
    let commands = server.commands();
    assert!(commands.contains(&format!("MAIL FROM:<b+{}@bounce.acme.example>", DecisionId([1; 16]))));
    assert!(commands.contains(&"RCPT TO:<grace@example.com>".to_owned()));
}

#[tokio::test]
async fn each_refusal_has_its_class() {
    let cases = [
        ("connect", "554 5.3.2 no service", "transient"),
        ("EHLO", "502 no", "transient"),
        ("MAIL", "451 4.3.0 later", "transient"),
        ("MAIL", "550 5.7.1 sender not allowed", "permanent"),
        ("RCPT", "450 4.2.1 greylisted", "transient"),
        ("RCPT", "550 5.1.1 no such user", "hard-bounce"),
        ("RCPT", "550 5.7.1 you are listed", "permanent"),
        ("DATA", "451 4.3.1 disk full", "transient"),
        ("DATA", "554 5.5.1 no valid recipients", "permanent"),
        (".", "451 4.7.1 scanner failed", "transient"),
        (".", "554 5.7.1 spam", "permanent"),
        (".", "250 2.0.0 ok", "accepted"),
        (".", "gibberish", "unknown"),
        (".", "354 what", "unknown"),
    ];
    for (step, reply, class) in cases {
        let (delivery, _server) = one(at(step, say(reply))).await;
        assert_eq!(delivery.code(), class, "{reply} at {step}: {delivery:?}");
    }
}

#[tokio::test]
async fn a_connection_lost_or_silent_before_the_end_of_data_is_transient() {
    for step in ["connect", "EHLO", "MAIL", "RCPT", "DATA"] {
        for act in [Act::Drop, Act::Hang] {
            let server = ScriptedServer::start(at(step, Some(act.clone()))).await;
            let delivery = hasty(server.port, true).deliver(mail(1)).await;
            assert!(
                matches!(delivery, Delivery::Transient { code: None, .. }),
                "{act:?} at {step}: {delivery:?}"
            );
            assert!(server.mails().is_empty());
        }
    }
}

#[tokio::test]
async fn a_connection_lost_or_silent_after_the_end_of_data_is_unknown() {
    for act in [Act::Drop, Act::Hang] {
        let server = ScriptedServer::start(at(".", Some(act.clone()))).await;
        let delivery = hasty(server.port, false).deliver(mail(1)).await;
        assert_eq!(delivery.code(), "unknown", "{act:?}: {delivery:?}");
        assert_eq!(server.mails().len(), 1, "the server has the mail");
        assert_eq!(server.connections(), 1, "and it is not tried again");
    }
}

#[tokio::test]
async fn a_connection_lost_within_a_large_body_is_transient() {
    let server = ScriptedServer::start(at("body", Some(Act::Drop))).await;
    let mut large = mail(1);
    large.bytes = b"0123456789 0123456789 0123456789\r\n".repeat(500_000);
    let delivery = channel(server.port).deliver(large).await;
    assert_eq!(delivery.code(), "transient", "{delivery:?}");
}

#[tokio::test]
async fn nobody_listening_is_transient_and_blames_the_server() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let delivery = channel(free).deliver(mail(1)).await;
    assert_eq!(delivery.code(), "transient");
    assert!(delivery.blames_server());
}

#[tokio::test]
async fn a_connection_is_used_again_also_after_a_refusal() {
    let first = AtomicUsize::new(0);
    let server = ScriptedServer::start(script(move |_, step| {
        let is_first = step.starts_with("RCPT") && first.fetch_add(1, Ordering::SeqCst) == 0;
        if is_first { say("550 5.1.1 no such user") } else { None }
    }))
    .await;
    let channel = channel(server.port);
    assert_eq!(channel.deliver(mail(1)).await.code(), "hard-bounce");
    for number in 2..10 {
        assert_eq!(channel.deliver(mail(number)).await.code(), "accepted");
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(server.commands().iter().filter(|command| *command == "RSET").count(), 1);
    channel.close().await;
}

#[tokio::test]
async fn a_connection_closed_while_idle_costs_no_message() {
    let server = ScriptedServer::start(script(|connection, step| {
        let is_second_mail = connection == 1 && step.contains(&DecisionId([2; 16]).to_string());
        is_second_mail.then_some(Act::Drop)
    }))
    .await;
    let channel = channel(server.port);
    assert_eq!(channel.deliver(mail(1)).await.code(), "accepted");
    assert_eq!(channel.deliver(mail(2)).await.code(), "accepted");
    assert_eq!((server.connections(), server.mails().len()), (2, 2));
}

#[tokio::test]
async fn a_server_that_closes_with_421_is_not_used_again() {
    let server = ScriptedServer::start(script(|connection, step| {
        (connection == 1 && step.starts_with("MAIL")).then(|| Act::Say("421 4.3.2 closing".into()))
    }))
    .await;
    let channel = channel(server.port);
    assert!(channel.deliver(mail(1)).await.blames_server());
    assert_eq!(channel.deliver(mail(1)).await.code(), "accepted");
    assert_eq!(server.connections(), 2);
}

/// A server that takes MAIL, RCPT and DATA in one write.
fn pipelining(steps: impl Fn(&str) -> Option<Act> + Send + Sync + 'static) -> Script {
    script(
        move |_, step| {
            if step.starts_with("EHLO") { say("250-scripted\r\n250 PIPELINING") } else { steps(step) }
        },
    )
}

#[tokio::test]
async fn pipelined_commands_end_as_they_do_one_by_one() {
    let (delivery, _server) = one(pipelining(|_| None)).await;
    assert_eq!(delivery.code(), "accepted");
    let refuse = |step: &str, data: &str| {
        let data = data.to_owned();
        let _ = step;
        pipelining(move |step| match step {
            step if step.starts_with("RCPT") => say("550 5.1.1 no such user"),
            "DATA" => say(&data),
            _ => None,
        })
    };
    let (delivery, server) = one(refuse("RCPT", "554 no valid recipients")).await;
    assert_eq!((delivery.code(), server.mails().len()), ("hard-bounce", 0));
    let server = ScriptedServer::start(refuse("RCPT", "354 go on all the same")).await;
    let channel = channel(server.port);
    for _ in 0..2 {
        assert_eq!(channel.deliver(mail(1)).await.code(), "hard-bounce");
    }
    assert_eq!((server.connections(), server.mails().len()), (2, 0), "an open DATA is left, not filled");
}

#[tokio::test]
async fn a_login_is_said_and_its_refusal_is_no_fault_of_the_message() {
    let login = Login { user: "u".into(), password: "p".into() };
    let server = ScriptedServer::start(script(|_, _| None)).await;
    let with_login = |port| SmtpSettings { login: Some(login.clone()), ..settings(port) };
    let channel = EmailChannel::new(with_login(server.port), 1).unwrap();
    assert_eq!(channel.deliver(mail(1)).await.code(), "accepted");
    assert!(server.commands().contains(&"AUTH PLAIN AHUAcA==".to_owned()));

    let server = ScriptedServer::start(script(|_, step| match step {
        "AUTH LOGIN" | "dQ==" => say("334 more"),
        "cA==" => say("235 welcome"),
        step if step.starts_with("EHLO") => say("250-scripted\r\n250 AUTH LOGIN"),
        _ => None,
    }))
    .await;
    let channel = EmailChannel::new(with_login(server.port), 1).unwrap();
    assert_eq!(channel.deliver(mail(1)).await.code(), "accepted");

    let server = ScriptedServer::start(at("AUTH", say("535 5.7.8 wrong"))).await;
    let channel = EmailChannel::new(with_login(server.port), 1).unwrap();
    assert!(channel.deliver(mail(1)).await.blames_server());
    assert!(!format!("{:?}", with_login(1)).contains("\"p\""));
}

#[tokio::test]
async fn tls_is_spoken_from_the_start_or_after_starttls_and_only_with_a_trusted_certificate() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    for (kind, is_starttls) in [(TlsKind::Tls, false), (TlsKind::Starttls, true)] {
        let server =
            ScriptedServer::start_with_tls(script(|_, _| None), Some(acceptor.clone()), is_starttls).await;
        let base = SmtpSettings { host: "localhost".into(), tls: kind, ..settings(server.port) };
        let trusting = SmtpSettings { extra_ca: Some(made.cert.pem().into_bytes()), ..base.clone() };
        let delivery = EmailChannel::new(trusting, 1).unwrap().deliver(mail(1)).await;
        assert_eq!(delivery.code(), "accepted", "{kind:?}: {delivery:?}");
        let delivery = EmailChannel::new(base, 1).unwrap().deliver(mail(2)).await;
        assert!(
            matches!(&delivery, Delivery::Transient { reply, .. } if reply.contains("TLS")),
            "{delivery:?}"
        );
        assert_eq!(server.mails().len(), 1);
    }
}

#[tokio::test]
async fn without_the_starttls_it_asks_for_nothing_is_said() {
    let server = ScriptedServer::start(at("EHLO", say("250 scripted"))).await;
    let wanting = SmtpSettings { tls: TlsKind::Starttls, ..settings(server.port) };
    let delivery = EmailChannel::new(wanting, 1).unwrap().deliver(mail(1)).await;
    assert!(
        matches!(&delivery, Delivery::Transient { reply, .. } if reply.contains("STARTTLS")),
        "{delivery:?}"
    );
    assert!(!server.commands().iter().any(|command| command.starts_with("MAIL")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_mail_than_connections_waits_its_turn_and_none_is_lost_or_doubled() {
    let server = ScriptedServer::start(pipelining(|_| None)).await;
    let channel = Arc::new(channel(server.port));
    let mut running = tokio::task::JoinSet::new();
    for number in 0..200u8 {
        let channel = channel.clone();
        running.spawn(async move { channel.deliver(mail(number)).await });
    }
    while let Some(delivery) = running.join_next().await {
        assert_eq!(delivery.unwrap().code(), "accepted");
    }
    let mut mails = server.mails();
    mails.sort();
    mails.dedup();
    assert_eq!(mails.len(), 200);
    assert!(server.connections() <= 4, "two at a time, a hundred mails each: {}", server.connections());
}

#[tokio::test]
async fn a_message_that_finds_no_free_connection_goes_back_in_time() {
    let server = ScriptedServer::start(at("MAIL", Some(Act::Hang))).await;
    let soon = Timeouts { handover: Duration::from_millis(200), ..Timeouts::default() };
    let channel =
        Arc::new(EmailChannel::new(SmtpSettings { timeouts: soon, ..settings(server.port) }, 1).unwrap());
    let (first, second) = tokio::join!(channel.deliver(mail(1)), channel.deliver(mail(2)));
    assert!(first.blames_server() && second.blames_server(), "{first:?} {second:?}");
    assert!(server.mails().is_empty());
}
