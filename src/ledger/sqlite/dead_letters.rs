//! Input that could not be used.

use super::{cell, execute, first, query, rows};
use crate::ledger::{DeadLetter, LedgerError};
use outreach_engine::Timestamp;
use outreach_engine::event::EventKind;
use rusqlite::{Connection, Row, params};
use sha2::{Digest, Sha256};

const FILE: &str = include_str!("../sql/dead_letters.sql");
const INSERT_OF_TOPIC: &str = query(FILE, "insert_of_topic");
const INSERT_BY_CONTENT: &str = query(FILE, "insert_by_content");
const AFTER: &str = query(FILE, "after");
const ONE: &str = query(FILE, "one");
const RETIRE: &str = query(FILE, "retire");
const SET_REPLAYED: &str = query(FILE, "set_replayed");

pub(super) fn insert(connection: &Connection, letters: &[DeadLetter]) -> Result<(), LedgerError> {
    for letter in letters {
        let DeadLetter { source, code, reason, payload, .. } = letter;
        let (received_at, replayed_at) = (letter.received_at.0, letter.replayed_at.map(|at| at.0));
        let kind = letter.kind.map(|kind| kind as u8);
        if let Some((topic, partition, offset)) = &letter.origin {
            let offset = *offset as i64;
            let values = params![
                source,
                topic,
                partition,
                offset,
                code,
                reason,
                payload,
                received_at,
                replayed_at,
                kind
            ];
            execute(connection, INSERT_OF_TOPIC, values)?;
        } else {
            // Of the same bytes by two paths only one may be an event after all.
            let hash: [u8; 32] =
                Sha256::new().chain_update(payload).chain_update(kind.as_slice()).finalize().into();
            let values = params![source, hash, code, reason, payload, received_at, replayed_at, kind];
            execute(connection, INSERT_BY_CONTENT, values)?;
        }
    }
    Ok(())
}

pub(super) fn after(
    connection: &Connection,
    after_id: i64,
    count_max: u32,
) -> Result<Vec<DeadLetter>, LedgerError> {
    rows(connection, AFTER, params![after_id, count_max], read)
}

pub(super) fn one(connection: &Connection, id: i64) -> Result<Option<DeadLetter>, LedgerError> {
    first(connection, ONE, [id], read)
}

pub(super) fn retire(connection: &Connection, source: &str, now: Timestamp) -> Result<(), LedgerError> {
    execute(connection, RETIRE, params![format!(" (before {now})"), source]).map(drop)
}

pub(super) fn set_replayed(connection: &Connection, id: i64, now: Timestamp) -> Result<(), LedgerError> {
    execute(connection, SET_REPLAYED, params![now.0, id]).map(drop)
}

fn read(row: &Row<'_>) -> Result<DeadLetter, LedgerError> {
    let origin = match row.get::<_, Option<String>>(2)? {
        Some(topic) => Some((topic, row.get(3)?, row.get::<_, i64>(4)? as u64)),
        None => None,
    };
    Ok(DeadLetter {
        id: row.get(0)?,
        source: row.get(1)?,
        origin,
        code: row.get(5)?,
        reason: row.get(6)?,
        payload: row.get(7)?,
        received_at: cell::time(row, 8)?,
        replayed_at: row.get::<_, Option<i64>>(9)?.map(Timestamp),
        count: row.get(10)?,
        kind: row.get::<_, Option<u8>>(11)?.and_then(EventKind::from_byte),
    })
}
