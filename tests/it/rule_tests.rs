//! `outreach test`: rule tests pass, or show what was decided instead and why.

use super::world::process::Process;
use super::world::service::Project;
use super::world::wait;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const SETTINGS: &str = r#"
quiet_hours = "21:00-08:00"
holdout = "99%"
[caps]
in_product = ["1 per day"]
[topics.news]
name = "News"
"#;
const STALLED: &str = r#"
name = "Stalled"
description = "No project within a day."
topic = "news"
status = "off"
[trigger]
event = "Signed Up"
without = "Project Created"
within = "1 day"
[goal]
holdout = "99%"
[limits]
once_per = "always"
[[step]]
in_product = "card"
"#;

/// A project with these rule tests of the rule `stalled`.
fn project(tests: &str) -> Project {
    let project = Project::new(SETTINGS);
    project.write("rules/stalled.toml", STALLED);
    project.write("rules/stalled.test.toml", tests);
    project.write("templates/card/in_product.toml", "kind = \"card\"\ntitle = \"Hi\"\nbody = \"There\"\n");
    project.write("templates/card/sample.json", "{}");
    project
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_rules_of_this_repository_pass_their_tests() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
    command.args(["test", "--project"]).arg(Path::new(env!("CARGO_MANIFEST_DIR")));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("ok    stalled-onboarding: three silent days bring one mail\n"));
    assert!(stderr(&output).contains(" passed, 0 failed"));
}

/// Each of these passes: holdouts are off, caps and quiet hours are not, late records come when they arrive.
const GOOD: &str = r#"
[[test]]
name = "a rule that is still off is tested as if live, and nobody is held out"
given = [ { at = "2026-03-02T10:00Z", user = "ada", track = "Signed Up" } ]
until = "2026-03-04T00:00Z"
expect = [ { at = "2026-03-03T10:00Z", user = "ada", in_product = "card", judged_at = "2026-03-03T10:01Z" } ]

[[test]]
name = "everybody is held out"
arm = "holdout"
given = [ { at = "2026-03-02T10:00Z", user = "ada", track = "Signed Up" } ]
until = "2026-03-04T00:00Z"
expect = [ { at = "2026-03-03T10:00Z", user = "ada", verdict = "holdout" } ]

[[test]]
name = "who is held out gets nothing"
arm = "holdout"
given = [ { at = "2026-03-02T10:00Z", user = "ada", track = "Signed Up" } ]
until = "2026-03-04T00:00Z"
expect = []

[[test]]
name = "a project that was made in time and came within the grace is in time"
given = [
  { at = "2026-03-02T10:00Z", user = "ada", track = "Signed Up" },
  { at = "2026-03-03T09:59Z", arrives = "2026-03-03T10:00:59Z", user = "ada", track = "Project Created" },
]
until = "2026-03-04T00:00Z"
expect = []

[[test]]
name = "one that came later is too late"
given = [
  { at = "2026-03-02T10:00Z", user = "ada", track = "Signed Up" },
  { at = "2026-03-03T09:59Z", arrives = "2026-03-03T10:01:01Z", user = "ada", track = "Project Created" },
]
until = "2026-03-04T00:00Z"
expect = [ { at = "2026-03-03T10:00Z", user = "ada", in_product = "card" } ]

[[test]]
name = "the cap holds as live"
given = [
  { at = "2026-03-02T10:00Z", user = "ada", track = "Signed Up" },
  { at = "2026-03-03T11:00Z", user = "ada", track = "Signed Up" },
  { at = "2026-03-03T12:00Z", user = "ada", track = "Project Created" },
  { at = "2026-03-03T13:00Z", anonymous = "7f3", track = "Signed Up" },
]
until = "2026-03-04T14:00Z"
expect = [
  { at = "2026-03-03T10:00Z", user = "ada", step = "card" },
  { at = "2026-03-04T13:00Z", anonymous = "7f3" },
]

[[test]]
name = "a night's message waits for the morning of the person's zone"
given = [
  { at = "2026-03-02T10:00Z", identify = "ada", traits = { timezone = "Asia/Tokyo" } },
  { at = "2026-03-02T12:30Z", user = "ada", track = "Signed Up" },
]
until = "2026-03-04T00:00Z"
expect = [ { at = "2026-03-03T12:30Z", user = "ada", judged_at = "2026-03-03T23:00Z" } ]

[[test]]
name = "a line that says little leaves the decision that alone meets one that says more"
given = [
  { at = "2026-03-02T10:00Z", user = "ada", track = "Signed Up" },
  { at = "2026-03-02T10:00Z", user = "bob", track = "Signed Up" },
]
until = "2026-03-04T00:00Z"
expect = [ { at = "2026-03-03T10:00Z" }, { at = "2026-03-03T10:00Z", user = "ada" } ]
"#;

#[test]
fn tests_are_run_in_the_ideal_world_with_everything_enforced_as_live() {
    let output = project(GOOD).run(&["test"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(stdout(&output).lines().filter(|line| line.starts_with("ok    stalled: ")).count(), 8);
    assert_eq!(stderr(&output), "8 passed, 0 failed\n");
}

#[test]
fn what_expires_before_the_morning_is_not_said_to_be_sent() {
    let project = project(
        r#"
[[test]]
name = "no gate would let it leave"
given = [ { at = "2026-03-02T22:00Z", user = "ada", track = "Signed Up" } ]
until = "2026-03-04T12:00Z"
expect = [
  { at = "2026-03-03T22:00Z", user = "ada", verdict = "refuse", reason = "late", judged_at = "2026-03-04T08:00Z" },
]
"#,
    );
    project.write("rules/stalled.toml", &format!("{STALLED}expires = \"2 hours\"\n"));
    let output = project.run(&["test"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

/// It shows when the card comes, and nothing else.
const ONE: &str = r#"
[[test]]
name = "a silent day brings a card"
given = [ { at = "2026-03-02T10:00Z", user = "ada", track = "Signed Up" } ]
until = "2026-03-04T00:00Z"
expect = [ { at = "2026-03-03T10:00Z", user = "ada", in_product = "card" } ]
"#;

#[test]
fn mutants_that_no_test_notices_are_told_with_their_place_and_the_test_that_is_missing() {
    let project = project(ONE);
    let output = project.run(&["test", "--mutate", "stalled", "--min-score", "90"]);
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
    let told = stdout(&output);
    // It ends by the second event, and may come again: nothing shows it.
    for part in [
        "stalled.toml:8: no test fails where without \"Project Created\" is \"Project Created (never)\"",
        "stalled.toml:13: no test fails where once_per \"always\" is gone",
        "missing: a test in which this event changes what is sent",
    ] {
        assert!(told.contains(part), "{part}\nin\n{told}");
    }
    assert!(!told.contains("within"), "{told}");
    assert!(stderr(&output).contains("expected 90 % of each rule's mutants or more"));
    assert_eq!(project.run(&["test", "--mutate"]).status.code(), Some(0));

    let output = project.run(&["test", "--mutate", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let rule = &answer["rules"][0];
    assert_eq!(
        rule["survivors"].as_array().map(|all| all.len() as u64 + rule["killed"].as_u64().unwrap()),
        rule["mutants"].as_u64()
    );
    assert_eq!(project.run(&["test", "--mutate", "staled"]).status.code(), Some(3));
}

#[test]
fn coverage_tells_what_no_test_has_shown() {
    let project = project(ONE);
    let rule = STALLED.replace("without = ", "where = { \"properties.plan\" = \"trial\" }\nwithout = ")
        + "[[step]]\nif = { \"traits.seats\" = { gte = 10 } }\nthen = [{ in_product = \"card\" }]\nelse = [{ wait = \"1 day\" }]\n";
    project.write("rules/stalled.toml", &rule);
    let plan = "track = \"Signed Up\", properties = { plan = \"trial\" }";
    project.write("rules/stalled.test.toml", &ONE.replace("track = \"Signed Up\"", plan));
    let output = project.run(&["test", "--coverage"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let told = stdout(&output);
    for part in [
        "step step card-2: never reached",
        "branch step if: then: never taken",
        "condition [trigger] \"properties.plan\" is \"trial\": never false",
        "condition [step if] \"traits.seats\" gte 10: never true",
        "reason cap: never given",
        "reason holdout: never given",
    ] {
        assert!(told.contains(part), "{part}\nin\n{told}");
    }
    for part in ["step step card: ", "step step wait", "else: never", "once-per", "exit: never"] {
        assert!(!told.contains(part), "{part}\nin\n{told}");
    }
    // An event that the index would pass over is asked too.
    let other = ONE
        .replace("silent day", "other plan")
        .replace("track = \"Signed Up\"", "track = \"Signed Up\", properties = { plan = \"team\" }");
    let other = other.replace(
        "expect = [ { at = \"2026-03-03T10:00Z\", user = \"ada\", in_product = \"card\" } ]",
        "expect = []",
    );
    project.write("rules/stalled.test.toml", &(ONE.replace("track = \"Signed Up\"", plan) + &other));
    let told = stdout(&project.run(&["test", "--coverage"]));
    assert!(!told.contains("properties.plan"), "{told}");
}

#[test]
fn the_rules_of_this_repository_notice_nine_of_ten_mutants() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
    command.args(["test", "--mutate", "--min-score", "90", "--project"]);
    let output = command.arg(Path::new(env!("CARGO_MANIFEST_DIR"))).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn results_are_written_as_junit_into_a_file_or_instead_of_the_text() {
    let project = project(&BAD.replace("\"never\"", "\"<never> & 'ever'\""));
    let output = project.run(&["test", "--format", "junit"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output);
    assert!(told.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"), "{told}");
    for part in [
        "<testsuite name=\"rules/stalled.test.toml\" tests=\"3\" failures=\"3\"",
        "<testcase classname=\"stalled\" name=\"&lt;never&gt; &amp; 'ever'\"",
        "<failure type=\"surprise\"",
    ] {
        assert!(told.contains(part), "{part}\nin\n{told}");
    }
    let file = project.path().join("results.xml");
    project.run(&["test", "--junit", file.to_str().unwrap()]);
    assert!(std::fs::read_to_string(file).unwrap().ends_with("</testsuites>\n"));
    assert_eq!(project.run(&["check", "--format", "junit"]).status.code(), Some(2));
}

#[test]
fn watching_runs_the_tests_again_when_a_file_changes() {
    let project = project(ONE);
    let log = project.path().join("watch.log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
    command.args(["test", "--watch", "--project"]).arg(project.path());
    let _watcher = Process::start(command, &log).unwrap();
    let says = |part: &str| {
        wait::until(part, Duration::from_secs(60), || {
            std::fs::read_to_string(&log).is_ok_and(|told| told.contains(part))
        });
    };
    says("1 passed, 0 failed\nwaiting for a change");
    project.write("rules/stalled.toml", &STALLED.replace("1 day", "2 days"));
    says("changed: rules/stalled.toml\n");
    says("0 passed, 1 failed\nwaiting for a change");
    // What cannot be read is told, and is no end.
    project.write("rules/stalled.toml", "name = ");
    says("toml-syntax");
}

/// Each of these fails.
const BAD: &str = r#"
[[test]]
name = "silence"
given = [ { at = "2026-03-02T10:00Z", user = "ada", track = "Signed Up", id = "m-1" } ]
until = "2026-03-04T00:00Z"
expect = []

[[test]]
name = "two"
given = [
  { at = "2026-03-02T10:00Z", user = "ada", track = "Signed Up" },
  { at = "2026-03-03T10:30Z", user = "ada", track = "Signed Up" },
]
until = "2026-03-04T11:00Z"
expect = [
  { at = "2026-03-03T10:00Z", user = "ada", in_product = "card" },
  { at = "2026-03-04T10:30Z", user = "ada", in_product = "card" },
  { at = "2026-03-04T10:30Z", user = "bob", in_product = "card" },
]

[[test]]
name = "never"
given = [ { at = "2026-03-02T10:00Z", user = "ada", track = "Other" } ]
expect = [ { at = "2026-03-03T10:00Z", user = "ada" } ]
"#;

#[test]
fn a_surprise_is_shown_with_what_was_decided_and_why() {
    let caps = SETTINGS.replace("1 per day", "1 per 2 days");
    let project = project(BAD);
    project.write("outreach.toml", &caps);
    let output = project.run(&["test"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output);
    for part in [
        "FAIL  stalled: silence (rules/stalled.test.toml:2)\n  + 2026-03-03T10:00:00.000000Z user:ada send in_product card, step card",
        "      trigger: Signed Up at 2026-03-02T10:00:00.000000Z (m-1)\n",
        "  - 2026-03-04T10:30:00.000000Z user:ada send in_product card\n",
        "  - 2026-03-04T10:30:00.000000Z user:bob send in_product card\n",
        "  instead: 2026-03-04T10:30:00.000000Z user:ada refuse (cap) in_product card",
        "      what came nearest: verdict: expected send, came refuse (cap)\n",
        "      the person has had as many messages as the caps allow\n",
        "  nothing was decided: the trigger did not hold before the end of the test\n",
    ] {
        assert!(told.contains(part), "{part}\nin\n{told}");
    }
    assert_eq!(stderr(&output), "0 passed, 3 failed\n");

    let output = project.run(&["test", "SILENCE", "--format", "json"]);
    let records: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(records.as_array().map(Vec::len), Some(1));
    assert_eq!((&records[0]["name"], &records[0]["passed"]), (&"silence".into(), &false.into()));
}

#[test]
fn a_run_without_tests_is_a_finding_unless_none_are_wanted() {
    let project = project(GOOD);
    let output = project.run(&["test", "no such test"]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(1), "no tests of that name\n"));
    assert_eq!(project.run(&["test", "no such test", "--allow-none"]).status.code(), Some(0));
}

#[test]
fn what_is_wrong_with_a_test_is_a_problem_with_its_place() {
    let test = r#"
[[test]]
name = "x"
given = [
  { at = "2026-03-02T10:00Z", track = "Signed Up" },
  { at = "2026-03-02T10:00Z", user = "ada" },
  { at = "2026-03-02T10:00Z", user = "ada", track = "A", page = "B" },
  { at = "2026-03-02T10:00Z", arrives = "2026-03-01T10:00Z", user = "ada", track = "A" },
]
expect = [ { at = "2026-03-02T10:00Z", verdict = "send", reason = "cap" }, { at = "2026-03-02T10:00Z", reason = "capp" } ]
"#;
    let output = project(test).run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output);
    for part in [
        "rules/stalled.test.toml:5:3",
        "expected userId or anonymousId",
        "rules/stalled.test.toml:6:3",
        "expected one of `identify`",
        "rules/stalled.test.toml:7:58",
        "found both",
        "rules/stalled.test.toml:8:41",
        "rules/stalled.test.toml:10:58",
        "did you mean \"cap\"?",
    ] {
        assert!(told.contains(part), "{part}\nin\n{told}");
    }
}
