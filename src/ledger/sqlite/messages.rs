//! Messages: what is due, and every move of the picture `queued → leaving → sent | failed | unknown`.
//!
//! A move reads where the message stands and changes it in one transaction, so no move is ever lost to another.

use super::error::{no_such_message, no_such_move};
use super::shards::EMPTY_CONTEXT;
use super::{cell, consent, execute, first, inbox, query, rows};
use crate::ledger::{Counted, LedgerError, Message, MessageKey, MessageState, fold_address};
use outreach_engine::Timestamp;
use outreach_engine::effect::{Cancel, Channel, DecisionId};
use outreach_engine::event::{Body, Outcome, OutcomeKind, Subject};
use outreach_engine::planted::{self, Bug};
use rusqlite::{Connection, Row, params};

const FILE: &str = include_str!("../sql/messages.sql");
const DUE: &str = query(FILE, "due");
const LEAVING: &str = query(FILE, "leaving");
const ONE: &str = query(FILE, "one");
const KEY_OF: &str = query(FILE, "key_of");
const NEXT_AT: &str = query(FILE, "next_at");
const STANDS: &str = query(FILE, "stands");
const SET_LEAVING: &str = query(FILE, "set_leaving");
const SET_WAITING: &str = query(FILE, "set_waiting");
const SET_CANCEL_REASON: &str = query(FILE, "set_cancel_reason");
const CANCEL_REASON: &str = query(FILE, "cancel_reason");
const KEPT: &str = query(FILE, "kept");
const SET_ENDED: &str = query(FILE, "set_ended");
const WHOSE: &str = query(FILE, "whose");
const COUNTED: &str = query(FILE, "counted");
const ADD_TO_COUNT: &str = query(FILE, "add_to_count");

pub(super) fn due(
    connection: &Connection,
    channel: Channel,
    now: Timestamp,
    count_max: u32,
) -> Result<Vec<Message>, LedgerError> {
    rows(connection, DUE, params![channel.as_str(), now.0, count_max], read)
}

pub(super) fn next_at(connection: &Connection) -> Result<Option<Timestamp>, LedgerError> {
    let mut least: Option<Timestamp> = None;
    // The index begins with the channel: each has its least at hand.
    for channel in Channel::ALL {
        let found = first(connection, NEXT_AT, [channel.as_str()], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
        least = least.into_iter().chain(found.flatten().map(Timestamp)).min();
    }
    Ok(least)
}

pub(super) fn leaving_since_before(
    connection: &Connection,
    before: Timestamp,
) -> Result<Vec<Message>, LedgerError> {
    rows(connection, LEAVING, [before.0], read)
}

pub(super) fn message(connection: &Connection, key: MessageKey) -> Result<Option<Message>, LedgerError> {
    first(connection, ONE, params![key.judged_at.0, key.id.0], read)
}

pub(super) fn message_by_id(connection: &Connection, id: DecisionId) -> Result<Option<Message>, LedgerError> {
    match key_of(connection, id)? {
        Some(key) => message(connection, key),
        None => Ok(None),
    }
}

pub(super) fn set_leaving(
    connection: &Connection,
    key: MessageKey,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let from = stands(connection, key)?;
    if !is_waiting(from) {
        return Err(no_such_move(key, from.as_str(), "leaving"));
    }
    execute(connection, SET_LEAVING, params![now.0, key.judged_at.0, key.id.0])?;
    count_moves(connection, Some(from), MessageState::Leaving, 1)
}

pub(super) fn set_waiting(
    connection: &Connection,
    key: MessageKey,
    state: MessageState,
    next_at: Timestamp,
    now: Timestamp,
    reason: &str,
) -> Result<(), LedgerError> {
    let from = stands(connection, key)?;
    let may = match state {
        MessageState::Held => is_waiting(from),
        MessageState::Queued => from == MessageState::Leaving,
        MessageState::Leaving
        | MessageState::Sent
        | MessageState::Failed
        | MessageState::Unknown
        | MessageState::Cancelled
        | MessageState::Expired
        | MessageState::Skipped => false,
    };
    if !may {
        return Err(no_such_move(key, from.as_str(), state.as_str()));
    }
    if from == MessageState::Leaving
        && let Some(taken_back) = cancel_reason(connection, key)?
    {
        return set_ended(connection, key, OutcomeKind::Cancelled, now, Some(&taken_back), None).map(drop);
    }
    let values = params![state.as_str(), now.0, next_at.0, reason, key.judged_at.0, key.id.0];
    execute(connection, SET_WAITING, values)?;
    count_moves(connection, Some(from), state, 1)
}

pub(super) fn set_ended(
    connection: &Connection,
    key: MessageKey,
    outcome: OutcomeKind,
    at: Timestamp,
    reason: Option<&str>,
    detail: Option<&str>,
) -> Result<bool, LedgerError> {
    let from = stands(connection, key)?;
    if has_ended(from) {
        return Ok(false);
    }
    let may = match outcome {
        // Only what left can have arrived, or not.
        OutcomeKind::Sent | OutcomeKind::Failed | OutcomeKind::Unknown => from == MessageState::Leaving,
        // Who has it in hand may find, before handing it over, that it should not go.
        OutcomeKind::Cancelled | OutcomeKind::Expired | OutcomeKind::Skipped => true,
        OutcomeKind::Seen | OutcomeKind::Clicked | OutcomeKind::Dismissed => false,
    };
    let Some(to) = ended(outcome).filter(|_| may) else {
        return Err(no_such_move(key, from.as_str(), outcome.as_str()));
    };
    execute(connection, SET_ENDED, params![to.as_str(), at.0, reason, detail, key.judged_at.0, key.id.0])?;
    count_moves(connection, Some(from), to, 1)?;
    let whose = whose(connection, key)?;
    if to == MessageState::Sent && whose.channel == Channel::InProduct {
        inbox::keep(connection, key, &whose.subject, at, whose.expires_at)?;
    }
    tell_of(connection, &whose, key, outcome, at)?;
    Ok(true)
}

pub(super) fn cancel(connection: &Connection, cancels: &[Cancel]) -> Result<(), LedgerError> {
    if planted::is_on(Bug::CancelIgnored) {
        return Ok(());
    }
    for cancel in cancels {
        let Some(key) = key_of(connection, cancel.decision)? else { continue };
        let stands = stands(connection, key)?;
        if is_waiting(stands) {
            set_ended(connection, key, OutcomeKind::Cancelled, cancel.at, Some(cancel.reason.code()), None)?;
        } else if stands == MessageState::Leaving {
            // It may be gone. If the server does not take it, it must not be tried again.
            note_cancel(connection, key, cancel.reason.code())?;
        } else if stands == MessageState::Sent && !planted::is_on(Bug::ShownForGood) {
            inbox::take_back(connection, key, cancel.at, cancel.reason.code())?;
        }
    }
    Ok(())
}

/// Notes why a message that left, or is leaving, is taken back.
pub(super) fn note_cancel(connection: &Connection, key: MessageKey, code: &str) -> Result<(), LedgerError> {
    execute(connection, SET_CANCEL_REASON, params![code, key.judged_at.0, key.id.0]).map(drop)
}

/// Why a message that is leaving was taken back meanwhile.
pub(super) fn cancel_reason(connection: &Connection, key: MessageKey) -> Result<Option<String>, LedgerError> {
    first(connection, CANCEL_REASON, params![key.judged_at.0, key.id.0], |row| Ok(row.get(0)?))
}

pub(super) fn kept(connection: &Connection, key: MessageKey) -> Result<Option<String>, LedgerError> {
    let found = first(connection, KEPT, params![key.judged_at.0, key.id.0], |row| Ok(row.get(0)?))?;
    Ok(found.flatten())
}

pub(super) fn counted(
    connection: &Connection,
    address: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<Counted>, LedgerError> {
    rows(connection, COUNTED, params![now.0, fold_address(address), since.0], |row| {
        Ok(Counted {
            channel: cell::channel(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?,
            at: cell::time(row, 1)?,
        })
    })
}

/// Keeps the number of messages in each state; `from` is absent for new ones.
pub(super) fn count_moves(
    connection: &Connection,
    from: Option<MessageState>,
    to: MessageState,
    count: i64,
) -> Result<(), LedgerError> {
    if count == 0 || from == Some(to) {
        return Ok(());
    }
    if let Some(from) = from {
        execute(connection, ADD_TO_COUNT, params![from.as_str(), -count])?;
    }
    execute(connection, ADD_TO_COUNT, params![to.as_str(), count]).map(drop)
}

/// Where the message of this decision stands; the first, where it was decided again.
pub(super) fn key_of(connection: &Connection, id: DecisionId) -> Result<Option<MessageKey>, LedgerError> {
    let judged_at = first(connection, KEY_OF, [id.0], |row| cell::time(row, 0))?;
    Ok(judged_at.map(|judged_at| MessageKey { judged_at, id }))
}

fn stands(connection: &Connection, key: MessageKey) -> Result<MessageState, LedgerError> {
    let state = first(connection, STANDS, params![key.judged_at.0, key.id.0], |row| {
        cell::state(&row.get::<_, String>(0)?)
    })?;
    state.ok_or_else(|| no_such_message(key))
}

/// Whom a message is for, and which partition hears of it.
struct Whose {
    partition: u32,
    subject: String,
    channel: Channel,
    expires_at: Timestamp,
}

fn whose(connection: &Connection, key: MessageKey) -> Result<Whose, LedgerError> {
    let whose = first(connection, WHOSE, params![key.judged_at.0, key.id.0], |row| {
        Ok(Whose {
            partition: row.get(0)?,
            subject: row.get(1)?,
            channel: cell::channel(&row.get::<_, String>(2)?)?,
            expires_at: cell::time(row, 3)?,
        })
    })?;
    whose.ok_or_else(|| no_such_message(key))
}

/// Puts what became of a message into the outbox.
pub(super) fn tell(
    connection: &Connection,
    key: MessageKey,
    kind: OutcomeKind,
    at: Timestamp,
) -> Result<(), LedgerError> {
    tell_of(connection, &whose(connection, key)?, key, kind, at)
}

fn tell_of(
    connection: &Connection,
    whose: &Whose,
    key: MessageKey,
    kind: OutcomeKind,
    at: Timestamp,
) -> Result<(), LedgerError> {
    let subject = Subject::parse(&whose.subject)
        .ok_or_else(|| LedgerError::Damaged { reason: format!("decision {} is about nobody", key.id) })?;
    let mut record = Vec::new();
    Body::Outcome(Outcome { subject, decision: key.id, kind, at }).encode(&mut record);
    consent::push_outbox(connection, whose.partition, &record)
}

fn is_waiting(state: MessageState) -> bool {
    matches!(state, MessageState::Queued | MessageState::Held)
}

fn has_ended(state: MessageState) -> bool {
    !is_waiting(state) && state != MessageState::Leaving
}

/// The state in which this outcome ends a message; nothing for what people do with one that has ended.
fn ended(outcome: OutcomeKind) -> Option<MessageState> {
    Some(match outcome {
        OutcomeKind::Sent => MessageState::Sent,
        OutcomeKind::Failed => MessageState::Failed,
        OutcomeKind::Unknown => MessageState::Unknown,
        OutcomeKind::Cancelled => MessageState::Cancelled,
        OutcomeKind::Expired => MessageState::Expired,
        OutcomeKind::Skipped => MessageState::Skipped,
        OutcomeKind::Seen | OutcomeKind::Clicked | OutcomeKind::Dismissed => return None,
    })
}

fn read(row: &Row<'_>) -> Result<Message, LedgerError> {
    Ok(Message {
        key: cell::key(row, 0)?,
        state: cell::state(&row.get::<_, String>(2)?)?,
        state_at: cell::time(row, 3)?,
        reason: row.get(4)?,
        next_at: cell::time(row, 5)?,
        attempts: row.get(6)?,
        partition: row.get(7)?,
        rule: row.get(8)?,
        release: row.get(9)?,
        subject: row.get(10)?,
        step: row.get(11)?,
        channel: cell::channel(&row.get::<_, String>(12)?)?,
        template: row.get(13)?,
        topic: row.get(14)?,
        address: row.get::<_, Option<String>>(15)?.unwrap_or_default(),
        is_transactional: row.get(16)?,
        on_cap: cell::on_cap(&row.get::<_, String>(17)?)?,
        zone: row.get(18)?,
        due_at: cell::time(row, 19)?,
        expires_at: cell::time(row, 20)?,
        render: row.get::<_, Option<String>>(21)?.unwrap_or_else(|| EMPTY_CONTEXT.into()),
    })
}
