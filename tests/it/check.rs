//! `outreach check` as its user sees it: what is written where, and the exit code.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SETTINGS: &str = "[topics.onboarding]\nname = \"Getting started\"\n";
const RULE: &str =
    "name = \"R\"\ntopic = \"onboarding\"\n[trigger]\nevent = \"A\"\n[[step]]\nin_product = \"card\"\n";
const CARD: &str = "kind = \"card\"\ntitle = \"Hi\"\nbody = \"There\"\n";

fn project(rule: &str, settings: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let files = [
        ("outreach.toml", settings),
        ("rules/stalled.toml", rule),
        ("templates/card/in_product.toml", CARD),
        ("templates/card/sample.json", "{}"),
    ];
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    dir
}

fn check(dir: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
    command.env_clear().arg("check").arg("--project").arg(dir).args(more);
    command.output().expect("outreach runs")
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
