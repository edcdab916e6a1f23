//! The files of a project, read as texts. Paths are relative to the folder, with `/` on every system.

use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Place, Problems, closest};
use std::collections::BTreeMap;
use std::path::Path;

/// The file of settings.
pub(super) const SETTINGS: &str = "outreach.toml";
const RULES: &str = "rules";
const TEMPLATES: &str = "templates";
pub(super) const TEST_ENDING: &str = ".test.toml";

/// What people write about rules beside them.
const NOTES: [&str; 2] = [".md", "README"];

/// More than a long mail and all its partials: larger is a mistake, such as a picture.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Deeper is a link to a folder above.
const DEPTH_MAX: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Files {
    pub settings: Option<String>,
    /// `rules/stalled.toml` → its text.
    pub rules: BTreeMap<String, String>,
    /// `rules/stalled.test.toml` → its text.
    pub tests: BTreeMap<String, String>,
    /// `templates/stalled/subject.hbs` → its text.
    pub templates: BTreeMap<String, String>,
}

impl Files {
    /// Reads what is there; what cannot be read is a problem.
    pub fn read(problems: &mut Problems, dir: &Path) -> Files {
        let mut files = Files { settings: read(problems, dir, SETTINGS), ..Files::default() };
        let mut rules = BTreeMap::new();
        let mut passed_over = Vec::new();
        let mut is_toml = |path: &str| {
            let is_toml = path.ends_with(".toml");
            if !is_toml && !is_note(path) {
                passed_over.push(path.to_owned());
            }
            is_toml
        };
        walk(problems, dir, RULES, DEPTH_MAX, &mut is_toml, &mut rules);
        passed_over.iter().for_each(|path| tell_passed_over(problems, path));
        tell_misnamed_folders(problems, dir);
        (files.tests, files.rules) = rules.into_iter().partition(|(path, _)| path.ends_with(TEST_ENDING));
        walk(problems, dir, TEMPLATES, DEPTH_MAX, &mut |_| true, &mut files.templates);
        files
    }

    /// All texts by the paths that problems name, and one more.
    pub fn texts(&self, file: &str, text: String) -> BTreeMap<String, String> {
        let settings = self.settings.iter().map(|text| (SETTINGS.to_owned(), text.clone()));
        let others = self.rules.iter().chain(&self.tests).chain(&self.templates);
        let others = others.map(|(path, text)| (path.clone(), text.clone()));
        settings.chain(others).chain([(file.to_owned(), text)]).collect()
    }
}

/// Text about the rules, which is nobody's rule.
fn is_note(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    NOTES.iter().any(|ending| name.ends_with(ending))
}

/// A file that looks like a rule and is read by nobody is a rule that somebody believes in.
fn tell_passed_over(problems: &mut Problems, path: &str) {
    let place = Place { file: path, span: 0..0 };
    let message = format!("expected rules that end in .toml, found {path}: nobody reads it");
    problems.warn(Code::FilePassedOver, &place, message).with_help("rename it, or move it out of rules/");
}

/// `rule/` beside no `rules/`: nothing of it would run.
fn tell_misnamed_folders(problems: &mut Problems, dir: &Path) {
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let names = entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name());
    let names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    for wanted in [RULES, TEMPLATES].into_iter().filter(|wanted| !names.iter().any(|name| name == wanted)) {
        let meant = |name: &&String| closest(&name.to_lowercase(), [wanted].into_iter()).is_some();
        let Some(name) = names.iter().find(meant) else { continue };
        let place = Place { file: name, span: 0..0 };
        let message = format!("expected a folder {wanted}/, found {name}/: nobody reads it");
        problems.warn(Code::FilePassedOver, &place, message).with_help(format!("rename it to {wanted}"));
    }
}

/// The files of a folder that have a layout: outreach.toml, rules, rule tests.
pub fn layout_files(dir: &Path) -> Vec<String> {
    let files = Files::read(&mut Problems::default(), dir);
    let settings = files.settings.map(|_| SETTINGS.to_owned());
    settings.into_iter().chain(files.rules.into_keys()).chain(files.tests.into_keys()).collect()
}

/// Whether a path is that of a rule.
pub(super) fn is_rule(path: &str) -> bool {
    path.starts_with("rules/") && path.ends_with(".toml") && !path.ends_with(TEST_ENDING)
}

/// A rule's id is the stem of its file.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".toml").unwrap_or(name)
}

/// Reads all files under a folder that has `wanted` names; hidden ones (`.DS_Store`) are nobody's work.
fn walk(
    problems: &mut Problems,
    dir: &Path,
    folder: &str,
    depth: usize,
    wanted: &mut dyn FnMut(&str) -> bool,
    found: &mut BTreeMap<String, String>,
) {
    let entries = match std::fs::read_dir(dir.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return unreadable(problems, folder, &error.to_string()),
    };
    let mut names: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let Some(name) = name.to_str().map(str::to_owned) else {
            unreadable(problems, folder, &format!("the name of {} is no UTF-8", name.display()));
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{folder}/{name}");
        if dir.join(&path).is_dir() {
            if depth == 0 {
                unreadable(problems, &path, &format!("folders are nested more than {DEPTH_MAX} deep"));
                continue;
            }
            walk(problems, dir, &path, depth - 1, wanted, found);
        } else if wanted(&path)
            && let Some(text) = read(problems, dir, &path)
        {
            found.insert(path, text);
        }
    }
}

fn read(problems: &mut Problems, dir: &Path, path: &str) -> Option<String> {
    let full = dir.join(path);
    let bytes = std::fs::metadata(&full).and_then(|metadata| {
        if metadata.len() > FILE_BYTES_MAX {
            let reason = format!("expected at most {FILE_BYTES_MAX} bytes, found {}", metadata.len());
            return Err(std::io::Error::other(reason));
        }
        std::fs::read(&full)
    });
    match bytes.map(String::from_utf8) {
        Ok(Ok(text)) => return Some(text),
        Ok(Err(error)) => {
            let at = error.utf8_error().valid_up_to();
            unreadable(problems, path, &format!("expected UTF-8, found something else at byte {at}"));
        }
        Err(error) => unreadable(problems, path, &error.to_string()),
    }
    None
}

fn unreadable(problems: &mut Problems, path: &str, reason: &str) {
    let place = Place { file: path, span: 0..0 };
    let problem = problems.error(Code::UnreadableFile, &place, format!("{path} cannot be read: {reason}"));
    if path == SETTINGS {
        problem.with_help(
            "a project is a folder with outreach.toml, rules/ and templates/: name it by --project, or make one by `outreach init`",
        );
    }
}
