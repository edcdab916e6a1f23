//! Whether a condition can hold beside what is known to hold already, and whether it can fail. Two truths that cannot be
//! seen to contradict are taken to go together: what is told is certain.

use super::domain::Domain;
use outreach_engine::explain::condition::{About, clause};
use outreach_engine::rule::parse::Placed;
use outreach_engine::rule::{Condition, Operator, Path, Root, Test};
use outreach_engine::value::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// What is taken to hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    domains: BTreeMap<Path, (Domain, Vec<String>)>,
}

/// What a condition comes to.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub span: Range<usize>,
    pub is_always: bool,
    /// In words.
    pub why: String,
}

impl Facts {
    /// That the record has this name.
    pub fn of_event(name: &str) -> Facts {
        let mut facts = Facts::default();
        let path = Path { root: Root::EventName, segments: [].into() };
        facts.test(&Test::new(path, Operator::Equal(Value::Text(name.into()))), true);
        facts
    }

    /// Without what is known of the person, who may have changed since.
    pub fn of_the_record(&self) -> Facts {
        let domains = self.domains.iter().filter(|(path, _)| path.root != Root::Traits);
        Facts { domains: domains.map(|(path, known)| (path.clone(), known.clone())).collect() }
    }

    /// Takes the condition to hold, or not to. Whether that is possible.
    pub fn assume(&mut self, placed: &Placed, holds: bool) -> bool {
        match (placed, holds) {
            (Placed::Past { .. } | Placed::Open, _) => true,
            (Placed::Test(test, _), _) => self.test(test, holds),
            (Placed::All(parts), true) => parts.iter().all(|part| self.assume(part, true)),
            (Placed::Any(parts, _), false) | (Placed::None(parts, _), true) => {
                parts.iter().all(|part| self.assume(part, false))
            }
            (Placed::All(parts), false) => self.one_of(parts, false),
            (Placed::Any(parts, _), true) | (Placed::None(parts, _), false) => self.one_of(parts, true),
        }
    }

    /// At least one of the parts holds, or at least one does not.
    fn one_of(&mut self, parts: &[Placed], holds: bool) -> bool {
        let ways = parts.iter().filter_map(|part| {
            let mut facts = self.clone();
            facts.assume(part, holds).then_some(facts)
        });
        let mut ways: Vec<Facts> = ways.collect();
        if ways.len() == 1 {
            *self = ways.remove(0);
            return true;
        }
        !ways.is_empty()
    }

    fn test(&mut self, test: &Test, holds: bool) -> bool {
        let (domain, said) =
            self.domains.entry(test.path.clone()).or_insert_with(|| (Domain::any(), Vec::new()));
        domain.keep(&test.operator, holds);
        let words = words(test);
        if holds && !said.contains(&words) {
            said.push(words);
        }
        !domain.is_empty()
    }

    /// Takes the condition to hold, and finds what of it never does or always does. Whether the whole can hold.
    pub fn examine(&mut self, placed: &Placed, found: &mut Vec<Found>) -> bool {
        match placed {
            Placed::Past { event, tests, .. } => {
                Facts::of_event(event).examine(tests, found);
                true
            }
            Placed::Open => true,
            Placed::All(parts) => parts.iter().all(|part| self.examine(part, found)),
            Placed::Test(test, span) => {
                let before = self.domains.get(&test.path).map(|(_, said)| said.clone()).unwrap_or_default();
                let is_possible = self.test(test, true);
                if !is_possible {
                    let beside = if before.is_empty() {
                        String::new()
                    } else {
                        format!(" beside: {}", before.join("; "))
                    };
                    let why = format!("{}{beside}", words(test));
                    found.push(Found { span: span.clone(), is_always: false, why });
                }
                is_possible
            }
            Placed::Any(parts, span) => self.examine_any(parts, span, placed, found),
            Placed::None(parts, span) => {
                // A part that never holds keeps nobody out.
                parts.iter().for_each(|part| {
                    self.clone().examine(part, found);
                });
                let is_possible = self.assume(placed, true);
                if !is_possible {
                    let why = "one of its parts always holds".to_owned();
                    found.push(Found { span: span.clone(), is_always: false, why });
                }
                is_possible
            }
        }
    }

    fn examine_any(
        &mut self,
        parts: &[Placed],
        span: &Range<usize>,
        whole: &Placed,
        found: &mut Vec<Found>,
    ) -> bool {
        let mut of_parts = Vec::new();
        let possible = parts.iter().filter(|part| self.clone().examine(part, &mut of_parts)).count();
        if possible == 0 {
            let why = "none of its parts can hold".to_owned();
            found.push(Found { span: span.clone(), is_always: false, why });
            return false;
        }
        found.extend(of_parts);
        if !self.clone().assume(whole, false) {
            let why = "whatever the value, one of its parts holds".to_owned();
            found.push(Found { span: span.clone(), is_always: true, why });
        }
        self.assume(whole, true)
    }
}

/// A test in words.
fn words(test: &Test) -> String {
    clause(&Condition::Test(test.clone()), About::Event).unwrap_or_else(|| test.path.to_string())
}
