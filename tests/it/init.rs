//! `outreach init`: a folder that a team can commit, and that works at once.

use super::world::{browser, python};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn outreach(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_outreach")).args(arguments).current_dir(dir).output().expect("it runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// All files below, with what they hold.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else {
            found.insert(entry.clone(), std::fs::read(&entry).unwrap());
        }
    }
    found
}

#[test]
fn a_new_project_has_no_problems_and_its_tests_pass() {
    let folder = TempDir::new().unwrap();
    let made = outreach(folder.path(), &["init", "acme", "--to", "ada@example.org"]);
    assert!(made.status.success(), "{}", said(&made));
    assert!(said(&made).contains("mail goes to ada@example.org and to nobody else"), "{}", said(&made));
    let project = folder.path().join("acme");
    for arguments in [&["check", "--deny-warnings"][..], &["test"], &["preview", "welcome"]] {
        let output = outreach(&project, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    }
    for (schema, file) in
        [("rule", "rules/welcome.toml"), ("test", "rules/welcome.test.toml"), ("project", "outreach.toml")]
    {
        let kept = std::fs::read(project.join(format!("schema/{schema}.json"))).unwrap();
        assert_eq!(kept, outreach(&project, &["schema", schema]).stdout, "{schema}");
        let mut validator = python::command("check-jsonschema");
        let judged = validator.arg("--schemafile").arg(project.join(format!("schema/{schema}.json")));
        let judged = judged.arg(project.join(file)).output().unwrap();
        assert!(judged.status.success(), "{}", said(&judged));
        let linted = browser::tool("taplo").args(["lint", file]).current_dir(&project).output().unwrap();
        assert!(linted.status.success(), "{}", said(&linted));
    }
}

#[test]
fn secrets_are_for_their_user_alone_differ_and_are_nothing_for_git() {
    let folder = TempDir::new().unwrap();
    for name in ["one", "two"] {
        assert!(outreach(folder.path(), &["init", name]).status.success());
        for secret in ["backend.key", "unsubscribe.key"] {
            let path = folder.path().join(name).join("secrets").join(secret);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{secret}");
            assert_eq!(std::fs::read_to_string(&path).unwrap().trim().len(), 32, "{secret}");
        }
    }
    let mut secrets: Vec<_> =
        files(folder.path()).into_iter().filter(|(path, _)| path.ends_with("backend.key")).collect();
    secrets.extend(files(folder.path()).into_iter().filter(|(path, _)| path.ends_with("unsubscribe.key")));
    let different: std::collections::BTreeSet<_> = secrets.iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(different.len(), 4);
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").args(arguments).current_dir(folder.path().join("one")).output().expect("git");
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    let taken = git(&["ls-files"]);
    assert!(taken.contains("outreach.toml") && taken.contains("schema/rule.json"), "{taken}");
    assert!(!taken.contains(".key"), "{taken}");
}

#[test]
fn what_is_there_is_not_written_over() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(".gitignore"), "target\n").unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("rules/welcome.toml"), "mine").unwrap();
    let before = files(folder.path());
    let refused = outreach(folder.path(), &["init"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        said(&refused).contains("found rules/welcome.toml in .: nothing was written"),
        "{}",
        said(&refused)
    );
    assert_eq!(files(folder.path()), before);

    std::fs::remove_file(folder.path().join("rules/welcome.toml")).unwrap();
    let made = outreach(folder.path(), &["init"]);
    assert!(
        made.status.success() && said(&made).contains("add /data/ to your .gitignore"),
        "{}",
        said(&made)
    );
    assert!(said(&made).contains("mail goes to nobody"), "{}", said(&made));
    assert_eq!(std::fs::read_to_string(folder.path().join(".gitignore")).unwrap(), "target\n");
    let after = files(folder.path());
    assert!(!outreach(folder.path(), &["init"]).status.success());
    assert_eq!(files(folder.path()), after);
}

#[test]
fn an_address_that_is_none_is_wrong_usage() {
    let folder = TempDir::new().unwrap();
    let refused = outreach(folder.path(), &["init", "acme", "--to", "ada"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert_eq!(files(folder.path()).len(), 0);
}
