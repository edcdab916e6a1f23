//! `outreach test --mutate`: do the tests notice when a rule is changed? Each mutant is tested as the rule itself is; one
//! for which no test fails has survived, and is told with the test that is missing.

use super::{print, rule_of};
use crate::cli::{AnyFormat, End};
use crate::project::{Mutant, Project, RuleTest, mutants};
use crate::replay::Workshop;
use anyhow::{Context, bail};
use serde_json::{Value, json};

/// What became of one rule's mutants.
struct Score {
    rule: String,
    killed: usize,
    survivors: Vec<Mutant>,
}

impl Score {
    fn all(&self) -> usize {
        self.killed + self.survivors.len()
    }
}

/// In a hundred, rounded down: 90 is 90 or more. A rule with nothing to change is tested well.
fn percent(killed: usize, all: usize) -> usize {
    (killed * 100).checked_div(all).unwrap_or(100)
}

pub(super) fn run(
    project: &Project,
    format: AnyFormat,
    wanted: &[String],
    min_score: Option<u8>,
) -> anyhow::Result<End> {
    let ids: Vec<&str> = project.release.rules.iter().map(|rule| &*rule.id).collect();
    if let Some(unknown) = wanted.iter().find(|wanted| !ids.contains(&wanted.as_str())) {
        bail!("expected a rule of the project, found {unknown}: there are {}", ids.join(", "));
    }
    let workshop = Workshop::new(&project.release);
    let mut scores = Vec::new();
    for id in ids.into_iter().filter(|id| wanted.is_empty() || wanted.iter().any(|wanted| wanted == id)) {
        let own = project.tests.iter().filter(|(path, _)| rule_of(path) == id);
        let tests: Vec<&RuleTest> = own.flat_map(|(_, tests)| tests).collect();
        scores.push(score(&workshop, project, id, &tests)?);
    }
    let (killed, all) =
        scores.iter().fold((0, 0), |(killed, all), score| (killed + score.killed, all + score.all()));
    let least = usize::from(min_score.unwrap_or_default());
    let is_enough = scores.iter().all(|score| percent(score.killed, score.all()) >= least);
    match format {
        AnyFormat::Json => {
            let scores: Vec<Value> = scores.iter().map(record).collect();
            let answer =
                json!({ "killed": killed, "mutants": all, "percent": percent(killed, all), "rules": scores });
            print(&(serde_json::to_string_pretty(&answer)? + "\n"))?;
        }
        AnyFormat::Text | AnyFormat::Github | AnyFormat::Sarif | AnyFormat::Junit => {
            print(&scores.iter().map(text).collect::<String>())?;
        }
    }
    eprintln!("{killed} of {all} mutants noticed: {} %", percent(killed, all));
    if !is_enough {
        eprintln!("expected {least} % of each rule's mutants or more");
    }
    Ok(if is_enough { End::Ok } else { End::Findings })
}

/// The tests must pass for the rule as it is: else they would fail for every mutant.
fn score(workshop: &Workshop, project: &Project, id: &str, tests: &[&RuleTest]) -> anyhow::Result<Score> {
    let bench = workshop.bench(id).with_context(|| format!("no rule {id}"))?;
    for test in tests {
        if !bench.run(test)?.is_passed() {
            bail!("{id}: \"{}\" fails as the rule is: mend it first, `outreach test` shows how", test.name);
        }
    }
    let mut score = Score { rule: id.to_owned(), killed: 0, survivors: Vec::new() };
    for mutant in mutants(&project.release, id) {
        let bench = workshop.bench_of(&mutant.rule);
        let mut is_noticed = false;
        for test in tests {
            is_noticed = !bench.run(test)?.is_passed();
            if is_noticed {
                break;
            }
        }
        if is_noticed {
            score.killed += 1;
        } else {
            score.survivors.push(mutant);
        }
    }
    Ok(score)
}

fn text(score: &Score) -> String {
    let (killed, all) = (score.killed, score.all());
    let mut text = format!("{:>3} % {}: {killed} of {all} noticed\n", percent(killed, all), score.rule);
    for Mutant { path, line, change, hint, .. } in &score.survivors {
        text += &format!("      {path}:{line}: no test fails where {change}\n          missing: {hint}\n");
    }
    text
}

fn record(score: &Score) -> Value {
    let survivor = |mutant: &Mutant| {
        let Mutant { path, line, change, hint, .. } = mutant;
        json!({ "file": path, "line": line, "change": change, "missing_test": hint })
    };
    json!({
        "rule": score.rule,
        "killed": score.killed,
        "mutants": score.all(),
        "percent": percent(score.killed, score.all()),
        "survivors": score.survivors.iter().map(survivor).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_score_is_never_rounded_up() {
        assert_eq!((percent(899, 1000), percent(9, 10), percent(0, 0)), (89, 90, 100));
    }
}
