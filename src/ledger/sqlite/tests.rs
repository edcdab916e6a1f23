//! The contract of every ledger, and what is this one's alone: its file.

use super::*;
use crate::ledger::contract::{self, decisions, entries_of};

#[test]
fn the_sqlite_ledger_keeps_the_contract() {
    contract::holds(|| SqliteLedger::in_memory().unwrap());
}

#[test]
fn who_watches_a_file_does_not_wait_for_who_writes_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(dir.path().join("ledger.db")).unwrap();
    ledger.transaction(|t| t.insert_decisions(0, &decisions(0..3))).unwrap();
    let seen = ledger.transaction(|t| {
        t.insert_decisions(0, &decisions(3..5))?;
        ledger.reading(|t| t.newest_entries(9)).map(|entries| entries.len())
    });
    assert_eq!(seen.unwrap(), 3, "what is not committed is not seen");
    assert_eq!(ledger.reading(|t| t.newest_entries(9)).unwrap().len(), 5);
    let error = ledger.reading(|t| t.set_pause(None, true, Timestamp(0))).unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");
}

#[test]
fn what_was_committed_is_there_after_the_file_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let write = |old, new, numbers| {
        let ledger = SqliteLedger::open(&path).unwrap();
        let work = |t: &mut dyn Transaction| {
            t.insert_decisions(0, &decisions(numbers))?;
            t.move_position(0, old, new)
        };
        ledger.transaction(work).unwrap();
    };
    write(0, 1, 0..3);
    write(1, 2, 3..5);
    assert_eq!(entries_of(&SqliteLedger::open(&path).unwrap(), "user:ada").len(), 5);
}

#[test]
fn two_owners_of_one_file_write_in_turn_and_are_fenced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let [one, other] = [(), ()].map(|()| SqliteLedger::open(&path).unwrap());
    one.transaction(|t| t.move_position(0, 0, 5)).unwrap();
    let error = other.transaction(|t| t.move_position(0, 0, 6)).unwrap_err();
    assert!(matches!(error, LedgerError::Fenced { found: 5, .. }), "{error}");
}

#[test]
fn a_full_disk_is_unavailable_and_passes() {
    let ledger = SqliteLedger::in_memory().unwrap();
    let limit = |pages: u32| {
        let set = format!("PRAGMA max_page_count = {pages}");
        ledger.lock().query_row(&set, [], |_| Ok(())).unwrap();
    };
    limit(1);
    let error = ledger.transaction(|t| t.insert_decisions(0, &decisions(0..1_000))).unwrap_err();
    assert!(matches!(error, LedgerError::Unavailable { .. }), "{error}");
    assert!(entries_of(&ledger, "user:ada").is_empty());
    limit(u32::MAX - 1);
    ledger.transaction(|t| t.insert_decisions(0, &decisions(0..1_000))).unwrap();
}

#[test]
fn a_file_that_is_no_ledger_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    std::fs::write(&path, [b'x'; 8_192]).unwrap();
    let error = SqliteLedger::open(&path).map(drop).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
}

#[test]
fn what_is_forgotten_is_gone_from_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let holds_render = || {
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(15).any(|window| window == br#"{"name":"Ada"}}"#)
    };
    let run = |work: &dyn Fn(&mut dyn Transaction) -> Result<(), LedgerError>| {
        SqliteLedger::open(&path).unwrap().transaction(work).unwrap();
    };
    run(&|t| t.insert_decisions(0, &decisions(0..50)));
    assert!(holds_render());
    run(&|t| {
        let cancel =
            |id| Cancel { decision: id, reason: outreach_engine::Refusal::Exit.into(), at: Timestamp(0) };
        t.cancel(&decisions(0..50).iter().map(|decision| cancel(decision.id)).collect::<Vec<_>>())?;
        t.forget(Timestamp::MAX, Timestamp::MAX)
    });
    assert!(!holds_render());
}

#[test]
fn a_ledger_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    drop(SqliteLedger::open(&path).unwrap());
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (99, 'later', '2026-11-24T00:00:00Z', '1')";
    Connection::open(&path).unwrap().execute(newer, []).unwrap();
    let error = SqliteLedger::open(&path).map(drop).unwrap_err();
    assert!(error.to_string().contains("older than they are"), "{error}");
}

#[test]
fn a_panic_inside_a_transaction_is_rolled_back_and_the_ledger_goes_on() {
    let ledger = SqliteLedger::in_memory().unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let work = |t: &mut dyn Transaction| -> Result<(), LedgerError> {
            t.move_position(0, 0, 5)?;
            panic!("the test says so")
        };
        drop(ledger.transaction(work));
    }));
    assert!(panicked.is_err());
    assert_eq!(ledger.transaction(|t| t.position(0)).unwrap(), 0);
}

/// No query that runs often may walk through a whole table.
#[test]
fn lookups_use_their_indexes() {
    let ledger = SqliteLedger::in_memory().unwrap();
    let plan = |file: &'static str, name: &str| {
        let connection = ledger.lock();
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", query(file, name))).unwrap();
        let count = explain.parameter_count();
        let values = rusqlite::params_from_iter(std::iter::repeat_n(1, count));
        let lines = explain.query_map(values, |row| row.get::<_, String>(3)).unwrap();
        lines.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    };
    let messages = include_str!("../sql/messages.sql");
    let reading = include_str!("../sql/reading.sql");
    let releases = include_str!("../sql/releases.sql");
    for (file, name, expected) in [
        (messages, "due", "USING INDEX message_waiting"),
        (messages, "next_at", "USING INDEX message_waiting"),
        (releases, "wake", "USING INDEX message_waiting"),
        (messages, "leaving", "USING INDEX message_leaving"),
        (messages, "key_of", "USING COVERING INDEX message_by_id"),
        (messages, "counted", "USING INDEX message_counted"),
        (reading, "entries", "USING INDEX decision_by_subject"),
        (reading, "forget_letters", "INDEX dead_letter_by_age"),
    ] {
        let found = plan(file, name);
        assert!(found.contains(expected) && !found.contains("SCAN"), "{name}: {found}");
        // `counted` sorts the few rows of one address.
        assert!(!found.contains("TEMP B-TREE") || name == "counted", "{name}: {found}");
    }
}
