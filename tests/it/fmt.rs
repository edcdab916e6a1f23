//! `outreach fmt` as its user sees it.

use super::world::service::Project;
use std::fs;

const UNTIDY: &str = "# Ours.\nname='R'\n[[step]]\nin_product=\"card\"   # a card\n[trigger]\nevent =\"A\"\n";
const TIDY: &str =
    "# Ours.\nname = \"R\"\n\n[trigger]\nevent = \"A\"\n\n[[step]]\nin_product = \"card\"   # a card\n";

#[test]
fn fmt_names_what_it_lays_out_and_check_writes_nothing() {
    let project = Project::new("timezone='UTC'\n");
    project.write("rules/r.toml", UNTIDY);
    let read = || fs::read_to_string(project.path().join("rules/r.toml")).expect("the rule");
    let check = project.run(&["fmt", "--check"]);
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!((check.status.code(), read()), (Some(1), UNTIDY.to_owned()), "{said}");
    assert!(said.contains("outreach.toml") && said.contains("rules/r.toml"), "{said}");
    let written = project.run(&["fmt"]);
    assert_eq!((written.status.code(), read()), (Some(0), TIDY.to_owned()));
    let again = project.run(&["fmt", "--check"]);
    assert_eq!((again.status.code(), again.stdout.len()), (Some(0), 0));
}

#[test]
fn a_file_that_is_no_toml_is_left_as_it_is_and_the_others_are_laid_out() {
    let project = Project::new("timezone='UTC'\n");
    project.write("rules/broken.toml", "name = \"R\n");
    project.write("rules/r.toml", UNTIDY);
    let output = project.run(&["fmt"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("rules/broken.toml"));
    assert_eq!(fs::read_to_string(project.path().join("rules/r.toml")).expect("the rule"), TIDY);
    assert_eq!(
        fs::read_to_string(project.path().join("rules/broken.toml")).expect("the rule"),
        "name = \"R\n"
    );
}
