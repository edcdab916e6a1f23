//! What those who watch ask: the newest decisions, and how many there were of which kind.

use super::reading::entry;
use super::{cell, query, rows};
use crate::ledger::{LedgerEntry, LedgerError, Tally};
use outreach_engine::Timestamp;
use rusqlite::{Connection, params};

const FILE: &str = include_str!("../sql/watching.sql");
const NEWEST: &str = query(FILE, "newest");
const NEWEST_OF_RULE: &str = query(FILE, "newest_of_rule");
const TALLIES: &str = query(FILE, "tallies");
const NON_ENTRIES: &str = query(FILE, "non_entries");

pub(super) fn newest(connection: &Connection, count_max: u32) -> Result<Vec<LedgerEntry>, LedgerError> {
    rows(connection, NEWEST, [count_max], entry)
}

pub(super) fn newest_of_rule(
    connection: &Connection,
    rule: &str,
    since: Timestamp,
    count_max: u32,
) -> Result<Vec<LedgerEntry>, LedgerError> {
    rows(connection, NEWEST_OF_RULE, params![since.0, rule, count_max], entry)
}

pub(super) fn tallies(
    connection: &Connection,
    since: Timestamp,
    count_max: u32,
) -> Result<Vec<Tally>, LedgerError> {
    rows(connection, TALLIES, params![since.0, count_max], |row| {
        let refusal: Option<String> = row.get(3)?;
        let state: Option<String> = row.get(4)?;
        Ok(Tally {
            rule: row.get(0)?,
            step: row.get(1)?,
            verdict: cell::verdict(&row.get::<_, String>(2)?, refusal.as_deref())?,
            state: state.as_deref().map(cell::state).transpose()?,
            count: row.get::<_, i64>(5)? as u64,
            seen: row.get::<_, i64>(6)? as u64,
            clicked: row.get::<_, i64>(7)? as u64,
        })
    })
}

pub(super) fn non_entries(
    connection: &Connection,
    since: Timestamp,
) -> Result<Vec<(String, String, u64)>, LedgerError> {
    rows(connection, NON_ENTRIES, [since.0], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)? as u64))
    })
}
