//! `outreach test`: the rule tests, and for each surprise what was decided and why.

use super::{End, Format, diagnostics};
use crate::project::{Environment, Project, RuleTest};
use crate::replay::{Bench, Trial};
use anyhow::Context;
use outreach_engine::Decision;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

/// What `test` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only tests whose rule or name contains this; letters' case does not matter.
    filter: Option<String>,
    /// That there are no tests is fine.
    #[arg(long)]
    allow_none: bool,
}

/// A test that was run.
struct Run<'p> {
    path: &'p str,
    test: &'p RuleTest,
    trial: Trial,
}

/// Which test passed goes to stdout, with a diff for those that did not; the sum of them to stderr.
pub(super) fn run(dir: &Path, format: Format, options: &Options) -> anyhow::Result<End> {
    let reading = Project::read(dir, &Environment::of_process());
    let errors: Vec<_> = reading.errors_for_tests().collect();
    if !errors.is_empty() {
        for problem in errors {
            eprint!("{}", diagnostics::draw(problem, &reading.texts, true));
        }
        return Ok(End::Findings);
    }
    let project = reading.project.context("the project cannot be read")?;
    let runs = run_all(&project, options.filter.as_deref())?;
    let text = match format {
        Format::Text => runs.iter().map(text).collect(),
        Format::Json => serde_json::to_string_pretty(&runs.iter().map(record).collect::<Vec<_>>())? + "\n",
    };
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.context("the results cannot be written to stdout")?;
    if runs.is_empty() {
        eprintln!("no tests{}", if options.filter.is_some() { " of that name" } else { " in rules/" });
        return Ok(if options.allow_none { End::Ok } else { End::Findings });
    }
    let failed = runs.iter().filter(|run| !run.trial.is_passed()).count();
    eprintln!("{} passed, {failed} failed", runs.len() - failed);
    Ok(if failed == 0 { End::Ok } else { End::Findings })
}

fn run_all<'p>(project: &'p Project, filter: Option<&str>) -> anyhow::Result<Vec<Run<'p>>> {
    let filter = filter.unwrap_or_default().to_lowercase();
    let mut runs = Vec::new();
    for (path, tests) in &project.tests {
        let rule = rule_of(path);
        let is_wanted =
            |test: &&RuleTest| rule.contains(&filter) || test.name.to_lowercase().contains(&filter);
        let wanted: Vec<&RuleTest> = tests.iter().filter(is_wanted).collect();
        if wanted.is_empty() {
            continue;
        }
        let bench = Bench::new(&project.release, rule);
        for test in wanted {
            let trial = bench.run(test).with_context(|| format!("{path}:{}", test.line))?;
            runs.push(Run { path, test, trial });
        }
    }
    Ok(runs)
}

/// `rules/stalled.test.toml` tests the rule `stalled`.
fn rule_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".test.toml").unwrap_or(name)
}

fn text(run: &Run<'_>) -> String {
    let Run { path, test, trial } = run;
    if trial.is_passed() {
        return format!("ok    {}: {}\n", rule_of(path), test.name);
    }
    let mut text = format!("FAIL  {}: {} ({path}:{})\n", rule_of(path), test.name, test.line);
    explain(&mut text, trial).expect("a text takes all that is written");
    text
}

/// Lines of `-` were expected, lines of `+` were decided; behind what was decided stand its facts.
fn explain(text: &mut String, trial: &Trial) -> std::fmt::Result {
    for expected in &trial.missing {
        writeln!(text, "  - {expected}")?;
    }
    for decision in &trial.unexpected {
        writeln!(text, "  + {}", line(decision))?;
        facts(text, decision)?;
    }
    if trial.missing.is_empty() {
        return Ok(());
    }
    for decision in &trial.others {
        writeln!(text, "  instead: {}", line(decision))?;
        if let Some(refusal) = decision.verdict.refusal() {
            writeln!(text, "      {}", refusal.sentence())?;
        }
        facts(text, decision)?;
    }
    for non_entry in &trial.non_entries {
        writeln!(
            text,
            "  the trigger held at {}, and no journey began: {}",
            non_entry.at,
            non_entry.reason.code()
        )?;
    }
    if trial.others.is_empty() && trial.unexpected.is_empty() && trial.non_entries.is_empty() {
        writeln!(text, "  nothing was decided: the trigger did not hold before the end of the test")?;
    }
    Ok(())
}

fn line(decision: &Decision) -> String {
    let Decision { due_at, subject, verdict, channel, template, step, key, triggered_at, .. } = decision;
    let reason = verdict.refusal().map(|refusal| format!(" ({})", refusal.code())).unwrap_or_default();
    let key = if key.is_empty() { String::new() } else { format!(", key {key}") };
    let (verdict, channel) = (verdict.code(), channel.as_str());
    format!(
        "{due_at} {subject} {verdict}{reason} {channel} {template}, step {step}{key}, triggered at {triggered_at}, judged at {}",
        decision.judged_at
    )
}

fn facts(text: &mut String, decision: &Decision) -> std::fmt::Result {
    for fact in &decision.facts {
        let event = fact.event.as_ref().map(|event| format!(" ({event})")).unwrap_or_default();
        writeln!(text, "      {}: {}{event}", fact.what, fact.value)?;
    }
    Ok(())
}

fn record(run: &Run<'_>) -> Value {
    let Run { path, test, trial } = run;
    let mut explanation = String::new();
    explain(&mut explanation, trial).expect("a text takes all that is written");
    let missing: Vec<String> = trial.missing.iter().map(ToString::to_string).collect();
    let unexpected: Vec<String> = trial.unexpected.iter().map(line).collect();
    json!({
        "file": path,
        "line": test.line,
        "rule": rule_of(path),
        "name": test.name,
        "passed": trial.is_passed(),
        "missing": missing,
        "unexpected": unexpected,
        "explanation": explanation,
    })
}
