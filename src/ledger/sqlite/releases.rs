//! Releases, which one was announced, and what operators did.

use super::{cell, execute, first, query, rows};
use crate::ledger::{LedgerError, Pause, StoredRelease};
use outreach_engine::Timestamp;
use outreach_engine::effect::Channel;
use rusqlite::{Connection, Row, params};

const FILE: &str = include_str!("../sql/releases.sql");
const INSERT: &str = query(FILE, "insert");
const ONE: &str = query(FILE, "one");
const ALL: &str = query(FILE, "all");
const ANNOUNCED: &str = query(FILE, "announced");
const SET_ANNOUNCED: &str = query(FILE, "set_announced");
const PAUSES: &str = query(FILE, "pauses");
const PAUSE: &str = query(FILE, "pause");
const RESUME: &str = query(FILE, "resume");
const WAKE: &str = query(FILE, "wake");
const AUDIT: &str = query(FILE, "audit");

pub(super) fn insert(connection: &Connection, release: &StoredRelease) -> Result<(), LedgerError> {
    execute(connection, INSERT, params![release.id, release.bundle, release.created_at.0]).map(drop)
}

pub(super) fn one(connection: &Connection, id: &str) -> Result<Option<StoredRelease>, LedgerError> {
    first(connection, ONE, [id], read)
}

pub(super) fn all(connection: &Connection) -> Result<Vec<StoredRelease>, LedgerError> {
    rows(connection, ALL, [], read)
}

pub(super) fn announced(connection: &Connection) -> Result<Option<(String, bool)>, LedgerError> {
    first(connection, ANNOUNCED, [], |row| Ok((row.get(0)?, row.get(1)?)))
}

pub(super) fn set_announced(
    connection: &Connection,
    id: &str,
    is_complete: bool,
    now: Timestamp,
) -> Result<(), LedgerError> {
    execute(connection, SET_ANNOUNCED, params![id, is_complete, now.0]).map(drop)
}

pub(super) fn pauses(connection: &Connection) -> Result<Vec<Pause>, LedgerError> {
    rows(connection, PAUSES, [], |row| {
        let rule = Some(row.get::<_, String>(0)?).filter(|rule| !rule.is_empty());
        Ok(Pause { rule, since: cell::time(row, 1)? })
    })
}

pub(super) fn set_pause(
    connection: &Connection,
    rule: Option<&str>,
    is_on: bool,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let rule = rule.unwrap_or_default();
    if is_on {
        execute(connection, PAUSE, params![rule, now.0]).map(drop)
    } else {
        execute(connection, RESUME, [rule])?;
        // What the pause held is looked at again at once.
        Channel::ALL
            .into_iter()
            .try_for_each(|channel| execute(connection, WAKE, params![now.0, channel.as_str()]).map(drop))
    }
}

pub(super) fn audit(
    connection: &Connection,
    now: Timestamp,
    who: &str,
    what: &str,
) -> Result<(), LedgerError> {
    execute(connection, AUDIT, params![now.0, who, what]).map(drop)
}

fn read(row: &Row<'_>) -> Result<StoredRelease, LedgerError> {
    Ok(StoredRelease { id: row.get(0)?, bundle: row.get(1)?, created_at: cell::time(row, 2)? })
}
