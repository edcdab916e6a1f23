//! The servers the other tests stand on do what these believe of them.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{SmtpConnection, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{Error, SmtpTransport};
use lettre::{Address, Message, Transport, address::Envelope};

use crate::world::kafka::Kafka;
use crate::world::kafka::records::Outgoing;
use crate::world::postfix::Postfix;
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::{Certificate, Fault, Options, Security, SmtpSink};
use crate::world::{ports, wait};

/// Generous: a passing test never waits for it.
const SOON: Duration = Duration::from_secs(30);

// --- Kafka ---

#[test]
fn broker_gives_back_what_was_produced() {
    let kafka = Kafka::shared();
    kafka.create_topic("gives-back", 2, &[("retention.ms", "3600000")]);
    let records =
        (0..1_000).map(|n| Outgoing::keyed(format!("user-{}", n % 7), format!("event {n}")).to(n % 2));
    let places = kafka.produce("gives-back", records);
    assert_eq!((places[0].partition, places[0].offset), (0, 0));
    assert_eq!((places[999].partition, places[999].offset), (1, 499));
    let mut read = kafka.read("gives-back", 1_000, SOON);
    read.sort_by_key(|record| record.place);
    assert_eq!(read[501].payload, b"event 3");
    assert_eq!(read[501].key.as_deref(), Some(&b"user-3"[..]));
    assert_eq!(kafka.watermarks("gives-back", 1), (0, 500));
    assert_eq!(kafka.committed("nobody", "gives-back", 1), None);
}

#[test]
fn topic_can_be_made_anew_and_lose_its_first_records() {
    let kafka = Kafka::shared();
    kafka.create_topic("made-anew", 1, &[]);
    kafka.produce("made-anew", (0..10).map(|n| Outgoing::new(format!("{n}"))));
    kafka.delete_records("made-anew", 0, 4);
    assert_eq!(kafka.watermarks("made-anew", 0), (4, 10));
    kafka.delete_topic("made-anew");
    kafka.create_topic("made-anew", 1, &[]);
    assert_eq!(kafka.watermarks("made-anew", 0), (0, 0));
}

#[test]
fn topic_that_allows_it_takes_a_record_of_ten_megabytes() {
    let kafka = Kafka::shared();
    kafka.create_topic("ten-megabytes", 1, &[("max.message.bytes", "16000000")]);
    kafka.produce("ten-megabytes", [Outgoing::new(vec![b'x'; 10_000_000])]);
    assert_eq!(kafka.read("ten-megabytes", 1, SOON)[0].payload.len(), 10_000_000);
}

#[test]
fn broker_keeps_its_records_through_kill_and_stop() {
    let kafka = Kafka::start();
    kafka.create_topic("kept", 1, &[]);
    kafka.produce("kept", [Outgoing::new("before the kill")]);
    kafka.kill();
    kafka.restart();
    kafka.produce("kept", [Outgoing::new("before the stop")]);
    kafka.stop();
    kafka.restart();
    let read = kafka.read("kept", 2, SOON);
    assert_eq!(read[0].payload, b"before the kill");
    assert_eq!(read[1].payload, b"before the stop");
}

// --- The SMTP sink ---

#[test]
fn sink_keeps_a_mail_letter_for_letter() {
    let sink = SmtpSink::start();
    send(&plain(sink.port()), "first line\r\n.dot\r\n..two").expect("taken");
    let mail = &sink.wait_for(1, SOON)[0];
    assert_eq!(mail.from, "b+42@bounce.test");
    assert_eq!(mail.to, ["ada@mail.test"]);
    assert_eq!(mail.header("subject").as_deref(), Some("Hello"));
    let text = String::from_utf8(mail.raw.clone()).expect("text");
    assert!(text.ends_with("\r\n\r\nfirst line\r\n.dot\r\n..two\r\n"), "{text}");
    assert!(mail.answered && !mail.over_tls);
}

#[test]
fn sink_takes_many_mails_over_one_connection() {
    let sink = SmtpSink::start();
    let hello = ClientId::Domain("client.test".to_owned());
    let address = ("127.0.0.1", sink.port());
    let mut client = SmtpConnection::connect(address, Some(SOON), &hello, None, None).expect("a connection");
    let mail = mail("ada@mail.test", "again");
    for _ in 0..20 {
        client.send(mail.envelope(), &mail.formatted()).expect("taken");
    }
    assert_eq!((sink.count(), sink.connections()), (20, 1));
}

#[test]
fn sink_takes_more_than_5000_mails_a_second() {
    use std::io::{BufRead, BufReader, Write};
    const ROUNDS: usize = 20;
    const BATCHES_A_ROUND: usize = 10;
    const IN_FLIGHT: usize = 100;
    let sink = SmtpSink::start();
    let mut stream = TcpStream::connect(("127.0.0.1", sink.port())).expect("a connection");
    let mut replies = BufReader::new(stream.try_clone().expect("its other half")).lines();
    let mail = "MAIL FROM:<a@mail.test>\r\nRCPT TO:<b@mail.test>\r\nDATA\r\n";
    let body = format!("Subject: x\r\n\r\n{}\r\n.\r\n", "0123456789abcdef\r\n".repeat(128));
    let batch = format!("{mail}{body}").repeat(IN_FLIGHT);
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..BATCHES_A_ROUND {
            stream.write_all(batch.as_bytes()).expect("written");
            let taken =
                replies.by_ref().filter(|line| line.as_ref().is_ok_and(|line| line == "250 2.0.0 taken"));
            assert_eq!(taken.take(IN_FLIGHT).count(), IN_FLIGHT);
        }
        best = best.min(started.elapsed());
    }
    assert_eq!(sink.count(), ROUNDS * BATCHES_A_ROUND * IN_FLIGHT);
    // The best round: what the sink can do, not what else the machine was doing.
    let mails_per_second = (BATCHES_A_ROUND * IN_FLIGHT) as f64 / best.as_secs_f64();
    println!("{mails_per_second:.0} mails of 2 kB a second over one connection");
    assert!(mails_per_second > 5_000.0, "{mails_per_second:.0} mails a second");
}

#[test]
fn sink_refuses_the_recipients_it_is_told_to() {
    let sink = SmtpSink::start();
    let refuse =
        |reply: &str| Fault::RefuseRecipient { recipient: "ada@mail.test".into(), reply: reply.into() };
    sink.misbehave(refuse("550 5.1.1 no such mailbox"), 1);
    sink.misbehave(refuse("450 4.2.2 mailbox full"), 1);
    let client = plain(sink.port());
    let gone = send(&client, "x").expect_err("550");
    assert!(gone.is_permanent(), "{gone}");
    let full = send(&client, "x").expect_err("450");
    assert!(full.is_transient(), "{full}");
    send(&client, "x").expect("taken: both faults are used up");
    assert_eq!(sink.count(), 1);
}

#[test]
fn sink_refuses_a_mail_after_its_data() {
    let sink = SmtpSink::start();
    let reply = "554 5.7.1 looks like spam".to_owned();
    sink.misbehave(Fault::RefuseData { recipient: "ada@mail.test".into(), reply }, usize::MAX);
    let client = plain(sink.port());
    assert!(send(&client, "x").expect_err("554").is_permanent());
    assert!(send(&client, "x").expect_err("554 again").is_permanent());
    sink.behave();
    send(&client, "x").expect("taken");
    assert_eq!(sink.count(), 1);
}

#[test]
fn sink_accepts_without_a_reply() {
    let sink = SmtpSink::start();
    sink.misbehave(Fault::DropAfterData, 1);
    let client = plain(sink.port());
    let broken = send(&client, "x").expect_err("no reply");
    assert!(!broken.is_permanent() && !broken.is_transient(), "{broken}");
    let mails = sink.wait_for(1, SOON);
    assert!(!mails[0].answered);
}

#[test]
fn sink_cuts_the_connection_before_it_accepts() {
    let sink = SmtpSink::start();
    sink.misbehave(Fault::DropBeforeAcceptance, 1);
    let client = plain(sink.port());
    send(&client, "lost").expect_err("no reply");
    send(&client, "kept").expect("taken");
    assert_eq!(sink.count(), 1);
}

#[test]
fn sink_holds_a_reply_until_it_behaves() {
    let sink = SmtpSink::start();
    sink.misbehave(Fault::HoldReply, 1);
    std::thread::scope(|scope| {
        let client = scope.spawn(|| send(&plain(sink.port()), "x"));
        sink.wait_for(1, SOON);
        assert!(!client.is_finished());
        sink.behave();
        client.join().expect("no panic").expect("taken in the end");
    });
}

#[test]
fn sink_is_slow_where_it_is_told_to() {
    const SLOW: Duration = Duration::from_millis(120);
    let sink = SmtpSink::start();
    let client = plain(sink.port());
    let took = |body| {
        let started = Instant::now();
        send(&client, body).expect("taken");
        started.elapsed()
    };
    sink.misbehave(Fault::SlowGreeting(SLOW), 1);
    assert!(took("a slow greeting") >= SLOW);
    sink.misbehave(Fault::SlowReply(SLOW), 1);
    assert!(took("a slow reply") >= SLOW);
}

#[test]
fn sink_that_is_busy_says_421_instead_of_a_greeting() {
    let sink = SmtpSink::start();
    sink.misbehave(Fault::RefuseGreeting, 1);
    let client = plain(sink.port());
    assert!(send(&client, "x").expect_err("421").is_transient());
    send(&client, "x").expect("taken");
}

#[test]
fn sink_that_is_down_refuses_connections_until_it_is_up() {
    let sink = SmtpSink::start();
    let client = plain(sink.port());
    send(&client, "x").expect("taken");
    sink.down();
    send(&client, "x").expect_err("the kept connection is cut");
    assert!(TcpStream::connect(("127.0.0.1", sink.port())).is_err());
    sink.up();
    send(&client, "x").expect("taken again");
    assert_eq!(sink.count(), 2);
}

#[test]
fn sink_speaks_starttls_and_refuses_mail_without_it() {
    let sink = SmtpSink::with(Options { security: Security::StartTls, ..Options::default() });
    assert!(send(&plain(sink.port()), "x").expect_err("530").is_permanent());
    let client = client(sink.port()).tls(Tls::Required(trusting(sink.certificate()))).build();
    send(&client, "x").expect("taken");
    assert!(sink.wait_for(1, SOON)[0].over_tls);
}

#[test]
fn sink_speaks_tls_on_connect() {
    let sink = SmtpSink::with(Options { security: Security::TlsOnConnect, ..Options::default() });
    let client = client(sink.port()).tls(Tls::Wrapper(trusting(sink.certificate()))).build();
    send(&client, "x").expect("taken");
    assert!(sink.wait_for(1, SOON)[0].over_tls);
}

#[test]
fn sink_asks_for_the_login_it_was_given() {
    let login = Some(("outreach".to_owned(), "a password".to_owned()));
    let sink = SmtpSink::with(Options { login, ..Options::default() });
    let with = |password: &str| {
        let credentials = Credentials::new("outreach".to_owned(), password.to_owned());
        send(&client(sink.port()).credentials(credentials).build(), "x")
    };
    assert!(send(&plain(sink.port()), "x").expect_err("530").is_permanent());
    assert!(with("another").expect_err("535").is_permanent());
    with("a password").expect("taken");
    assert_eq!(sink.wait_for(1, SOON)[0].user.as_deref(), Some("outreach"));
}

// --- Postfix ---

#[test]
fn postfix_delivers_refuses_and_bounces_to_the_verp_address() {
    let postfix = Postfix::start();
    let client = plain(postfix.port());
    send_to(&client, "ada@mail.test", "for the mailbox").expect("taken");
    let delivered = &postfix.wait_for(1, SOON)[0];
    assert_eq!((delivered.to.as_str(), delivered.from.as_str()), ("ada@mail.test", "b+42@bounce.test"));

    let refused = send_to(&client, "ada@refused.test", "x").expect_err("550 at RCPT");
    assert!(refused.is_permanent(), "{refused}");

    send_to(&client, "ada@gone.test", "x").expect("taken, to come back");
    let bounce = &postfix.wait_for(2, SOON)[1];
    assert_eq!((bounce.to.as_str(), bounce.from.as_str()), ("b+42@bounce.test", ""));
    let text = String::from_utf8_lossy(&bounce.raw);
    assert!(text.contains("message/delivery-status") && text.contains("Status: 5.1.1"), "{text}");
}

// --- The service, ports, processes ---

#[test]
fn service_that_cannot_start_says_why_with_its_log() {
    let project = Project::new("this is no TOML");
    let why = Service::try_start(&project).map(drop).expect_err("no service");
    assert!(why.starts_with("it ended with exit status"), "{why}");
}

#[test]
fn free_ports_are_given_once() {
    let given: std::collections::BTreeSet<u16> = (0..50).map(|_| ports::free()).collect();
    assert_eq!(given.len(), 50);
}

#[test]
fn child_dies_with_what_holds_it() {
    use crate::world::process::Process;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "sleep 1000 & echo $!; wait"]);
    let process = Process::start(command, &folder.path().join("log")).expect("a shell");
    let grandchild = wait::for_value(SOON, || process.log().trim().parse::<u32>().ok()).expect("its id");
    drop(process);
    wait::until("the child of the child is gone too", SOON, || !is_alive(grandchild));
}

/// Not gone and no zombie that nobody has waited for yet.
fn is_alive(id: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

fn client(port: u16) -> lettre::transport::smtp::SmtpTransportBuilder {
    SmtpTransport::builder_dangerous("localhost").port(port).timeout(Some(SOON))
}

fn plain(port: u16) -> SmtpTransport {
    client(port).build()
}

fn trusting(certificate: &Certificate) -> TlsParameters {
    let certificate = lettre::transport::smtp::client::Certificate::from_der(certificate.der.clone());
    TlsParameters::builder("localhost".to_owned())
        .add_root_certificate(certificate.expect("a certificate"))
        .build_rustls()
        .expect("parameters")
}

fn send(client: &SmtpTransport, body: &str) -> Result<Response, Error> {
    send_to(client, "ada@mail.test", body)
}

fn send_to(client: &SmtpTransport, to: &str, body: &str) -> Result<Response, Error> {
    client.send(&mail(to, body))
}

fn mail(to: &str, body: &str) -> Message {
    let address = |text: &str| text.parse::<Address>().expect("an address");
    let message = Message::builder()
        .from("Ada <hello@mail.test>".parse().expect("a mailbox"))
        .to(to.parse().expect("a mailbox"))
        .subject("Hello")
        .envelope(Envelope::new(Some(address("b+42@bounce.test")), vec![address(to)]).expect("an envelope"))
        .header(ContentType::TEXT_PLAIN)
        .body(body.to_owned());
    message.expect("a mail")
}
