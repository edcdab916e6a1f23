//! `outreach test --coverage`: what the tests of each rule have shown of it, and what not.

use super::{print, rule_of};
use crate::cli::{AnyFormat, End};
use crate::project::{Project, RuleTest};
use crate::replay::{Seen, Workshop};
use anyhow::Context;

/// What no test has shown goes to stdout; the sum of all to stderr. A test that fails is a finding, a gap is none.
pub(super) fn run(project: &Project, format: AnyFormat) -> anyhow::Result<End> {
    let workshop = Workshop::new(&project.release);
    let (mut all, mut failed) = (Vec::new(), 0);
    for rule in &project.release.rules {
        let own = project.tests.iter().filter(|(path, _)| rule_of(path) == &*rule.id);
        let tests: Vec<&RuleTest> = own.flat_map(|(_, tests)| tests).collect();
        let (seen, failures) = look(&workshop, &rule.id, &tests)?;
        all.push(seen);
        failed += failures;
    }
    match format {
        AnyFormat::Json => print(&(serde_json::to_string_pretty(&all)? + "\n"))?,
        AnyFormat::Text | AnyFormat::Github | AnyFormat::Sarif | AnyFormat::Junit => {
            print(&all.iter().map(text).collect::<String>())?;
        }
    }
    let (seen, count) = all.iter().fold((0, 0), |(seen, count), rule| (seen + rule.seen, count + rule.all));
    eprintln!("{seen} of {count} shown by a test, {failed} tests failed");
    Ok(if failed == 0 { End::Ok } else { End::Findings })
}

/// What was seen, and how many tests failed.
fn look(workshop: &Workshop, id: &str, tests: &[&RuleTest]) -> anyhow::Result<(Seen, usize)> {
    let mut coverage = workshop.coverage(id).with_context(|| format!("no rule {id}"))?;
    let mut trials = Vec::new();
    let bench = workshop.bench_for(&coverage);
    for test in tests {
        trials.push(bench.run(test).with_context(|| format!("{id}: {}", test.name))?);
    }
    drop(bench);
    trials.iter().for_each(|trial| coverage.add(trial));
    let failed = trials.iter().filter(|trial| !trial.is_passed()).count();
    Ok((coverage.seen(), failed))
}

fn text(seen: &Seen) -> String {
    let mut text = format!("{}: {} of {} shown\n", seen.rule, seen.seen, seen.all);
    for unseen in &seen.unseen {
        text += &format!("      {} {}: {}\n", unseen.kind, unseen.what, unseen.how);
    }
    text
}
