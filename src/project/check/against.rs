//! Rules against real events: what was never seen, by name, by path, by type; and values that templates say as if
//! everybody had them.

use super::names::{each_where, is_slip};
use crate::project::evidence::{Evidence, Seen, Values};
use crate::project::rule_text::{EventText, RuleText};
use crate::project::{Reading, files, sample_type};
use crate::template::Templates;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Place, Problems, closest};
use outreach_engine::rule::{Operator, Root, Test};
use std::ops::Range;

impl Reading {
    /// Adds a warning for all that rules and templates expect of events and none of these brings.
    pub fn hold_against(&mut self, evidence: &Evidence) {
        let mut problems = Problems::default();
        problems.extend(std::mem::take(&mut self.problems));
        let templates = self.texts.iter().filter(|(path, _)| path.starts_with("templates/"));
        let templates = templates.map(|(path, text)| (path.clone(), text.clone())).collect();
        let (templates, _) = Templates::load(&templates);
        for (path, text) in self.texts.iter().filter(|(path, _)| files::is_rule(path)) {
            let Some(rule) = RuleText::read(path, files::stem(path), text) else { continue };
            Held { problems: &mut problems, rule: &rule, evidence }.all(&templates);
        }
        self.problems = problems.into_sorted();
    }
}

struct Held<'h> {
    problems: &'h mut Problems,
    rule: &'h RuleText,
    evidence: &'h Evidence,
}

impl Held<'_> {
    fn all(&mut self, templates: &Templates) {
        let rule = self.rule;
        for event in rule.events() {
            self.event(event);
        }
        each_where(rule, &mut |tests| {
            tests.each_test(&mut |test, span| {
                if test.path.root == Root::Traits {
                    self.test(test, span, self.evidence.traits(), "people");
                }
            });
        });
        let last = rule.trigger.last().and_then(|event| self.evidence.event(&event.name));
        if let (Some(seen), Some(audience)) = (last, &rule.audience) {
            let name = rule.trigger.last().map_or("", |event| &event.name);
            audience.each_test(&mut |test, span| self.of_record(test, span, seen, name));
        }
        self.values(templates);
    }

    fn event(&mut self, event: &EventText) {
        let Some(seen) = self.evidence.event(&event.name) else {
            let slip = self.evidence.names().find(|known| is_slip(&event.name, known));
            let help = match slip.or_else(|| closest(&event.name, self.evidence.names())) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "mend the name, or take a file that has all that happens".to_owned(),
            };
            let message = format!("no event \"{}\" was seen", event.name);
            self.warn(Code::EventNeverSeen, &event.span, message, help);
            return;
        };
        if let Some(tests) = &event.tests {
            tests.each_test(&mut |test, span| self.of_record(test, span, seen, &event.name));
        }
    }

    fn of_record(&mut self, test: &Test, span: &Range<usize>, seen: &Seen, whose: &str) {
        match test.path.root {
            Root::Properties | Root::Context => self.test(test, span, seen, &format!("\"{whose}\"")),
            Root::Traits | Root::EventName => {}
        }
    }

    fn test(&mut self, test: &Test, span: &Range<usize>, seen: &Seen, whose: &str) {
        // What we write ourselves no event brings.
        let is_ours = test.path.root == Root::Traits
            && test.path.segments.first().is_some_and(|first| matches!(&**first, "outreach" | "group"));
        if is_ours || matches!(test.operator, Operator::Exists(false)) {
            return;
        }
        let path = test.path.to_string();
        let Some(values) = seen.values.get(&path) else {
            let help = match closest(&path, seen.values.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "mend the path, or let events bring it".to_owned(),
            };
            self.warn(Code::PathNeverSeen, span, format!("`{path}` was never seen of {whose}"), help);
            return;
        };
        self.type_of(test, span, values, &path, whose);
    }

    fn type_of(&mut self, test: &Test, span: &Range<usize>, values: &Values, path: &str, whose: &str) {
        let examples = &values.examples;
        let Some(first) = examples.first() else { return };
        if !examples.iter().any(|example| sample_type::can_match(&test.operator, example)) {
            let message = format!(
                "`{path}` of {whose} was only seen as {}; found {}: this test never matches",
                sample_type::kind_of(first),
                sample_type::said(&test.operator)
            );
            let help = sample_type::likely(&test.path, &test.operator, first);
            self.warn(Code::TypeNeverSeen, span, message, help);
        }
    }

    /// What the record of the trigger lacks now and then, and a message says without anything that stands in.
    fn values(&mut self, templates: &Templates) {
        let Some((event, seen)) =
            self.rule.trigger.last().and_then(|event| Some((event, self.evidence.event(&event.name)?)))
        else {
            return;
        };
        for message in self.rule.messages() {
            let Some(template) = templates.get(&message.template) else { continue };
            for path in template.unguarded().filter(|path| path.starts_with("properties.")) {
                let count = seen.values.get(path).map_or(0, |values| values.count);
                if count < seen.count {
                    let (missing, all) = (seen.count - count, seen.count);
                    let message_text = format!(
                        "{missing} of {all} events \"{}\" have no `{path}`, which {} says of everybody",
                        event.name, message.template
                    );
                    let help = format!(
                        "write {{{{default {path} \"…\"}}}} in the template, or test it in the trigger"
                    );
                    self.warn(Code::ValueSometimesMissing, &message.span, message_text, help);
                }
            }
        }
    }

    fn warn(&mut self, code: Code, span: &Range<usize>, message: String, help: String) {
        let place = Place { file: &self.rule.path, span: span.clone() };
        self.problems.warn(code, &place, message).with_help(help);
    }
}
