//! Rule tests: a few events, the ideal world, and what was expected of one rule.
//!
//! All rules of the project run, as live: another one's mail counts under the caps. Looked at are the decisions of the
//! rule that the file is named after, which is taken as live even if it is still off. Holdouts are off, or everybody is
//! held out of that rule.

use super::coverage::Coverage;
use super::world::World;
use crate::project::{Expected, Given, ReleaseParts, RuleTest};
use outreach_engine::effect::NonEntry;
use outreach_engine::event::{Body, Malformed};
use outreach_engine::release::Settings;
use outreach_engine::rule::{Rule, Share, Status};
use outreach_engine::{Decision, Effect, Release, Timestamp, Verdict};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// A project, read once for the benches of all its rules.
pub struct Workshop {
    id: String,
    settings: Settings,
    rules: Vec<Rule>,
    reads: BTreeMap<String, BTreeSet<String>>,
}

/// A rule with its project, ready for its tests.
pub struct Bench<'w> {
    workshop: &'w Workshop,
    rule: &'w Rule,
    coverage: Option<&'w Coverage>,
    treated: OnceCell<Release>,
    held_out: OnceCell<Release>,
}

/// What became of a test.
#[derive(Debug, Default)]
pub struct Trial {
    /// Expected, and not decided.
    pub missing: Vec<Expected>,
    /// Decided to be sent, and not expected.
    pub unexpected: Vec<Decision>,
    /// What else was decided by this rule and no line expected: refusals and holdouts are no surprise by themselves, but
    /// explain one.
    pub others: Vec<Decision>,
    /// When the trigger held and no journey began.
    pub non_entries: Vec<NonEntry>,
    /// Of all decisions of this rule, expected or not.
    pub verdicts: BTreeSet<Verdict>,
}

const EVERYBODY: Share = Share(1_000_000);

impl Workshop {
    pub fn new(parts: &ReleaseParts) -> Workshop {
        let ReleaseParts { settings, rules, .. } = parts.clone();
        let settings = Settings { holdout: None, ..settings };
        Workshop { id: parts.id(), settings, rules, reads: parts.reads() }
    }

    /// Nothing where the project has no such rule.
    pub fn bench(&self, rule: &str) -> Option<Bench<'_>> {
        self.rules.iter().find(|own| *own.id == *rule).map(|rule| self.bench_of(rule))
    }

    /// With this rule in the place of the one of its id.
    pub fn bench_of<'w>(&'w self, rule: &'w Rule) -> Bench<'w> {
        Bench { workshop: self, rule, coverage: None, treated: OnceCell::new(), held_out: OnceCell::new() }
    }

    /// Looks on while the tests of a rule run on [`Workshop::bench_for`]. Nothing where the project has no such rule.
    pub fn coverage(&self, rule: &str) -> Option<Coverage> {
        let rule = self.rules.iter().find(|own| *own.id == *rule)?;
        Some(Coverage::new(rule, &self.settings, &self.rules))
    }

    /// The bench on which somebody looks.
    pub fn bench_for<'w>(&'w self, coverage: &'w Coverage) -> Bench<'w> {
        Bench { coverage: Some(coverage), ..self.bench_of(coverage.rule()) }
    }

    fn release(&self, tested: &Rule, is_holdout: bool) -> Release {
        let mut settings = self.settings.clone();
        let mut rules = self.rules.clone();
        for rule in &mut rules {
            let is_tested = rule.id == tested.id;
            if is_tested {
                *rule = tested.clone();
                rule.status = Status::Live;
            }
            match &mut rule.goal {
                Some(goal) => goal.holdout = (is_tested && is_holdout).then_some(EVERYBODY),
                // A rule without an arm of its own has the one of all rules.
                None if is_tested && is_holdout => settings.holdout = Some(EVERYBODY),
                None => {}
            }
        }
        Release::new(&self.id, settings, rules, &self.reads)
    }
}

impl Bench<'_> {
    /// Runs one test.
    pub fn run(&self, test: &RuleTest) -> Result<Trial, Malformed> {
        let release = if test.is_holdout { &self.held_out } else { &self.treated };
        let release = release.get_or_init(|| {
            let mut release = self.workshop.release(self.rule, test.is_holdout);
            if let Some(coverage) = self.coverage {
                release.watch_steps(&self.rule.id, coverage.steps());
            }
            release
        });
        let mut given: Vec<&Given> = test.given.iter().collect();
        given.sort_by_key(|given| given.arrives_at);
        let last = given.last().map(|given| given.arrives_at);
        let until = test.until.or(last).unwrap_or(Timestamp::EPOCH);
        let (mut decisions, mut trial) = (Vec::new(), Trial::default());
        let mut see = |effect| match effect {
            Effect::Decide(decision) if decision.rule == self.rule.id => decisions.push(*decision),
            Effect::Count(non_entry) if non_entry.rule == self.rule.id => trial.non_entries.push(non_entry),
            Effect::Decide(_) | Effect::Count(_) | Effect::Cancel(_) | Effect::Reject(_) => {}
        };
        let mut world = World::new(release);
        for given in given.into_iter().filter(|given| given.arrives_at <= until) {
            given.with_event(|event| world.take_in(given.arrives_at, Body::Event(event), &mut see))?;
        }
        world.end(until, &mut see);
        trial.verdicts = decisions.iter().map(|decision| decision.verdict).collect();
        let met = met_by(&test.expect, &decisions);
        let is_missing = |(at, _): &(usize, &Expected)| !met.contains(&Some(*at));
        trial.missing =
            test.expect.iter().enumerate().filter(is_missing).map(|(_, expected)| expected.clone()).collect();
        let mut met = met.into_iter();
        decisions.retain(|_| met.next().flatten().is_none());
        let is_sent = |decision: &Decision| decision.verdict == Verdict::Send;
        (trial.unexpected, trial.others) = decisions.into_iter().partition(is_sent);
        Ok(trial)
    }
}

impl Trial {
    pub fn is_passed(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty()
    }
}

/// For each decision the line that it meets, if any: each line is met once, and as many as can be. One that says little
/// must not take the decision that alone meets one that says more.
fn met_by(expect: &[Expected], decisions: &[Decision]) -> Vec<Option<usize>> {
    let mut met = vec![None; decisions.len()];
    for line in 0..expect.len() {
        meet(line, expect, decisions, &mut met, &mut vec![false; decisions.len()]);
    }
    met
}

/// Finds a decision for a line; one that has a line already is taken where that one finds another.
fn meet(
    line: usize,
    expect: &[Expected],
    decisions: &[Decision],
    met: &mut [Option<usize>],
    asked: &mut [bool],
) -> bool {
    for at in 0..decisions.len() {
        if asked[at] || !expect[line].is_met_by(&decisions[at]) {
            continue;
        }
        asked[at] = true;
        if met[at].is_none_or(|other| meet(other, expect, decisions, met, asked)) {
            met[at] = Some(line);
            return true;
        }
    }
    false
}
