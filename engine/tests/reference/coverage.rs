//! What the random cases come to: a form that no rule has, or a reason that nothing is refused for, proves nothing.

use super::case::{Case, Outcome};
use std::collections::BTreeMap;

/// Each in so many cases at least, of twenty thousand.
const CASES_MIN: u64 = 25;

/// Where rules, settings and events must say it.
const SAID: &[&str] = &[
    "event = ",
    "count = ",
    "sequence = ",
    "without = \"",
    "without = {",
    "repeat = \"restart\"",
    "enters = ",
    "leaves = ",
    "key = ",
    "unproven = true",
    "status = \"off\"",
    "priority = ",
    "[audience]",
    "[exit]",
    "once_per = \"always\"",
    "once_per = \"1 day\"",
    "once_per = \"calendar day\"",
    "late = ",
    "grace = ",
    "expires = ",
    "on_cap = \"wait\"",
    "transactional = true",
    "wait = ",
    "quiet_hours = ",
    "calendar day\"]",
    "holdout = \"30%\"",
    "holdout = \"40%\"",
    "any = [",
    "none = [",
    "not_in = ",
    "between = ",
    "  unproven",
    "  arrives=",
    "  stop",
    "topic-off",
    "all-off",
    "bounced",
];

/// What decisions must be.
const DECIDED: &[&str] = &[
    "  send  ",
    "  holdout  ",
    "refuse late",
    "refuse exit",
    "refuse audience",
    "refuse suppressed",
    "refuse topic-opt-out",
    "refuse no-address",
    "refuse cap",
    "not entered: audience",
    "not entered: once-per",
];

#[derive(Default)]
pub struct Coverage {
    seen: BTreeMap<&'static str, u64>,
}

impl Coverage {
    pub fn take(&mut self, case: &Case, outcome: &Outcome) {
        let text = case.to_string();
        let said = SAID.iter().filter(|word| text.contains(**word));
        let decided = DECIDED.iter().filter(|word| outcome.engine.iter().any(|line| line.contains(**word)));
        said.chain(decided).for_each(|word| *self.seen.entry(word).or_default() += 1);
    }

    /// What came up too rarely.
    pub fn rare(&self) -> Vec<(&'static str, u64)> {
        let all = SAID.iter().chain(DECIDED).map(|word| (*word, self.seen.get(word).copied().unwrap_or(0)));
        all.filter(|(_, count)| *count < CASES_MIN).collect()
    }
}
