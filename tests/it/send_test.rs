//! `outreach send-test` and `outreach preview` of a person: a real mail, in their language, that nothing else knows of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use outreach_engine::Length;
use serde_json::{Value, json};

use crate::service_desk::{SOON, ago, decisions, identify, project, rule, send, track, wait_for_state};
use crate::world::service::{Project, Service};
use crate::world::smtp_sink::SmtpSink;

const SAID: &str =
    "<p>{{number 1234.5 decimals=1}} {{sender.address}} <a href=\"{{unsubscribe_url}}\">x</a></p>";

/// With a mail in two languages, and a rule that sends it.
fn speaking(sink: &SmtpSink) -> Project {
    let project = project(sink.port(), None, "");
    let files = [
        ("subject.hbs", "Hello {{default traits.first_name \"you\"}}"),
        ("body.html", SAID),
        ("de/subject.hbs", "Hallo {{default traits.first_name \"du\"}}"),
        ("de/body.html", SAID),
        ("sample.json", "{}"),
    ];
    files.iter().for_each(|(file, text)| project.write(&format!("templates/hello/{file}"), text));
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"hello\"");
    project
}

#[track_caller]
fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Every file below a folder.
fn bytes_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            all.extend(bytes_of(&entry.path()));
        } else {
            all.insert(entry.path(), std::fs::read(entry.path()).unwrap());
        }
    }
    all
}

#[test]
fn a_test_send_is_a_real_mail_that_no_ledger_knows_of() {
    let sink = SmtpSink::start();
    let project = speaking(&sink);
    let mut service = Service::start(&project);
    let mut ada = identify("ada", "ada@mail.test");
    ada["traits"]["locale"] = json!("de-AT");
    send(&service, &[ada, track("ada", "Signed Up", "s-1", ago(Length::minutes(1)), json!({}))]);
    wait_for_state(&service, "ada", "welcome", "sent");
    assert_eq!(sink.wait_for(1, SOON)[0].header("Subject").as_deref(), Some("Hallo Ada"));
    let before = decisions(&service, "ada");

    let of_ada = stdout(&project.run(&["preview", "hello", "--user", "ada", "--format", "json"]));
    let of_ada: Value = serde_json::from_str(&of_ada).unwrap();
    assert_eq!(of_ada["email"]["subject"], "Hallo Ada");
    assert!(of_ada["email"]["html"].as_str().unwrap().contains("1\u{a0}234,5"), "{of_ada}");
    stdout(&project.run(&["send-test", "hello", "--to", "me@acme.example", "--user", "ada"]));
    assert_eq!(decisions(&service, "ada"), before);
    assert!(service.stop().success());

    let data = project.path().join("data");
    let kept = bytes_of(&data);
    stdout(&project.run(&["send-test", "hello", "--to", "me@acme.example", "--locale", "de"]));
    assert!(kept.len() > 2 && bytes_of(&data) == kept, "a file of the data folder has changed");

    let mails = sink.wait_for(3, SOON);
    for (mail, subject) in mails[1..].iter().zip(["[test] Hallo Ada", "[test] Hallo du"]) {
        assert_eq!(mail.header("Subject").as_deref(), Some(subject));
        assert_eq!(mail.to, ["me@acme.example"]);
        assert!(mail.header("List-Unsubscribe").is_none());
        assert!(mail.from.starts_with("test+"), "{}", mail.from);
        assert!(mail.header("Message-ID").unwrap().starts_with("<test."));
        assert!(String::from_utf8_lossy(&mail.raw).replace("=\r\n", "").contains("/u/preview"));
    }
}

#[test]
fn a_test_send_goes_only_where_mail_may_go_and_says_what_failed() {
    let sink = SmtpSink::start();
    let project = speaking(&sink);
    let settings = std::fs::read_to_string(project.path().join("outreach.toml")).unwrap();
    let within = settings.replace("deliver_only_to = [\"*\"]", "deliver_only_to = [\"*@acme.example\"]");
    project.write("outreach.toml", &within);
    let refused = |arguments: &[&str], expected: &str| {
        let output = project.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(expected), "{said}");
    };
    refused(&["send-test", "hello", "--to", "ada@example.com"], "deliver_only_to");
    refused(&["send-test", "card", "--to", "me@acme.example"], "`card` is no mail");
    sink.down();
    refused(&["send-test", "hello", "--to", "me@acme.example"], "the mail server did not take it now");
    sink.up();
    assert_eq!(sink.count(), 0);
    let wrong = project.run(&["preview", "hello", "--locale", "german"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_preview_speaks_the_language_that_is_asked_for_into_a_file() {
    let sink = SmtpSink::start();
    let project = speaking(&sink);
    let file = project.path().join("mail.html");
    let path = file.to_str().unwrap();
    assert_eq!(stdout(&project.run(&["preview", "hello", "--html", "--locale", "de-BE", "--out", path])), "");
    assert!(std::fs::read_to_string(&file).unwrap().contains("<p>1.234,5 "));
    assert!(stdout(&project.run(&["preview", "hello"])).starts_with("Subject: Hello you\n"));
    assert!(stdout(&project.run(&["preview", "hello", "--text", "--locale", "fr"])).starts_with("1,234.5 "));
}
