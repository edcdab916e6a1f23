//! A release as bytes: canonical and content-addressed.
//!
//! The bytes are one JSON object of path → text, sorted by path: `outreach.toml` (the release's part of it, printed
//! anew, so that comments and the process's own settings make no new release), `rules/…` and `templates/…` as they
//! stand. Its id is the first 16 hexadecimal digits of the SHA-256 of the bytes.

use super::{files, settings};
use crate::template::{Home, Templates};
use outreach_engine::release::{Release, Settings};
use outreach_engine::rule::diagnostic::Diagnostic;
use outreach_engine::rule::document::{Document, Problems};
use outreach_engine::rule::{Known, Rule, parse};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What a release is made of.
#[derive(Clone, Debug)]
pub struct ReleaseParts {
    pub settings: Settings,
    /// By id.
    pub rules: Vec<Rule>,
    /// The text of each rule's file, by path: `rules/stalled.toml`.
    pub rule_texts: BTreeMap<String, String>,
    /// The text of each template's file, by path: `templates/stalled/subject.hbs`.
    pub templates: BTreeMap<String, String>,
}

/// Why bytes are no release.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("expected a release as a JSON object of paths and texts")]
    NoJson(#[source] serde_json::Error),
    #[error("expected {} in a release, found none", files::SETTINGS)]
    NoSettings,
    #[error("expected a path in rules/ or templates/, found {path}")]
    UnknownPath { path: String },
    /// A release of a version whose language was another.
    #[error("expected rules of this version's language, found {} problems, the first: {}", .problems.len(), first(.problems))]
    Problems { problems: Vec<Diagnostic> },
}

const RULES: &str = "rules/";
const TEMPLATES: &str = "templates/";
const ID_BYTES: usize = 8;

impl ReleaseParts {
    /// The same parts give the same bytes.
    pub fn bundle(&self) -> Vec<u8> {
        let settings = (files::SETTINGS.to_owned(), settings::print(&self.settings));
        let texts = self.rule_texts.iter().chain(&self.templates);
        let texts = texts.map(|(path, text)| (path.clone(), text.clone()));
        let all: BTreeMap<String, String> = std::iter::once(settings).chain(texts).collect();
        serde_json::to_vec(&all).expect("texts by text are JSON")
    }

    /// The first 16 hexadecimal digits of the bundle's SHA-256.
    pub fn id(&self) -> String {
        id_of(&self.bundle())
    }

    /// What the engine decides by.
    pub fn release(&self) -> Release {
        Release::new(&self.id(), self.settings.clone(), self.rules.clone(), &self.reads())
    }

    /// The paths that each template reads; one with problems reads nothing.
    pub fn reads(&self) -> BTreeMap<String, BTreeSet<String>> {
        let (templates, _) = Templates::load_for(&self.templates, home(&self.settings));
        templates.iter().map(|template| (template.name().to_owned(), template.reads().clone())).collect()
    }
}

/// What templates speak where nothing else is known.
pub fn home(settings: &Settings) -> Home {
    let locale = settings.locale.as_ref().map_or_else(|| Home::default().locale, ToString::to_string);
    Home { locale, timezone: settings.timezone.to_string() }
}

/// The id of a release from its bytes.
fn id_of(bundle: &[u8]) -> String {
    Sha256::digest(bundle)[..ID_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads what [`ReleaseParts::bundle`] wrote: the release's id and its parts.
pub fn from_bundle(bytes: &[u8]) -> Result<(String, ReleaseParts), BundleError> {
    let all: BTreeMap<String, String> = serde_json::from_slice(bytes).map_err(BundleError::NoJson)?;
    let (mut settings, mut rule_texts, mut templates) = (None, BTreeMap::new(), BTreeMap::new());
    for (path, text) in all {
        if path == files::SETTINGS {
            settings = Some(text);
        } else if path.starts_with(RULES) {
            rule_texts.insert(path, text);
        } else if path.starts_with(TEMPLATES) {
            templates.insert(path, text);
        } else {
            return Err(BundleError::UnknownPath { path });
        }
    }
    let mut problems = Problems::default();
    let settings = read_settings(&mut problems, &settings.ok_or(BundleError::NoSettings)?);
    let known = settings.as_ref().map_or_else(Known::default, Known::of);
    let mut rules = Vec::new();
    for (path, text) in &rule_texts {
        match parse(files::stem(path), path, text, &known) {
            Ok((rule, _)) => rules.push(rule),
            Err(found) => problems.extend(found),
        }
    }
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    match settings {
        Some(settings) if !problems.has_errors() => {
            Ok((id_of(bytes), ReleaseParts { settings, rules, rule_texts, templates }))
        }
        _ => Err(BundleError::Problems { problems: problems.into_sorted() }),
    }
}

fn read_settings(problems: &mut Problems, text: &str) -> Option<Settings> {
    let document = Document::parse(problems, files::SETTINGS, text)?;
    let mut table = document.top();
    let settings = settings::take(problems, &mut table);
    table.finish(problems, &[]);
    Some(settings)
}

fn first(problems: &[Diagnostic]) -> String {
    problems.first().map_or_else(String::new, |problem| format!("{} ({})", problem.message, problem.file))
}
