//! A test that did not pass, as a diff: what was expected beside what came, and why it came.

use crate::project::Expected;
use crate::replay::Trial;
use outreach_engine::Decision;
use std::fmt::Write as _;

/// Lines of `-` were expected, lines of `+` were decided; behind what was decided stand its facts. Empty for a test
/// that passed.
pub(super) fn told(trial: &Trial) -> String {
    let mut text = String::new();
    tell(&mut text, trial).expect("a text takes all that is written");
    text
}

fn tell(text: &mut String, trial: &Trial) -> std::fmt::Result {
    for expected in &trial.missing {
        writeln!(text, "  - {expected}")?;
        if let Some(differences) = nearest(trial, expected) {
            writeln!(text, "      what came nearest: {}", differences.join("; "))?;
        }
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

/// More than these, and two have nothing to do with each other.
const DIFFERENCES_MAX: usize = 2;

/// In what the decision that is most like it differs.
fn nearest(trial: &Trial, expected: &Expected) -> Option<Vec<String>> {
    let decisions = trial.unexpected.iter().chain(&trial.others);
    let differences = decisions.map(|decision| expected.differences(decision)).min_by_key(Vec::len)?;
    (1..=DIFFERENCES_MAX).contains(&differences.len()).then_some(differences)
}

pub(super) fn line(decision: &Decision) -> String {
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
