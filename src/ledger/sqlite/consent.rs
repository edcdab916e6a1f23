//! What addresses do not want, and the records that carry outcomes and opt-outs back into the log.

use super::{cell, execute, query, rows};
use crate::ledger::{LedgerError, OutboxRow, Suppression, fold_address};
use rusqlite::{Connection, params};

const FILE: &str = include_str!("../sql/consent.sql");
const SUPPRESSIONS: &str = query(FILE, "suppressions");
const SUPPRESS: &str = query(FILE, "suppress");
const LIFT: &str = query(FILE, "lift");
const PUSH_OUTBOX: &str = query(FILE, "push_outbox");
const OUTBOX: &str = query(FILE, "outbox");
const DELETE_OUTBOX: &str = query(FILE, "delete_outbox");

pub(super) fn suppressions(connection: &Connection, address: &str) -> Result<Vec<Suppression>, LedgerError> {
    rows(connection, SUPPRESSIONS, [fold_address(address)], |row| {
        Ok(Suppression {
            address: row.get(0)?,
            topic: Some(row.get::<_, String>(1)?).filter(|topic| !topic.is_empty()),
            kind: cell::suppression_kind(&row.get::<_, String>(2)?)?,
            at: cell::time(row, 3)?,
        })
    })
}

pub(super) fn suppress(
    connection: &Connection,
    suppression: &Suppression,
    is_on: bool,
) -> Result<(), LedgerError> {
    let address = fold_address(&suppression.address);
    let topic = suppression.topic.as_deref().unwrap_or_default();
    let kind = cell::suppression_kind_code(suppression.kind);
    if is_on {
        execute(connection, SUPPRESS, params![address, topic, kind, suppression.at.0]).map(drop)
    } else {
        execute(connection, LIFT, params![address, topic, kind]).map(drop)
    }
}

pub(super) fn push_outbox(connection: &Connection, partition: u32, record: &[u8]) -> Result<(), LedgerError> {
    execute(connection, PUSH_OUTBOX, params![partition, record]).map(drop)
}

pub(super) fn outbox(connection: &Connection, count_max: u32) -> Result<Vec<OutboxRow>, LedgerError> {
    rows(connection, OUTBOX, [count_max], |row| {
        Ok(OutboxRow { sequence: row.get(0)?, partition: row.get(1)?, record: row.get(2)? })
    })
}

pub(super) fn delete_outbox(connection: &Connection, up_to_sequence: i64) -> Result<(), LedgerError> {
    execute(connection, DELETE_OUTBOX, [up_to_sequence]).map(drop)
}
