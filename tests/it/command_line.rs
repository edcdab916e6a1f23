//! What holds of all commands: `--project`, `--format json`, exit codes.

use std::process::Command;

use serde_json::Value;

use crate::service_desk::{project, rule};

#[test]
fn what_has_no_effect_in_the_demo_is_wrong_usage() {
    for unfit in [["--format", "json"], ["--project", "."]] {
        for arguments in [["demo", unfit[0], unfit[1]], [unfit[0], unfit[1], "demo"]] {
            let output =
                Command::new(env!("CARGO_BIN_EXE_outreach")).args(arguments).output().expect("it runs");
            let words = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {words}");
            assert!(output.stdout.is_empty() && words.contains(unfit[0]), "{arguments:?}: {words}");
        }
    }
}

#[test]
fn a_project_that_cannot_run_says_why_as_json_where_that_is_asked_for() {
    let project = project(25, None, "");
    rule(&project, "welcome", "onboarding", "evnt = \"Signed Up\"", "email = \"note\"");
    let output = project.run(&["run", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let checked = project.run(&["check", "--format", "json"]);
    assert_eq!(found, serde_json::from_slice::<Value>(&checked.stdout).expect("JSON"));
    assert!(found["problems"][0]["code"].is_string(), "{found}");
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1, "drawn once, not twice");
}
