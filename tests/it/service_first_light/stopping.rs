//! One owner of a data folder, an ordered stop, and a second signal.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use outreach::ledger::Ledger;
use outreach::worker::snapshots::Snapshots;

use super::*;
use crate::service_desk::{entries, ledger, reasons};
use crate::world::smtp_sink::Fault;
use crate::world::solo::SERVER_KEY;
use crate::world::wait;

#[test]
fn a_second_service_on_one_data_folder_refuses_with_words() {
    let sink = SmtpSink::start();
    let first = project(sink.port(), None, "");
    rule(&first, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let service = Service::start(&first);
    let second = project(sink.port(), None, "");
    let text = std::fs::read_to_string(second.path().join("outreach.toml")).expect("outreach.toml");
    let data = format!("dir = \"{}\"", first.path().join("data").display());
    second.write("outreach.toml", &text.replace("dir = \"data\"", &data));
    rule(&second, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");

    let why = Service::try_start(&second).map(drop).expect_err("refused");
    assert!(why.contains("exit status: 3") && why.contains("belongs to a running outreach"), "{why}");
    // Commands of the second project find nobody at its address, and the folder taken.
    let output = second.run(&["user", "ada"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("belongs to a running outreach"));
    assert_eq!(reasons(&service), Vec::<String>::new(), "the first goes on");
}

/// What stands in a log that is not the right one would be gone when the right one is put back.
#[test]
fn a_service_whose_log_is_lost_takes_no_events() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let mut service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test")]);
    assert!(service.stop().success());
    std::fs::remove_dir_all(project.path().join("data/log")).expect("a log");

    service.launch_again();
    let event = json!({ "batch": [track("ada", "Signed Up", "s1", ago(Length::seconds(1)), json!({}))] });
    wait::until("its partition is given up", SOON, || {
        reasons(&service).iter().any(|reason| reason.contains("does not run"))
            && service.http.post("/v1/batch", SERVER_KEY, &event).status == 503
    });
    assert_eq!(service.http.post("/v1/batch", SERVER_KEY, &event).status, 503);
}

#[test]
fn sigterm_finishes_what_is_leaving_and_leaves_a_snapshot_where_the_ledger_stands() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let mut service = Service::start(&project);
    sink.misbehave(Fault::HoldReply, 1);
    send(
        &service,
        &[
            identify("ada", "ada@mail.test"),
            track("ada", "Signed Up", "s1", ago(Length::minutes(1)), json!({})),
        ],
    );
    sink.wait_for(1, SOON);
    wait_for_state(&service, "ada", "welcome", "leaving");
    service.process().terminate();
    wait::until("it begins to stop", SOON, || service.log().contains("stopping"));
    wait::until("its doors are shut", SOON, || service.http.try_get("/v1/projects/x/settings").is_err());
    assert!(service.process().ended().is_none(), "it waits for the reply");
    sink.behave();
    let status = service.process().wait(SOON).expect("it ends");
    assert!(status.success(), "{status}\n{}", service.log());

    let snapshots = Snapshots::in_folder(&project.path().join("data/snapshots")).expect("snapshots");
    let ledger = ledger(&project);
    for partition in 0..4 {
        let position = ledger.transaction(|transaction| transaction.position(partition)).expect("a position");
        let newest = snapshots.offsets(partition).expect("offsets").last().copied();
        assert_eq!(newest, Some(position), "partition {partition} begins again without a re-run");
    }
    let outbox = ledger.transaction(|transaction| transaction.outbox(10)).expect("the outbox");
    assert_eq!(outbox.len(), 0, "the outcome is in the log");
    let entry = &entries(&ledger, "ada")[0];
    assert_eq!(entry.message.as_ref().map(|(state, _, _)| state.as_str()), Some("sent"));
    drop(ledger);

    service.restart();
    send(&service, &[track("ada", "Signed Up", "s2", ago(Length::minutes(1)), json!({}))]);
    sink.wait_for(2, SOON);
    assert_eq!(decisions(&service, "ada").len(), 2);
}

/// A stop waits five seconds for requests under way; the rest of it takes well under a second.
const TRICKLED_STOP_WITHIN: Duration = Duration::from_secs(15);

#[test]
fn a_client_that_trickles_its_body_does_not_hold_a_stop_up() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let mut service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test")]);
    let mut clients = [project.http_port, project.admin_port].map(|port| {
        let mut client = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        let head = "POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
                    Content-Length: 400000\r\n\r\n{";
        let head =
            if port == project.admin_port { head.replace("/v1/batch", "/operate") } else { head.into() };
        client.write_all(head.as_bytes()).expect("it is read");
        client
    });
    service.process().terminate();
    let began = Instant::now();
    wait::until("it ends under two clients that never finish", TRICKLED_STOP_WITHIN, || {
        // Whether a byte still arrives is the service's to say.
        clients.iter_mut().for_each(|client| drop(client.write_all(b" ")));
        service.process().ended().is_some()
    });
    let status = service.process().wait(SOON).expect("it has ended");
    assert!(status.success(), "{status} after {:?}\n{}", began.elapsed(), service.log());
    let snapshots = Snapshots::in_folder(&project.path().join("data/snapshots")).expect("snapshots");
    assert!((0..4).any(|partition| !snapshots.offsets(partition).expect("offsets").is_empty()), "in order");
}

#[test]
fn a_second_signal_aborts_and_what_was_leaving_becomes_unknown() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "[dispatch]\nleaving_seconds_max = 2\n");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let mut service = Service::start(&project);
    sink.misbehave(Fault::HoldReply, 1);
    send(
        &service,
        &[
            identify("ada", "ada@mail.test"),
            track("ada", "Signed Up", "s1", ago(Length::minutes(1)), json!({})),
        ],
    );
    sink.wait_for(1, SOON);
    service.process().terminate();
    wait::until("it begins to stop", SOON, || service.log().contains("stopping"));
    assert!(service.process().ended().is_none());
    service.process().terminate();
    let status = service.process().wait(Duration::from_secs(20)).expect("it ends while the mail is held");
    assert_eq!(status.code(), Some(3), "{}", service.log());
    assert!(service.log().contains("aborted by a second signal"));

    sink.behave();
    service.restart();
    wait_for_state(&service, "ada", "welcome", "unknown");
    // Later mail shows that the first is not repeated.
    send(&service, &[track("ada", "Signed Up", "s2", ago(Length::minutes(1)), json!({}))]);
    wait_for_state(&service, "ada", "welcome", "sent");
    assert_eq!(sink.count(), 2);
}
