//! The house rules that a machine can hold, over all sources. A finding is mended, or stands in `EXCEPTIONS`, which
//! only shrinks: an exception that nothing needs any more fails too.

mod source;

use std::fs;
use std::path::Path;

use self::source::{Source, words};

/// (check, path, what) of the findings that are let be; each with its reason beside it.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Folder of `src/` → the others it may name, as ARCHITECTURE.md's table has it.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("project", &["template"]),
    ("ingest", &["log", "ledger"]),
    ("log", &[]),
    ("worker", &["log", "ledger"]),
    ("ledger", &[]),
    ("dispatch", &["ledger", "template", "channel"]),
    ("template", &[]),
    ("channel", &["template"]),
    ("http", &["ledger", "worker", "ingest", "channel"]),
    ("replay", &["project", "log", "ingest"]),
    ("app", PARTS),
    ("demo", &["app", PARTS_TOO]),
    ("cli", &["app", "demo", PARTS_TOO]),
];
/// What every folder may name, and which names none of them.
const FOR_ALL: &[&str] = &["clock"];
/// What the wiring puts together.
const PARTS: &[&str] =
    &["project", "ingest", "log", "worker", "ledger", "dispatch", "template", "channel", "http", "replay"];
/// In a row of the table: all of `PARTS`.
const PARTS_TOO: &str = "…";

/// The embedded log is SQLite too, with tables of its own.
const MAY_SPEAK_SQL: &[&str] = &["src/ledger/", "src/log/"];

/// What the engine must not name: whatever acts, waits, or differs from one machine to the next.
const BANNED_IN_ENGINE: &[&str] = &[
    "tokio",
    "rusqlite",
    "rdkafka",
    "ureq",
    "axum",
    "lettre",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "std::io",
    "SystemTime",
    "Instant",
    "HashMap",
    "HashSet",
];

/// File names that say nothing about what is inside.
const BANNED_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc", "manager"];

/// Beginnings of paths that only one machine has. Put together so that this file does not hold them.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Where tests may wait by time: the one place that waits for a condition.
const MAY_SLEEP: &str = "tests/world/wait.rs";

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    check: &'static str,
    path: String,
    line: usize,
    what: String,
}

#[test]
fn sources_keep_the_house_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut findings = Vec::new();
    for (path, text) in files(root) {
        findings.extend(machine_paths(&path, &text));
        if path.ends_with(".sql") && !MAY_SPEAK_SQL.iter().any(|folder| path.starts_with(folder)) {
            findings.push(finding("sql", &path, 1, "a file of SQL"));
        }
        if path == "engine/Cargo.toml" {
            findings.extend(engine_dependencies(&path, &text));
        }
        if path.ends_with(".rs") {
            findings.extend(checked(&path, &text));
        }
    }
    let (wrong, stale) = judged(findings, EXCEPTIONS);
    assert!(wrong.is_empty(), "mend these:\n{}", wrong.join("\n"));
    assert!(stale.is_empty(), "take these out of EXCEPTIONS, nothing needs them:\n{}", stale.join("\n"));
}

/// All checks of one Rust file.
fn checked(path: &str, text: &str) -> Vec<Finding> {
    let source = Source::new(path, text);
    let mut findings = lengths(&source, text);
    findings.extend(names(&source));
    findings.extend(imports(&source));
    findings.extend(sql(&source));
    findings.extend(engine(&source));
    findings.extend(tests_that_sleep_or_are_left_out(&source));
    findings
}

fn lengths(source: &Source, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        findings.push(finding("file length", &source.path, lines, &format!("{lines} lines")));
    }
    for function in source.functions() {
        if function.lines > FUNCTION_LINES_MAX {
            findings.push(finding("function length", &source.path, function.line, &function.name));
        }
    }
    findings
}

fn names(source: &Source) -> Vec<Finding> {
    let parts = source.path.split(['/', '.']);
    let banned = parts.filter(|part| BANNED_NAMES.contains(part));
    banned.map(|name| finding("name", &source.path, 1, name)).collect()
}

fn imports(source: &Source) -> Vec<Finding> {
    let Some(folder) = source.path.strip_prefix("src/").and_then(|rest| rest.split(['/', '.']).next()) else {
        return Vec::new();
    };
    if matches!(folder, "lib" | "main") {
        return Vec::new();
    }
    let row = MAY_IMPORT.iter().find(|(name, _)| *name == folder).map(|(_, allowed)| *allowed);
    let Some(allowed) = row.or(FOR_ALL.contains(&folder).then_some(&[])) else {
        return vec![finding("import", &source.path, 1, "a folder that the table does not know")];
    };
    let may = |name: &str| {
        name == folder
            || allowed.contains(&name)
            || (allowed.contains(&PARTS_TOO) && PARTS.contains(&name))
            || !MAY_IMPORT.iter().any(|(known, _)| *known == name)
    };
    let shipped = source.shipped();
    let mut findings = Vec::new();
    for at in words(&shipped, "crate") {
        let Some(rest) = shipped[at..].strip_prefix("crate::") else { continue };
        for name in first_names(rest) {
            if !may(&name) {
                findings.push(finding("import", &source.path, source.line(at), &format!("crate::{name}")));
            }
        }
    }
    findings
}

/// The first names of a path behind `crate::`: one, or each of a group in braces.
fn first_names(rest: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let mut depth = 1;
    let mut names = vec![word(group.trim_start())];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(word(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    names
}

fn sql(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("src/") || MAY_SPEAK_SQL.iter().any(|folder| source.path.starts_with(folder))
    {
        return Vec::new();
    }
    let texts = source.strings.iter().filter(|(_, text)| is_sql(text));
    let mut findings: Vec<Finding> =
        texts.map(|(line, text)| finding("sql", &source.path, *line, first_line(text))).collect();
    let calls = words(&source.code, "rusqlite").next();
    findings.extend(calls.map(|at| finding("sql", &source.path, source.line(at), "rusqlite")));
    findings
}

fn is_sql(text: &str) -> bool {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let has = |start: &str, word: &str| text.starts_with(start) && text.contains(word);
    has("select ", " from ")
        || has("update ", " set ")
        || has("insert ", "into ")
        || has("delete from ", "")
        || has("create table ", "")
        || has("create index ", "")
        || has("alter table ", "")
        || has("pragma ", "")
}

fn engine(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("engine/src/") {
        return Vec::new();
    }
    let shipped = source.shipped();
    let mut findings = Vec::new();
    for banned in BANNED_IN_ENGINE {
        let at = words(&shipped, banned).next();
        findings.extend(at.map(|at| finding("engine", &source.path, source.line(at), banned)));
    }
    findings
}

fn engine_dependencies(path: &str, text: &str) -> Vec<Finding> {
    let lines = text.lines().enumerate().filter_map(|(number, line)| {
        let name = line.split(['.', ' ', '=']).next()?;
        BANNED_IN_ENGINE.contains(&name).then(|| finding("engine", path, number + 1, name))
    });
    lines.collect()
}

fn tests_that_sleep_or_are_left_out(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if source.path.contains("tests/") && source.path != MAY_SLEEP {
        let at = words(&source.code, "sleep").next();
        findings.extend(at.map(|at| finding("sleep", &source.path, source.line(at), "sleep")));
    }
    let at = source.code.find("#[ignore");
    findings.extend(at.map(|at| finding("ignored test", &source.path, source.line(at), "#[ignore]")));
    findings
}

fn machine_paths(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for start in MACHINE_PATHS {
            let found = line.match_indices(start);
            let mut whole = found.filter(|(at, _)| !line[..*at].ends_with(|c: char| c.is_alphanumeric()));
            if whole.next().is_some() {
                findings.push(finding("machine path", path, number + 1, start));
            }
        }
    }
    findings
}

/// The findings without an exception, and the exceptions without a finding.
fn judged(mut findings: Vec<Finding>, exceptions: &[(&str, &str, &str)]) -> (Vec<String>, Vec<String>) {
    findings.sort();
    let fits = |exception: &(&str, &str, &str), finding: &Finding| {
        *exception == (finding.check, finding.path.as_str(), finding.what.as_str())
    };
    let wrong =
        findings.iter().filter(|finding| !exceptions.iter().any(|exception| fits(exception, finding)));
    let wrong = wrong.map(|found| format!("{}: {}:{}: {}", found.check, found.path, found.line, found.what));
    let stale = exceptions.iter().filter(|exception| !findings.iter().any(|found| fits(exception, found)));
    (wrong.collect(), stale.map(|exception| format!("{exception:?}")).collect())
}

fn finding(check: &'static str, path: &str, line: usize, what: &str) -> Finding {
    Finding { check, path: path.to_owned(), line, what: what.to_owned() }
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default()
}

/// The texts that people write, by path from the root; not what is built, fetched, or others' data.
fn files(root: &Path) -> Vec<(String, String)> {
    const LEFT_OUT: &[&str] = &["target", "data", "tests/data", "tests/browser/node_modules"];
    const KINDS: &[&str] =
        &["rs", "toml", "md", "yml", "yaml", "sql", "json", "hbs", "mjml", "properties", "cf", "xml"];
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).expect("a folder of the repository") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let kind = entry.file_type().expect("its kind");
            let written =
                Path::new(&path).extension().is_none_or(|kind| KINDS.iter().any(|known| kind == *known));
            let hidden = path.starts_with('.') && !path.starts_with(".ci");
            if hidden || LEFT_OUT.contains(&path.as_str()) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && written {
                let text = fs::read(root.join(&path)).expect("a file of the repository");
                files.push((path, String::from_utf8_lossy(&text).into_owned()));
            }
        }
    }
    files
}

mod each_check_sees_its_fault {
    use super::*;

    fn whats(path: &str, text: &str) -> Vec<String> {
        checked(path, text).into_iter().map(|found| format!("{}: {}", found.check, found.what)).collect()
    }

    #[test]
    fn file_that_is_too_long() {
        assert_eq!(whats("src/app/a.rs", &"\n".repeat(501)), ["file length: 501 lines"]);
        assert!(whats("src/app/a.rs", &"\n".repeat(500)).is_empty());
    }

    #[test]
    fn function_that_is_too_long() {
        let function = |lines| format!("fn long<'a>(c: [u8; 3]) {{\n{}}}\n", "let x = '{';\n".repeat(lines));
        assert_eq!(whats("src/app/a.rs", &function(69)), ["function length: long"]);
        assert!(whats("src/app/a.rs", &function(68)).is_empty());
    }

    #[test]
    fn braces_in_texts_and_comments_do_not_count() {
        let text = "fn a() { // {\n  /* { /* { */ */ let s = \"\\\"{\"; let r = br#\"{\"\"#; }\nfn b() {}\n";
        let functions = Source::new("a.rs", text).functions();
        let lengths: Vec<_> = functions.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect();
        assert_eq!(lengths, [("a", 1, 2), ("b", 3, 1)]);
    }

    #[test]
    fn name_that_says_nothing() {
        assert_eq!(whats("src/ledger/utils.rs", ""), ["name: utils"]);
        assert_eq!(whats("src/ledger/helpers/rows.rs", ""), ["name: helpers"]);
    }

    #[test]
    fn import_against_the_direction() {
        assert_eq!(whats("src/log/a.rs", "use crate::ledger::Ledger;"), ["import: crate::ledger"]);
        let group = "use crate::{log::{Log, ledger}, dispatch::Gate, ledger};";
        assert_eq!(whats("src/worker/a.rs", group), ["import: crate::dispatch"]);
        assert_eq!(whats("src/channel.rs", "fn a() { crate::app::now() }"), ["import: crate::app"]);
        assert_eq!(whats("src/app/a.rs", "use crate::cli;"), ["import: crate::cli"]);
        assert_eq!(whats("src/clock.rs", "use crate::log::Log;"), ["import: crate::log"]);
        assert_eq!(whats("src/novel/a.rs", ""), ["import: a folder that the table does not know"]);
    }

    #[test]
    fn import_along_the_direction_or_in_a_test_is_let_be() {
        assert!(whats("src/cli/a.rs", "use crate::{app, demo, ledger};").is_empty());
        assert!(whats("src/log/a.rs", "use crate::{clock, log::Frame}; // crate::ledger").is_empty());
        assert!(whats("src/log/a.rs", "#[cfg(test)]\nmod tests {\n use crate::ledger::A;\n}\n").is_empty());
    }

    #[test]
    fn sql_outside_the_ledger() {
        let query = r#"const Q: &str = "
            select id
            from message";"#;
        assert_eq!(whats("src/dispatch/a.rs", query), ["sql: select id"]);
        assert_eq!(whats("src/http/a.rs", "use rusqlite::Connection;"), ["sql: rusqlite"]);
        assert!(whats("src/ledger/a.rs", query).is_empty());
        assert!(whats("src/http/a.rs", r#"const A: &str = "Select a rule";"#).is_empty());
    }

    #[test]
    fn engine_that_acts() {
        assert_eq!(whats("engine/src/a.rs", "use std::fs::File;"), ["engine: std::fs"]);
        assert_eq!(whats("engine/src/a.rs", "let now = SystemTime::now();"), ["engine: SystemTime"]);
        assert_eq!(engine_dependencies("Cargo.toml", "[dependencies]\ntokio = \"1\"").len(), 1);
        assert!(whats("engine/src/a.rs", "//! no tokio\nstruct Instantly;").is_empty());
    }

    #[test]
    fn test_that_sleeps_or_is_left_out() {
        assert_eq!(whats("tests/it/a.rs", "std::thread::sleep(a);"), ["sleep: sleep"]);
        assert_eq!(whats("tests/it/a.rs", "#[ignore = \"slow\"]"), ["ignored test: #[ignore]"]);
    }

    #[test]
    fn path_of_one_machine() {
        let text = format!("a\nsee {}x", MACHINE_PATHS[0]);
        assert_eq!(
            machine_paths("README.md", &text),
            [finding("machine path", "README.md", 2, MACHINE_PATHS[0])]
        );
        assert!(machine_paths("README.md", &format!("net{}x", MACHINE_PATHS[0])).is_empty());
    }

    #[test]
    fn exception_that_nothing_needs() {
        let found = || vec![finding("sql", "src/http/a.rs", 3, "rusqlite")];
        let needed = ("sql", "src/http/a.rs", "rusqlite");
        assert_eq!(judged(found(), &[needed]), (vec![], vec![]));
        assert_eq!(judged(found(), &[]).0, ["sql: src/http/a.rs:3: rusqlite"]);
        assert_eq!(judged(vec![], &[needed]).1.len(), 1);
    }
}
