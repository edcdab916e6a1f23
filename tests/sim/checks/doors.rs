//! What came in: nothing is lost, times are what senders claimed or what the door saw, ticks are true, and nobody writes
//! records that are not theirs to write.

use super::Seen;
use crate::log::Role;
use crate::people::What;
use crate::source;
use outreach::ledger::Ledger;
use outreach_engine::Timestamp;
use outreach_engine::event::{Body, Envelope};
use std::collections::{BTreeMap, BTreeSet};

/// Checks, and says of whom events were taken for ones of now.
pub(super) fn check(seen: &mut Seen<'_>) -> BTreeSet<String> {
    let mut violations = Vec::new();
    nothing_that_came_in_is_lost(seen, &mut violations);
    ticks_are_true(seen, &mut violations);
    only_their_own_kinds(seen, &mut violations);
    let clipped = times_are_claimed_or_seen(seen, &mut violations);
    seen.violations.extend(violations);
    clipped
}

/// What a topic holds, and what a client was told is kept, stands in the log or with the dead letters.
fn nothing_that_came_in_is_lost(seen: &Seen<'_>, violations: &mut Vec<String>) {
    let world = seen.world;
    let (mut offsets, mut posted, mut ids) = (BTreeSet::new(), 0, BTreeSet::new());
    seen.each_event(|event| match event.origin {
        Some(origin) => {
            assert_eq!(origin.source, source::number());
            offsets.insert(origin.offset as usize);
        }
        None => posted += usize::from(ids.insert(event.message_id.to_string())),
    });
    let letters = world.durable.ledger.transaction(|transaction| transaction.dead_letters(0, u32::MAX >> 1));
    for letter in letters.expect("the real ledger stands") {
        match letter.origin {
            Some((_, _, offset)) => drop(offsets.insert(offset as usize)),
            None => posted += 1,
        }
    }
    let missing: Vec<usize> =
        (0..world.durable.topic.records.len()).filter(|offset| !offsets.contains(offset)).collect();
    if !missing.is_empty() {
        violations.push(format!("offsets {missing:?} of the topic were lost"));
    }
    let kept = world.posted.values().filter(|posted| posted.is_kept).count();
    let payload = |number: &usize| match &world.workload.deeds[*number].what {
        What::Post(payload) => Some(payload),
        What::Source(_) | What::Unsubscribe { .. } | What::Complain { .. } => None,
    };
    if kept < world.posted.len() {
        violations.push(format!("{} posts were never answered", world.posted.len() - kept));
    }
    // What is unusable is kept once, however often it comes.
    let kept = world.posted.keys().filter_map(payload).collect::<BTreeSet<_>>().len();
    if posted < kept {
        violations.push(format!("{kept} posts were said to be kept, and {posted} are there"));
    }
}

/// An event happened when its sender says; one of the future, by the door's clock, happens when it comes.
fn times_are_claimed_or_seen(seen: &Seen<'_>, violations: &mut Vec<String>) -> BTreeSet<String> {
    let mut claimed = BTreeMap::new();
    for deed in &seen.world.workload.deeds {
        let (What::Source(payload) | What::Post(payload)) = &deed.what else { continue };
        let Ok(envelope) = Envelope::parse(payload) else { continue };
        if let (Some(id), Some(at)) = (envelope.message_id, envelope.timestamp) {
            claimed.insert(id.to_string(), at);
        }
    }
    let mut clipped = BTreeSet::new();
    seen.each_event(|event| {
        let Some(claimed) = claimed.get(&*event.message_id) else {
            return violations.push(format!("nobody sent {}", event.message_id));
        };
        if event.occurred_at != (*claimed).min(event.received_at) {
            violations.push(format!("{} happened at {claimed}, not {}", event.message_id, event.occurred_at));
        }
        if event.occurred_at < *claimed {
            clipped.insert(event.subject.to_string());
        }
    });
    clipped
}

/// A tick says that all that a source had by its time stands before it, as far as its writer's clock was right.
fn ticks_are_true(seen: &Seen<'_>, violations: &mut Vec<String>) {
    let records = &seen.world.durable.topic.records;
    let mut first: BTreeMap<usize, (u32, usize)> = BTreeMap::new();
    let mut ticks: Vec<(u32, usize, i64)> = Vec::new();
    seen.each_record(|partition, place, author, record| match &record.body {
        Body::Event(event) => {
            if let Some(origin) = event.origin {
                first.entry(origin.offset as usize).or_insert((partition, place));
            }
        }
        Body::Tick { at, .. } => {
            ticks.push((partition, place, (at.0 - author.ahead_max).min(record.appended_at.0)));
        }
        Body::Outcome(_) | Body::Consent(_) | Body::Release { .. } => {}
    });
    for (partition, place, at) in ticks {
        let known = records.partition_point(|(there_at, _)| *there_at < at);
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
fn only_their_own_kinds(seen: &Seen<'_>, violations: &mut Vec<String>) {
    seen.each_record(|_, _, author, record| {
        let is_own = match record.body {
            Body::Event(_) => author.role == Role::Door,
            Body::Outcome(_) | Body::Consent(_) => author.role == Role::Outbox,
            Body::Tick { .. } => author.role == Role::Worker,
            Body::Release { .. } => author.role == Role::Operator,
        };
        if !is_own {
            violations.push(format!("{:?} wrote {:?}", author.role, record.body));
        }
    });
}
