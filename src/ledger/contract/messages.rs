//! The life of a message, and the outbox.

use super::{at, commit, decision, id, key_of, queue, state};
use crate::ledger::{Ledger, LedgerError, MessageKey, MessageState};
use outreach_engine::Refusal;
use outreach_engine::effect::{Cancel, Channel, Decision, OnCap, Verdict};
use outreach_engine::event::{Body, Outcome, OutcomeKind, Subject};

const SENT: OutcomeKind = OutcomeKind::Sent;

fn end(
    ledger: &impl Ledger,
    key: MessageKey,
    outcome: OutcomeKind,
    second: i64,
) -> Result<bool, LedgerError> {
    ledger.transaction(|t| t.set_ended(key, outcome, at(second), Some("why"), Some("250 ok")))
}

pub(super) fn a_message_lives_from_queued_to_sent(ledger: &impl Ledger) {
    let decision = Decision { on_cap: OnCap::Wait, ..decision(1) };
    let key = queue(ledger, &decision);
    assert_eq!(commit(ledger, |t| t.next_message_at()), Some(at(1)));
    assert_eq!(commit(ledger, |t| t.due_messages(Channel::Email, at(0), 10)), []);
    let due = commit(ledger, |t| t.due_messages(Channel::Email, at(1), 10)).remove(0);
    assert_eq!((due.key, due.state, due.attempts, due.partition), (key, MessageState::Queued, 0, 1));
    assert_eq!((&*due.subject, &*due.address, &*due.zone), ("user:ada", "Ada@Example.com", "Europe/Paris"));
    assert_eq!((&*due.rule, &*due.release, &*due.step), ("stalled-onboarding", "r1", "stalled-onboarding"));
    assert_eq!((&*due.template, due.topic.as_deref()), ("stalled-onboarding", Some("onboarding")));
    assert_eq!((due.channel, due.is_transactional, due.on_cap), (Channel::Email, false, OnCap::Wait));
    assert_eq!(
        (due.due_at, due.expires_at, &*due.render),
        (decision.due_at, decision.expires_at, &*decision.render)
    );
    commit(ledger, |t| t.set_leaving(key, at(5)));
    let leaving = commit(ledger, |t| t.message_by_id(decision.id)).unwrap();
    assert_eq!((leaving.state, leaving.state_at, leaving.attempts), (MessageState::Leaving, at(5), 1));
    assert_eq!(commit(ledger, |t| t.due_messages(Channel::Email, at(99), 10)), []);
    assert_eq!(commit(ledger, |t| t.next_message_at()), None);
    assert_eq!(commit(ledger, |t| t.message_counts()), [(MessageState::Leaving, 1)]);
    assert!(end(ledger, key, SENT, 6).unwrap());
    let sent = commit(ledger, |t| t.message(key)).unwrap();
    assert_eq!((sent.state, sent.state_at, sent.reason.as_deref()), (MessageState::Sent, at(6), Some("why")));
    assert_eq!(commit(ledger, |t| t.message_counts()), [(MessageState::Sent, 1)]);
    assert_eq!(commit(ledger, |t| t.message_by_id(id(9))), None);
}

/// A record that is repeated after more than the engine remembers decides again, under the same id.
pub(super) fn what_is_decided_again_is_no_second_message(ledger: &impl Ledger) {
    let again = |number: u32, second| Decision { judged_at: at(second), ..decision(number) };
    let [queued, sent] = [1, 2].map(|number| queue(ledger, &decision(number)));
    commit(ledger, |t| t.set_leaving(sent, at(5)));
    assert!(end(ledger, sent, SENT, 6).unwrap());
    let told = commit(ledger, |t| t.outbox(100)).len();
    let repeated = [again(1, 9), decision(7), again(2, 9), again(7, 10)];
    commit(ledger, |t| t.insert_decisions(1, &repeated));
    for number in [0, 2, 3] {
        let message = commit(ledger, |t| t.message(key_of(&repeated[number]))).unwrap();
        assert_eq!((message.state, message.reason.as_deref()), (MessageState::Skipped, Some("repeated")));
        assert_eq!(message.state_at, repeated[number].judged_at);
    }
    let due = commit(ledger, |t| t.due_messages(Channel::Email, at(99), 10));
    assert_eq!(due.iter().map(|message| message.key).collect::<Vec<_>>(), [queued, key_of(&repeated[1])]);
    assert_eq!(commit(ledger, |t| t.message_by_id(repeated[2].id)).unwrap().key, sent, "the first is it");
    let mut counts = commit(ledger, |t| t.message_counts());
    counts.sort();
    let expected = [(MessageState::Queued, 2), (MessageState::Sent, 1), (MessageState::Skipped, 3)];
    assert_eq!(counts, expected);
    // The engine hears of it, so that its journey goes on and the place under the cap is given back.
    let rows = commit(ledger, |t| t.outbox(100)).split_off(told);
    let mut heard = rows.iter().map(|row| Body::decode(&mut row.record.as_slice()).expect("a record"));
    assert_eq!(rows.len(), 3);
    assert!(heard.all(|body| matches!(body, Body::Outcome(outcome) if outcome.kind == OutcomeKind::Skipped)));
}

pub(super) fn only_decisions_to_send_become_messages(ledger: &impl Ledger) {
    let refused = Decision { verdict: Verdict::Refuse(Refusal::Late), ..decision(1) };
    let shadow = Decision { verdict: Verdict::Shadow, ..decision(2) };
    let holdout = Decision { verdict: Verdict::Holdout, ..decision(3) };
    for decision in [refused, shadow, holdout] {
        let key = queue(ledger, &decision);
        assert_eq!(commit(ledger, |t| t.message(key)), None);
    }
    assert_eq!(commit(ledger, |t| t.next_message_at()), None);
}

pub(super) fn each_channel_is_looked_for_by_itself(ledger: &impl Ledger) {
    queue(ledger, &decision(1));
    let card = queue(ledger, &Decision { channel: Channel::InProduct, address: None, ..decision(2) });
    let due = |channel| commit(ledger, |t| t.due_messages(channel, at(9), 1)).remove(0);
    assert_eq!((due(Channel::InProduct).key, due(Channel::Email).channel), (card, Channel::Email));
    assert_eq!(commit(ledger, |t| t.next_message_at()), Some(at(1)), "the least of all");
    commit(ledger, |t| t.set_leaving(key_of(&decision(1)), at(9)));
    assert_eq!(commit(ledger, |t| t.next_message_at()), Some(at(2)));
}

pub(super) fn what_is_held_comes_back_when_it_is_due(ledger: &impl Ledger) {
    let [first, second] = [1, 2].map(|number| queue(ledger, &decision(number)));
    let hold = |key, until| {
        commit(ledger, |t| t.set_waiting(key, MessageState::Held, at(until), at(3), "quiet-hours"));
    };
    let due = |second| -> Vec<MessageKey> {
        commit(ledger, |t| t.due_messages(Channel::Email, at(second), 10))
            .iter()
            .map(|message| message.key)
            .collect()
    };
    hold(first, 20);
    assert_eq!(due(19), [second]);
    assert_eq!(due(20), [second, first], "by the time they are due");
    hold(first, 30);
    hold(second, 30);
    assert_eq!(due(29), []);
    assert_eq!(due(30), [first, second], "then by key");
    assert_eq!(commit(ledger, |t| t.due_messages(Channel::Email, at(30), 1)).len(), 1);
    assert_eq!(commit(ledger, |t| t.next_message_at()), Some(at(30)));
    assert_eq!(commit(ledger, |t| t.message(first)).unwrap().reason.as_deref(), Some("quiet-hours"));
    commit(ledger, |t| t.set_leaving(first, at(31)));
    assert_eq!(state(ledger, first), MessageState::Leaving);
}

pub(super) fn what_was_not_handed_over_goes_back(ledger: &impl Ledger) {
    let [first, second] = [1, 2].map(|number| queue(ledger, &decision(number)));
    commit(ledger, |t| t.set_leaving(first, at(10)));
    commit(ledger, |t| t.set_leaving(second, at(20)));
    let stuck = commit(ledger, |t| t.leaving_since_before(at(20)));
    assert_eq!(stuck.iter().map(|message| message.key).collect::<Vec<_>>(), [first]);
    commit(ledger, |t| t.set_waiting(first, MessageState::Queued, at(25), at(21), "not handed over"));
    let back = commit(ledger, |t| t.message(first)).unwrap();
    assert_eq!((back.state, back.next_at, back.attempts), (MessageState::Queued, at(25), 1));
    commit(ledger, |t| t.set_leaving(first, at(26)));
    assert_eq!(commit(ledger, |t| t.message(first)).unwrap().attempts, 2);
}

pub(super) fn moves_that_are_not_in_the_picture_are_refused(ledger: &impl Ledger) {
    let key = queue(ledger, &decision(1));
    let wait = |state| ledger.transaction(|t| t.set_waiting(key, state, at(9), at(2), "x"));
    for outcome in [SENT, OutcomeKind::Failed, OutcomeKind::Unknown] {
        assert!(end(ledger, key, outcome, 2).is_err(), "{outcome:?} without having left");
    }
    assert!(wait(MessageState::Queued).is_err(), "what is queued goes back to nothing");
    assert!(wait(MessageState::Sent).is_err());
    commit(ledger, |t| t.set_leaving(key, at(3)));
    assert!(ledger.transaction(|t| t.set_leaving(key, at(4))).is_err(), "it leaves once");
    assert!(wait(MessageState::Held).is_err(), "what is leaving is not held");
    assert!(end(ledger, key, SENT, 5).unwrap());
    assert!(ledger.transaction(|t| t.set_leaving(key, at(6))).is_err());
    assert!(wait(MessageState::Queued).is_err());
    let nobody = key_of(&decision(2));
    assert!(ledger.transaction(|t| t.set_leaving(nobody, at(6))).is_err());
    assert!(end(ledger, nobody, SENT, 6).is_err());
    let sent = commit(ledger, |t| t.message(key)).unwrap();
    assert_eq!((sent.state, sent.state_at, sent.attempts), (MessageState::Sent, at(5), 1));
    assert_eq!(commit(ledger, |t| t.message_counts()), [(MessageState::Sent, 1)]);
}

pub(super) fn what_has_ended_stays_as_it_is(ledger: &impl Ledger) {
    use OutcomeKind::*;
    for (number, first) in [(1, Sent), (2, Failed), (3, Unknown), (4, Cancelled), (5, Expired), (6, Skipped)]
    {
        let key = queue(ledger, &decision(number));
        commit(ledger, |t| t.set_leaving(key, at(10)));
        assert!(end(ledger, key, first, 11).unwrap());
        let rows = commit(ledger, |t| t.outbox(100)).len();
        for second in [Sent, Failed, Unknown, Cancelled, Expired, Skipped] {
            assert!(!end(ledger, key, second, 12).unwrap(), "{first:?} then {second:?}");
        }
        let message = commit(ledger, |t| t.message(key)).unwrap();
        assert_eq!((message.state.as_str(), message.state_at), (first.as_str(), at(11)));
        assert_eq!(commit(ledger, |t| t.outbox(100)).len(), rows, "and is told once");
    }
}

pub(super) fn what_has_not_left_is_taken_back(ledger: &impl Ledger) {
    let [queued, held, leaving, sent] = [1, 2, 3, 4].map(|number| queue(ledger, &decision(number)));
    commit(ledger, |t| t.set_waiting(held, MessageState::Held, at(50), at(5), "cap"));
    commit(ledger, |t| t.set_leaving(leaving, at(5)));
    commit(ledger, |t| t.set_leaving(sent, at(5)));
    assert!(end(ledger, sent, SENT, 6).unwrap());
    commit(ledger, |t| t.delete_outbox(i64::MAX));
    let cancel = |decision| Cancel { decision, reason: Refusal::Exit.into(), at: at(7) };
    let all: Vec<Cancel> = [queued, held, leaving, sent].map(|key| cancel(key.id)).into();
    commit(ledger, |t| t.cancel(&all));
    commit(ledger, |t| t.cancel(&all));
    commit(ledger, |t| t.cancel(&[cancel(id(99))]));
    for key in [queued, held] {
        let message = commit(ledger, |t| t.message(key)).unwrap();
        let found = (message.state, message.state_at, message.reason.as_deref());
        assert_eq!(found, (MessageState::Cancelled, at(7), Some("exit")));
    }
    assert_eq!(state(ledger, leaving), MessageState::Leaving);
    assert_eq!(state(ledger, sent), MessageState::Sent);
    let told: Vec<Vec<u8>> = commit(ledger, |t| t.outbox(10)).into_iter().map(|row| row.record).collect();
    assert_eq!(told, [queued, held].map(|key| outcome(key, OutcomeKind::Cancelled, 7)));
    assert_eq!(commit(ledger, |t| t.due_messages(Channel::Email, at(99), 10)), []);
}

/// Taken back while it is leaving: if the server has it, it is sent; if it comes back, it goes no more.
pub(super) fn what_was_leaving_when_taken_back_ends_when_it_comes_back(ledger: &impl Ledger) {
    let [back, gone] = [1, 2].map(|number| queue(ledger, &decision(number)));
    for key in [back, gone] {
        commit(ledger, |t| t.set_leaving(key, at(5)));
        let cancel = Cancel { decision: key.id, reason: Refusal::Exit.into(), at: at(6) };
        commit(ledger, |t| t.cancel(std::slice::from_ref(&cancel)));
        assert_eq!(state(ledger, key), MessageState::Leaving);
        assert_eq!(commit(ledger, |t| t.cancel_reason(key)).as_deref(), Some("exit"));
    }
    commit(ledger, |t| t.set_waiting(back, MessageState::Queued, at(9), at(7), "try-again"));
    assert_eq!(state(ledger, back), MessageState::Cancelled);
    assert!(end(ledger, gone, SENT, 7).unwrap());
    assert_eq!(state(ledger, gone), MessageState::Sent);
    let told: Vec<_> = commit(ledger, |t| t.outbox(9)).into_iter().map(|row| row.record).collect();
    assert_eq!(told, [outcome(back, OutcomeKind::Cancelled, 7), outcome(gone, SENT, 7)]);
}

fn outcome(key: MessageKey, kind: OutcomeKind, second: i64) -> Vec<u8> {
    let mut record = Vec::new();
    let outcome = Outcome { subject: Subject::user("ada"), decision: key.id, kind, at: at(second) };
    Body::Outcome(outcome).encode(&mut record);
    record
}

pub(super) fn an_outcome_goes_into_the_outbox_with_its_move(ledger: &impl Ledger) {
    let key = queue(ledger, &decision(1));
    commit(ledger, |t| t.set_leaving(key, at(5)));
    assert_eq!(commit(ledger, |t| t.outbox(10)), [], "nothing became of it yet");
    let failed = ledger.transaction(|t| {
        t.set_ended(key, SENT, at(6), None, None)?;
        Err::<(), _>(LedgerError::Unavailable { reason: "the test says so".into() })
    });
    assert!(failed.is_err());
    assert_eq!(commit(ledger, |t| t.outbox(10)), []);
    assert_eq!(state(ledger, key), MessageState::Leaving);
    assert!(end(ledger, key, OutcomeKind::Unknown, 6).unwrap());
    let row = commit(ledger, |t| t.outbox(10)).remove(0);
    assert_eq!((row.partition, row.record), (1, outcome(key, OutcomeKind::Unknown, 6)));
}

pub(super) fn the_outbox_is_in_order_and_never_gives_a_number_twice(ledger: &impl Ledger) {
    commit(ledger, |t| (0..5u8).try_for_each(|number| t.push_outbox(u32::from(number % 2), &[number])));
    let rows = commit(ledger, |t| t.outbox(3));
    assert_eq!(rows.iter().map(|row| row.record[0]).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(rows.is_sorted_by_key(|row| row.sequence));
    commit(ledger, |t| t.delete_outbox(rows[2].sequence));
    let rest = commit(ledger, |t| t.outbox(10));
    assert_eq!(rest.iter().map(|row| (row.partition, row.record[0])).collect::<Vec<_>>(), [(1, 3), (0, 4)]);
    commit(ledger, |t| t.delete_outbox(rest[1].sequence));
    commit(ledger, |t| t.push_outbox(0, &[5]));
    assert!(commit(ledger, |t| t.outbox(10))[0].sequence > rest[1].sequence);
}
