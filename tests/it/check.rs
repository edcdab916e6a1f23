//! `outreach check` as its user sees it: what is written where, and the exit code.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SETTINGS: &str = "[topics.onboarding]\nname = \"Getting started\"\n";
const RULE: &str =
    "name = \"R\"\ntopic = \"onboarding\"\n[trigger]\nevent = \"A\"\n[[step]]\nin_product = \"card\"\n";
const CARD: &str = "kind = \"card\"\ntitle = \"Hi\"\nbody = \"There\"\n";

fn project(rule: &str, settings: &str) -> tempfile::TempDir {
    folder(&[
        ("outreach.toml", settings),
        ("rules/stalled.toml", rule),
        ("templates/card/in_product.toml", CARD),
        ("templates/card/sample.json", "{}"),
    ])
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    dir
}

fn check(dir: &Path, more: &[&str]) -> Output {
    outreach("check", dir, more)
}

fn outreach(command: &str, dir: &Path, more: &[&str]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_outreach"));
    process.env_clear().arg(command).arg("--project").arg(dir).args(more);
    process.output().expect("outreach runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_good_project_is_silent_on_stdout_and_ends_with_0() {
    let project = project(RULE, SETTINGS);
    let output = check(project.path(), &[]);
    assert_eq!((text(&output.stdout), output.status.code()), ("", Some(0)), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "0 errors, 0 warnings in 1 rule\n");
}

#[test]
fn findings_go_to_stdout_with_their_place_and_end_with_1() {
    let project = project(&RULE.replace("event", "evnt"), SETTINGS);
    let output = check(project.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = text(&output.stdout);
    for part in ["unknown-key", "rules/stalled.toml:4:1", "did you mean `event`?", "missing-key"] {
        assert!(stdout.contains(part), "{part} in {stdout}");
    }
    assert!(!stdout.contains('\u{1b}'), "no colours where nobody looks");
}

#[test]
fn json_has_each_problem_with_line_and_column() {
    let project = project(&RULE.replace("topic = \"onboarding\"", "topic = \"x\""), SETTINGS);
    let output = check(project.path(), &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let problem = &report["problems"][0];
    assert_eq!((&problem["code"], &problem["severity"]), (&"unknown-topic".into(), &"error".into()));
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"]),
        (&"rules/stalled.toml".into(), &2.into(), &9.into())
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn warnings_alone_end_with_0_unless_they_are_denied() {
    let project = project(RULE, &format!("{SETTINGS}[caps]\nin_product = [\"1 per day\"]\n"));
    let output = check(project.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("once-ever-with-cap"));
    assert_eq!(check(project.path(), &["--deny-warnings"]).status.code(), Some(1));
}

#[test]
fn wrong_usage_ends_with_2_and_no_project_with_3() {
    let project = project(RULE, SETTINGS);
    assert_eq!(check(project.path(), &["--frmat", "json"]).status.code(), Some(2));
    let output = check(&project.path().join("nowhere"), &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("nowhere"));
}

/// A project in which everything is wrong that can be, in each kind of file.
const BROKEN: [(&str, &str); 14] = [
    (
        "outreach.toml",
        "timezone = \"Europe/Pari\"\nquiet_hour = \"21:00-08:00\"\n[caps]\nemail = [\"0 per day\"]\n\
         [topics.onboarding]\nname = \"Start\"\n[kafka.properties]\n\"fetch.wait.max.mss\" = 50\n\
         [[sources]]\nname = \"product\"\ntopic = \"events\"\n[[write_keys]]\nname = \"backend\"\nkind = \"servr\"\n",
    ),
    (
        "rules/stalled.toml",
        "nam = \"Stalled\"\ntopic = \"onbording\"\n[trigger]\nevent = \"Signed Up\"\n\
         where = { \"properties.amount\" = \"10\" }\nwithout = \"Project Created\"\nwitin = \"3 days\"\n\
         [limits]\nlate = \"1 month\"\n[[step]]\nemail = \"stalld\"\n[[step]]\nemail = \"loud\"\n",
    ),
    ("rules/waits.toml", "name = \"Waits\"\n[trigger]\nevent = \"A\"\n[[step]]\nwait = \"2 days\"\n"),
    (
        "rules/stalled.test.toml",
        "[[test]]\nname = \"a\"\ngiven = [ { at = \"2026-03-02T10:00Z\", user = \"ada\", trak = \"A\" } ]\nexpct = []\n\
         [[test]]\nname = \"b\"\ngiven = [ { at = \"2026-03-02T10:00Z\", user = \"ada\", track = \"A\" } ]\n\
         until = \"2026-03-01T00:00Z\"\nexpect = []\n",
    ),
    ("templates/partials/self.hbs", "{{> self}}"),
    ("templates/partials/footer.hbs", "{{#if x}"),
    ("templates/endless/subject.hbs", "Hi"),
    ("templates/endless/body.html", "{{> self}}"),
    ("templates/loud/subject.hbs", "Hi {{traits.frist_name}} and {{traits.nobody}}"),
    ("templates/loud/body.html", "<p>{{{traits.first_name}}} {{unsubscribe_url}}</p>"),
    ("templates/loud/text.hbs", "{{shout traits.first_name}}"),
    (
        "templates/loud/sample.json",
        "{\"traits\": {\"first_name\": \"Ada\"}, \"properties\": {\"amount\": 10}}",
    ),
    ("templates/card/in_product.toml", "titel = \"Hi\"\nbody = \"There\"\nkind = \"poster\"\n"),
    ("templates/card/sample.json", "{"),
];

/// All of it, as `code file:line:column`.
const TOLD: [&str; 32] = [
    "mail-not-configured outreach.toml:1:1",
    "bad-value outreach.toml:1:12",
    "unknown-key outreach.toml:2:1",
    "bad-value outreach.toml:4:10",
    "kafka-property outreach.toml:7:8",
    "kafka-property outreach.toml:8:1",
    "bad-value outreach.toml:14:8",
    "missing-key rules/stalled.test.toml:1:1",
    "unknown-key rules/stalled.test.toml:3:53",
    "unknown-key rules/stalled.test.toml:4:1",
    "until-before-given rules/stalled.test.toml:8:9",
    "missing-key rules/stalled.toml:1:1",
    "unknown-key rules/stalled.toml:1:1",
    "unknown-topic rules/stalled.toml:2:9",
    "type-never-matches rules/stalled.toml:5:33",
    "contradictory-form rules/stalled.toml:6:1",
    "unknown-key rules/stalled.toml:7:1",
    "bad-length rules/stalled.toml:9:8",
    "unknown-template rules/stalled.toml:11:9",
    "sends-nothing rules/waits.toml:4:1",
    "bad-in-product templates/card/in_product.toml:1:1",
    "bad-in-product templates/card/in_product.toml:1:1",
    "bad-in-product templates/card/in_product.toml:3:8",
    "bad-sample templates/card/sample.json:1:1",
    "missing-sample templates/endless/sample.json:1:1",
    "missing-sender-address templates/loud/body.html:1:1",
    "unescaped-value templates/loud/body.html:1:4",
    "missing-value templates/loud/subject.hbs:1:4",
    "missing-value templates/loud/subject.hbs:1:30",
    "unknown-word templates/loud/text.hbs:1:1",
    "template-syntax templates/partials/footer.hbs:1:8",
    "partial-recursion templates/partials/self.hbs:1:1",
];

#[test]
fn everything_that_is_wrong_comes_out_in_one_run_with_place_reason_and_fix() {
    let project = folder(&BROKEN);
    let output = check(project.path(), &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let problems = report["problems"].as_array().expect("problems");
    let told: Vec<String> = problems
        .iter()
        .map(|problem| {
            let part = |name: &str| problem[name].as_str().map_or(problem[name].to_string(), str::to_owned);
            format!("{} {}:{}:{}", part("code"), part("file"), part("line"), part("column"))
        })
        .collect();
    assert_eq!(told, TOLD);
    // A wrong value says by itself what is expected; whatever else is wrong has a fix of its own.
    for problem in problems {
        let message = problem["message"].as_str().expect("a message");
        assert!(problem["help"].is_string() || message.starts_with("expected "), "{problem:#}");
    }
    let drawn = check(project.path(), &[]);
    for place in TOLD.iter().filter_map(|line| line.split(' ').nth(1)) {
        assert!(text(&drawn.stdout).contains(place), "{place} is drawn");
    }
}

#[test]
fn a_broken_rule_test_stops_check_and_test_and_no_replay() {
    let project = project(RULE, SETTINGS);
    fs::write(project.path().join("rules/stalled.test.toml"), "[[test]]\nname = 5\n").expect("a file");
    let events = project.path().join("events.ndjson");
    fs::write(
        &events,
        "{\"type\":\"track\",\"event\":\"A\",\"userId\":\"a\",\"timestamp\":\"2026-03-02T10:00:00Z\"}\n",
    )
    .expect("a file");
    let out = project.path().join("out.ndjson");
    let paths = [events.to_str().expect("UTF-8"), "--out", out.to_str().expect("UTF-8")];
    let replay = outreach("replay", project.path(), &paths);
    assert_eq!(replay.status.code(), Some(0), "{}", text(&replay.stderr));
    assert!(text(&replay.stdout).contains("stalled: 1 entered, 1 sent"), "{}", text(&replay.stdout));
    assert_eq!(check(project.path(), &[]).status.code(), Some(1));
    let tests = outreach("test", project.path(), &[]);
    assert_eq!(tests.status.code(), Some(1));
    assert!(text(&tests.stderr).contains("wrong-type"), "{}", text(&tests.stderr));
}

#[test]
fn what_librdkafka_does_not_take_is_told_where_it_is_written() {
    let kafka = "[kafka.properties]\n\"bootstrap.servers\" = \"127.0.0.1:9\"\n\"sasl.pasword\" = \"hunter2\"\n\
                 \"enable.auto.commit\" = true\n[[sources]]\nname = \"product\"\ntopic = \"events\"\n";
    let project = project(RULE, &format!("{SETTINGS}{kafka}"));
    let output = check(project.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = text(&output.stdout);
    let parts = [
        "kafka-property",
        "outreach.toml:5:1",
        "did you mean \"sasl.password\"?",
        "outreach.toml:6:1",
        "remove it",
    ];
    for part in parts {
        assert!(stdout.contains(part), "{part} in {stdout}");
    }
    // The line itself is shown from the file; our own words hold no value.
    let message =
        stdout.lines().find(|line| line.contains("No such configuration property")).expect("a message");
    assert!(!message.contains("hunter2"), "{message}");
    let run = outreach("run", project.path(), &[]);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("outreach.toml:5:1"), "{}", text(&run.stderr));
}
