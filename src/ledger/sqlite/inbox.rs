//! Kept in-product messages: what is shown, what changed, and what people did with them.

use super::{cell, execute, first, messages, query, rows};
use crate::ledger::{InboxCounts, InboxEntry, InboxPlace, LedgerError, MessageKey, Reaction};
use outreach_engine::Timestamp;
use outreach_engine::effect::{CancelReason, DecisionId};
use rusqlite::{Connection, Row, params};

const FILE: &str = include_str!("../sql/inbox.sql");
const KEEP: &str = query(FILE, "keep");
const NEXT_CHANGE: &str = query(FILE, "next_change");
const LAST_CHANGE: &str = query(FILE, "last_change");
const TAKE_BACK: &str = query(FILE, "take_back");
const IS_SHOWN: &str = query(FILE, "is_shown");
const SHOWN: &str = query(FILE, "shown");
const CHANGED: &str = query(FILE, "changed");
const ONE: &str = query(FILE, "one");
const COUNTS: &str = query(FILE, "counts");
const EXPIRED: &str = query(FILE, "expired");
const NEXT_EXPIRY: &str = query(FILE, "next_expiry");
const WHOSE_CHANGED: &str = query(FILE, "whose_changed");
const SET_REACTIONS: &str = query(FILE, "set_reactions");
const RULES: &str = query(FILE, "rules");
const OF_RULE: &str = query(FILE, "of_rule");
const FORGET: &str = query(FILE, "forget");

/// Puts a message that was just kept into its person's inbox.
pub(super) fn keep(
    connection: &Connection,
    key: MessageKey,
    subject: &str,
    kept_at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), LedgerError> {
    let change = next_change(connection)?;
    let values = params![key.judged_at.0, key.id.0, subject, kept_at.0, expires_at.0, change];
    execute(connection, KEEP, values).map(drop)
}

/// Takes a message out of its person's inbox, if it is shown there.
pub(super) fn take_back(
    connection: &Connection,
    key: MessageKey,
    at: Timestamp,
    code: &str,
) -> Result<(), LedgerError> {
    let values = params![key.judged_at.0, key.id.0, at.0];
    if first(connection, IS_SHOWN, values, |_| Ok(()))?.is_none() {
        return Ok(());
    }
    let change = next_change(connection)?;
    execute(connection, TAKE_BACK, params![at.0, change, key.judged_at.0, key.id.0])?;
    messages::note_cancel(connection, key, code)
}

pub(super) fn shown(
    connection: &Connection,
    subject: &str,
    now: Timestamp,
    behind: InboxPlace,
    count_max: u32,
) -> Result<Vec<InboxEntry>, LedgerError> {
    rows(connection, SHOWN, params![subject, now.0, behind.kept_at.0, behind.id.0, count_max], read)
}

pub(super) fn changed(
    connection: &Connection,
    subject: &str,
    behind: i64,
    count_max: u32,
) -> Result<Vec<InboxEntry>, LedgerError> {
    rows(connection, CHANGED, params![subject, behind, count_max], read)
}

pub(super) fn counts(
    connection: &Connection,
    subject: &str,
    now: Timestamp,
) -> Result<InboxCounts, LedgerError> {
    let counts = first(connection, COUNTS, params![subject, now.0], |row| {
        let count = |column| row.get::<_, i64>(column).map(|count| count as u64);
        Ok(InboxCounts { total: count(0)?, unseen: count(1)? })
    })?;
    Ok(counts.unwrap_or_default())
}

pub(super) fn expired(
    connection: &Connection,
    subject: &str,
    after: Timestamp,
    until: Timestamp,
) -> Result<Vec<DecisionId>, LedgerError> {
    rows(connection, EXPIRED, params![subject, after.0, until.0], |row| Ok(DecisionId(row.get(0)?)))
}

pub(super) fn next_expiry(
    connection: &Connection,
    subject: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, LedgerError> {
    let found = first(connection, NEXT_EXPIRY, params![subject, now.0], |row| {
        Ok(row.get::<_, Option<i64>>(0)?.map(Timestamp))
    })?;
    Ok(found.flatten())
}

pub(super) fn last_change(connection: &Connection) -> Result<i64, LedgerError> {
    Ok(first(connection, LAST_CHANGE, [], |row| Ok(row.get(0)?))?.unwrap_or_default())
}

pub(super) fn whose_changed(
    connection: &Connection,
    behind: i64,
    count_max: u32,
) -> Result<Vec<(i64, String)>, LedgerError> {
    rows(connection, WHOSE_CHANGED, params![behind, count_max], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The first time wins; what it adds goes into the outbox, each with its outcome.
pub(super) fn react(
    connection: &Connection,
    subject: &str,
    id: DecisionId,
    reaction: Reaction,
    at: Timestamp,
) -> Result<Option<bool>, LedgerError> {
    let Some(mut entry) = first(connection, ONE, params![id.0, subject], read)? else { return Ok(None) };
    let is_new = |one: &&Reaction| entry.reacted_at(**one).is_none();
    let new: Vec<Reaction> = reaction.implied().iter().filter(is_new).copied().collect();
    if new.is_empty() {
        return Ok(Some(false));
    }
    for one in &new {
        match one {
            Reaction::Seen => entry.seen_at = Some(at),
            Reaction::Clicked => entry.clicked_at = Some(at),
            Reaction::Dismissed => entry.dismissed_at = Some(at),
        }
        messages::tell(connection, entry.key, one.outcome(), at)?;
    }
    let micros = |at: Option<Timestamp>| at.map(|at| at.0);
    let change = next_change(connection)?;
    let (seen_at, clicked_at) = (micros(entry.seen_at), micros(entry.clicked_at));
    let (key, dismissed_at) = (entry.key, micros(entry.dismissed_at));
    let values = params![seen_at, clicked_at, dismissed_at, change, key.judged_at.0, key.id.0];
    execute(connection, SET_REACTIONS, values)?;
    Ok(Some(true))
}

pub(super) fn rules(connection: &Connection, now: Timestamp) -> Result<Vec<String>, LedgerError> {
    rows(connection, RULES, [now.0], |row| Ok(row.get(0)?))
}

pub(super) fn take_back_all(connection: &Connection, rule: &str, now: Timestamp) -> Result<u64, LedgerError> {
    let keys = rows(connection, OF_RULE, params![now.0, rule], |row| cell::key(row, 0))?;
    for key in &keys {
        take_back(connection, *key, now, CancelReason::RuleOff.code())?;
    }
    Ok(keys.len() as u64)
}

/// Words of a message are kept no longer than what it was made of.
pub(super) fn forget(connection: &Connection, before: Timestamp) -> Result<(), LedgerError> {
    execute(connection, FORGET, [before.0]).map(drop)
}

fn next_change(connection: &Connection) -> Result<i64, LedgerError> {
    let next = first(connection, NEXT_CHANGE, [], |row| Ok(row.get(0)?))?;
    next.ok_or_else(|| LedgerError::Damaged { reason: "the inbox has no number for its changes".into() })
}

fn read(row: &Row<'_>) -> Result<InboxEntry, LedgerError> {
    let at = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp));
    Ok(InboxEntry {
        key: cell::key(row, 0)?,
        kept_at: cell::time(row, 2)?,
        expires_at: cell::time(row, 3)?,
        seen_at: at(4)?,
        clicked_at: at(5)?,
        dismissed_at: at(6)?,
        cancelled_at: at(7)?,
        change: row.get(8)?,
        topic: row.get(9)?,
        kept: row.get(10)?,
    })
}
