//! Steps that nobody comes to, and waits that end in one way only.

use super::conditions::tell;
use super::truth::Facts;
use crate::project::rule_text::{EventText, RuleText, StepText, StepTextKind};
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Place, Problems};
use outreach_engine::rule::parse::Placed;
use std::ops::Range;

/// `inside` is what holds of the record that completed the trigger.
pub(super) fn check(problems: &mut Problems, rule: &RuleText, inside: &Facts) {
    Walk { problems, rule }.list(&rule.steps, inside);
}

struct Walk<'w> {
    problems: &'w mut Problems,
    rule: &'w RuleText,
}

impl Walk<'_> {
    /// Whether everybody leaves in this list.
    fn list(&mut self, steps: &[StepText], facts: &Facts) -> bool {
        let mut has_ended = false;
        for step in steps {
            if has_ended {
                self.unreachable(&step.span, "everybody has left the rule before it");
                return true;
            }
            has_ended = self.step(step, facts);
        }
        has_ended
    }

    fn step(&mut self, step: &StepText, facts: &Facts) -> bool {
        match &step.kind {
            StepTextKind::Exit => true,
            StepTextKind::If(tests) => self.branch(step, tests, facts),
            StepTextKind::Split => {
                let ends = step.branches.iter().map(|branch| self.list(branch, facts)).collect::<Vec<_>>();
                !ends.is_empty() && ends.iter().all(|ends| *ends)
            }
            StepTextKind::WaitUntil { event } => {
                if let Some(event) = event {
                    self.wait_for_an_exit(event);
                }
                let (then, otherwise) = (self.list(&step.then, facts), self.list(&step.otherwise, facts));
                then && otherwise
            }
            StepTextKind::Message(_) | StepTextKind::Wait(_) | StepTextKind::Set(_) | StepTextKind::Other => {
                false
            }
        }
    }

    fn branch(&mut self, step: &StepText, tests: &Placed, facts: &Facts) -> bool {
        let (mut with, mut without, mut found) = (facts.clone(), facts.clone(), Vec::new());
        if !with.examine(tests, &mut found) {
            let why = found.first().map(|found| found.why.clone()).unwrap_or_default();
            match step.then.first() {
                Some(first) => self.unreachable(&first.span, &format!("its `if` never holds: {why}")),
                None => found.iter().for_each(|found| tell(self.problems, self.rule, found)),
            }
            return self.list(&step.otherwise, facts);
        }
        if !without.assume(tests, false) {
            match step.otherwise.first() {
                Some(first) => self.unreachable(&first.span, "the `if` before this `else` always holds"),
                None => self.always(&step.span),
            }
            return self.list(&step.then, facts);
        }
        found.iter().for_each(|found| tell(self.problems, self.rule, found));
        // What an `if` asks of the person may be otherwise a step later.
        let then = self.list(&step.then, &with.of_the_record());
        let otherwise = self.list(&step.otherwise, &without.of_the_record());
        then && otherwise
    }

    fn unreachable(&mut self, span: &Range<usize>, why: &str) {
        let place = Place { file: &self.rule.path, span: span.clone() };
        let message = format!("nobody comes to this step: {why}");
        let help = "remove it, or mend what stands before it";
        self.problems.warn(Code::UnreachableStep, &place, message).with_help(help);
    }

    fn always(&mut self, span: &Range<usize>) {
        let place = Place { file: &self.rule.path, span: span.clone() };
        let message = "this `if` always holds: everybody who is inside passes it";
        let help = "take its steps out of `then`, or mend the condition";
        self.problems.warn(Code::AlwaysTrue, &place, message).with_help(help);
    }

    /// The event ends the journey before the wait can see it.
    fn wait_for_an_exit(&mut self, event: &EventText) {
        let ends = |exit: &EventText| exit.name == event.name && exit.tests.is_none();
        if self.rule.exits.iter().filter_map(|exit| exit.event.as_ref()).any(ends) {
            let place = Place { file: &self.rule.path, span: event.span.clone() };
            let message =
                format!("\"{}\" is an exit of this rule: it ends the journey before this wait", event.name);
            let help =
                "wait for another event, or take it out of [exit] and put `exit = true` where it belongs";
            self.problems.warn(Code::WaitForExit, &place, message).with_help(help);
        }
    }
}
