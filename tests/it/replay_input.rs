//! `outreach replay` as an analyst meets it: what is read, what is refused and where that is said, and when time ends.

use super::world::service::Project;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::Output;

const SETTINGS: &str = "[topics.news]\nname = \"News\"\n";
/// Signed up, and made no project within a day.
const STALLED: &str = r#"
name = "Stalled"
description = "No project within a day."
topic = "news"
[trigger]
event = "Signed Up"
without = "Project Created"
within = "1 day"
[[step]]
in_product = "card"
[[step]]
wait = "2 days"
[[step]]
name = "again"
in_product = "card"
"#;
const CARD: &str = "kind = \"card\"\ntitle = \"Hi\"\nbody = \"There\"\n";

fn project() -> Project {
    let project = Project::new(SETTINGS);
    project.write("rules/stalled.toml", STALLED);
    project.write("templates/card/in_product.toml", CARD);
    project.write("templates/card/sample.json", "{}");
    project
}

fn signed_up(user: &str, at: &str) -> String {
    format!(r#"{{"type":"track","event":"Signed Up","userId":"{user}","timestamp":"{at}"}}"#)
}

/// Replays `events.ndjson` of the project's folder into `out.ndjson`.
fn replay(project: &Project, events: impl AsRef<[u8]>, more: &[&str]) -> Output {
    fs::write(project.path().join("events.ndjson"), events).unwrap();
    let arguments = ["replay", "events.ndjson", "--out", "out.ndjson"];
    project.run(&[&arguments[..], more].concat())
}

fn rows(project: &Project, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(project.path().join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn field<'r>(row: &'r Value, name: &str) -> &'r str {
    row[name].as_str().unwrap_or_default()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn lines_that_are_no_events_are_counted_and_listed_and_the_rest_is_replayed() {
    let project = project();
    let mut events = Vec::new();
    events.extend(b"\xef\xbb\xbf");
    events.extend(signed_up("ada", "2026-03-02T10:00:00Z").bytes());
    events.extend(b"\r\n\n{\"type\":\"track\"\n\xff\xfe\n");
    events.extend(br#"{"type":"track","event":"E","timestamp":"2026-03-02T10:00:00Z"}"#);
    events.extend(b"\n");
    events.extend(br#"{"type":"track","event":"E","userId":"a"}"#);
    events.extend(b"\n");
    events.extend(br#"{"type":"track","event":"E","userId":"a","timestamp":"2026-03-02T10:00:00"}"#);
    events.extend(b"\n");
    events.extend(br#"{"type":"track","event":"E","userId":"a","timestamp":"1969-12-31T23:59:59Z"}"#);
    events.extend(b"\n{\"x\":\"");
    events.extend(vec![b'x'; 10 << 20]);
    events.extend(b"\"}\n");
    events.extend(vec![b'['; 20_000]);
    events.push(b'\n');
    // The last line has no end.
    events.extend(signed_up("bob", "2026-03-04T10:00:00Z").bytes());
    let output = replay(&project, &events, &["--rejects", "rejects.ndjson"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let listed = rows(&project, "rejects.ndjson");
    let seen: Vec<_> = listed.iter().map(|row| (row["line"].as_u64().unwrap(), field(row, "code"))).collect();
    let expected = [
        (3, "malformed-json"),
        (4, "invalid-utf8"),
        (5, "no-id"),
        (6, "no-time"),
        (7, "bad-time"),
        (8, "time-before-1970"),
        (9, "too-large"),
        (10, "too-deep"),
    ];
    assert_eq!(seen, expected);
    assert!(
        listed.iter().all(|row| field(row, "file") == "events.ndjson" && !field(row, "reason").is_empty())
    );
    assert!(stderr(&output).contains("8 lines were rejected"), "{}", stderr(&output));
    assert!(stderr(&output).contains("too-large: 1"), "{}", stderr(&output));
    let decided = rows(&project, "out.ndjson");
    assert_eq!(decided.iter().map(|row| field(row, "user")).collect::<Vec<_>>(), ["ada"]);
}

#[test]
fn a_time_later_than_the_command_is_refused_unless_the_future_is_accepted() {
    let project = project();
    let events = signed_up("ada", "2999-03-02T10:00:00Z");
    let output = replay(&project, &events, &["--until", "2999-12-31T00:00Z"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("time-in-future: 1"), "{}", stderr(&output));
    assert!(rows(&project, "out.ndjson").is_empty());
    replay(&project, &events, &["--until", "2999-12-31T00:00Z", "--accept-future"]);
    assert_eq!(rows(&project, "out.ndjson").len(), 2);
}

#[test]
fn what_is_due_by_the_end_of_time_is_in_and_its_grace_forgiven() {
    let project = project();
    let events = [
        signed_up("ada", "2026-03-02T10:00:00Z"),
        r#"{"type":"track","event":"Project Created","userId":"ada","timestamp":"2026-03-03T10:00:30Z"}"#
            .into(),
        signed_up("bob", "2026-03-02T10:00:01Z"),
    ];
    let due = |until: &str| {
        let output = replay(&project, events.join("\n"), &["--until", until]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let rows = rows(&project, "out.ndjson");
        let of = |row: &Value| {
            format!("{} {} {}", field(row, "user"), field(row, "due_at"), field(row, "judged_at"))
        };
        rows.iter().map(of).collect::<Vec<_>>()
    };
    assert!(due("2026-03-03T09:59:59.999999Z").is_empty());
    let ada = "ada 2026-03-03T10:00:00.000000Z 2026-03-03T10:01:00.000000Z";
    assert_eq!(due("2026-03-03T10:00Z"), [ada]);
    let bob = "bob 2026-03-03T10:00:01.000000Z 2026-03-03T10:01:01.000000Z";
    assert_eq!(due("2026-03-03T10:00:01Z"), [ada, bob]);
    // The next step counts from when the first was sent: its tick.
    let later = "ada 2026-03-05T10:01:00.000000Z 2026-03-05T10:01:00.000000Z";
    assert_eq!(due("2026-03-05T10:01Z"), [ada, bob, later]);
}

#[test]
fn columns_are_those_of_the_contract_in_their_order() {
    let project = project();
    replay(&project, signed_up("ada", "2026-03-02T10:00:00+01:00"), &["--until", "2026-03-04T00:00Z"]);
    let text = fs::read_to_string(project.path().join("out.ndjson")).unwrap();
    let expected = concat!(
        r#"{"rule":"stalled","user":"ada","kind":"user","key":null,"step":"card","channel":"in_product","#,
        r#""template":"card","verdict":"send","reason":null,"triggered_at":"2026-03-02T09:00:00.000000Z","#,
        r#""due_at":"2026-03-03T09:00:00.000000Z","judged_at":"2026-03-03T09:01:00.000000Z"}"#,
        "\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn a_replay_that_fails_leaves_the_old_output_and_nothing_beside_it() {
    let project = project();
    let write = |name: &str, bytes: &[u8]| fs::write(project.path().join(name), bytes).unwrap();
    write("out.ndjson", b"old\n");
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(signed_up("ada", "2026-03-02T10:00:00Z").repeat(1_000).as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let output = replay(&project, &packed[..packed.len() / 2], &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("cannot read events.ndjson"), "{}", stderr(&output));
    let output = project.run(&["replay", "gone.ndjson", "--out", "out.ndjson"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("gone.ndjson"), "{}", stderr(&output));
    let output = project.run(&["replay", "out.ndjson", "--out", "./out.ndjson"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(fs::read_to_string(project.path().join("out.ndjson")).unwrap(), "old\n");
    let hidden = fs::read_dir(project.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(hidden.count(), 0, "what was begun is gone");
}

#[test]
fn a_replay_needs_sound_rules_and_no_templates() {
    let project = project();
    project.write("templates/card/in_product.toml", "title = \"{{\"\n");
    let events = signed_up("ada", "2026-03-02T10:00:00Z");
    let output = replay(&project, &events, &["--until", "2026-03-04T00:00Z"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(rows(&project, "out.ndjson").len(), 1);
    project.write("rules/stalled.toml", &STALLED.replace("within", "wihtin"));
    let output = replay(&project, &events, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("rules/stalled.toml:8:1"), "{}", stderr(&output));
}
