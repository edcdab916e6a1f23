//! Rules beside each other: two that mail one person in the same hour, and those that set each other off.

use super::Checked;
use super::truth::Facts;
use crate::project::rule_text::{RuleText, StepText, StepTextKind};
use outreach_engine::Length;
use outreach_engine::effect::Channel;
use outreach_engine::release::{Cap, Caps, Window};
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Place, Problems};
use outreach_engine::rule::parse::Placed;
use outreach_engine::rule::{Operator, Path, Test};
use std::ops::Range;

const HOUR: Length = Length::hours(1);

pub(super) fn check(problems: &mut Problems, rules: &[RuleText], checked: &Checked<'_>) {
    let live: Vec<&RuleText> = rules.iter().filter(|rule| rule.is_live).collect();
    let is_spaced = checked.settings.is_none_or(|settings| keeps_an_hour(&settings.caps));
    if !is_spaced {
        for (index, second) in live.iter().enumerate() {
            if let Some(first) = live[..index].iter().find(|first| meet(first, second)) {
                tell_meeting(problems, first, second);
            }
        }
    }
    cycles(problems, &live);
}

/// Whether some cap lets at most one mail through in any hour.
fn keeps_an_hour(caps: &Caps) -> bool {
    let of_mail = caps.by_channel.get(&Channel::Email).into_iter().flatten();
    of_mail.chain(&caps.all).any(|cap: &Cap| {
        cap.count == 1
            && match cap.window {
                Window::Rolling(length) => length >= HOUR,
                Window::CalendarDay => true,
            }
    })
}

/// Whether everybody whom one of them enters, or the other, is mailed by both within an hour.
fn meet(one: &RuleText, two: &RuleText) -> bool {
    let (Some(first), Some(second)) = (first_mail(&one.steps), first_mail(&two.steps)) else { return false };
    let mutes = |one: &RuleText, two: &RuleText| one.limits.mutes.iter().any(|tag| two.tags.contains(tag));
    Length((first.0 - second.0).abs()) < HOUR
        && is_same_moment(one, two)
        && !mutes(one, two)
        && !mutes(two, one)
        && (implies(one, two) || implies(two, one))
}

/// How long after the entry the first mail that caps count is judged; nothing where a branch or a wait of no certain
/// length stands before it.
fn first_mail(steps: &[StepText]) -> Option<Length> {
    let mut waited = Length::ZERO;
    for step in steps {
        match &step.kind {
            StepTextKind::Message(message) if message.channel == Channel::Email => {
                return (!message.is_transactional).then_some(waited);
            }
            StepTextKind::Wait(Some(length)) => waited = Length(waited.0.saturating_add(length.0)),
            StepTextKind::Message(_) | StepTextKind::Set(_) => {}
            StepTextKind::Wait(None)
            | StepTextKind::WaitUntil { .. }
            | StepTextKind::If(_)
            | StepTextKind::Split
            | StepTextKind::Exit
            | StepTextKind::Other => return None,
        }
    }
    None
}

/// Whether both triggers are of one form, over the same events.
fn is_same_moment(one: &RuleText, two: &RuleText) -> bool {
    let names = |rule: &RuleText| {
        let events = rule.trigger.events.iter().chain(&rule.trigger.without);
        events.map(|event| event.name.clone()).collect::<Vec<_>>()
    };
    let (first, second) = (&one.trigger, &two.trigger);
    let is_one_event = first.events.len() == 1 && first.activities.is_empty() && second.activities.is_empty();
    let without = |rule: &RuleText| rule.trigger.without.as_ref().is_some_and(|event| event.tests.is_some());
    is_one_event
        && names(one) == names(two)
        && first.without.is_some() == second.without.is_some()
        && first.within == second.within
        && first.count == second.count
        && !without(one)
        && !without(two)
}

/// Whether whoever passes the tests of one passes those of the other.
fn implies(one: &RuleText, two: &RuleText) -> bool {
    let mut facts = Facts::default();
    all_tests(one).iter().all(|tests| facts.assume(tests, true))
        && all_tests(two).iter().all(|tests| is_certain(&facts, tests))
}

fn all_tests(rule: &RuleText) -> Vec<&Placed> {
    let of_event = rule.trigger.last().and_then(|event| event.tests.as_ref());
    of_event.into_iter().chain(&rule.audience).collect()
}

/// Whether what is known leaves no way for the condition to fail. Of history nothing is known.
fn is_certain(facts: &Facts, placed: &Placed) -> bool {
    match placed {
        Placed::All(parts) => parts.iter().all(|part| is_certain(facts, part)),
        Placed::Any(..) | Placed::None(..) | Placed::Test(..) => !facts.clone().assume(placed, false),
        Placed::Past { .. } | Placed::Open => false,
    }
}

fn tell_meeting(problems: &mut Problems, first: &RuleText, second: &RuleText) {
    let span = second.trigger.last().map_or(0..0, |event| event.span.clone());
    let place = Place { file: &second.path, span };
    let message = format!("this rule and {} mail the same person within the same hour", first.path);
    let help =
        "let one of them wait, let it mute the other, or say [caps] email = [\"1 per day\"] in outreach.toml";
    problems.warn(Code::SameHour, &place, message).with_help(help);
}

/// A rule that sets a trait by which another is set off.
struct Edge {
    from: usize,
    to: usize,
}

/// Rules that set each other off by the traits they set, every time and without a wait: an endless loop.
fn cycles(problems: &mut Problems, rules: &[&RuleText]) {
    let mut edges = Vec::new();
    for (from, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.limits.once_per_always.is_some()) {
        for (key, value) in sets_at_once(&rule.steps) {
            let to = rules.iter().enumerate().filter(|(_, other)| is_turned_by(other, &key, value.as_ref()));
            edges.extend(to.map(|(to, _)| Edge { from, to }));
        }
    }
    for (start, rule) in rules.iter().enumerate() {
        let Some(way) = way_back(&edges, start) else { continue };
        // One problem a cycle: at the first of its rules.
        if way.iter().any(|step| *step < start) {
            continue;
        }
        let names: Vec<&str> = way.iter().map(|step| rules[*step].id.as_str()).collect();
        let span = rule.trigger.turns.as_ref().map_or(0..0, |(_, _, span)| span.clone());
        tell_cycle(problems, rule, span, &names);
    }
}

fn tell_cycle(problems: &mut Problems, rule: &RuleText, span: Range<usize>, names: &[&str]) {
    let place = Place { file: &rule.path, span };
    let around = names.join(" → ");
    let message = format!("rules that set each other off without end: {} → {around}", rule.id);
    let help = "give one of them a once_per other than \"always\", or a wait before its `set`";
    problems.warn(Code::RuleCycle, &place, message).with_help(help);
}

/// What is set before anything waits.
fn sets_at_once(steps: &[StepText]) -> Vec<(String, Option<outreach_engine::value::Value>)> {
    let mut set = Vec::new();
    for step in steps {
        match &step.kind {
            StepTextKind::Set(traits) => set.extend(traits.iter().cloned()),
            StepTextKind::Wait(_) | StepTextKind::WaitUntil { .. } | StepTextKind::Exit => return set,
            StepTextKind::Message(_) | StepTextKind::If(_) | StepTextKind::Split | StepTextKind::Other => {}
        }
        for inner in [&step.then, &step.otherwise].into_iter().chain(&step.branches) {
            set.extend(sets_at_once(inner));
        }
    }
    set
}

/// Whether the rule may be set off by that trait becoming that value.
fn is_turned_by(rule: &RuleText, key: &str, value: Option<&outreach_engine::value::Value>) -> bool {
    let Some((tests, is_enter, _)) = &rule.trigger.turns else { return false };
    let Ok(path) = Path::parse(&format!("traits.outreach.{key}")) else { return false };
    let mut is_read = false;
    tests.each_test(&mut |test, _| is_read |= test.path == path);
    let mut facts = Facts::default();
    if let Some(value) = value {
        let test = Test::new(path, Operator::Equal(value.clone()));
        facts.assume(&Placed::Test(test, 0..0), true);
    }
    is_read && facts.assume(tests, *is_enter)
}

/// The rules from `start` back to it, the last of them `start`.
fn way_back(edges: &[Edge], start: usize) -> Option<Vec<usize>> {
    let mut open: Vec<Vec<usize>> = vec![vec![start]];
    let mut seen = Vec::new();
    while let Some(way) = open.pop() {
        let last = *way.last()?;
        for edge in edges.iter().filter(|edge| edge.from == last) {
            if edge.to == start {
                return Some(way[1..].iter().copied().chain([start]).collect());
            }
            if !seen.contains(&edge.to) {
                seen.push(edge.to);
                open.push(way.iter().copied().chain([edge.to]).collect());
            }
        }
    }
    None
}
