//! The log that the run left, through the engine without a stop: its decisions are the ledger's, what it took back did not
//! leave, and releases hold for those whom they are for.

use super::Seen;
use crate::project::set_off_by_one_event;
use crate::world::PARTITIONS;
use outreach::ledger::MessageState;
use outreach::log::Frame;
use outreach_engine::effect::{Cancel, Channel, Decision, DecisionId, Effect, Verdict};
use outreach_engine::event::{Body, Subject};
use outreach_engine::{Release, Shard, Timestamp, apply};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What one uninterrupted run says.
#[derive(Default)]
struct Replayed {
    decided: BTreeMap<(Timestamp, DecisionId), Decision>,
    /// With the partition and the offset of the tick that took it back.
    cancelled: Vec<(u32, u64, Cancel)>,
    outcomes: BTreeMap<DecisionId, BTreeSet<&'static str>>,
    /// The release in force where each message id is first read.
    in_force: BTreeMap<String, Arc<str>>,
    /// Rules that send though they are off there.
    off: Vec<String>,
    /// The log and what is made of it: part of the run's bytes.
    bytes: Vec<Vec<u8>>,
}

/// Checks, and gives the bytes that two runs of a seed must have alike.
pub(super) fn check(seen: &mut Seen<'_>) -> Vec<Vec<u8>> {
    let mut replayed = Replayed::default();
    let mut violations = Vec::new();
    for partition in 0..PARTITIONS {
        replay(seen, partition, &mut replayed, &mut violations);
    }
    the_ledger_has_what_was_decided(seen, &replayed, &mut violations);
    what_was_taken_back_did_not_leave(seen, &replayed, &mut violations);
    who_is_inside_goes_by_the_release_of_their_entry(seen, &replayed, &mut violations);
    violations.extend(replayed.off);
    seen.violations.extend(violations);
    replayed.bytes
}

fn replay(seen: &Seen<'_>, partition: u32, into: &mut Replayed, violations: &mut Vec<String>) {
    let disk = seen.world.durable.log.disk.lock().expect("no panic while held");
    let (mut shard, mut release) = (Shard::new(), None::<Arc<Release>>);
    for entry in &disk.partitions[partition as usize] {
        let frame = Frame::decode(&entry.frame).expect("the log holds whole frames");
        for record in frame.records(entry.offset, entry.appended_at) {
            let record = record.expect("the log holds whole records");
            match &record.body {
                Body::Release { id } => release = Some(seen.releases.find(id)),
                Body::Outcome(outcome) => {
                    into.outcomes.entry(outcome.decision).or_default().insert(outcome.kind.as_str());
                }
                Body::Event(event) => {
                    let id = release.as_ref().map(|release| release.id.clone()).unwrap_or_default();
                    into.in_force.entry(event.message_id.to_string()).or_insert(id);
                }
                Body::Tick { .. } | Body::Consent(_) => {}
            }
            let Some(release) = &release else {
                violations.push(format!("partition {partition} has a record before the first release"));
                return;
            };
            for effect in apply(release, &mut shard, &record) {
                match effect {
                    Effect::Decide(decision) => {
                        if release.is_off(&decision.rule) {
                            into.off
                                .push(format!("{} is decided, and {} is off", decision.id, decision.rule));
                        }
                        into.decided.insert((decision.judged_at, decision.id), *decision);
                    }
                    Effect::Cancel(cancel) => into.cancelled.push((partition, entry.offset, cancel)),
                    Effect::Count(_) | Effect::Reject(_) => {}
                }
            }
        }
        into.bytes.push(entry.frame.clone());
    }
    nothing_is_left(seen.world.workload.users.iter(), &shard, violations);
    into.bytes.push(shard.to_bytes());
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

fn the_ledger_has_what_was_decided(seen: &Seen<'_>, replayed: &Replayed, violations: &mut Vec<String>) {
    for (key, decision) in &replayed.decided {
        match seen.ledger.get(key) {
            None => {
                violations.push(format!("the engine decides {decision:?}, and the ledger does not have it"))
            }
            Some(entry) if entry.decision != *decision => violations
                .push(format!("the engine decides {decision:?}, and the ledger has {:?}", entry.decision)),
            Some(_) => {}
        }
    }
    for (key, entry) in &seen.ledger {
        let id = entry.decision.id;
        if !replayed.decided.contains_key(key) {
            violations
                .push(format!("the ledger has {:?}, and the engine does not decide it", entry.decision));
        }
        let Some((state, _, _)) = &entry.message else { continue };
        let told = replayed.outcomes.get(&id).cloned().unwrap_or_default();
        if told != [state.as_str()].into() {
            violations.push(format!("message {id} is {}, and the log says {told:?}", state.as_str()));
        }
    }
}

/// From the moment at which a worker had written it down; what was leaving then may have left.
fn what_was_taken_back_did_not_leave(seen: &Seen<'_>, replayed: &Replayed, violations: &mut Vec<String>) {
    let world = seen.world;
    let entries: BTreeMap<DecisionId, _> =
        seen.ledger.values().map(|entry| (entry.decision.id, entry)).collect();
    for (partition, offset, cancel) in &replayed.cancelled {
        let written = &world.written[*partition as usize];
        let Some((written_at, _)) = written.iter().find(|(_, position)| position > offset) else {
            violations.push(format!("offset {offset} of partition {partition} was never written down"));
            continue;
        };
        let passes =
            world.passes.iter().filter(|(id, _, left)| *id == cancel.decision && left.at > *written_at);
        for (id, rule, left) in passes {
            violations.push(format!(
                "{id} of {rule} was taken back at {}, and left at {}",
                Timestamp(*written_at),
                Timestamp(left.at)
            ));
        }
        // What nobody outside has vanishes even while it is leaving.
        let Some(entry) = entries.get(&cancel.decision) else { continue };
        let ends = world.ends.get(&cancel.decision);
        let has_ended_before = ends.is_some_and(|ends| ends.iter().any(|end| end.at <= *written_at));
        let is_kept = matches!(entry.message, Some((MessageState::Sent, _, _)));
        if entry.decision.channel == Channel::InProduct && is_kept && !has_ended_before {
            violations.push(format!("{} was taken back, and is kept", cancel.decision));
        }
        // And what somebody had before their eyes is out of their inbox, by whomever.
        let is_over = entry.gone.is_some() || entry.decision.expires_at <= cancel.at;
        if entry.decision.channel == Channel::InProduct && is_kept && !is_over {
            violations.push(format!("{} was taken back, and is in its person's inbox", cancel.decision));
        }
    }
}

/// All steps of a journey are those of the release that was in force at its first record.
fn who_is_inside_goes_by_the_release_of_their_entry(
    seen: &Seen<'_>,
    replayed: &Replayed,
    violations: &mut Vec<String>,
) {
    let rules = set_off_by_one_event();
    for decision in seen.ledger.values().map(|entry| &entry.decision) {
        let trigger = decision.facts.iter().find(|fact| &*fact.what == "trigger");
        let entered = trigger
            .and_then(|fact| fact.event.as_deref())
            .and_then(|message_id| replayed.in_force.get(message_id));
        if rules.contains(&*decision.rule) && entered != Some(&decision.release) {
            violations.push(format!(
                "{} of {} is decided by {}, and was entered with {entered:?}",
                decision.id, decision.rule, decision.release
            ));
        }
        let release = seen.releases.find(&decision.release);
        let steps = release.rule(&decision.rule).map(|compiled| compiled.rule.all_steps());
        if !steps.is_some_and(|steps| steps.iter().any(|step| step.name == decision.step)) {
            violations
                .push(format!("{} has no step {} in {}", decision.rule, decision.step, decision.release));
        }
        if decision.verdict == Verdict::Send
            && decision.channel == Channel::Email
            && decision.address.is_none()
        {
            violations.push(format!("{} sends mail to nobody", decision.id));
        }
    }
}
