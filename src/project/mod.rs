//! A team's folder as one thing: outreach.toml, rules, templates; cross-checked, and made into releases.
//!
//! Reading never stops at the first problem: [`Reading`] holds all problems of all files, and the project if its
//! settings and rules are sound.

mod bundle;
mod cap;
mod check;
mod cross_check;
mod environment;
mod evidence;
mod files;
mod layout;
mod mutants;
mod process;
mod property;
mod quiet_hours;
mod rule_text;
mod sample_type;
mod schema;
mod settings;
mod test_file;
#[cfg(test)]
mod check_tests;
#[cfg(test)]
mod tests;
mod written;

pub use bundle::{BundleError, ReleaseParts, from_bundle, home};
pub use environment::Environment;
pub use evidence::Evidence;
pub use files::layout_files;
pub use layout::{LayoutError, laid_out};
pub use mutants::{Mutant, mutants};
pub use process::{
    AddressPattern, Data, Delivery, Dispatch, Email, Http, Identity, IdentityAlgorithm, IdentityKey, Process,
    Secret, SecretError, SecretPlace, Sender, Smtp, SmtpTls, Source, SourceFormat, SourceStart, WriteKey,
    WriteKeyKind,
};
pub use schema::{SchemaOf, schema};
pub use test_file::{Expected, ExpectedVerdict, Given, RuleTest};

use files::Files;
use outreach_engine::release::Settings;
use outreach_engine::rule::diagnostic::{Code, Diagnostic};
use outreach_engine::rule::document::{Document, Problems};
use outreach_engine::rule::{Known, Rule, parse};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A project whose settings and rules are sound.
#[derive(Clone, Debug)]
pub struct Project {
    pub dir: PathBuf,
    /// What goes into the release.
    pub release: ReleaseParts,
    /// What belongs to this process alone.
    pub process: Process,
    /// The rule tests, by path: `rules/stalled.test.toml`.
    pub tests: BTreeMap<String, Vec<RuleTest>>,
}

/// All that reading a folder gave.
#[derive(Debug)]
pub struct Reading {
    /// There although templates or rule tests have problems: a replay needs neither. Nothing that sends may run while a
    /// problem that is not about tests is an error.
    pub project: Option<Project>,
    /// There if outreach.toml could be read at all, whatever the rules are: operators must reach a running service.
    pub process: Option<Process>,
    /// In the order of files and places.
    pub problems: Vec<Diagnostic>,
    /// The text of each file that was read, by the path its problems name.
    pub texts: BTreeMap<String, String>,
}

impl Project {
    /// Reads the folder with this process's environment: the project and all problems (see [`Reading`]).
    pub fn load(dir: &Path) -> (Option<Project>, Vec<Diagnostic>) {
        let reading = Project::read(dir, &Environment::of_process());
        (reading.project, reading.problems)
    }

    pub fn read(dir: &Path, environment: &Environment) -> Reading {
        let mut problems = Problems::default();
        let files = Files::read(&mut problems, dir);
        let overrides = environment.overrides();
        let settings = files.settings.as_deref();
        let checked =
            settings.and_then(|text| read_settings(&mut problems, dir, text, &overrides, environment));
        let known = checked.as_ref().map_or_else(Known::default, |(settings, _)| Known::of(settings));
        let rules = read_rules(&mut problems, &files, &known);
        // What runs or is replayed needs no tests.
        let is_sound = !problems.errors().any(|problem| !is_about_tests(problem));
        let mut tests = BTreeMap::new();
        for (path, text) in &files.tests {
            tests.insert(path.clone(), test_file::read(&mut problems, path, text));
            cross_check::rule_of_test(&mut problems, path, &files);
        }
        let process_alone = checked.as_ref().map(|(_, process)| process.clone());
        cross_check::check(&mut problems, checked.as_ref(), &rules, &files);
        let evidence = evidence(&files, &tests);
        check::check(&mut problems, checked.as_ref().map(|(settings, _)| settings), &evidence, &files);
        let rules = rules.into_iter().map(|read| read.rule).collect();
        let texts = files.texts(environment::FILE, environment::shown(&overrides));
        let Files { rules: rule_texts, templates, .. } = files;
        let project = checked.filter(|_| is_sound).map(|(settings, process)| {
            let release = ReleaseParts { settings, rules, rule_texts, templates };
            Project { dir: dir.to_owned(), release, process, tests }
        });
        Reading { project, process: process_alone, problems: problems.into_sorted(), texts }
    }

    /// The release as it is stored, and announced by its id: see [`ReleaseParts::bundle`].
    pub fn bundle(&self) -> Vec<u8> {
        self.release.bundle()
    }

    /// The first 16 hexadecimal digits of the bundle's SHA-256.
    pub fn release_id(&self) -> String {
        self.release.id()
    }
}

impl Reading {
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Diagnostic::is_error)
    }

    /// The errors that keep the service from running: any but those about rule tests.
    pub fn errors_for_running(&self) -> impl Iterator<Item = &Diagnostic> {
        self.errors().filter(|problem| !is_about_tests(problem))
    }

    /// The errors that keep a replay from running: those about templates do not.
    pub fn errors_for_replay(&self) -> impl Iterator<Item = &Diagnostic> {
        self.errors_for_running().filter(|problem| !is_about_templates(problem))
    }

    /// The errors that keep rule tests from running: those about templates do not.
    pub fn errors_for_tests(&self) -> impl Iterator<Item = &Diagnostic> {
        self.errors().filter(|problem| !is_about_templates(problem))
    }

    fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.problems.iter().filter(|problem| problem.is_error())
    }
}

fn is_about_tests(problem: &Diagnostic) -> bool {
    problem.file.ends_with(files::TEST_ENDING)
}

fn is_about_templates(problem: &Diagnostic) -> bool {
    matches!(problem.code, Code::UnknownTemplate | Code::MissingTemplatePart | Code::Template(_))
}

/// A rule with the file it comes from.
struct RuleOfFile<'f> {
    path: &'f str,
    text: &'f str,
    rule: Rule,
}

/// Both parts of outreach.toml. Only text that is no TOML gives nothing.
fn read_settings(
    problems: &mut Problems,
    dir: &Path,
    text: &str,
    overrides: &str,
    environment: &Environment,
) -> Option<(Settings, Process)> {
    let document = Document::parse(problems, files::SETTINGS, text)?;
    let over = Document::parse(problems, environment::FILE, overrides)?;
    let mut table = document.top();
    let settings = settings::take(problems, &mut table);
    table.overlay(environment::without_release_keys(problems, over.top()));
    let process = process::take(problems, &mut table, dir, environment);
    table.finish(problems, &["drop", "webhooks"]);
    Some((settings, process))
}

/// What rule tests and samples show of events.
fn evidence(files: &Files, tests: &BTreeMap<String, Vec<RuleTest>>) -> Evidence {
    let mut evidence = Evidence::default();
    for given in tests.values().flatten().flat_map(|test| &test.given) {
        // It was read when the test was.
        let _ = given.with_event(|event| evidence.see(&event));
    }
    for (path, text) in &files.templates {
        if let (true, Ok(sample)) = (path.ends_with("/sample.json"), serde_json::from_str(text)) {
            evidence.see_sample(&sample);
        }
    }
    evidence
}

/// All rules that are sound, by id; of two with one id the second is a problem.
fn read_rules<'f>(problems: &mut Problems, files: &'f Files, known: &Known) -> Vec<RuleOfFile<'f>> {
    let mut rules: BTreeMap<String, RuleOfFile<'f>> = BTreeMap::new();
    for (path, text) in &files.rules {
        let id = files::stem(path);
        let rule = match parse(id, path, text, known) {
            Ok((rule, warnings)) => {
                problems.extend(warnings);
                rule
            }
            Err(found) => {
                problems.extend(found);
                continue;
            }
        };
        if let Some(first) = rules.get(id) {
            cross_check::duplicate(problems, id, first.path, path);
            continue;
        }
        rules.insert(id.to_owned(), RuleOfFile { path, text, rule });
    }
    rules.into_values().collect()
}
