//! `outreach test`: the rule tests, and for each surprise what was decided and why.

mod cover;
mod junit;
mod mutate;
mod surprise;
mod watch;

use super::{AnyFormat, End, diagnostics};
use crate::project::{Environment, Project, RuleTest};
use crate::replay::{Trial, Workshop};
use anyhow::Context;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What `test` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only tests whose rule or name contains this; letters' case does not matter.
    filter: Option<String>,
    /// That there are no tests is fine.
    #[arg(long)]
    allow_none: bool,
    /// Also write the results as JUnit's XML into a file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run again whenever a file of the project changes, what the change concerns.
    #[arg(long, conflicts_with_all = ["junit", "mutate"])]
    watch: bool,
    /// Tell what no test has shown: steps, branches, conditions true and false, reasons.
    #[arg(long, conflicts_with_all = ["filter", "junit", "mutate", "watch"])]
    coverage: bool,
    /// Change the rules one thing at a time, and tell which changes no test notices [default: all rules].
    #[arg(long, value_name = "RULE", num_args = 0.., conflicts_with_all = ["filter", "junit"])]
    mutate: Option<Vec<String>>,
    /// End with 1 if fewer of a hundred mutants are noticed.
    #[arg(long, value_name = "PERCENT", requires = "mutate", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_score: Option<u8>,
}

/// A test that was run.
struct Run<'p> {
    path: &'p str,
    test: &'p RuleTest,
    trial: Trial,
    took: Duration,
}

/// Which test passed goes to stdout, with a diff for those that did not; the sum of them to stderr.
pub(super) fn run(dir: &Path, format: AnyFormat, options: &Options) -> anyhow::Result<End> {
    if options.watch {
        return watch::run(dir, format, options);
    }
    let Some(project) = read(dir)? else { return Ok(End::Findings) };
    match &options.mutate {
        None if options.coverage => cover::run(&project, format),
        Some(rules) => mutate::run(&project, format, rules, options.min_score),
        None => run_once(&project, format, options, &|_| true),
    }
}

/// The project, if its tests can be run; else its problems are told.
fn read(dir: &Path) -> anyhow::Result<Option<Project>> {
    let reading = Project::read(dir, &Environment::of_process());
    let errors: Vec<_> = reading.errors_for_tests().collect();
    if !errors.is_empty() {
        for problem in errors {
            eprint!("{}", diagnostics::draw(problem, &reading.texts, true));
        }
        return Ok(None);
    }
    Ok(Some(reading.project.context("the project cannot be read")?))
}

/// Runs the tests of the rules that `concerns` names, by the path of their file.
fn run_once(
    project: &Project,
    format: AnyFormat,
    options: &Options,
    concerns: &dyn Fn(&str) -> bool,
) -> anyhow::Result<End> {
    let runs = run_all(project, options.filter.as_deref(), concerns)?;
    if let Some(path) = &options.junit {
        std::fs::write(path, junit::document(&runs))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let text = match format {
        AnyFormat::Json => serde_json::to_string_pretty(&runs.iter().map(record).collect::<Vec<_>>())? + "\n",
        AnyFormat::Junit => junit::document(&runs),
        AnyFormat::Text | AnyFormat::Github | AnyFormat::Sarif => runs.iter().map(text).collect(),
    };
    print(&text)?;
    if runs.is_empty() {
        eprintln!("no tests{}", if options.filter.is_some() { " of that name" } else { " in rules/" });
        return Ok(if options.allow_none { End::Ok } else { End::Findings });
    }
    let failed = runs.iter().filter(|run| !run.trial.is_passed()).count();
    eprintln!("{} passed, {failed} failed", runs.len() - failed);
    Ok(if failed == 0 { End::Ok } else { End::Findings })
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.context("the results cannot be written to stdout")
}

fn run_all<'p>(
    project: &'p Project,
    filter: Option<&str>,
    concerns: &dyn Fn(&str) -> bool,
) -> anyhow::Result<Vec<Run<'p>>> {
    let filter = filter.unwrap_or_default().to_lowercase();
    let workshop = Workshop::new(&project.release);
    let mut runs = Vec::new();
    for (path, tests) in project.tests.iter().filter(|(path, _)| concerns(path)) {
        let rule = rule_of(path);
        let is_wanted =
            |test: &&RuleTest| rule.contains(&filter) || test.name.to_lowercase().contains(&filter);
        let bench = workshop.bench(rule).with_context(|| format!("{path} is of no rule"))?;
        for test in tests.iter().filter(is_wanted) {
            let began = Instant::now();
            let trial = bench.run(test).with_context(|| format!("{path}:{}", test.line))?;
            runs.push(Run { path, test, trial, took: began.elapsed() });
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
    let Run { path, test, trial, .. } = run;
    if trial.is_passed() {
        return format!("ok    {}: {}\n", rule_of(path), test.name);
    }
    let surprise = surprise::told(trial);
    format!("FAIL  {}: {} ({path}:{})\n{surprise}", rule_of(path), test.name, test.line)
}

fn record(run: &Run<'_>) -> Value {
    let Run { path, test, trial, .. } = run;
    let missing: Vec<String> = trial.missing.iter().map(ToString::to_string).collect();
    let unexpected: Vec<String> = trial.unexpected.iter().map(surprise::line).collect();
    json!({
        "file": path,
        "line": test.line,
        "rule": rule_of(path),
        "name": test.name,
        "passed": trial.is_passed(),
        "missing": missing,
        "unexpected": unexpected,
        "explanation": surprise::told(trial),
    })
}
