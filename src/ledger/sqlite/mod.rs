//! The ledger on SQLite.
//!
//! One file, one connection: transactions wait for each other in this process, and for another process (`outreach user`
//! beside a running service) at SQLite's lock. A second connection reads for those who only watch, so that no long look
//! keeps a message waiting. Each transaction begins `IMMEDIATE`, so it never fails half way because another wrote
//! first. A commit returns after its fsync (`synchronous = FULL`, write-ahead log).
//!
//! A message's row holds what moves and what is looked up; all else stands in its decision's row, under the same key.

mod cell;
mod consent;
mod dead_letters;
mod error;
mod inbox;
mod messages;
mod query;
mod reading;
mod releases;
mod shards;
mod watching;

#[cfg(test)]
mod tests;

use super::{
    Counted, DeadLetter, InboxCounts, InboxEntry, InboxPlace, Ledger, LedgerEntry, LedgerError, Message,
    MessageKey, MessageState, OutboxRow, Pause, Reaction, StoredRelease, Suppression, Tally, Transaction,
};
use outreach_engine::Timestamp;
use outreach_engine::effect::{Cancel, Channel, Decision, DecisionId, NonEntry};
use outreach_engine::event::OutcomeKind;
use query::query;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

mod migrations {
    refinery::embed_migrations!("src/ledger/sql/migrations");
}

/// A ledger in one file, or in memory.
pub struct SqliteLedger {
    connection: Mutex<Connection>,
    /// Sees the same file; a ledger in memory has none.
    reader: Option<Mutex<Connection>>,
}

/// How long a transaction waits for another process's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// More than there are queries, so that each is prepared once.
const STATEMENTS_MAX: usize = 128;
/// Pages kept in memory, in KiB (SQLite counts these below zero): the ends of all tables and the inner pages of the
/// indexes by subject and by id of some ten million rows.
const CACHE_KIB: i64 = -32 * 1024;
/// How far the write-ahead log grows before its pages are moved into the file, in pages of 4 KiB: 32 MiB. Pages that
/// change in every transaction (the indexes' do) are then moved once and not each time.
const CHECKPOINT_PAGES: i64 = 8_192;

impl SqliteLedger {
    /// Opens the ledger in the file at `path`, or makes it there, and brings its tables to this version.
    pub fn open(path: impl AsRef<Path>) -> Result<SqliteLedger, LedgerError> {
        let ledger = SqliteLedger::over(Connection::open(&path)?)?;
        let reader = Connection::open(path)?;
        reader.busy_timeout(BUSY_TIMEOUT)?;
        reader.pragma_update(None, "query_only", true)?;
        Ok(SqliteLedger { reader: Some(Mutex::new(reader)), ..ledger })
    }

    /// A ledger that is gone when it is dropped: for tests and for replays.
    pub fn in_memory() -> Result<SqliteLedger, LedgerError> {
        SqliteLedger::over(Connection::open_in_memory()?)
    }

    fn over(mut connection: Connection) -> Result<SqliteLedger, LedgerError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // What is forgotten is overwritten, not only given free.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        // Else a query whose plan could depend on a parameter is parsed anew whenever that changes: each `LIMIT` does.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        migrate(&mut connection)?;
        Ok(SqliteLedger { connection: Mutex::new(connection), reader: None })
    }

    /// A transaction that panicked was rolled back: the connection is as good as before.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for SqliteLedger {
    fn transaction<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&mut SqliteTransaction { connection: &transaction })?;
        transaction.commit()?;
        Ok(result)
    }

    fn reading<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let Some(reader) = &self.reader else { return self.transaction(work) };
        let mut connection = reader.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        work(&mut SqliteTransaction { connection: &transaction })
    }
}

fn migrate(connection: &mut Connection) -> Result<(), LedgerError> {
    let report = migrations::migrations::runner().run(connection);
    report.map(drop).map_err(|error| LedgerError::Damaged {
        reason: format!(
            "its tables cannot be brought to this version, which may be older than they are: {error}"
        ),
    })
}

/// Inside a transaction; each file beside this one has the work of one noun.
struct SqliteTransaction<'a> {
    connection: &'a Connection,
}

impl Transaction for SqliteTransaction<'_> {
    fn position(&mut self, partition: u32) -> Result<u64, LedgerError> {
        shards::position(self.connection, partition)
    }
    fn move_position(&mut self, partition: u32, old: u64, new: u64) -> Result<(), LedgerError> {
        shards::move_position(self.connection, partition, old, new)
    }
    fn insert_decisions(&mut self, partition: u32, decisions: &[Decision]) -> Result<(), LedgerError> {
        shards::insert_decisions(self.connection, partition, decisions)
    }
    fn count_non_entries(&mut self, non_entries: &[NonEntry]) -> Result<(), LedgerError> {
        shards::count_non_entries(self.connection, non_entries)
    }
    fn cancel(&mut self, cancels: &[Cancel]) -> Result<(), LedgerError> {
        messages::cancel(self.connection, cancels)
    }

    fn due_messages(
        &mut self,
        channel: Channel,
        now: Timestamp,
        count_max: u32,
    ) -> Result<Vec<Message>, LedgerError> {
        messages::due(self.connection, channel, now, count_max)
    }
    fn next_message_at(&mut self) -> Result<Option<Timestamp>, LedgerError> {
        messages::next_at(self.connection)
    }
    fn leaving_since_before(&mut self, before: Timestamp) -> Result<Vec<Message>, LedgerError> {
        messages::leaving_since_before(self.connection, before)
    }
    fn message(&mut self, key: MessageKey) -> Result<Option<Message>, LedgerError> {
        messages::message(self.connection, key)
    }
    fn message_by_id(&mut self, id: DecisionId) -> Result<Option<Message>, LedgerError> {
        messages::message_by_id(self.connection, id)
    }
    fn set_leaving(&mut self, key: MessageKey, now: Timestamp) -> Result<(), LedgerError> {
        messages::set_leaving(self.connection, key, now)
    }
    fn set_waiting(
        &mut self,
        key: MessageKey,
        state: MessageState,
        next_at: Timestamp,
        now: Timestamp,
        reason: &str,
    ) -> Result<(), LedgerError> {
        messages::set_waiting(self.connection, key, state, next_at, now, reason)
    }
    fn set_ended(
        &mut self,
        key: MessageKey,
        outcome: OutcomeKind,
        at: Timestamp,
        reason: Option<&str>,
        detail: Option<&str>,
    ) -> Result<bool, LedgerError> {
        messages::set_ended(self.connection, key, outcome, at, reason, detail)
    }
    fn cancel_reason(&mut self, key: MessageKey) -> Result<Option<String>, LedgerError> {
        messages::cancel_reason(self.connection, key)
    }
    fn kept(&mut self, key: MessageKey) -> Result<Option<String>, LedgerError> {
        messages::kept(self.connection, key)
    }
    fn counted(
        &mut self,
        address: &str,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Counted>, LedgerError> {
        messages::counted(self.connection, address, since, now)
    }

    fn inbox(
        &mut self,
        subject: &str,
        now: Timestamp,
        behind: InboxPlace,
        count_max: u32,
    ) -> Result<Vec<InboxEntry>, LedgerError> {
        inbox::shown(self.connection, subject, now, behind, count_max)
    }
    fn inbox_counts(&mut self, subject: &str, now: Timestamp) -> Result<InboxCounts, LedgerError> {
        inbox::counts(self.connection, subject, now)
    }
    fn inbox_changes(
        &mut self,
        subject: &str,
        behind: i64,
        count_max: u32,
    ) -> Result<Vec<InboxEntry>, LedgerError> {
        inbox::changed(self.connection, subject, behind, count_max)
    }
    fn inbox_expired(
        &mut self,
        subject: &str,
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<DecisionId>, LedgerError> {
        inbox::expired(self.connection, subject, after, until)
    }
    fn inbox_next_expiry(&mut self, subject: &str, now: Timestamp) -> Result<Option<Timestamp>, LedgerError> {
        inbox::next_expiry(self.connection, subject, now)
    }
    fn inbox_last_change(&mut self) -> Result<i64, LedgerError> {
        inbox::last_change(self.connection)
    }
    fn inbox_whose_changed(
        &mut self,
        behind: i64,
        count_max: u32,
    ) -> Result<Vec<(i64, String)>, LedgerError> {
        inbox::whose_changed(self.connection, behind, count_max)
    }
    fn react(
        &mut self,
        subject: &str,
        id: DecisionId,
        reaction: Reaction,
        at: Timestamp,
    ) -> Result<Option<bool>, LedgerError> {
        inbox::react(self.connection, subject, id, reaction, at)
    }

    fn inbox_rules(&mut self, now: Timestamp) -> Result<Vec<String>, LedgerError> {
        inbox::rules(self.connection, now)
    }
    fn inbox_take_back(&mut self, rule: &str, now: Timestamp) -> Result<u64, LedgerError> {
        inbox::take_back_all(self.connection, rule, now)
    }

    fn suppressions(&mut self, address: &str) -> Result<Vec<Suppression>, LedgerError> {
        consent::suppressions(self.connection, address)
    }
    fn suppress(&mut self, suppression: &Suppression, is_on: bool) -> Result<(), LedgerError> {
        consent::suppress(self.connection, suppression, is_on)
    }
    fn push_outbox(&mut self, partition: u32, record: &[u8]) -> Result<(), LedgerError> {
        consent::push_outbox(self.connection, partition, record)
    }
    fn outbox(&mut self, count_max: u32) -> Result<Vec<OutboxRow>, LedgerError> {
        consent::outbox(self.connection, count_max)
    }
    fn delete_outbox(&mut self, up_to_sequence: i64) -> Result<(), LedgerError> {
        consent::delete_outbox(self.connection, up_to_sequence)
    }

    fn insert_release(&mut self, release: &StoredRelease) -> Result<(), LedgerError> {
        releases::insert(self.connection, release)
    }
    fn release(&mut self, id: &str) -> Result<Option<StoredRelease>, LedgerError> {
        releases::one(self.connection, id)
    }
    fn releases(&mut self) -> Result<Vec<StoredRelease>, LedgerError> {
        releases::all(self.connection)
    }
    fn announced(&mut self) -> Result<Option<(String, bool)>, LedgerError> {
        releases::announced(self.connection)
    }
    fn set_announced(&mut self, id: &str, is_complete: bool, now: Timestamp) -> Result<(), LedgerError> {
        releases::set_announced(self.connection, id, is_complete, now)
    }
    fn pauses(&mut self) -> Result<Vec<Pause>, LedgerError> {
        releases::pauses(self.connection)
    }
    fn set_pause(&mut self, rule: Option<&str>, is_on: bool, now: Timestamp) -> Result<(), LedgerError> {
        releases::set_pause(self.connection, rule, is_on, now)
    }
    fn audit(&mut self, now: Timestamp, who: &str, what: &str) -> Result<(), LedgerError> {
        releases::audit(self.connection, now, who, what)
    }

    fn insert_dead_letters(&mut self, letters: &[DeadLetter]) -> Result<(), LedgerError> {
        dead_letters::insert(self.connection, letters)
    }
    fn dead_letters(&mut self, after_id: i64, count_max: u32) -> Result<Vec<DeadLetter>, LedgerError> {
        dead_letters::after(self.connection, after_id, count_max)
    }
    fn dead_letter(&mut self, id: i64) -> Result<Option<DeadLetter>, LedgerError> {
        dead_letters::one(self.connection, id)
    }
    fn retire_dead_letters(&mut self, source: &str, now: Timestamp) -> Result<(), LedgerError> {
        dead_letters::retire(self.connection, source, now)
    }
    fn set_replayed(&mut self, id: i64, now: Timestamp) -> Result<(), LedgerError> {
        dead_letters::set_replayed(self.connection, id, now)
    }

    fn entries(&mut self, subject: &str, count_max: u32) -> Result<Vec<LedgerEntry>, LedgerError> {
        reading::entries(self.connection, subject, count_max)
    }
    fn message_counts(&mut self) -> Result<Vec<(MessageState, u64)>, LedgerError> {
        reading::message_counts(self.connection)
    }
    fn newest_entries(&mut self, count_max: u32) -> Result<Vec<LedgerEntry>, LedgerError> {
        watching::newest(self.connection, count_max)
    }
    fn entries_of_rule(
        &mut self,
        rule: &str,
        since: Timestamp,
        count_max: u32,
    ) -> Result<Vec<LedgerEntry>, LedgerError> {
        watching::newest_of_rule(self.connection, rule, since, count_max)
    }
    fn tallies(&mut self, since: Timestamp, count_max: u32) -> Result<Vec<Tally>, LedgerError> {
        watching::tallies(self.connection, since, count_max)
    }
    fn non_entries(&mut self, since: Timestamp) -> Result<Vec<(String, String, u64)>, LedgerError> {
        watching::non_entries(self.connection, since)
    }
    fn forget(&mut self, letters_before: Timestamp, renders_before: Timestamp) -> Result<(), LedgerError> {
        reading::forget(self.connection, letters_before, renders_before)
    }
}

/// All rows of a query as values.
fn rows<T>(
    connection: &Connection,
    text: &str,
    params: impl rusqlite::Params,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<T, LedgerError>,
) -> Result<Vec<T>, LedgerError> {
    let mut statement = connection.prepare_cached(text)?;
    let mut found = statement.query(params)?;
    let mut values = Vec::new();
    while let Some(row) = found.next()? {
        values.push(read(row)?);
    }
    Ok(values)
}

/// The first row of a query, if it has one.
fn first<T>(
    connection: &Connection,
    text: &str,
    params: impl rusqlite::Params,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<T, LedgerError>,
) -> Result<Option<T>, LedgerError> {
    let mut statement = connection.prepare_cached(text)?;
    let mut found = statement.query(params)?;
    found.next()?.map(read).transpose()
}

/// Runs a statement; gives how many rows it changed.
fn execute(connection: &Connection, text: &str, params: impl rusqlite::Params) -> Result<usize, LedgerError> {
    Ok(connection.prepare_cached(text)?.execute(params)?)
}
