//! What arrived, and what the ledger says of it: marketing at most once, transactional at least once, in-product messages
//! kept exactly once, each in the words of its release; and after a "no" only what was leaving, within a minute.

use super::Seen;
use crate::mail_server::Accepted;
use crate::project::words;
use crate::time::{MINUTE, SECOND};
use outreach::ledger::{Ledger, LedgerEntry, MessageKey, MessageState};
use outreach_engine::Timestamp;
use outreach_engine::effect::{Channel, DecisionId, Verdict};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(seen: &mut Seen<'_>) {
    let mut violations = Vec::new();
    every_message_ended_as_the_mailboxes_say(seen, &mut violations);
    the_product_has_what_was_kept(seen, &mut violations);
    no_means_no(seen, &mut violations);
    seen.violations.extend(violations);
}

fn every_message_ended_as_the_mailboxes_say(seen: &Seen<'_>, violations: &mut Vec<String>) {
    let mut mailboxes: BTreeMap<DecisionId, Vec<&Accepted>> = BTreeMap::new();
    for mail in &seen.world.server.accepted {
        mailboxes.entry(mail.decision).or_default().push(mail);
    }
    for entry in seen.ledger.values() {
        let decision = &entry.decision;
        let mails = mailboxes.get(&decision.id).map_or(&[][..], Vec::as_slice);
        let ids: BTreeSet<&str> = mails.iter().map(|mail| mail.message_id.as_str()).collect();
        if ids.len() > 1 {
            violations.push(format!("{} has {} Message-IDs", decision.id, ids.len()));
        }
        let wanted = format!("Subject: {} ", words(&seen.releases.find(&decision.release)));
        if let Some(mail) = mails.iter().find(|mail| !mail.subject.starts_with(&wanted)) {
            violations.push(format!("{} of {} says {:?}", decision.id, decision.release, mail.subject));
        }
        let Some((state, _, reason)) = &entry.message else {
            if decision.verdict == Verdict::Send || !mails.is_empty() {
                violations.push(format!("{} has no message, and arrived {} times", decision.id, mails.len()));
            }
            continue;
        };
        if !has_ended_well(entry, *state, mails.len()) {
            violations.push(format!(
                "{} ({}, {}, transactional: {}) is {} ({reason:?}), and arrived {} times",
                decision.id,
                decision.rule,
                decision.channel.as_str(),
                decision.is_transactional,
                state.as_str(),
                mails.len()
            ));
        }
    }
    for decision in mailboxes.keys().filter(|id| !seen.ledger.values().any(|entry| entry.decision.id == **id))
    {
        violations.push(format!("{decision} arrived, and nobody decided it"));
    }
}

fn has_ended_well(entry: &LedgerEntry, state: MessageState, times: usize) -> bool {
    if entry.decision.channel == Channel::InProduct {
        // No server can be down, refuse it, or keep its answer to itself.
        let is_an_end = matches!(
            state,
            MessageState::Sent | MessageState::Cancelled | MessageState::Expired | MessageState::Skipped
        );
        return is_an_end && times == 0;
    }
    match (state, entry.decision.is_transactional) {
        (MessageState::Sent, false) => times == 1,
        (MessageState::Sent, true) => times >= 1,
        (MessageState::Unknown, false) => times <= 1,
        (
            MessageState::Failed | MessageState::Expired | MessageState::Skipped | MessageState::Cancelled,
            true,
        ) => true,
        (
            MessageState::Failed | MessageState::Cancelled | MessageState::Expired | MessageState::Skipped,
            false,
        ) => times == 0,
        (MessageState::Unknown, true)
        | (MessageState::Queued | MessageState::Held | MessageState::Leaving, _) => false,
    }
}

/// What is sent is kept, in the words of its release; of what was taken back, expired or skipped nothing is.
fn the_product_has_what_was_kept(seen: &Seen<'_>, violations: &mut Vec<String>) {
    for entry in seen.ledger.values().filter(|entry| entry.decision.channel == Channel::InProduct) {
        let (decision, Some((state, _, _))) = (&entry.decision, &entry.message) else { continue };
        let key = MessageKey { judged_at: decision.judged_at, id: decision.id };
        let kept = seen.world.durable.ledger.transaction(|transaction| transaction.kept(key));
        let kept = kept.expect("the real ledger stands");
        let title = kept.as_deref().map(|kept| {
            let kept: serde_json::Value = serde_json::from_str(kept).unwrap_or_default();
            kept["title"].as_str().unwrap_or_default().to_owned()
        });
        let wanted = words(&seen.releases.find(&decision.release));
        let is_right = match (&title, *state == MessageState::Sent) {
            (Some(title), true) => title.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(' ')),
            (None, false) => true,
            (Some(_), false) | (None, true) => false,
        };
        if !is_right {
            violations.push(format!("{} is {}, and is kept as {title:?}", decision.id, state.as_str()));
        }
    }
}

/// After a "no" arrives only what was leaving then, and within a minute.
fn no_means_no(seen: &Seen<'_>, violations: &mut Vec<String>) {
    let decisions = seen.decisions();
    for no in seen.world.nos.lock().expect("no panic while held").iter() {
        for mail in seen.world.server.accepted.iter().filter(|mail| mail.at > no.at) {
            let Some(decision) = decisions.get(&mail.decision) else { continue };
            if !no.is_about(&mail.to, decision.topic.as_deref(), decision.is_transactional) {
                continue;
            }
            let after = mail.at - no.at;
            let was_leaving = no.leaving.contains(&mail.decision);
            if !was_leaving || after > MINUTE {
                violations.push(format!(
                    "{} said no at {}, and {} arrived {} s later (was leaving: {was_leaving})",
                    no.user,
                    Timestamp(no.at),
                    mail.decision,
                    after / SECOND
                ));
            }
        }
    }
}
