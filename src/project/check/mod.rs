//! What makes no sense though each word of it is right. Warnings, all of them: nothing here keeps a rule from running.
//!
//! What is told is certain: a condition is called never true only if no value passes, rules are said to meet only if who
//! sets off the one sets off the other. A file a kind of mistake.

mod against;
mod conditions;
mod domain;
mod limits;
mod names;
mod neighbours;
mod steps;
#[cfg(test)]
mod tests;
mod truth;

use super::evidence::Evidence;
use super::files::{self, Files};
use super::rule_text::RuleText;
use outreach_engine::release::Settings;
use outreach_engine::rule::document::Problems;

/// What is known beside the rules.
pub(super) struct Checked<'c> {
    /// Nothing where outreach.toml is not sound.
    pub settings: Option<&'c Settings>,
    /// What the rule tests and the samples show.
    pub evidence: &'c Evidence,
}

pub(super) fn check(
    problems: &mut Problems,
    settings: Option<&Settings>,
    evidence: &Evidence,
    files: &Files,
) {
    let checked = Checked { settings, evidence };
    let rules = files.rules.iter().filter_map(|(path, text)| RuleText::read(path, files::stem(path), text));
    let rules: Vec<RuleText> = rules.collect();
    for rule in &rules {
        let inside = conditions::check(problems, rule);
        steps::check(problems, rule, &inside);
        limits::check(problems, rule, &checked);
    }
    neighbours::check(problems, &rules, &checked);
    names::check(problems, &rules, &checked);
}
