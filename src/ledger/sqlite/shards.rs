//! What a shard writes: its position, decisions with their messages, and the counters of non-entries.

use super::{execute, first, messages, query};
use crate::ledger::sqlite::cell::facts_json;
use crate::ledger::{LedgerError, MessageKey, MessageState, fold_address};
use outreach_engine::effect::{Decision, NonEntry, Verdict};
use outreach_engine::event::OutcomeKind;
use outreach_engine::planted::{self, Bug};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

const FILE: &str = include_str!("../sql/shards.sql");
const POSITION: &str = query(FILE, "position");
const BEGIN: &str = query(FILE, "begin");
const MOVE_POSITION: &str = query(FILE, "move_position");
const INSERT_DECISION: &str = query(FILE, "insert_decision");
const INSERT_RENDER: &str = query(FILE, "insert_render");
const INSERT_MESSAGE: &str = query(FILE, "insert_message");
const COUNT_NON_ENTRY: &str = query(FILE, "count_non_entry");

const HOUR_MICROSECONDS: i64 = 3_600_000_000;
/// Why a message ends that was decided before, under the same id.
const REPEATED: &str = "repeated";
/// A context with nothing in it has no row.
pub(super) const EMPTY_CONTEXT: &str = "{}";

pub(super) fn position(connection: &Connection, partition: u32) -> Result<u64, LedgerError> {
    let found = first(connection, POSITION, [partition], |row| Ok(row.get::<_, i64>(0)?))?;
    Ok(found.unwrap_or(0) as u64)
}

pub(super) fn move_position(
    connection: &Connection,
    partition: u32,
    old: u64,
    new: u64,
) -> Result<(), LedgerError> {
    let old = if planted::is_on(Bug::PositionNotChecked) { position(connection, partition)? } else { old };
    assert!(old <= new || planted::is_on(Bug::PositionNotChecked), "a position only rises: {old} to {new}");
    if old == 0 {
        execute(connection, BEGIN, [partition])?;
    }
    if execute(connection, MOVE_POSITION, params![new as i64, partition, old as i64])? == 1 {
        return Ok(());
    }
    Err(LedgerError::Fenced { partition, expected: old, found: position(connection, partition)? })
}

pub(super) fn insert_decisions(
    connection: &Connection,
    partition: u32,
    decisions: &[Decision],
) -> Result<(), LedgerError> {
    let mut insert = connection.prepare_cached(INSERT_DECISION)?;
    for decision in decisions {
        insert.execute(params![
            decision.judged_at.0,
            decision.id.0,
            partition,
            decision.subject.to_string(),
            &*decision.rule,
            &*decision.release,
            &*decision.key,
            &*decision.step,
            decision.channel.as_str(),
            &*decision.template,
            decision.topic.as_deref(),
            decision.verdict.code(),
            decision.verdict.refusal().map(|refusal| refusal.code()),
            decision.is_transactional,
            decision.on_cap.as_str(),
            decision.triggered_at.0,
            decision.due_at.0,
            decision.expires_at.0,
            decision.address.as_deref(),
            &*decision.zone,
            facts_json(&decision.facts),
        ])?;
    }
    insert_renders(connection, decisions)?;
    insert_messages(connection, decisions)
}

fn insert_renders(connection: &Connection, decisions: &[Decision]) -> Result<(), LedgerError> {
    let mut insert = connection.prepare_cached(INSERT_RENDER)?;
    for decision in decisions.iter().filter(|decision| &*decision.render != EMPTY_CONTEXT) {
        insert.execute(params![decision.judged_at.0, decision.id.0, &*decision.render])?;
    }
    Ok(())
}

/// A message is due at once: the gate knows when it may leave. One that is there already is never said twice: what was
/// decided again ends, and the engine is told.
fn insert_messages(connection: &Connection, decisions: &[Decision]) -> Result<(), LedgerError> {
    let mut insert = connection.prepare_cached(INSERT_MESSAGE)?;
    let (mut count, mut repeated) = (0, Vec::new());
    for decision in decisions.iter().filter(|decision| decision.verdict == Verdict::Send) {
        // Not in the tables' keys, which begin with the time: the index by id is written to in any case.
        let is_there = messages::key_of(connection, decision.id)?.is_some();
        insert.execute(params![
            decision.judged_at.0,
            decision.id.0,
            decision.judged_at.0,
            decision.judged_at.0,
            fold_address(decision.address.as_deref().unwrap_or_default()),
            decision.channel.as_str(),
            decision.is_transactional,
        ])?;
        count += 1;
        repeated.extend(is_there.then_some(MessageKey { judged_at: decision.judged_at, id: decision.id }));
    }
    messages::count_moves(connection, None, MessageState::Queued, count)?;
    for key in repeated {
        let (outcome, at) = (OutcomeKind::Skipped, key.judged_at);
        messages::set_ended(connection, key, outcome, at, Some(REPEATED), None)?;
    }
    Ok(())
}

pub(super) fn count_non_entries(
    connection: &Connection,
    non_entries: &[NonEntry],
) -> Result<(), LedgerError> {
    let mut counts: BTreeMap<(i64, &str, &str), i64> = BTreeMap::new();
    for non_entry in non_entries {
        let hour_at = non_entry.at.0.div_euclid(HOUR_MICROSECONDS) * HOUR_MICROSECONDS;
        *counts.entry((hour_at, &non_entry.rule, non_entry.reason.code())).or_default() += 1;
    }
    for ((hour_at, rule, reason), count) in counts {
        execute(connection, COUNT_NON_ENTRY, params![hour_at, rule, reason, count])?;
    }
    Ok(())
}
