//! A rule file's text becomes a [`Rule`], or all its problems.
//!
//! The file is read over its spanned tree, to the end, whatever was wrong before: a part that cannot be read leaves an
//! error and a stand-in, and a file with one error makes no rule. One file for each part of rules.md.

mod absence;
mod condition;
mod did;
mod exit;
mod expect;
mod goal;
mod inactivity;
mod limits;
mod placed;
mod segment;
mod sequence;
mod steps;
mod top;
mod trigger;

pub use placed::{Placed, each_test};

use super::Rule;
use super::diagnostic::{Code, Diagnostic};
use super::document::{Document, Place, Problems};
use crate::release::Settings;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a rule may name that outreach.toml declares. What is `None` is not known, and not checked.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub topics: Option<BTreeSet<Arc<str>>>,
    /// Rules that may say `transactional`.
    pub transactional_rules: Option<BTreeSet<Arc<str>>>,
}

impl Known {
    pub fn of(settings: &Settings) -> Known {
        Known {
            topics: Some(settings.topics.keys().cloned().collect()),
            transactional_rules: Some(settings.transactional_rules.iter().cloned().collect()),
        }
    }
}

/// The longest id of a rule or a topic, in characters (rules.md, "Small print").
pub const ID_CHARACTERS_MAX: usize = 64;

/// Whether `id` is `[a-z0-9-]`, 1 to 64 characters.
pub fn is_id(id: &str) -> bool {
    let is_fitting = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !id.is_empty() && id.len() <= ID_CHARACTERS_MAX && id.bytes().all(is_fitting)
}

/// Reads the rule `id` (the file's stem) from the text of `file`: the rule with its warnings, or all problems in the
/// order of their places, at least one of them an error.
pub fn parse(
    id: &str,
    file: &str,
    text: &str,
    known: &Known,
) -> Result<(Rule, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut problems = Problems::default();
    if !is_id(id) {
        let message = format!(
            "expected a file name of 1 to {ID_CHARACTERS_MAX} characters a-z, 0-9 and -, found \"{id}\""
        );
        let place = Place { file, span: 0..0 };
        problems.error(Code::BadId, &place, message).with_help("the file's name is the rule's id: rename it");
    }
    let document = Document::parse(&mut problems, file, text);
    let rule = document.as_ref().and_then(|document| top::parse(&mut problems, id, document.top(), known));
    let is_sound = !problems.has_errors();
    let mut found = problems.into_sorted();
    found.iter_mut().for_each(|problem| name_home(problem, text));
    match rule {
        Some(rule) if is_sound => Ok((rule, found)),
        Some(_) | None => Err(found),
    }
}

/// Where each key stands that people put into another table: in TOML a key after a `[table]` belongs to it.
const HOMES: [(&str, &[&str]); 5] = [
    (
        "at the top, above the first [table]",
        &["name", "description", "owner", "status", "tags", "priority", "unproven", "on_change", "formerly"],
    ),
    (
        "in [trigger]",
        &[
            "count",
            "without",
            "repeat",
            "sequence",
            "inactive_for",
            "or_never",
            "enters",
            "leaves",
            "backfill",
        ],
    ),
    ("in [limits]", &["once_per", "late", "grace", "max_per_hour", "mutes"]),
    ("in [goal]", &["holdout"]),
    (
        "in a [[step]]",
        &[
            "email",
            "in_product",
            "wait",
            "wait_until",
            "wait_for",
            "if",
            "then",
            "else",
            "split",
            "set",
            "expires",
            "on_cap",
            "transactional",
        ],
    ),
];

/// An unknown key that is known elsewhere is no slip of the fingers.
fn name_home(problem: &mut Diagnostic, text: &str) {
    if problem.code != Code::UnknownKey {
        return;
    }
    let key = text.get(problem.span.clone()).unwrap_or_default();
    if let Some((home, _)) = HOMES.iter().find(|(_, keys)| keys.contains(&key)) {
        problem.with_help(format!("`{key}` stands {home}"));
    }
}

#[cfg(test)]
mod tests;
