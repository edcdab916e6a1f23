//! `outreach test --watch`: the tests again whenever a file of the project changes, those that the change concerns.
//!
//! Files are looked at a few times a second: it works on every file system, those of containers too.

use super::{Options, read, rule_of, run_once};
use crate::cli::{AnyFormat, End};
use crate::project::Project;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Fast enough for somebody who saves a file and looks up.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Deeper is a link to a folder above.
const DEPTH_MAX: usize = 8;

/// When each file was changed, and its length, by its path in the project.
type Stamps = BTreeMap<String, (Option<SystemTime>, u64)>;

/// Ends when it is interrupted.
pub(super) fn run(dir: &Path, format: AnyFormat, options: &Options) -> anyhow::Result<End> {
    let mut stamps = stamps(dir);
    // Nothing: all.
    let mut changed: Option<Vec<String>> = None;
    loop {
        let mut is_read = false;
        if let Some(project) = read(dir)? {
            is_read = true;
            let concerned = changed.as_deref().and_then(|changed| concerned(&project, changed));
            let concerns = |path: &str| {
                concerned.as_ref().is_none_or(|rules| rules.iter().any(|rule| rule == rule_of(path)))
            };
            run_once(&project, format, options, &concerns)?;
        }
        eprintln!("waiting for a change; Ctrl-C ends it");
        let now = loop {
            std::thread::sleep(LOOK_EVERY);
            let now = self::stamps(dir);
            if now != stamps {
                break now;
            }
        };
        let news = differing(&stamps, &now);
        eprintln!("\nchanged: {}", news.join(", "));
        // What could not be read before has not been tested.
        changed = is_read.then_some(news);
        stamps = now;
    }
}

fn differing(before: &Stamps, after: &Stamps) -> Vec<String> {
    let paths = before.keys().chain(after.keys().filter(|path| !before.contains_key(*path)));
    paths.filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}

/// The rules whose tests a change concerns; nothing where it may be all. A rule concerns the tests of another if their
/// events may set it off: caps are shared.
fn concerned(project: &Project, changed: &[String]) -> Option<Vec<String>> {
    let mut concerned = Vec::new();
    for path in changed {
        let name = path.strip_prefix("rules/")?.rsplit('/').next()?;
        let stem = name.split('.').next()?;
        let rule = project.release.rules.iter().find(|rule| *rule.id == *stem)?;
        concerned.push(stem.to_owned());
        if path.ends_with(".test.toml") {
            continue;
        }
        let names: Vec<_> = rule.trigger.form.matches().map(|matched| matched.event.clone()).collect();
        if names.is_empty() {
            return None;
        }
        for (path, tests) in &project.tests {
            let mut given = tests.iter().flat_map(|test| &test.given);
            let sets_off = |given: &crate::project::Given| {
                given.with_event(|event| names.iter().any(|name| **name == *event.name)).unwrap_or(true)
            };
            if given.any(sets_off) {
                concerned.push(rule_of(path).to_owned());
            }
        }
    }
    Some(concerned)
}

fn stamps(dir: &Path) -> Stamps {
    let mut stamps = Stamps::new();
    stamp(&dir.join("outreach.toml"), "outreach.toml", DEPTH_MAX, &mut stamps);
    for folder in ["rules", "templates"] {
        stamp(&dir.join(folder), folder, 0, &mut stamps);
    }
    stamps
}

/// What vanishes meanwhile is seen as gone the next time.
fn stamp(path: &Path, name: &str, depth: usize, stamps: &mut Stamps) {
    let Ok(about) = std::fs::metadata(path) else { return };
    if !about.is_dir() {
        stamps.insert(name.to_owned(), (about.modified().ok(), about.len()));
        return;
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|_| depth < DEPTH_MAX) {
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        stamp(&entry.path(), &name, depth + 1, stamps);
    }
}
