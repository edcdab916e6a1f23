//! The examples of `docs/diagnostics/` are true: laid over one sound project (`tests/data/mistakes/base`), the example of
//! a page raises its code and no other, and what is mended raises nothing.
//!
//! A block's first line is its language and the file that it is; `70 times` behind it repeats what stands in it.

use super::read;
use crate::cli::pages;
use crate::project::Environment;
use outreach_engine::rule::Diagnostic;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A copy of the sound project.
pub(super) fn base() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mistakes/base"), dir.path());
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the folder").map(|entry| entry.expect("an entry")) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// The blocks of a part of a page: path and text.
fn blocks(part: &str) -> Vec<(PathBuf, String)> {
    let mut blocks = Vec::new();
    let mut lines = part.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        let mut words = info.split(' ').skip(1);
        let path = words.next().expect("a block names its file");
        let times = words.next().map_or(1, |times| times.parse().expect("a number"));
        blocks.push((path.into(), text.repeat(times)));
    }
    blocks
}

/// What `check` says of a folder, held against its events.ndjson where there is one.
pub(super) fn found(dir: &Path) -> Vec<Diagnostic> {
    let events = dir.join("events.ndjson");
    let against = events.exists().then_some(events);
    read(dir, &Environment::default(), against.as_slice()).expect("files that can be read").problems
}

/// The codes that a part's files raise over the sound project, each with its message.
fn told(part: &str) -> Vec<(String, String)> {
    let dir = base();
    for (path, text) in blocks(part) {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let problems = found(dir.path());
    problems
        .into_iter()
        .map(|found| (found.code.to_string(), format!("{} {}", found.file, found.message)))
        .collect()
}

#[test]
fn the_project_that_examples_are_laid_over_is_sound() {
    assert_eq!(told(""), []);
}

#[test]
fn the_example_of_a_page_raises_just_its_code_and_what_is_mended_raises_nothing() {
    let mut wrong = Vec::new();
    for code in pages::codes() {
        let page = pages::page(code).expect("a page");
        let (bad, good) = page.split_once("\n## Fixed\n").expect("both parts");
        let told_of_bad = told(bad);
        let told_of_bad = without_not_built(code, told_of_bad);
        let codes: BTreeSet<&str> = told_of_bad.iter().map(|(code, _)| code.as_str()).collect();
        if codes != BTreeSet::from([code]) {
            wrong.push(format!("{code}: the example raises {told_of_bad:#?}"));
        }
        let told_of_good = without_not_built(code, told(good));
        if blocks(good).is_empty() || !told_of_good.is_empty() {
            wrong.push(format!("{code}: what is mended raises {told_of_good:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An example may be ahead of this version: that a form is not built yet is no fault of the page.
fn without_not_built(code: &str, mut told: Vec<(String, String)>) -> Vec<(String, String)> {
    told.retain(|(found, _)| code == found || found != "not-built-yet");
    told
}
