//! Conditions that never hold, or always do: each `where` by itself, and that of the audience beside the trigger's.

use super::truth::{Facts, Found};
use crate::project::rule_text::{EventText, RuleText};
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Place, Problems};
use outreach_engine::rule::parse::Placed;

/// Adds what is found; gives what holds of the record for everybody who is inside.
pub(super) fn check(problems: &mut Problems, rule: &RuleText) -> Facts {
    let mut inside = Facts::default();
    for event in &rule.trigger.events {
        inside = of_event(problems, rule, event);
    }
    if !rule.trigger.is_at_event {
        // Who waits may change meanwhile.
        inside = inside.of_the_record();
    }
    let others = rule.trigger.without.iter().chain(&rule.trigger.activities);
    let others = others.chain(rule.exits.iter().filter_map(|exit| exit.event.as_ref()));
    for event in others.chain(rule.goal.iter().filter_map(|goal| goal.event.as_ref())) {
        of_event(problems, rule, event);
    }
    if let Some((tests, _, _)) = &rule.trigger.turns {
        examine(problems, rule, &mut Facts::default(), tests);
    }
    if let Some(audience) = &rule.audience {
        examine(problems, rule, &mut inside, audience);
    }
    exits_of_the_person(problems, rule);
    inside.of_the_record()
}

fn of_event(problems: &mut Problems, rule: &RuleText, event: &EventText) -> Facts {
    let mut facts = Facts::of_event(&event.name);
    if let Some(tests) = &event.tests {
        examine(problems, rule, &mut facts, tests);
    }
    facts
}

/// An exit that everybody in the audience meets ends each journey at the next record.
fn exits_of_the_person(problems: &mut Problems, rule: &RuleText) {
    for exit in rule.exits.iter().filter(|exit| exit.event.is_none()) {
        let Some(tests) = &exit.tests else { continue };
        if !examine(problems, rule, &mut Facts::default(), tests) {
            continue;
        }
        let mut inside = Facts::default();
        let is_sound = rule.audience.as_ref().is_some_and(|audience| inside.assume(audience, true));
        if is_sound && !inside.assume(tests, false) {
            let place = Place { file: &rule.path, span: exit.span.clone() };
            let message = "everybody in the audience meets this exit: each journey ends at the next record";
            let help = "say in [exit] what ends it, which the audience is not yet";
            problems.warn(Code::ExitMeetsAudience, &place, message).with_help(help);
        }
    }
}

/// Whether the condition can hold.
fn examine(problems: &mut Problems, rule: &RuleText, facts: &mut Facts, tests: &Placed) -> bool {
    let mut found = Vec::new();
    let is_possible = facts.examine(tests, &mut found);
    found.iter().for_each(|found| tell(problems, rule, found));
    is_possible
}

pub(super) fn tell(problems: &mut Problems, rule: &RuleText, found: &Found) {
    let place = Place { file: &rule.path, span: found.span.clone() };
    let (code, word, help) = if found.is_always {
        let help = "to keep out several values write { not_in = [ … ] }, or leave the group out";
        (Code::AlwaysTrue, "always", help)
    } else {
        (Code::NeverTrue, "never", "mend one of them; values of which one is enough stand in `any` or `in`")
    };
    problems.warn(code, &place, format!("this {word} holds: {}", found.why)).with_help(help);
}
