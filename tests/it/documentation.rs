//! The pages of `docs/` say what the sources say: no code and no key is missing, and the reference is a project.

use super::world::service::Project;
use outreach_engine::effect::{NonEntryReason, Refusal};
use outreach_engine::event::malformed;
use std::collections::BTreeSet;
use std::path::Path;

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The part of a page from one `## ` heading to the next.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let start = page.find(&format!("## {heading}")).unwrap_or_else(|| panic!("no heading {heading:?}"));
    let rest = &page[start + 3..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

/// What stands in the first column of its tables, in order.
fn first_cells(page: &str) -> Vec<&str> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

/// The texts that follow `before` in a source, up to the next quote, in order, each once.
fn quoted_after(source: &str, before: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let ends = source.split(before).skip(1).filter_map(|rest| rest.split('"').next());
    ends.filter(|text| seen.insert(*text)).map(str::to_owned).collect()
}

#[test]
fn every_dead_letter_code_has_its_row_in_the_order_of_the_checks() {
    let page = text("docs/dead-letters.md");
    let of_topics = quoted_after(&text("src/ingest/kafka/format.rs"), "pub const NO_VALUE: &str = \"")
        .into_iter()
        .chain(quoted_after(&text("src/ingest/kafka/format.rs"), "pub const SCHEMA_REGISTRY: &str = \""));
    let codes: Vec<String> = malformed::CODES.iter().map(ToString::to_string).chain(of_topics).collect();
    assert_eq!(first_cells(&page), codes);
}

#[test]
fn every_refusal_has_its_row_in_the_order_of_the_rails() {
    let page = text("docs/refusals.md");
    let judged: Vec<_> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
    assert_eq!(first_cells(section(&page, "When a message is judged")), judged);
    let ends: Vec<_> = Refusal::ALL.iter().filter(|refusal| refusal.ends_journey()).collect();
    for refusal in Refusal::ALL {
        let row = format!("| `{}` ", refusal.code());
        let row = section(&page, "When a message is judged").lines().find(|line| line.starts_with(&row));
        assert_eq!(row.unwrap().ends_with("| ends |"), ends.contains(&&refusal), "{refusal:?}");
    }
    use NonEntryReason::{Audience, KeysMax, Muted, OncePer, RuleOff};
    let entry = [RuleOff, Audience, OncePer, Muted, KeysMax].map(NonEntryReason::code);
    assert_eq!(first_cells(section(&page, "When a rule's trigger holds")), entry);
}

#[test]
fn every_reason_of_the_gate_has_its_row() {
    let page = text("docs/refusals.md");
    // One end is the ledger's: it finds that a message was decided before where the gate would look at it.
    let source = text("src/dispatch/rails.rs") + &text("src/ledger/sqlite/shards.rs");
    let written: BTreeSet<String> = quoted_after(&source, "code: \"")
        .into_iter()
        // Consent's codes are named before they are put into a verdict.
        .chain(quoted_after(&source, "Some(\""))
        .chain(quoted_after(&source, "const REPEATED: &str = \""))
        .chain(quoted_after(&source, "then_some(\""))
        .collect();
    let rows = first_cells(section(&page, "At the gate"));
    let of_page: BTreeSet<String> = rows.iter().map(ToString::to_string).collect();
    let missing: Vec<_> = written.difference(&of_page).collect();
    assert!(missing.is_empty(), "no row in docs/refusals.md: {missing:?}");
    // The ledger's own: a message that was decided before never comes to the gate.
    let source = source + &text("src/ledger/sqlite/shards.rs");
    for row in &of_page {
        assert!(source.contains(&format!("\"{row}\"")), "{row} is no reason of the gate");
    }
}

#[test]
fn every_code_of_the_inbox_has_its_row() {
    let page = text("docs/in-product.md");
    let mut codes = quoted_after(&text("src/ingest/identity.rs"), "=> \"");
    codes.extend(quoted_after(&text("src/http/inapp/answer.rs"), "=> \""));
    let codes: BTreeSet<&str> = codes.iter().map(String::as_str).filter(|code| !code.contains(' ')).collect();
    let rows: BTreeSet<&str> =
        first_cells(&page[page.find("Errors are").expect("the table")..]).into_iter().collect();
    assert!(rows.len() > 10 && rows == codes, "{rows:?} and {codes:?}");
}

#[test]
fn the_reference_of_settings_is_a_project_without_problems() {
    let project = Project::new(&text("docs/outreach.toml"));
    project.copy("rules");
    project.copy("templates");
    let output = project.run(&["check", "--deny-warnings"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_reference_of_settings_has_every_key() {
    let reference = text("docs/outreach.toml");
    let mut sources = vec![text("src/project/settings.rs")];
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/project/process")).unwrap()
    {
        sources.push(std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    let mut keys = BTreeSet::new();
    for source in &sources {
        keys.extend(quoted_after(source, "take(\""));
        keys.extend(quoted_after(source, "require(problems, \""));
    }
    assert!(keys.len() > 30, "{keys:?}");
    let words: BTreeSet<&str> = reference
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let missing: Vec<_> = keys.iter().filter(|key| !words.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/outreach.toml: {missing:?}");
}

/// Pages name files; a file that is gone makes a page untrue.
#[test]
fn links_between_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        for target in text(page).split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let is_elsewhere = target.contains("://") || target.is_empty();
            assert!(is_elsewhere || root.join(target).exists(), "{page} leads to {target}");
        }
    }
}

/// The words between backticks.
fn code_words(page: &str) -> impl Iterator<Item = &str> {
    page.split('`').skip(1).step_by(2)
}

#[test]
fn tests_that_the_architecture_names_are_there() {
    let page = text("ARCHITECTURE.md");
    let mut sources = String::new();
    for folder in ["src", "tests", "engine"] {
        read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut sources);
    }
    let invariants = section(&page, "Invariants");
    let named: Vec<_> = code_words(invariants).filter(|word| word.matches('_').count() >= 3).collect();
    assert!(named.len() > 20, "{named:?}");
    let gone: Vec<_> = named.iter().filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(gone.is_empty(), "ARCHITECTURE.md names tests that are not there: {gone:?}");
}

fn read_all(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            read_all(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_map_says_what_the_tidy_test_holds() {
    let page = text("ARCHITECTURE.md");
    let tidy = text("tests/it/tidy.rs");
    for name in quoted_after(section_of_tidy(&tidy), "    (\"") {
        let row = section(&page, "Map").lines().find(|line| line.starts_with(&format!("| `src/{name}/`")));
        let row = row.unwrap_or_else(|| panic!("no row for src/{name}/ in ARCHITECTURE.md"));
        let line = tidy.lines().find(|line| line.starts_with(&format!("    (\"{name}\""))).unwrap();
        for allowed in quoted_after(line.split_once('&').map_or("", |(_, list)| list), "\"") {
            let is_name = allowed.chars().all(|c| c.is_ascii_lowercase()) && !allowed.is_empty();
            assert!(!is_name || row.contains(&allowed), "{row} does not name {allowed}");
        }
    }
}

fn section_of_tidy(source: &str) -> &str {
    let start = source.find("const MAY_IMPORT").expect("the table of tidy.rs");
    &source[start..start + source[start..].find("];").expect("its end")]
}

#[test]
fn the_page_of_commands_has_every_command() {
    let page = text("docs/commands.md");
    let help =
        std::process::Command::new(env!("CARGO_BIN_EXE_outreach")).arg("help").output().expect("it runs");
    let help = String::from_utf8(help.stdout).unwrap();
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("the list");
    let commands: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 10, "{help}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        assert!(page.contains(&format!("`outreach {command}")), "{command} is not in docs/commands.md");
    }
}
