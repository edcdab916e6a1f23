//! What must be true of a run when it is over.

use crate::log::Role;
use crate::project::{CAPS, QUIET, first_steps};
use crate::source::SOURCE;
use crate::time::{MINUTE, SECOND};
use crate::world::{PARTITIONS, World};
use outreach::ledger::{Ledger, LedgerEntry, MessageState, fold_address};
use outreach::log::Frame;
use outreach_engine::effect::{Decision, DecisionId, Effect, Verdict};
use outreach_engine::event::{Body, Subject};
use outreach_engine::policy::quiet_hours;
use outreach_engine::{Shard, Timestamp, apply, zone};
use std::collections::{BTreeMap, BTreeSet};

/// What stands for an entry: rule, user, key, due_at.
pub type EntryRow = (String, String, String, Timestamp);

/// How a run ended.
pub struct Findings {
    pub entries: BTreeSet<EntryRow>,
    pub decisions: usize,
    pub accepted: usize,
    pub violations: Vec<String>,
}

/// Everything that is asked of a run by itself.
pub fn check(world: &mut World) -> Findings {
    let mut found = Findings {
        entries: BTreeSet::new(),
        decisions: 0,
        accepted: world.server.accepted.len(),
        violations: std::mem::take(&mut world.violations),
    };
    if !found.violations.is_empty() {
        return found;
    }
    let ledger = ledger_entries(world);
    found.decisions = ledger.len();
    decisions_are_those_of_one_run(world, &ledger, &mut found.violations);
    every_message_ended_as_the_mailboxes_say(world, &ledger, &mut found.violations);
    no_means_no(world, &ledger, &mut found.violations);
    caps_are_kept(world, &ledger, &mut found.violations);
    nights_are_quiet(world, &ledger, &mut found.violations);
    nothing_that_came_in_is_lost(world, &mut found.violations);
    ticks_are_true(world, &mut found.violations);
    only_their_own_kinds(world, &mut found.violations);
    found.entries = entries(world, &ledger);
    for entry in ledger.values() {
        world.trace.bytes(format!("{entry:?}").as_bytes());
    }
    found
}

type Rows = BTreeMap<(Timestamp, DecisionId), LedgerEntry>;

fn ledger_entries(world: &World) -> Rows {
    let users: BTreeSet<&str> = world.workload.users.iter().map(String::as_str).chain(["user-0"]).collect();
    let read = world.durable.ledger.transaction(|transaction| {
        let mut rows = Rows::new();
        for user in users {
            for entry in transaction.entries(&format!("user:{user}"), u32::MAX >> 1)? {
                rows.insert((entry.decision.judged_at, entry.decision.id), entry);
            }
        }
        Ok(rows)
    });
    read.expect("the real ledger stands")
}

/// The log that the run left, through the engine without a stop: its decisions are the ledger's.
fn decisions_are_those_of_one_run(world: &mut World, ledger: &Rows, violations: &mut Vec<String>) {
    let release = world.durable.release.clone();
    // The engine that it is held against is sound, whatever is planted.
    #[cfg(feature = "planted-bugs")]
    outreach_engine::planted::plant(None);
    let mut decided: BTreeMap<(Timestamp, DecisionId), Decision> = BTreeMap::new();
    let mut outcomes = BTreeSet::new();
    let disk = world.durable.log.disk.lock().expect("no panic while held");
    for entries in &disk.partitions {
        let mut shard = Shard::new();
        for entry in entries {
            let frame = Frame::decode(&entry.frame).expect("the log holds whole frames");
            for record in frame.records(entry.offset, entry.appended_at) {
                let record = record.expect("the log holds whole records");
                if let Body::Outcome(outcome) = &record.body {
                    outcomes.insert((outcome.decision, outcome.kind.as_str()));
                }
                for effect in apply(&release, &mut shard, &record) {
                    if let Effect::Decide(decision) = effect {
                        decided.insert((decision.judged_at, decision.id), *decision);
                    }
                }
            }
            world.trace.bytes(&entry.frame);
        }
        nothing_is_left(world.workload.users.iter(), &shard, violations);
        world.trace.bytes(&shard.to_bytes());
    }
    for (key, decision) in &decided {
        match ledger.get(key) {
            None => {
                violations.push(format!("the engine decides {decision:?}, and the ledger does not have it"))
            }
            Some(entry) if entry.decision != *decision => violations
                .push(format!("the engine decides {decision:?}, and the ledger has {:?}", entry.decision)),
            Some(_) => {}
        }
    }
    for (key, entry) in ledger {
        if !decided.contains_key(key) {
            violations
                .push(format!("the ledger has {:?}, and the engine does not decide it", entry.decision));
        }
        if let Some((state, _, _)) = &entry.message
            && !outcomes.contains(&(entry.decision.id, state.as_str()))
        {
            violations.push(format!(
                "message {} is {}, and the log has no outcome that says so",
                entry.decision.id,
                state.as_str()
            ));
        }
    }
}

/// Days after the last event nobody waits for anything.
fn nothing_is_left<'a>(users: impl Iterator<Item = &'a String>, shard: &Shard, violations: &mut Vec<String>) {
    for user in users {
        let Some(person) = shard.person(Subject::user(user)) else { continue };
        if !person.journeys.is_empty() || person.messages.iter().any(|message| message.is_in_flight) {
            violations.push(format!("{user} still waits: {:?} {:?}", person.journeys, person.messages));
        }
    }
}

/// Marketing at most once, transactional at least once, and the ledger knows.
fn every_message_ended_as_the_mailboxes_say(world: &World, ledger: &Rows, violations: &mut Vec<String>) {
    let mut mailboxes: BTreeMap<DecisionId, Vec<&str>> = BTreeMap::new();
    for mail in &world.server.accepted {
        mailboxes.entry(mail.decision).or_default().push(&mail.message_id);
    }
    for entry in ledger.values() {
        let decision = &entry.decision;
        let times = mailboxes.get(&decision.id).map_or(0, Vec::len);
        let ids: BTreeSet<&&str> = mailboxes.get(&decision.id).into_iter().flatten().collect();
        if ids.len() > 1 {
            violations.push(format!("{} has {} Message-IDs", decision.id, ids.len()));
        }
        let Some((state, _, reason)) = &entry.message else {
            if decision.verdict == Verdict::Send || times > 0 {
                violations.push(format!("{} has no message, and arrived {times} times", decision.id));
            }
            continue;
        };
        let is_right = match (state, decision.is_transactional) {
            (MessageState::Sent, false) => times == 1,
            (MessageState::Sent, true) => times >= 1,
            (MessageState::Unknown, false) => times <= 1,
            (MessageState::Failed | MessageState::Expired | MessageState::Skipped, true) => true,
            (MessageState::Cancelled, true) => true,
            (
                MessageState::Failed
                | MessageState::Cancelled
                | MessageState::Expired
                | MessageState::Skipped,
                false,
            ) => times == 0,
            (MessageState::Unknown, true)
            | (MessageState::Queued | MessageState::Held | MessageState::Leaving, _) => false,
        };
        if !is_right {
            violations.push(format!(
                "{} ({}, transactional: {}) is {} ({reason:?}), and arrived {times} times",
                decision.id,
                decision.rule,
                decision.is_transactional,
                state.as_str()
            ));
        }
    }
    for decision in mailboxes.keys().filter(|id| !ledger.values().any(|entry| entry.decision.id == **id)) {
        violations.push(format!("{decision} arrived, and nobody decided it"));
    }
}

/// After a "no" arrives only what was leaving then, and within a minute.
fn no_means_no(world: &World, ledger: &Rows, violations: &mut Vec<String>) {
    let decisions: BTreeMap<DecisionId, &Decision> =
        ledger.values().map(|entry| (entry.decision.id, &entry.decision)).collect();
    for no in world.nos.lock().expect("no panic while held").iter() {
        for mail in world.server.accepted.iter().filter(|mail| mail.at > no.at) {
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

fn marketing<'a>(
    world: &'a World,
    ledger: &'a Rows,
) -> Vec<(&'a crate::mail_server::Accepted, &'a Decision)> {
    let decisions: BTreeMap<DecisionId, &Decision> =
        ledger.values().map(|entry| (entry.decision.id, &entry.decision)).collect();
    let mails = world.server.accepted.iter();
    mails
        .filter_map(|mail| Some((mail, *decisions.get(&mail.decision)?)))
        .filter(|(_, decision)| !decision.is_transactional)
        .collect()
}

/// No address gets more than the caps allow, as far as the machines' clocks are right.
fn caps_are_kept(world: &World, ledger: &Rows, violations: &mut Vec<String>) {
    let mut by_address: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (mail, _) in marketing(world, ledger) {
        by_address.entry(fold_address(&mail.to)).or_default().push(mail.at);
    }
    for (address, mut times) in by_address {
        times.sort_unstable();
        for (count, window) in CAPS {
            for pair in times.windows(count + 1) {
                let took = pair[count] - pair[0];
                if took < window - 2 * world.plan.ahead_max {
                    violations.push(format!(
                        "{address} got {} mails within {} minutes, the last at {}",
                        count + 1,
                        took / MINUTE,
                        Timestamp(pair[count])
                    ));
                }
            }
        }
    }
}

/// Nobody's night is disturbed, as far as the machines' clocks are right.
fn nights_are_quiet(world: &World, ledger: &Rows, violations: &mut Vec<String>) {
    let off = world.plan.ahead_max;
    for (mail, decision) in marketing(world, ledger) {
        let (_, zone) = zone::first_known([&*decision.zone]);
        let is_quiet = |at: i64| quiet_hours::ends_at(QUIET, &zone, Timestamp(at)).is_some();
        if is_quiet(mail.at) && is_quiet(mail.at - off) && is_quiet(mail.at + off) {
            violations.push(format!(
                "{} arrived at {} in {}",
                mail.decision,
                Timestamp(mail.at),
                decision.zone
            ));
        }
    }
}

/// What a topic holds, and what a client was told is kept, stands in the log or with the dead letters.
fn nothing_that_came_in_is_lost(world: &World, violations: &mut Vec<String>) {
    let mut offsets = BTreeSet::new();
    let mut posted = 0;
    let mut ids = BTreeSet::new();
    each_record(world, |_, _, _, body| {
        if let Body::Event(event) = body {
            match event.origin {
                Some(origin) => {
                    assert_eq!(origin.source, SOURCE);
                    offsets.insert(origin.offset as usize);
                }
                None => posted += usize::from(ids.insert(event.message_id.to_string())),
            }
        }
    });
    let letters = world.durable.ledger.transaction(|transaction| transaction.dead_letters(0, u32::MAX >> 1));
    for letter in letters.expect("the real ledger stands") {
        match letter.origin {
            Some((_, _, offset)) => drop(offsets.insert(offset as usize)),
            // Posts of the same bytes are one letter, which says how often it came.
            None => posted += letter.count as usize,
        }
    }
    let missing: Vec<usize> =
        (0..world.durable.topic.records.len()).filter(|offset| !offsets.contains(offset)).collect();
    if !missing.is_empty() {
        violations.push(format!("offsets {missing:?} of the topic were lost"));
    }
    let kept = world.posted.values().filter(|posted| posted.is_kept).count();
    if kept < world.posted.len() {
        violations.push(format!("{} posts were never answered", world.posted.len() - kept));
    }
    if posted < kept {
        violations.push(format!("{kept} posts were said to be kept, and {posted} are there"));
    }
}

/// A tick says that all that a source had by its time stands before it.
fn ticks_are_true(world: &World, violations: &mut Vec<String>) {
    let records = &world.durable.topic.records;
    let mut first: BTreeMap<usize, (u32, usize)> = BTreeMap::new();
    let mut ticks: Vec<(u32, usize, i64)> = Vec::new();
    each_record(world, |partition, place, appended_at, body| match body {
        Body::Event(event) => {
            if let Some(origin) = event.origin {
                first.entry(origin.offset as usize).or_insert((partition, place));
            }
        }
        Body::Tick { at, .. } => ticks.push((partition, place, at.0.min(appended_at.0))),
        Body::Outcome(_) | Body::Consent(_) | Body::Release { .. } => {}
    });
    for (partition, place, at) in ticks {
        let known =
            records.partition_point(|(there_at, _)| *there_at < at.saturating_sub(world.plan.ahead_max));
        let behind = first.range(..known).find(|(_, (of, stands))| *of == partition && *stands > place);
        if let Some((offset, _)) = behind {
            violations.push(format!(
                "a tick of partition {partition} says {}, and offset {offset} of {} comes after it",
                Timestamp(at),
                Timestamp(records[*offset].0)
            ));
            return;
        }
    }
}

/// Who comes in by a door leaves events and nothing else; each role writes its own kinds.
fn only_their_own_kinds(world: &World, violations: &mut Vec<String>) {
    let disk = world.durable.log.disk.lock().expect("no panic while held");
    for (entries, authors) in disk.partitions.iter().zip(&disk.authors) {
        for (entry, authors) in entries.iter().zip(authors) {
            let frame = Frame::decode(&entry.frame).expect("the log holds whole frames");
            let mut roles = authors.iter().flat_map(|(role, count)| (0..*count).map(move |_| *role));
            for record in frame.records(entry.offset, entry.appended_at) {
                let record = record.expect("the log holds whole records");
                let role = roles.next();
                let is_own = match record.body {
                    Body::Event(_) => role == Some(Role::Door),
                    Body::Outcome(_) | Body::Consent(_) => role == Some(Role::Outbox),
                    Body::Tick { .. } => role == Some(Role::Worker),
                    Body::Release { .. } => role == Some(Role::Operator),
                };
                if !is_own {
                    violations.push(format!("{role:?} wrote {:?}", record.body));
                }
            }
        }
    }
}

fn each_record(world: &World, mut see: impl FnMut(u32, usize, Timestamp, &Body<'_>)) {
    let disk = world.durable.log.disk.lock().expect("no panic while held");
    for partition in 0..PARTITIONS {
        let mut place = 0;
        for entry in &disk.partitions[partition as usize] {
            let frame = Frame::decode(&entry.frame).expect("the log holds whole frames");
            for record in frame.records(entry.offset, entry.appended_at) {
                let record = record.expect("the log holds whole records");
                see(partition, place, record.appended_at, &record.body);
                place += 1;
            }
        }
    }
}

/// Entries by the row of their first step. With a clock that is hours off, what comes by HTTP may carry its time.
fn entries(world: &World, ledger: &Rows) -> BTreeSet<EntryRow> {
    let first = first_steps(&world.durable.release);
    ledger
        .values()
        .map(|entry| &entry.decision)
        .filter(|decision| first.get(&decision.rule) == Some(&decision.step))
        .map(|decision| {
            (
                decision.rule.to_string(),
                decision.subject.to_string(),
                decision.key.to_string(),
                decision.due_at,
            )
        })
        .collect()
}
