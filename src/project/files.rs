//! The files of a project, read as texts. Paths are relative to the folder, with `/` on every system.

use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Place, Problems};
use std::collections::BTreeMap;
use std::path::Path;

/// The file of settings.
pub(super) const SETTINGS: &str = "outreach.toml";
const RULES: &str = "rules";
const TEMPLATES: &str = "templates";
pub(super) const TEST_ENDING: &str = ".test.toml";

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
        walk(problems, dir, RULES, DEPTH_MAX, &mut |path| path.ends_with(".toml"), &mut rules);
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
