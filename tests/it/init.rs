//! `outreach init`: a folder that a team can commit, and that works at once.

use super::world::http::Http;
use super::world::process::Process;
use super::world::{browser, ports, python, wait};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
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
    std::fs::create_dir_all(folder.path().join("one/node_modules/some")).unwrap();
    std::fs::write(folder.path().join("one/node_modules/some/index.js"), "").unwrap();
    assert!(!git(&["status", "--short", "-uall"]).contains("node_modules"));
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
        made.status.success() && said(&made).contains("add /data/ and node_modules/ to your .gitignore"),
        "{}",
        said(&made)
    );
    assert!(said(&made).contains("mail goes to nobody"), "{}", said(&made));
    assert_eq!(std::fs::read_to_string(folder.path().join(".gitignore")).unwrap(), "target\n");
    let after = files(folder.path());
    let again = outreach(folder.path(), &["init"]);
    assert_eq!(again.status.code(), Some(3));
    assert!(said(&again).contains("outreach.toml, rules/welcome.toml, rules/welcome.test.toml and 10 more"));
    assert!(said(&again).contains("`outreach init --secrets`"), "{}", said(&again));
    assert_eq!(files(folder.path()), after);
}

#[test]
fn an_address_that_is_none_is_wrong_usage() {
    let folder = TempDir::new().unwrap();
    let refused = outreach(folder.path(), &["init", "acme", "--to", "ada"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert_eq!(files(folder.path()).len(), 0);
}

#[test]
fn a_folder_with_a_space_is_quoted_and_a_file_is_no_folder() {
    let folder = TempDir::new().unwrap();
    let made = outreach(folder.path(), &["init", "it's acme/new one"]);
    assert!(said(&made).contains(r"next: cd 'it'\''s acme/new one'; outreach check"), "{}", said(&made));
    let made = outreach(folder.path(), &["init", "--", "-x"]);
    assert!(said(&made).contains("next: cd ./-x; "), "{}", said(&made));
    std::fs::write(folder.path().join("notes"), "mine").unwrap();
    let refused = outreach(folder.path(), &["init", "notes"]);
    assert!(said(&refused).contains("expected a folder, found a file: notes"), "{}", said(&refused));
    let nowhere = outreach(folder.path(), &["check"]);
    assert!(said(&nowhere).contains("`outreach init`"), "{}", said(&nowhere));
}

/// Every kind of secret that outreach.toml may name.
const SECRETS: &str = r#"
[[write_keys]]
name = "website"
kind = "browser"
key_file = "keys/website.key"
[[write_keys]]
name = "elsewhere"
kind = "server"
key_file = "../elsewhere.key"
[identity]
audience = "acme"
[[identity.keys]]
name = "app"
algorithm = "HS256"
secret_file = "secrets/identity.key"
"#;

/// A project as a teammate clones it: nothing of `secrets/`.
fn clone() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let project = folder.path().join("acme");
    assert!(outreach(folder.path(), &["init", "acme"]).status.success());
    std::fs::remove_dir_all(project.join("secrets")).unwrap();
    (folder, project)
}

#[test]
fn a_clone_gets_its_missing_secrets_by_the_command_that_run_names_and_the_service_starts() {
    let (folder, project) = clone();
    let refused = outreach(&project, &["run"]);
    assert_eq!(refused.status.code(), Some(3));
    for said_so in ["write key backend: ", "links in mails: ", "No such file", "`outreach init --secrets`"] {
        assert!(said(&refused).contains(said_so), "{said_so}: {}", said(&refused));
    }
    let from_outside = outreach(folder.path(), &["run", "--project", "acme"]);
    assert!(said(&from_outside).contains("`outreach init --secrets acme`"), "{}", said(&from_outside));
    let made = outreach(folder.path(), &["init", "--secrets", "acme"]);
    assert!(made.status.success(), "{}", said(&made));
    assert!(said(&made).contains("made secrets/backend.key: write key backend\n"), "{}", said(&made));
    let again = outreach(&project, &["init", "--secrets"]);
    assert!(again.status.success() && said(&again) == "no secret is missing\n", "{}", said(&again));

    // At once, with no mail server: the mail waits, and the log says why.
    let toml = std::fs::read_to_string(project.join("outreach.toml")).unwrap();
    let to_all = toml.replace("deliver_only_to = []", "deliver_only_to = [\"*\"]");
    std::fs::write(project.join("outreach.toml"), to_all).unwrap();
    let (http, admin, smtp) = (ports::free(), ports::free(), ports::free());
    let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
    command.arg("run").current_dir(&project);
    command.env("OUTREACH__HTTP__LISTEN", format!("127.0.0.1:{http}"));
    command.env("OUTREACH__HTTP__ADMIN_LISTEN", format!("127.0.0.1:{admin}"));
    command.env("OUTREACH__EMAIL__SMTP__PORT", smtp.to_string());
    let service = Process::start(command, &folder.path().join("log")).unwrap();
    let within = Duration::from_secs(60);
    wait::until("a service", within, || {
        Http::new(admin).try_get("/readyz").is_ok_and(|reply| reply.status == 200)
    });
    let key = std::fs::read_to_string(project.join("secrets/backend.key")).unwrap();
    let event = serde_json::json!({ "batch": [
        { "type": "identify", "userId": "ada", "traits": { "email": "ada@example.org", "first_name": "Ada" } },
        { "type": "track", "userId": "ada", "event": "Signed Up" },
    ] });
    assert_eq!(Http::new(http).post("/v1/batch", key.trim(), &event).status, 200);
    wait::until("words about the mail server", within, || {
        service.log().contains("the mail server cannot be used")
    });
    assert!(
        service.log().contains("Connection refused") && !service.log().contains("ada@"),
        "{}",
        service.log()
    );
}

#[test]
fn a_secret_that_is_there_is_anothers_or_lies_elsewhere_is_not_made() {
    let (folder, project) = clone();
    let toml = std::fs::read_to_string(project.join("outreach.toml")).unwrap();
    let toml = toml.replace("#old_secret_files", "old_secret_files").replace("#user = ", "user = ");
    let toml =
        toml.replace("#password_file", "password_file").replace("#admin_token_file", "admin_token_file");
    std::fs::write(project.join("outreach.toml"), toml + SECRETS).unwrap();
    std::fs::create_dir(project.join("secrets")).unwrap();
    std::fs::write(project.join("secrets/backend.key"), "mine").unwrap();
    let made = outreach(&project, &["init", "--secrets"]);
    assert_eq!(made.status.code(), Some(1), "{}", said(&made));
    for file in ["secrets/admin.token", "keys/website.key", "secrets/identity.key", "secrets/unsubscribe.key"]
    {
        assert!(said(&made).contains(&format!("made {file}: ")), "{file}: {}", said(&made));
        let path = project.join(file);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        assert_eq!(std::fs::read_to_string(&path).unwrap().trim().len(), 32, "{file}");
    }
    assert_eq!(std::fs::read_to_string(project.join("keys/.gitignore")).unwrap(), "*\n");
    assert!(!said(&made).contains("see that git ignores it"), "{}", said(&made));
    assert_eq!(std::fs::metadata(project.join("keys")).unwrap().permissions().mode() & 0o777, 0o700);
    for left in ["write key elsewhere: ", "links in older mails: ", "password of the mail server: "] {
        assert!(said(&made).contains(&format!("not made: {left}")), "{left}: {}", said(&made));
    }
    assert_eq!(std::fs::read_to_string(project.join("secrets/backend.key")).unwrap(), "mine");
    assert!(!folder.path().join("elsewhere.key").exists());
    let before = files(&project);
    outreach(&project, &["init", "--secrets"]);
    assert_eq!(files(&project), before);
}

#[test]
fn where_git_may_take_a_new_secret_it_is_said() {
    let (_folder, project) = clone();
    let toml = std::fs::read_to_string(project.join("outreach.toml")).unwrap();
    std::fs::write(project.join("outreach.toml"), toml + SECRETS).unwrap();
    std::fs::create_dir(project.join("secrets")).unwrap();
    std::fs::create_dir(project.join("keys")).unwrap();
    let made = outreach(&project, &["init", "--secrets"]);
    let of_website = "made keys/website.key: write key website; see that git ignores it\n";
    assert!(said(&made).contains(of_website), "{}", said(&made));
    assert!(said(&made).contains("made secrets/identity.key: identity key app\n"), "{}", said(&made));
}

#[test]
fn secrets_are_made_only_in_a_project_whose_settings_are_sound() {
    let (folder, project) = clone();
    let nowhere = outreach(folder.path(), &["init", "--secrets"]);
    assert_eq!(nowhere.status.code(), Some(3));
    assert!(said(&nowhere).contains("`outreach init .` makes one"), "{}", said(&nowhere));
    assert_eq!(outreach(&project, &["init", "--secrets", "--to", "a@b.example"]).status.code(), Some(2));
    let toml = std::fs::read_to_string(project.join("outreach.toml")).unwrap();
    std::fs::write(project.join("outreach.toml"), toml + "\n[[write_keys]]\nname = 7\n").unwrap();
    let before = files(&project);
    let refused = outreach(&project, &["init", "--secrets"]);
    assert!(said(&refused).contains("`outreach check` shows them"), "{}", said(&refused));
    assert_eq!((refused.status.code(), files(&project)), (Some(3), before));
}
