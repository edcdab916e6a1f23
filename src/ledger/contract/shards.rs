//! The fence, and decisions.

use super::{at, commit, id};
use crate::ledger::{Ledger, LedgerEntry, LedgerError, MessageState};
use outreach_engine::effect::{Channel, Decision, Fact, NonEntry, NonEntryReason, OnCap, Verdict};
use outreach_engine::event::Subject;
use outreach_engine::{Length, Refusal};

/// A decision to send mail to ada, number `number`, judged at that second.
pub fn decision(number: u32) -> Decision {
    let judged_at = at(i64::from(number));
    Decision {
        id: id(number),
        rule: "stalled-onboarding".into(),
        release: "r1".into(),
        subject: Subject::user("ada").to_owned(),
        key: "".into(),
        step: "stalled-onboarding".into(),
        channel: Channel::Email,
        template: "stalled-onboarding".into(),
        topic: Some("onboarding".into()),
        verdict: Verdict::Send,
        is_transactional: false,
        on_cap: OnCap::Skip,
        triggered_at: judged_at - Length::days(3),
        due_at: judged_at - Length::minutes(1),
        judged_at,
        expires_at: judged_at + Length::days(1),
        address: Some("Ada@Example.com".into()),
        zone: "Europe/Paris".into(),
        render: r#"{"traits":{"name":"Ada"}}"#.into(),
        facts: vec![
            Fact { what: "trigger".into(), value: "Signed Up".into(), event: Some("m-1".into()) },
            Fact { what: "traits.country".into(), value: r#""FR""#.into(), event: None },
        ],
    }
}

pub fn decisions(numbers: std::ops::Range<u32>) -> Vec<Decision> {
    numbers.map(decision).collect()
}

pub fn entries_of(ledger: &impl Ledger, subject: &str) -> Vec<LedgerEntry> {
    commit(ledger, |t| t.entries(subject, 1_000))
}

pub(super) fn a_second_owner_is_fenced_and_writes_nothing(ledger: &impl Ledger) {
    let write = |old, new, numbers| {
        ledger.transaction(|t| {
            t.insert_decisions(3, &decisions(numbers))?;
            t.count_non_entries(&[NonEntry {
                rule: "r".into(),
                reason: NonEntryReason::OncePer,
                at: at(1),
            }])?;
            t.move_position(3, old, new)
        })
    };
    write(0, 10, 0..2).unwrap();
    let error = write(0, 12, 2..5).unwrap_err();
    assert!(matches!(error, LedgerError::Fenced { partition: 3, expected: 0, found: 10 }), "{error}");
    let error = write(9, 12, 2..5).unwrap_err();
    assert!(matches!(error, LedgerError::Fenced { partition: 3, expected: 9, found: 10 }), "{error}");
    assert_eq!(commit(ledger, |t| t.position(3)), 10);
    assert_eq!(entries_of(ledger, "user:ada").len(), 2);
    write(10, 12, 2..3).unwrap();
    assert_eq!(commit(ledger, |t| t.position(3)), 12);
}

pub(super) fn a_transaction_that_fails_leaves_nothing(ledger: &impl Ledger) {
    let error = ledger
        .transaction(|t| {
            t.insert_decisions(1, &decisions(0..3))?;
            t.move_position(1, 0, 5)?;
            t.push_outbox(1, b"record")?;
            Err::<(), _>(LedgerError::Unavailable { reason: "the test says so".into() })
        })
        .unwrap_err();
    assert!(error.to_string().contains("the test says so"), "{error}");
    assert_eq!(commit(ledger, |t| t.position(1)), 0);
    assert!(entries_of(ledger, "user:ada").is_empty());
    assert!(commit(ledger, |t| t.outbox(10)).is_empty());
    assert!(commit(ledger, |t| t.message_counts()).is_empty());
}

pub(super) fn a_decision_is_there_once(ledger: &impl Ledger) {
    commit(ledger, |t| t.insert_decisions(1, &decisions(0..2)));
    let error = ledger.transaction(|t| t.insert_decisions(1, &decisions(1..3))).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
    assert_eq!(entries_of(ledger, "user:ada").len(), 2);
}

pub(super) fn decisions_read_back_newest_first(ledger: &impl Ledger) {
    let sent = decision(1);
    let refused = Decision {
        verdict: Verdict::Refuse(Refusal::Cap),
        channel: Channel::InProduct,
        on_cap: OnCap::Wait,
        is_transactional: true,
        topic: None,
        address: None,
        key: "order-7".into(),
        render: "{}".into(),
        facts: Vec::new(),
        ..decision(2)
    };
    let other =
        Decision { subject: Subject::anon("ada").to_owned(), verdict: Verdict::Holdout, ..decision(3) };
    commit(ledger, |t| t.insert_decisions(1, &[sent.clone(), refused.clone(), other.clone()]));
    let message = Some((MessageState::Queued, sent.judged_at, None));
    let entry =
        |decision: &Decision, message| LedgerEntry { decision: decision.clone(), message, gone: None };
    assert_eq!(entries_of(ledger, "user:ada"), [entry(&refused, None), entry(&sent, message)]);
    assert_eq!(entries_of(ledger, "anon:ada"), [entry(&other, None)]);
    assert_eq!(commit(ledger, |t| t.entries("user:ada", 1)).len(), 1);
    assert!(entries_of(ledger, "user:bob").is_empty());
}

pub(super) fn positions_of_partitions_are_apart(ledger: &impl Ledger) {
    commit(ledger, |t| t.move_position(0, 0, 7));
    commit(ledger, |t| t.move_position(0, 7, 7));
    assert_eq!(commit(ledger, |t| t.position(0)), 7);
    assert_eq!(commit(ledger, |t| t.position(1)), 0);
}
