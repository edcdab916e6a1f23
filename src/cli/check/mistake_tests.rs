//! A hundred mistakes that people make, each laid over one sound project: `tests/data/mistakes/NNN-name.toml` says what is
//! changed, and by which code `check` finds it, or why it does not. `docs/mistakes.md` is the list.

use super::page_tests::{base, found};
use outreach_engine::rule::diagnostic::line_and_column;
use serde::Deserialize;
use std::fmt::Write;
use std::fs;
use std::path::Path;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    mistake: String,
    /// What finds it.
    code: Option<String>,
    /// Why nothing does.
    not_found: Option<String>,
    change: Vec<Change>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    file: String,
    /// The first of it is replaced; without it the file is new.
    find: Option<String>,
    put: String,
}

/// At least so many of a hundred.
const FOUND_MIN: usize = 95;
const PAGE: &str = "docs/mistakes.md";

fn mistakes() -> Vec<(String, Mistake)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mistakes");
    let files = fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path());
    let mut files: Vec<_> = files.filter(|path| path.is_file()).collect();
    files.sort();
    let read = |path: std::path::PathBuf| {
        let text = fs::read_to_string(&path).expect("a text");
        let mistake = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), mistake)
    };
    files.into_iter().map(read).collect()
}

/// What is told of the project with this mistake, as `code file:line`.
fn told(name: &str, mistake: &Mistake) -> Vec<(String, String)> {
    let dir = base();
    for change in &mistake.change {
        let path = dir.path().join(&change.file);
        let text = match &change.find {
            None => change.put.clone(),
            Some(find) => {
                let text = fs::read_to_string(&path).expect("a file of the sound project");
                assert!(text.contains(find), "{name}: {find} is not in {}", change.file);
                text.replacen(find, &change.put, 1)
            }
        };
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let problems = found(dir.path());
    let place = |file: &str, start: usize| {
        let text = fs::read_to_string(dir.path().join(file)).unwrap_or_default();
        format!("{file}:{}", line_and_column(&text, start).0)
    };
    problems
        .iter()
        .map(|problem| (problem.code.to_string(), place(&problem.file, problem.span.start)))
        .collect()
}

#[test]
fn of_a_hundred_mistakes_all_but_a_few_are_found_and_these_are_named() {
    let mistakes = mistakes();
    assert_eq!(mistakes.len(), 100);
    let (mut rows, mut others, mut wrong) = (String::new(), String::new(), Vec::new());
    for (name, mistake) in &mistakes {
        let told = told(name, mistake);
        let number = &name[..3];
        let Some(code) = &mistake.code else {
            let why = mistake.not_found.as_ref().expect("a code, or why it is not found");
            let _ = writeln!(others, "| {number} | {} | {why} |", mistake.mistake);
            if !told.is_empty() {
                wrong.push(format!("{name} is found after all: {told:?}"));
            }
            continue;
        };
        match told.iter().find(|(found, _)| found == code) {
            Some((_, place)) => {
                let _ = writeln!(
                    rows,
                    "| {number} | {} | [`{code}`](diagnostics/{code}.md) | {place} |",
                    mistake.mistake
                );
            }
            None => wrong.push(format!("{name}: expected {code}, found {told:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let found = rows.lines().count();
    assert!(found >= FOUND_MIN, "{found} found");
    let page = format!(
        "# A hundred mistakes\n\n\
         Each is a file in `tests/data/mistakes/`, laid over one sound project. `outreach check` finds {found} of them before \
         anything runs. We chose them ourselves, so the share says little of yours; the list says what is looked for.\n\n\
         | | the mistake | found as | where |\n|---|---|---|---|\n{rows}\n\
         ## Not found\n\nEach word of these is right. Rule tests find them, or nobody does.\n\n\
         | | the mistake | why |\n|---|---|---|\n{others}"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if std::env::var_os("OUTREACH_WRITE_DOCS").is_some() {
        fs::write(&path, &page).expect("the page is written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "{PAGE} is stale: run this test with OUTREACH_WRITE_DOCS=1");
}
