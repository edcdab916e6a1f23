//! Commands beside a running service: they reach it within a second, and without it they open its folder.

use std::time::{Duration, Instant};

use super::*;
use crate::world::http::Http;
use crate::world::solo::SERVER_KEY;
use crate::world::wait;

const WITHIN: Duration = Duration::from_secs(1);

#[test]
fn pause_of_a_rule_and_resume_take_effect_within_a_second() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    rule(&project, "tip", "onboarding", "event = \"Tip Wanted\"", "email = \"note\"");
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test"), identify("bob", "bob@mail.test")]);

    let paused = command(&project, &["pause", "--rule", "welcome"]);
    assert_eq!(paused["paused"][0]["rule"], "welcome", "{paused}");
    // Both are decided after the command has answered; the other rule shows that mail goes out.
    send(&service, &[track("ada", "Signed Up", "s1", ago(Length::minutes(1)), json!({}))]);
    let held = wait_for_state(&service, "ada", "welcome", "held");
    assert_eq!(held["message"]["reason"], "paused");
    send(&service, &[track("bob", "Tip Wanted", "t1", ago(Length::minutes(1)), json!({}))]);
    assert_eq!(sink.wait_for(1, SOON)[0].to, ["bob@mail.test"]);

    let asked_at = Instant::now();
    let resumed = operate(&service, &json!({ "command": "resume", "rule": "welcome" })).expect("resumed");
    assert_eq!(resumed["paused"], json!([]));
    let mails = sink.wait_for(2, SOON);
    let took = mails[1].received_at.duration_since(asked_at);
    assert_eq!(mails[1].to, ["ada@mail.test"]);
    assert!(took < WITHIN, "a message held for a minute leaves {took:?} after `resume`");
}

#[test]
fn pause_of_everything_stops_a_stream_of_mail_within_a_second() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "[dispatch]\nmessages_per_second_max = 20\n");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let service = Service::start(&project);
    let users: Vec<String> = (0..120).map(|number| format!("u{number}")).collect();
    let events = users.iter().flat_map(|user| {
        let at = ago(Length::minutes(1));
        [identify(user, &format!("{user}@mail.test")), track(user, "Signed Up", user, at, json!({}))]
    });
    send(&service, &events.collect::<Vec<_>>());
    sink.wait_for(10, SOON);

    command(&project, &["pause"]);
    let answered_at = Instant::now();
    // Whatever still leaves does so within the second: each of those not sent is seen held.
    let all_held = wait::for_value(SOON, || {
        let mut states = users.iter().map(|user| decisions(&service, user)[0]["message"].clone());
        states.all(|message| message["state"] == "sent" || message["reason"] == "paused").then_some(())
    });
    assert!(all_held.is_some(), "some are neither sent nor held");
    let mails = sink.mails();
    let last = mails.iter().map(|mail| mail.received_at).max().expect("a mail");
    assert!(last.saturating_duration_since(answered_at) < WITHIN, "a mail left a second after `pause`");
    assert!(mails.len() < users.len(), "the pause came before the end");

    command(&project, &["resume"]);
    assert_eq!(sink.wait_for(users.len(), SOON).len(), users.len());
}

#[test]
fn dead_letter_is_listed_shown_and_replayed_once_its_cause_is_gone() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let service = Service::start(&project);
    send(&service, &[identify("ada", "ada@mail.test")]);
    // The batch says a senseless time of sending, so nothing in it can be placed in time; each event alone is whole.
    let event = track("ada", "Signed Up", "s1", ago(Length::minutes(1)), json!({}));
    let hopeless = json!({ "type": "track", "event": "Signed Up", "messageId": "nobody" });
    let body = json!({ "batch": [event, hopeless], "sentAt": "at noon" });
    assert_eq!(service.http.post("/v1/batch", SERVER_KEY, &body).status, 200);

    let letters = command(&project, &["dlq", "list"]);
    assert_eq!(letters.as_array().map(Vec::len), Some(2), "{letters}");
    assert_eq!((&letters[0]["code"], &letters[0]["source"]), (&json!("bad-time"), &json!("http:server")));
    let id = letters[0]["id"].to_string();
    let shown = command(&project, &["dlq", "show", &id]);
    assert!(shown["payload"].as_str().is_some_and(|payload| payload.contains("\"s1\"")), "{shown}");

    let other = letters[1]["id"].to_string();
    let output = project.run(&["dlq", "replay", &id, &other]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "one is still refused: {text}");
    assert!(text.contains(&format!("{id}: replayed")) && text.contains("no-id"), "{text}");
    assert_eq!(sink.wait_for(1, SOON)[0].to, ["ada@mail.test"]);
    assert!(command(&project, &["dlq", "show", &id])["replayed_at"].is_string());

    let answers = project.run(&["dlq", "replay", &other, "--format", "json"]);
    assert_eq!(answers.status.code(), Some(1));
    let answers: serde_json::Value = serde_json::from_slice(&answers.stdout).expect("JSON");
    assert_eq!((&answers[0]["replayed"], answers[0]["id"].to_string()), (&json!(false), other));
    assert!(answers[0]["reason"].as_str().is_some_and(|reason| reason.contains("no-id")), "{answers}");

    // The path of its request said what it was, and a replay still knows it.
    let nobody = json!({ "event": "Signed Up", "messageId": "nobody by path" });
    assert_eq!(service.http.post("/v1/track", SERVER_KEY, &nobody).status, 200);
    let by_path = command(&project, &["dlq", "list"])[2]["id"].to_string();
    let text = project.run(&["dlq", "replay", &by_path]).stdout;
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("no-id") && !text.contains("unknown-type"), "{text}");

    // Replayed once more it counts no second time: a later event is decided, and nothing before it.
    project.run(&["dlq", "replay", &id]);
    send(&service, &[track("ada", "Signed Up", "s2", ago(Length::minutes(1)), json!({}))]);
    sink.wait_for(2, SOON);
    assert_eq!(wait_for_decisions(&service, "ada", "welcome", 2).len(), 2);
    let output = project.run(&["dlq", "show", "4711"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("found 4711"));
}

#[test]
fn an_address_for_all_interfaces_answers_commands_to_this_machine_alone() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    let text = std::fs::read_to_string(project.path().join("outreach.toml")).expect("outreach.toml");
    let loopback = format!("admin_listen = \"127.0.0.1:{}\"", project.admin_port);
    assert!(text.contains(&loopback));
    project.write("outreach.toml", &text.replace(&loopback, "admin_listen = \"0.0.0.0:@ADMIN_PORT@\""));
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let service = Service::start(&project);
    assert_eq!(command(&project, &["pause"])["paused"][0]["rule"], json!(null));

    let ask = |headers: &[(&str, &str)]| {
        let body = json!({ "command": "resume", "rule": null }).to_string().into_bytes();
        service.admin.try_send("POST", "/operate", headers, body).expect("an answer").status
    };
    const JSON: (&str, &str) = ("content-type", "application/json");
    assert_eq!(ask(&[JSON, ("host", "evil.example")]), 403, "a name that was pointed here");
    assert_eq!(ask(&[("content-type", "text/plain")]), 415, "what a page of elsewhere may send unasked");
    if let Some(own) = own_address() {
        // Whoever comes by the machine's address in the net is not told from its neighbours.
        let elsewhere = Http::at((own, project.admin_port));
        let body = json!({ "command": "resume", "rule": null }).to_string().into_bytes();
        assert_eq!(elsewhere.try_send("POST", "/operate", &[JSON], body).expect("an answer").status, 403);
        assert_eq!(elsewhere.get("/readyz").status, 200, "health is for everybody");
    }
    assert_eq!(
        command(&project, &["resume", "--rule", "other"])["paused"][0]["rule"],
        json!(null),
        "still paused"
    );
    assert_eq!(ask(&[JSON]), 200);
}

/// This machine's address in its net, if it is in one. Nothing is sent.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[test]
fn a_stopped_service_answers_the_same_from_its_folder() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    project.write(
        "rules/quiet.toml",
        "name = \"Q\"\ntopic = \"onboarding\"\n[trigger]\nevent = \"Signed Up\"\nwithout = \"Project Created\"\n\
         within = \"3 days\"\n[[step]]\nin_product = \"card\"\n",
    );
    let mut service = Service::start(&project);
    send(
        &service,
        &[
            identify("ada", "ada@mail.test"),
            track("ada", "Signed Up", "s1", ago(Length::minutes(1)), json!({})),
            json!({ "type": "track", "userId": "ada" }),
        ],
    );
    wait_for_state(&service, "ada", "welcome", "sent");
    // Its outcome is back in the log: the journey has ended, the wait goes on.
    wait::until("the journey ends", SOON, || {
        command(&project, &["user", "ada"])["person"]["journeys"] == json!([])
    });
    let ask = || {
        let mut user = command(&project, &["user", "ada"]);
        user["person"]["known_until"] = json!("moves on with every tick");
        (user, command(&project, &["dlq", "list"]), command(&project, &["pause", "--rule", "welcome"]))
    };
    let running = ask();
    assert_eq!(running.0["person"]["waits"][0]["rule"], "quiet", "{}", running.0);
    assert!(service.stop().success());
    assert_eq!(ask(), running);

    // What was said to the folder holds when the service is back.
    service.restart();
    send(&service, &[track("ada", "Signed Up", "s2", ago(Length::minutes(1)), json!({}))]);
    wait_for_state(&service, "ada", "welcome", "held");
    assert_eq!(sink.count(), 1);
    let unknown = project.run(&["user", "nobody"]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("nothing is known of user:nobody"));
}
