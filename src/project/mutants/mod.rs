//! Mutants of a rule: its document with one thing changed, as a slip of the hand would change it. A rule test that
//! fails for a mutant would have found the slip.
//!
//! What the rule's reader refuses is no mutant, nor is what reads as the same rule. What tests cannot see is not changed:
//! names, tags, topics, goals, and what is asked at the gate alone.

mod conditions;
mod draft;
mod lengths;
mod rule;
mod steps;
#[cfg(test)]
mod tests;

use super::{ReleaseParts, files};
use draft::{Draft, Drafts};
use outreach_engine::effect::{Channel, OnCap};
use outreach_engine::release::Caps;
use outreach_engine::rule::diagnostic::line_and_column;
use outreach_engine::rule::{Known, MessageStep, Rule, Step, StepKind, parse};
use std::collections::BTreeSet;

/// A rule with one thing changed.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Of the rule's file: `rules/stalled.toml`.
    pub path: String,
    /// Where the change is, from 1.
    pub line: usize,
    /// What was changed: `within "3 days" is "3 days 1 second"`.
    pub change: String,
    /// Which test would fail for it.
    pub hint: &'static str,
    pub rule: Rule,
}

/// All mutants of the rule `id`, in the order of their lines. Nothing where there is no such rule.
pub fn mutants(parts: &ReleaseParts, id: &str) -> Vec<Mutant> {
    let mut found = parts.rule_texts.iter().filter(|(path, _)| files::stem(path) == id);
    let (Some((path, text)), Some(rule)) = (found.next(), parts.rules.iter().find(|rule| *rule.id == *id))
    else {
        return Vec::new();
    };
    let Ok(table) = toml::from_str::<toml::Table>(text) else { return Vec::new() };
    let mut drafts = Drafts::new(&table);
    rule::change(&mut drafts);
    let known = Known::of(&parts.settings);
    let mut seen = BTreeSet::from([meaning(rule, &parts.settings.caps)]);
    let mut mutants = Vec::new();
    for Draft { place, table, change, hint } in drafts.into_all() {
        let Ok(changed) = toml::to_string(&table) else { continue };
        let Ok((rule, _)) = parse(id, path, &changed, &known) else { continue };
        if seen.insert(meaning(&rule, &parts.settings.caps)) {
            let line = line_and_column(text, draft::offset(text, &place)).0;
            mutants.push(Mutant { path: path.clone(), line, change, hint, rule });
        }
    }
    mutants.sort_by_key(|mutant| mutant.line);
    mutants
}

/// Equal where two rules decide alike by construction: how `[trigger]` is spelt is no part of it.
fn meaning(rule: &Rule, caps: &Caps) -> String {
    let mut rule = rule.clone();
    rule.trigger.written = 0;
    let late = rule.limits.late;
    each_message(&mut rule.steps, &mut |message| {
        let own = caps.by_channel.get(&message.channel).is_some_and(|own| !own.is_empty());
        let is_capped = own || (message.channel != Channel::InProduct && !caps.all.is_empty());
        // What no cap holds back waits for none, and is late before it expires.
        if !is_capped {
            message.on_cap = OnCap::Skip;
            message.expires = message.expires.min(late);
        }
    });
    format!("{rule:?}")
}

fn each_message(steps: &mut [Step], change: &mut dyn FnMut(&mut MessageStep)) {
    for step in steps {
        match &mut step.kind {
            StepKind::Message(message) => change(message),
            StepKind::WaitUntil(wait) => {
                each_message(&mut wait.then, change);
                each_message(&mut wait.otherwise, change);
            }
            StepKind::If(branch) => {
                each_message(&mut branch.then, change);
                each_message(&mut branch.otherwise, change);
            }
            StepKind::Split(parts) => parts.iter_mut().for_each(|part| each_message(&mut part.steps, change)),
            StepKind::Wait(_) | StepKind::WaitFor(_) | StepKind::Set(_) | StepKind::Exit => {}
        }
    }
}
