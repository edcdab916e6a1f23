//! Caps, quiet hours, pauses and rules that are off, at the mail server's clock.
//!
//! The gate goes by the clock of its machine, and so may be wrong by as much as that was off when this very message passed
//! (and, for caps, when the end of the earlier one was written down). That much is allowed, and nothing more.

use super::Seen;
use crate::mail_server::{Accepted, Left};
use crate::project::{CAPS, QUIET};
use crate::time::MINUTE;
use outreach::ledger::fold_address;
use outreach_engine::effect::{Decision, DecisionId};
use outreach_engine::policy::quiet_hours;
use outreach_engine::{Timestamp, zone};
use std::collections::BTreeMap;

pub(super) fn check(seen: &mut Seen<'_>) {
    let mut violations = Vec::new();
    caps_are_kept(seen, &mut violations);
    nights_are_quiet(seen, &mut violations);
    nothing_leaves_that_is_held(seen, &mut violations);
    nothing_leaves_that_is_off(seen, &mut violations);
    seen.violations.extend(violations);
}

fn marketing<'a>(seen: &'a Seen<'_>) -> Vec<(&'a Accepted, &'a Decision)> {
    let decisions = seen.decisions();
    let mails = seen.world.server.accepted.iter();
    mails
        .filter_map(|mail| Some((mail, *decisions.get(&mail.decision)?)))
        .filter(|(_, decision)| !decision.is_transactional)
        .collect()
}

/// No address gets more than the caps allow.
fn caps_are_kept(seen: &Seen<'_>, violations: &mut Vec<String>) {
    let mut by_address: BTreeMap<String, Vec<&Accepted>> = BTreeMap::new();
    for (mail, _) in marketing(seen) {
        by_address.entry(fold_address(&mail.to)).or_default().push(mail);
    }
    for (address, mut mails) in by_address {
        mails.sort_by_key(|mail| mail.at);
        for (count, window) in CAPS {
            for group in mails.windows(count + 1) {
                let (first, last) = (group[0], group[count]);
                let took = last.at - first.at;
                if took < window - clocks_shorten(group, &seen.world.ends) {
                    violations.push(format!(
                        "{address} got {} mails within {} s, the last at {}",
                        count + 1,
                        took / 1_000_000,
                        Timestamp(last.at)
                    ));
                }
            }
        }
    }
}

/// A window seems over as much earlier as the gate's clock was further ahead than the one that wrote an end down: the most
/// for any two of these mails.
fn clocks_shorten(group: &[&Accepted], ends: &BTreeMap<DecisionId, Vec<Left>>) -> i64 {
    let ahead_max = group.iter().map(|mail| mail.left.ahead).max().unwrap_or(0);
    let written = group.iter().flat_map(|mail| ends.get(&mail.decision).into_iter().flatten());
    let ahead_min = written.map(|end| end.ahead).min().unwrap_or(ahead_max);
    (ahead_max - ahead_min).max(0)
}

/// Nobody's night is disturbed.
fn nights_are_quiet(seen: &Seen<'_>, violations: &mut Vec<String>) {
    for (mail, decision) in marketing(seen) {
        let (_, zone) = zone::first_known([&*decision.zone]);
        let shown = Timestamp(mail.at + mail.left.ahead);
        if quiet_hours::ends_at(QUIET, &zone, shown).is_some() {
            violations.push(format!(
                "{} arrived at {}, where its gate showed {shown}, in {}",
                mail.decision,
                Timestamp(mail.at),
                decision.zone
            ));
        }
    }
}

/// While operators hold a rule nothing of it passes the gate, and only what was leaving arrives.
fn nothing_leaves_that_is_held(seen: &Seen<'_>, violations: &mut Vec<String>) {
    let decisions = seen.decisions();
    for held in &seen.world.held {
        let is_about = |rule: &str| held.rule.is_none_or(|own| own == rule);
        for (id, rule, left) in &seen.world.passes {
            if is_about(rule) && (held.from..held.until).contains(&left.at) && left.at > held.from {
                violations.push(format!("{rule} is held, and {id} left at {}", Timestamp(left.at)));
            }
        }
        let mails = seen.world.server.accepted.iter();
        for mail in mails.filter(|mail| mail.at > held.from && mail.at < held.until) {
            let is_of_rule = decisions.get(&mail.decision).is_some_and(|decision| is_about(&decision.rule));
            let may_come = held.leaving.contains(&mail.decision) && mail.at - held.from <= MINUTE;
            if is_of_rule && !may_come {
                violations.push(format!(
                    "{:?} is held since {}, and {} arrived at {}",
                    held.rule,
                    Timestamp(held.from),
                    mail.decision,
                    Timestamp(mail.at)
                ));
            }
        }
    }
}

/// Nor of a rule that is off, from when a process runs with that release.
fn nothing_leaves_that_is_off(seen: &Seen<'_>, violations: &mut Vec<String>) {
    let decisions = seen.decisions();
    for off in &seen.world.offs {
        for (id, rule, left) in &seen.world.passes {
            if rule == off.rule && left.at > off.from && left.at < off.until {
                violations.push(format!("{rule} is off, and {id} left at {}", Timestamp(left.at)));
            }
        }
        let mails = seen.world.server.accepted.iter();
        for mail in mails.filter(|mail| mail.at > off.from + MINUTE && mail.at < off.until) {
            if decisions.get(&mail.decision).is_some_and(|decision| *decision.rule == *off.rule) {
                violations.push(format!("{} is off, and {} arrived", off.rule, mail.decision));
            }
        }
    }
}
