//! Names that are one slip away from one that the project knows: of events, of what they bring, of its values. Known is
//! what the rule tests and the templates' samples show.

use super::Checked;
use crate::project::evidence::Evidence;
use crate::project::rule_text::RuleText;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Place, Problems, slips};
use outreach_engine::rule::parse::Placed;
use outreach_engine::rule::{Operator, Test};
use outreach_engine::value::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// A slip for so many letters of a name.
const LETTERS_A_SLIP: usize = 6;
/// Shorter words are one letter apart by nature: `pro` and `pto` may be, `EU` and `EN` are.
const LETTERS_MIN: usize = 4;

pub(super) fn check(problems: &mut Problems, rules: &[RuleText], checked: &Checked<'_>) {
    let evidence = checked.evidence;
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for event in rules.iter().flat_map(RuleText::events) {
        *uses.entry(&event.name).or_default() += 1;
    }
    for rule in rules {
        for event in rule.events() {
            let is_known = evidence.event(&event.name).is_some() || uses[event.name.as_str()] > 1;
            let often = uses.iter().filter(|(_, count)| **count > 1).map(|(name, _)| *name);
            let meant = evidence.names().chain(often).find(|known| is_slip(&event.name, known));
            if let (false, Some(meant)) = (is_known, meant) {
                let message = format!("no test and no sample has an event \"{}\"", event.name);
                tell(problems, rule, &event.span, &message, meant);
            }
        }
        each_where(rule, &mut |tests| {
            tests.each_test(&mut |test, span| of_test(problems, rule, evidence, test, span));
        });
    }
}

/// Shows every condition of a rule.
pub(super) fn each_where(rule: &RuleText, visit: &mut dyn FnMut(&Placed)) {
    let of_events = rule.events().into_iter().filter_map(|event| event.tests.as_ref());
    let of_exits =
        rule.exits.iter().filter(|exit| exit.event.is_none()).filter_map(|exit| exit.tests.as_ref());
    let turns = rule.trigger.turns.iter().map(|(tests, _, _)| tests);
    of_events.chain(of_exits).chain(turns).chain(&rule.audience).chain(rule.branches()).for_each(visit);
}

fn of_test(problems: &mut Problems, rule: &RuleText, evidence: &Evidence, test: &Test, span: &Range<usize>) {
    let path = test.path.to_string();
    let mut known = evidence.anywhere(&path).peekable();
    if known.peek().is_none() {
        if let Some(meant) = evidence.paths().find(|known| is_slip_of_path(&path, known)) {
            tell(problems, rule, span, &format!("no test and no sample has `{path}`"), meant);
        }
        return;
    }
    let values = match &test.operator {
        Operator::Equal(value) | Operator::Not(value) => std::slice::from_ref(value),
        Operator::In(values) | Operator::NotIn(values) => values.as_slice(),
        Operator::Greater(_)
        | Operator::GreaterOrEqual(_)
        | Operator::Less(_)
        | Operator::LessOrEqual(_)
        | Operator::Between(..)
        | Operator::Contains(_)
        | Operator::StartsWith(_)
        | Operator::EndsWith(_)
        | Operator::Matches(_)
        | Operator::Exists(_) => return,
    };
    let texts: Vec<&str> = known.flat_map(|values| values.texts.iter().map(String::as_str)).collect();
    for value in values {
        let Value::Text(value) = value else { continue };
        let meant = texts.iter().find(|known| is_slip(value, known));
        if let (false, Some(meant)) = (texts.contains(&&**value), meant) {
            tell(problems, rule, span, &format!("no test and no sample has \"{value}\" at `{path}`"), meant);
        }
    }
}

fn tell(problems: &mut Problems, rule: &RuleText, span: &Range<usize>, message: &str, meant: &str) {
    let place = Place { file: &rule.path, span: span.clone() };
    let help = format!("did you mean \"{meant}\"? If not, give this rule a test that has it");
    problems.warn(Code::LikelySlip, &place, message).with_help(help);
}

/// A name below the same table.
fn is_slip_of_path(path: &str, known: &str) -> bool {
    match (path.rsplit_once('.'), known.rsplit_once('.')) {
        (Some((above, name)), Some((above_known, known))) => above == above_known && is_slip(name, known),
        (None, _) | (_, None) => false,
    }
}

/// Whether a name is another by one slip of the fingers: in a letter or two, in case, or in what joins its words.
/// Numbers tell names apart: `Step 1` is no slip of `Step 2`.
pub(super) fn is_slip(name: &str, known: &str) -> bool {
    let plain = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    if name == known || digits(name) != digits(known) {
        return false;
    }
    let (one, two) = (plain(name), plain(known));
    let letters = two.chars().count();
    one == two || (letters >= LETTERS_MIN && slips(&one, &two) <= (letters / LETTERS_A_SLIP).max(1))
}
