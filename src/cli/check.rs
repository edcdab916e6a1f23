//! `outreach check`: all problems of the project at once.

#[cfg(test)]
mod mistake_tests;
#[cfg(test)]
mod page_tests;

use super::diagnostics::{self, Count};
use super::{AnyFormat, End};
use crate::app::sources;
use crate::project::{Environment, Evidence, Project, Reading};
use crate::replay;
use anyhow::Context;
use outreach_engine::event::Event;
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// What `check` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Warnings count as findings.
    #[arg(long)]
    deny_warnings: bool,
    /// Hold rules and templates against real events, as `replay` reads them: names, values and types never seen.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    against: Vec<PathBuf>,
}

/// Findings go to stdout, they are what was asked for; the sum of them to stderr.
pub(super) fn run(dir: &Path, format: AnyFormat, options: &Options) -> anyhow::Result<End> {
    anyhow::ensure!(dir.is_dir(), "expected a project's folder, found none at {}", dir.display());
    let reading = read(dir, &Environment::of_process(), &options.against)?;
    let count = Count::of(&reading.problems);
    let mut out = std::io::stdout().lock();
    let written = match format {
        AnyFormat::Text | AnyFormat::Junit => {
            let is_plain = !out.is_terminal() || std::env::var_os("NO_COLOR").is_some();
            out.write_all(text(&reading, is_plain).as_bytes())
        }
        AnyFormat::Json => out.write_all(json(&reading)?.as_bytes()),
        AnyFormat::Github => out.write_all(diagnostics::github::commands(&reading, dir).as_bytes()),
        AnyFormat::Sarif => out.write_all(diagnostics::sarif::log(&reading, dir)?.as_bytes()),
    };
    written.and_then(|()| out.flush()).context("the findings cannot be written to stdout")?;
    eprintln!("{}", summary(&reading, count));
    let has_findings = count.errors > 0 || (options.deny_warnings && count.warnings > 0);
    Ok(if has_findings { End::Findings } else { End::Ok })
}

/// All that can be known of a folder, held against the events of these files.
fn read(dir: &Path, environment: &Environment, against: &[PathBuf]) -> anyhow::Result<Reading> {
    let mut reading = Project::read(dir, environment);
    sources::check(&mut reading);
    if against.is_empty() {
        return Ok(reading);
    }
    let (mut evidence, mut events, mut rejected) = (Evidence::default(), 0u64, 0u64);
    for file in against {
        let mut see = |event: Option<&Event<'_>>| match event {
            Some(event) => {
                events += 1;
                evidence.see(event);
            }
            None => rejected += 1,
        };
        replay::each_event(file, &mut see).with_context(|| format!("{} cannot be read", file.display()))?;
    }
    anyhow::ensure!(
        events > 0,
        "expected events in the files of --against, found none ({rejected} lines were no events)"
    );
    if rejected > 0 {
        eprintln!("{rejected} lines of --against were no events, and are left out");
    }
    reading.hold_against(&evidence);
    Ok(reading)
}

/// Each problem with its source, then the steps that pass caps and opt-outs: the operator should know them.
fn text(reading: &Reading, is_plain: bool) -> String {
    let mut text: String =
        reading.problems.iter().map(|problem| diagnostics::draw(problem, &reading.texts, is_plain)).collect();
    for step in transactional_steps(reading) {
        text.push_str(&format!("transactional: rule {}, step {}\n", step.rule, step.step));
    }
    text
}

/// One JSON object: `problems` and `transactional`. `run` answers with it, too, where it starts nothing.
pub(super) fn json(reading: &Reading) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct Report<'r> {
        problems: Vec<diagnostics::Record<'r>>,
        transactional: Vec<TransactionalStep<'r>>,
    }
    let problems =
        reading.problems.iter().map(|problem| diagnostics::record(problem, &reading.texts)).collect();
    let report = Report { problems, transactional: transactional_steps(reading) };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

#[derive(Serialize)]
struct TransactionalStep<'r> {
    rule: &'r str,
    step: &'r str,
}

fn transactional_steps(reading: &Reading) -> Vec<TransactionalStep<'_>> {
    let rules = reading.project.iter().flat_map(|project| &project.release.rules);
    rules
        .flat_map(|rule| {
            rule.transactional_steps().map(move |step| TransactionalStep { rule: &rule.id, step: &step.name })
        })
        .collect()
}

/// `2 errors, 1 warning in 4 rules`.
fn summary(reading: &Reading, count: Count) -> String {
    let rules = reading
        .texts
        .keys()
        .filter(|path| path.starts_with("rules/") && !path.ends_with(".test.toml"))
        .count();
    let many = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    format!("{}, {} in {}", many(count.errors, "error"), many(count.warnings, "warning"), many(rules, "rule"))
}
