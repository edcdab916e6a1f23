//! Lengths that do not go together: what expires in the quiet hours, a goal that is over before the last message, a rule
//! that nothing bounds.

use super::Checked;
use crate::project::cross_check::is_capped;
use crate::project::rule_text::{RuleText, StepText, StepTextKind};
use outreach_engine::Length;
use outreach_engine::effect::Channel;
use outreach_engine::release::QuietHours;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Place, Problems};

const DAY_MINUTES: i64 = 24 * 60;

pub(super) fn check(problems: &mut Problems, rule: &RuleText, checked: &Checked<'_>) {
    if let Some(quiet) = checked.settings.and_then(|settings| settings.quiet_hours) {
        late_in_quiet_hours(problems, rule, quiet);
    }
    goal_before_last_message(problems, rule);
    if checked.settings.is_some_and(|settings| !is_capped(settings, Channel::Email)) {
        no_limit(problems, rule);
    }
}

/// What comes due as the quiet hours begin is judged again at their end: then it is too late, every day.
fn late_in_quiet_hours(problems: &mut Problems, rule: &RuleText, quiet: QuietHours) {
    let minutes = (i64::from(quiet.until) - i64::from(quiet.from)).rem_euclid(DAY_MINUTES);
    let night = Length::minutes(minutes);
    let mut told = Vec::new();
    for message in rule.messages().into_iter().filter(|message| !message.is_transactional) {
        let Some((length, span)) = message.expires.as_ref().or(rule.limits.late.as_ref()) else { continue };
        if *length >= night || told.contains(span) {
            continue;
        }
        told.push(span.clone());
        let place = Place { file: &rule.path, span: span.clone() };
        let text = format!(
            "the quiet hours last {night}, and this message only {length}: what comes due as they begin is never sent"
        );
        problems
            .warn(Code::LateInQuietHours, &place, text)
            .with_help(format!("say {night} or more, as the expires of the step or the late of [limits]"));
    }
}

/// A goal counts from the entry; a message after it cannot help to reach it.
fn goal_before_last_message(problems: &mut Problems, rule: &RuleText) {
    let Some((within, span)) = rule.goal.as_ref().and_then(|goal| goal.within.as_ref()) else { return };
    let Some(last) = before_last_message(&rule.steps) else { return };
    if last > *within {
        let place = Place { file: &rule.path, span: span.clone() };
        let text =
            format!("the goal is counted for {within} from the entry, and a message comes {last} after it");
        problems
            .warn(Code::GoalBeforeLastStep, &place, text)
            .with_help(format!("say a `within` longer than {last}, or shorten the waits"));
    }
}

/// All waits before the last message of the outermost list: those of branches are not everybody's.
fn before_last_message(steps: &[StepText]) -> Option<Length> {
    let (mut waited, mut last) = (Length::ZERO, None);
    for step in steps {
        match &step.kind {
            StepTextKind::Message(_) => last = Some(waited),
            StepTextKind::Wait(Some(length)) => waited = Length(waited.0.saturating_add(length.0)),
            StepTextKind::Wait(None)
            | StepTextKind::WaitUntil { .. }
            | StepTextKind::If(_)
            | StepTextKind::Split
            | StepTextKind::Set(_)
            | StepTextKind::Exit
            | StepTextKind::Other => {}
        }
    }
    last
}

/// Every time, and no cap: a product that says an event a thousand times sends a thousand mails.
fn no_limit(problems: &mut Problems, rule: &RuleText) {
    let Some(span) = &rule.limits.once_per_always else { return };
    let messages = rule.messages();
    let mail = messages.iter().find(|message| message.channel == Channel::Email && !message.is_transactional);
    if mail.is_some() {
        let place = Place { file: &rule.path, span: span.clone() };
        let text =
            "this rule mails every time, and no cap counts mail: nothing bounds how many a person gets";
        let help = "say a once_per such as \"7 days\", or [caps] email = [\"1 per day\"] in outreach.toml";
        problems.warn(Code::NoLimit, &place, text).with_help(help);
    }
}
