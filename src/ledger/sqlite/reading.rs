//! What people ask the ledger, and what it forgets.

use super::shards::EMPTY_CONTEXT;
use super::{cell, execute, inbox, query, rows};
use crate::ledger::{Gone, LedgerEntry, LedgerError, MessageState};
use outreach_engine::Timestamp;
use outreach_engine::effect::Decision;
use outreach_engine::event::Subject;
use rusqlite::{Connection, Row, params};
use std::sync::Arc;

const FILE: &str = include_str!("../sql/reading.sql");
const ENTRIES: &str = query(FILE, "entries");
const MESSAGE_COUNTS: &str = query(FILE, "message_counts");
const FORGET_LETTERS: &str = query(FILE, "forget_letters");
const FORGET_WORDS: &str = query(FILE, "forget_words");
const FORGET_RENDERS: &str = query(FILE, "forget_renders");

pub(super) fn entries(
    connection: &Connection,
    subject: &str,
    count_max: u32,
) -> Result<Vec<LedgerEntry>, LedgerError> {
    rows(connection, ENTRIES, params![subject, count_max], entry)
}

/// An entry, from the columns that `entries` has.
pub(super) fn entry(row: &Row<'_>) -> Result<LedgerEntry, LedgerError> {
    let message = match row.get::<_, Option<String>>(21)? {
        Some(state) => Some((cell::state(&state)?, cell::time(row, 22)?, row.get(23)?)),
        None => None,
    };
    let at = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp));
    let gone = match (at(24)?, at(25)?) {
        (Some(at), _) => Some((Gone::Dismissed, at)),
        (None, Some(at)) => Some((Gone::TakenBack(row.get(26)?), at)),
        (None, None) => None,
    };
    Ok(LedgerEntry { decision: decision(row)?, message, gone })
}

pub(super) fn message_counts(connection: &Connection) -> Result<Vec<(MessageState, u64)>, LedgerError> {
    let mut counts = rows(connection, MESSAGE_COUNTS, [], |row| {
        Ok((cell::state(&row.get::<_, String>(0)?)?, row.get::<_, i64>(1)? as u64))
    })?;
    counts.sort_unstable();
    Ok(counts)
}

pub(super) fn forget(
    connection: &Connection,
    letters_before: Timestamp,
    renders_before: Timestamp,
) -> Result<(), LedgerError> {
    execute(connection, FORGET_LETTERS, [letters_before.0])?;
    inbox::forget(connection, renders_before)?;
    execute(connection, FORGET_RENDERS, [renders_before.0])?;
    execute(connection, FORGET_WORDS, [renders_before.0]).map(drop)
}

fn decision(row: &Row<'_>) -> Result<Decision, LedgerError> {
    let key = cell::key(row, 0)?;
    let subject: String = row.get(2)?;
    let subject = Subject::parse(&subject)
        .ok_or_else(|| LedgerError::Damaged { reason: format!("decision {} is about nobody", key.id) })?;
    let refusal: Option<String> = row.get(11)?;
    Ok(Decision {
        id: key.id,
        judged_at: key.judged_at,
        subject: subject.to_owned(),
        rule: cell::arc(row, 3)?,
        release: cell::arc(row, 4)?,
        key: cell::arc(row, 5)?,
        step: cell::arc(row, 6)?,
        channel: cell::channel(&row.get::<_, String>(7)?)?,
        template: cell::arc(row, 8)?,
        topic: row.get::<_, Option<Arc<str>>>(9)?,
        verdict: cell::verdict(&row.get::<_, String>(10)?, refusal.as_deref())?,
        is_transactional: row.get(12)?,
        on_cap: cell::on_cap(&row.get::<_, String>(13)?)?,
        triggered_at: cell::time(row, 14)?,
        due_at: cell::time(row, 15)?,
        expires_at: cell::time(row, 16)?,
        address: row.get::<_, Option<Arc<str>>>(17)?,
        zone: cell::arc(row, 18)?,
        facts: cell::facts(&row.get::<_, String>(19)?)?,
        render: row.get::<_, Option<Arc<str>>>(20)?.unwrap_or_else(|| EMPTY_CONTEXT.into()),
    })
}
