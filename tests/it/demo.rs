//! `outreach demo`: what a newcomer sees, and what is left behind.

use super::world::browser;
use super::world::http::Http;
use super::world::process::Process;
use super::world::wait;
use mail_parser::MessageParser;
use outreach_engine::Timestamp;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The whole demo takes a second or two. Other tests that load the machine run beside it.
const PLAYED_WITHIN: Duration = Duration::from_secs(30);
/// It takes a second or two, and ten are promised; other tests that load the machine run beside it.
const FIRST_MAIL_WITHIN: Duration = Duration::from_secs(30);
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// A demo whose temporary files go into `temporary`.
fn demo(temporary: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
    command.arg("demo").args(arguments).env("TMPDIR", temporary).current_dir(temporary);
    command
}

fn play(temporary: &Path, arguments: &[&str]) -> (Output, String) {
    let output = demo(temporary, arguments).output().expect("the binary runs");
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    (output, text)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn each_way_a_decision_can_go_is_shown_with_its_reason() {
    let temporary = TempDir::new().unwrap();
    let began = Instant::now();
    let (output, text) = play(temporary.path(), &["--seed", "7"]);
    assert!(began.elapsed() < PLAYED_WITHIN, "{:?}", began.elapsed());
    for reason in [
        "yes     stalled-onboarding",
        "yes     third-failed-payment",
        "because of Signed Up at ",
        "nothing no rule's trigger holds",
        "held    stalled-onboarding: held by quiet hours in Asia/Tokyo",
        "no      stalled-onboarding: holdout, ",
        "no      stalled-onboarding: late, ",
        "no      third-failed-payment: no-address, ",
        "no      stalled-onboarding, step onboarding-checklist: exit, ",
        "no      trial-ending: cap, ",
        "no      stalled-onboarding: stopped at the gate, cap: ",
        "no      trial-ending: topic-opt-out, ",
        "no      no event, kept as a dead letter: bad-time",
        "5 yes, 7 no, 1 held, each with its reason; 2 with nothing to decide; 1 dead letter;",
    ] {
        assert!(text.contains(reason), "expected {reason:?} in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(files(temporary.path()), Vec::<PathBuf>::new(), "nothing is left behind");
}

#[test]
fn mails_that_are_kept_are_whole_and_are_those_that_were_shown() {
    let temporary = TempDir::new().unwrap();
    let mails = temporary.path().join("mails");
    let (_, text) = play(temporary.path(), &["--seed", "7", "--out", mails.to_str().unwrap()]);
    assert_eq!(files(temporary.path()), std::slice::from_ref(&mails));
    assert_eq!(files(&mails).len(), 5);
    for path in files(&mails) {
        let bytes = std::fs::read(&path).unwrap();
        let mail = MessageParser::default().parse(&bytes).expect("a mail");
        let subject = mail.subject().expect("a subject");
        let to = mail.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("a recipient");
        assert!(text.contains(&format!("“{subject}”")), "{subject} in:\n{text}");
        assert!(text.contains(&format!("to {to}, in {}", path.file_name().unwrap().display())), "{text}");
        assert!(mail.body_text(0).unwrap().contains("12 Harbour Street"), "a postal address");
        assert!(mail.body_html(0).unwrap().contains("/u/"), "a link to unsubscribe");
        let is_marketing = mail.header("List-Unsubscribe-Post").is_some();
        assert_eq!(is_marketing, !subject.starts_with("Your payment"), "{subject}");
    }
}

#[test]
fn a_seed_brings_the_same_people_again() {
    let temporary = TempDir::new().unwrap();
    let people = |seed| {
        let (_, text) = play(temporary.path(), &["--seed", seed]);
        let named = text.lines().filter(|line| line.contains(") ") && !line.starts_with(' '));
        named.map(str::to_owned).collect::<Vec<_>>()
    };
    let first = people("11");
    assert!(first.len() > 10, "{first:?}");
    assert_eq!(first, people("11"));
    assert_ne!(first, people("12"));
}

#[test]
fn mails_of_a_demo_that_keeps_them_are_where_it_says() {
    let temporary = TempDir::new().unwrap();
    let (_, text) = play(temporary.path(), &["--keep"]);
    let left = files(temporary.path());
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(text.contains(&format!("the mails are in {}", left[0].display())), "{text}");
    assert_eq!(files(&left[0]).len(), 5);
}

#[test]
fn a_demo_that_is_asked_to_stop_stops_and_leaves_nothing() {
    let temporary = TempDir::new().unwrap();
    let logs = TempDir::new().unwrap();
    let log = logs.path().join("demo.log");
    let mut process = Process::start(demo(temporary.path(), &[]), &log).unwrap();
    let has_begun = || std::fs::read_to_string(&log).unwrap_or_default().contains("because of");
    wait::until("a first decision", PLAYED_WITHIN, has_begun);
    process.signal(libc::SIGINT);
    let status = process.wait(STOPPED_WITHIN).expect("it ends");
    assert!(status.success(), "{status}: {}", process.log());
    assert_eq!(files(temporary.path()), Vec::<PathBuf>::new());
}

/// What the demo says on its terminal behind `words`, up to the next space.
fn told(log: &Path, words: &str) -> Option<String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.split_once(words)?.1.split_whitespace().next().map(str::to_owned)
}

/// The pages in a real browser: `tests/browser/demo.mjs` says what is checked.
#[test]
fn the_demo_lives_on_with_pages_until_it_is_stopped() {
    let (temporary, logs) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let log = logs.path().join("demo.log");
    let mut process = Process::start(demo(temporary.path(), &["--port", "0", "--seed", "7"]), &log).unwrap();
    let began = Instant::now();
    let has_mail = || std::fs::read_to_string(&log).unwrap_or_default().contains("“Welcome to Acme");
    wait::until("a first mail", FIRST_MAIL_WITHIN, has_mail);
    println!("first mail after {:?}", began.elapsed());
    let smtp: u16 = told(&log, "mail catcher on 127.0.0.1:").unwrap().parse().unwrap();
    let pages = told(&log, "open ").unwrap();
    let pages = pages.trim_end_matches("/demo");
    let checked = browser::run("demo.mjs", &json!({ "pages": pages, "smtp": smtp }));
    assert!(checked["done"].as_array().is_some_and(|done| done.len() == 9), "{checked}");
    process.signal(libc::SIGINT);
    let status = process.wait(STOPPED_WITHIN).expect("it ends");
    let text = process.log();
    assert!(status.success() && text.contains("mails are gone with the demo"), "{status}: {text}");
    assert_eq!(files(temporary.path()), Vec::<PathBuf>::new(), "nothing is left behind");
}

#[test]
fn marketing_mails_leave_in_the_daytime_of_each_recipient() {
    let (temporary, logs) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let log = logs.path().join("demo.log");
    let mails = temporary.path().join("mails");
    let out = mails.to_str().unwrap();
    let arguments = ["--port", "0", "--seed", "7", "--speed", "6 hours", "--out", out];
    let mut process = Process::start(demo(temporary.path(), &arguments), &log).unwrap();
    wait::until("fifteen mails", PLAYED_WITHIN, || mails.exists() && files(&mails).len() >= 15);
    let pages = told(&log, "open http://127.0.0.1:").unwrap();
    let pages = Http::new(pages.trim_end_matches("/demo").parse().unwrap());
    for path in files(&mails) {
        let bytes = std::fs::read(&path).unwrap();
        let mail = MessageParser::default().parse(&bytes).expect("a mail");
        let to = mail.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("a recipient");
        let id = to.split('@').next().unwrap().replace('.', "-");
        let person = pages.get(&format!("/people/user:{id}")).body;
        let zone = person.split("timezone</dt><dd>").nth(1).and_then(|rest| rest.split('<').next());
        let zone = outreach_engine::zone::find(zone.expect("a zone")).expect("a known zone");
        let at = Timestamp(mail.date().expect("a date").to_timestamp() * 1_000_000);
        let hour = zone.to_datetime(at.to_jiff()).hour();
        let is_marketing = mail.header("List-Unsubscribe-Post").is_some();
        assert!(!is_marketing || (8..21).contains(&hour), "{} at {hour} o'clock there", path.display());
    }
    // As when the terminal is closed.
    process.signal(libc::SIGHUP);
    assert!(process.wait(STOPPED_WITHIN).expect("it ends").success(), "{}", process.log());
    assert!(std::fs::read_to_string(&log).unwrap().contains("are in "), "where the mails are");
    assert_eq!(files(temporary.path()), std::slice::from_ref(&mails));
}

#[test]
fn a_speed_or_a_port_that_cannot_be_is_told() {
    let temporary = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, words) in [
        (["--speed", "3 days"], "expected 1 second to 12 hours, found 3 days"),
        (["--port", &port], "is not free"),
    ] {
        let output = demo(temporary.path(), &arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
}
