//! What people's products show: kept messages, what changes them, and what people did.

use super::{at, commit, decision, id, queue};
use crate::ledger::{Gone, InboxCounts, InboxEntry, InboxPlace, Ledger, MessageKey, Reaction};
use outreach_engine::Refusal;
use outreach_engine::effect::{Cancel, Channel, Decision};
use outreach_engine::event::{Body, OutcomeKind, Subject};

const ADA: &str = "user:ada";
/// Above all changes of a test.
const MANY: u32 = 100;

/// Keeps message `number` at `second` for `user`, until second 100.
fn keep(ledger: &impl Ledger, number: u32, user: &str, second: i64) -> MessageKey {
    let decision = Decision {
        subject: Subject::user(user).to_owned(),
        channel: Channel::InProduct,
        address: None,
        expires_at: at(100),
        ..decision(number)
    };
    let key = queue(ledger, &decision);
    commit(ledger, |t| t.set_leaving(key, at(second)));
    let detail = Some(r#"{"title":"x"}"#);
    assert!(commit(ledger, |t| t.set_ended(key, OutcomeKind::Sent, at(second), None, detail)));
    key
}

fn shown(ledger: &impl Ledger, second: i64) -> Vec<InboxEntry> {
    commit(ledger, |t| t.inbox(ADA, at(second), InboxPlace::NEWEST, MANY))
}

fn keys(entries: &[InboxEntry]) -> Vec<MessageKey> {
    entries.iter().map(|entry| entry.key).collect()
}

/// What the outbox holds, as kinds of outcomes.
fn told(ledger: &impl Ledger) -> Vec<OutcomeKind> {
    let rows = commit(ledger, |t| t.outbox(MANY));
    let kind = |record: &[u8]| match Body::decode(&mut &*record) {
        Ok(Body::Outcome(outcome)) => outcome.kind,
        other => panic!("expected an outcome, found {other:?}"),
    };
    rows.iter().map(|row| kind(&row.record)).collect()
}

pub(super) fn what_is_kept_is_shown_to_its_person_newest_first(ledger: &impl Ledger) {
    let [first, second] = [keep(ledger, 1, "ada", 10), keep(ledger, 2, "ada", 20)];
    keep(ledger, 3, "bob", 30);
    let mail = queue(ledger, &decision(4));
    commit(ledger, |t| t.set_leaving(mail, at(40)));
    commit(ledger, |t| t.set_ended(mail, OutcomeKind::Sent, at(40), None, Some("250 ok")));
    let queued = Decision { channel: Channel::InProduct, address: None, ..decision(5) };
    queue(ledger, &queued);
    let entries = shown(ledger, 50);
    assert_eq!(keys(&entries), [second, first], "no mail, nothing of others, nothing that was not kept");
    assert_eq!((entries[0].kept_at, entries[0].expires_at), (at(20), at(100)));
    assert_eq!(entries[0].kept.as_deref(), Some(r#"{"title":"x"}"#));
    assert_eq!(entries[0].topic.as_deref(), Some("onboarding"));
    assert_eq!(commit(ledger, |t| t.inbox_counts(ADA, at(50))), InboxCounts { total: 2, unseen: 2 });
    let behind = InboxPlace { kept_at: at(20), id: second.id };
    assert_eq!(keys(&commit(ledger, |t| t.inbox(ADA, at(50), behind, MANY))), [first]);
    assert_eq!(keys(&commit(ledger, |t| t.inbox(ADA, at(50), InboxPlace::NEWEST, 1))), [second]);
}

pub(super) fn what_is_over_is_shown_no_more_and_told_once(ledger: &impl Ledger) {
    let key = keep(ledger, 1, "ada", 10);
    assert_eq!(commit(ledger, |t| t.inbox_next_expiry(ADA, at(50))), Some(at(100)));
    assert_eq!(keys(&shown(ledger, 99)), [key]);
    assert_eq!(shown(ledger, 100), [], "half-open");
    assert_eq!(commit(ledger, |t| t.inbox_counts(ADA, at(100))), InboxCounts::default());
    assert_eq!(commit(ledger, |t| t.inbox_next_expiry(ADA, at(100))), None);
    let expired = |after, until| commit(ledger, |t| t.inbox_expired(ADA, at(after), at(until)));
    assert_eq!(expired(50, 99), []);
    assert_eq!(expired(99, 100), [key.id]);
    assert_eq!(expired(100, 200), []);
}

pub(super) fn the_first_reaction_wins_and_is_told_with_its_row(ledger: &impl Ledger) {
    let key = keep(ledger, 1, "ada", 10);
    commit(ledger, |t| t.delete_outbox(i64::MAX));
    let react = |reaction, second| commit(ledger, |t| t.react(ADA, key.id, reaction, at(second)));
    assert_eq!(react(Reaction::Clicked, 20), Some(true));
    assert_eq!(react(Reaction::Clicked, 30), Some(false));
    assert_eq!(react(Reaction::Seen, 30), Some(false), "whoever clicks has seen");
    let entry = shown(ledger, 40).remove(0);
    assert_eq!((entry.seen_at, entry.clicked_at, entry.dismissed_at), (Some(at(20)), Some(at(20)), None));
    assert_eq!(commit(ledger, |t| t.inbox_counts(ADA, at(40))), InboxCounts { total: 1, unseen: 0 });
    assert_eq!(react(Reaction::Dismissed, 50), Some(true));
    assert_eq!(shown(ledger, 60), []);
    assert_eq!(react(Reaction::Dismissed, 70), Some(false), "what is gone may still be told again");
    assert_eq!(told(ledger), [OutcomeKind::Seen, OutcomeKind::Clicked, OutcomeKind::Dismissed]);
    let row = commit(ledger, |t| t.outbox(1)).remove(0);
    assert_eq!(row.partition, 1, "to the partition of the decision");
}

pub(super) fn nobody_reacts_for_others_or_to_what_was_not_kept(ledger: &impl Ledger) {
    let key = keep(ledger, 1, "ada", 10);
    let queued = queue(ledger, &Decision { channel: Channel::InProduct, address: None, ..decision(2) });
    commit(ledger, |t| t.delete_outbox(i64::MAX));
    for (subject, id) in [("user:bob", key.id), ("anon:ada", key.id), (ADA, queued.id), (ADA, id(99))] {
        assert_eq!(commit(ledger, |t| t.react(subject, id, Reaction::Seen, at(20))), None, "{subject}");
    }
    assert_eq!(told(ledger), []);
    assert_eq!(shown(ledger, 50)[0].seen_at, None);
}

pub(super) fn a_kept_message_that_is_taken_back_is_gone(ledger: &impl Ledger) {
    let key = keep(ledger, 1, "ada", 10);
    let before = commit(ledger, |t| t.inbox_last_change());
    let cancel = Cancel { decision: key.id, reason: Refusal::Exit.into(), at: at(20) };
    commit(ledger, |t| t.cancel(std::slice::from_ref(&cancel)));
    assert_eq!(shown(ledger, 30), []);
    let changes = commit(ledger, |t| t.inbox_changes(ADA, before, MANY));
    assert_eq!(changes.iter().map(|entry| entry.cancelled_at).collect::<Vec<_>>(), [Some(at(20))]);
    assert!(!changes[0].is_shown(at(30)));
    assert_eq!(
        super::state(ledger, key),
        crate::ledger::MessageState::Sent,
        "it was shown, and that stays true"
    );
    let gone = |ledger| super::shards::entries_of(ledger, ADA)[0].gone.clone();
    assert_eq!(gone(ledger), Some((Gone::TakenBack(Some("exit".into())), at(20))));
    // Once, and nothing that is shown no more.
    let before = commit(ledger, |t| t.inbox_last_change());
    commit(ledger, |t| t.cancel(std::slice::from_ref(&cancel)));
    let over = keep(ledger, 2, "bob", 10);
    commit(ledger, |t| t.react("user:bob", over.id, Reaction::Dismissed, at(15)));
    commit(ledger, |t| t.cancel(&[Cancel { decision: over.id, ..cancel }]));
    assert_eq!(commit(ledger, |t| t.inbox_last_change()), before + 2, "kept, and dismissed");
    let bob = super::shards::entries_of(ledger, "user:bob")[0].gone.clone();
    assert_eq!(bob, Some((Gone::Dismissed, at(15))));
}

pub(super) fn what_a_rule_shows_is_taken_back_together(ledger: &impl Ledger) {
    let rule = keep(ledger, 1, "ada", 10).id;
    keep(ledger, 2, "bob", 10);
    let over = keep(ledger, 3, "ada", 10);
    commit(ledger, |t| t.react(ADA, over.id, Reaction::Dismissed, at(20)));
    assert_eq!(commit(ledger, |t| t.inbox_rules(at(30))), ["stalled-onboarding"]);
    assert_eq!(commit(ledger, |t| t.inbox_take_back("another", at(30))), 0);
    assert_eq!(shown(ledger, 30)[0].key.id, rule);
    assert_eq!(commit(ledger, |t| t.inbox_take_back("stalled-onboarding", at(30))), 2);
    assert_eq!(shown(ledger, 30), []);
    assert_eq!(commit(ledger, |t| t.inbox_rules(at(30))), [""; 0]);
    assert_eq!(commit(ledger, |t| t.inbox_take_back("stalled-onboarding", at(30))), 0);
}

pub(super) fn changes_have_rising_numbers_and_say_whose_they_are(ledger: &impl Ledger) {
    assert_eq!(commit(ledger, |t| t.inbox_last_change()), 0);
    let first = keep(ledger, 1, "ada", 10);
    keep(ledger, 2, "bob", 20);
    let second = keep(ledger, 3, "ada", 30);
    commit(ledger, |t| t.react(ADA, first.id, Reaction::Seen, at(40)));
    assert_eq!(commit(ledger, |t| t.inbox_last_change()), 4);
    let changes = commit(ledger, |t| t.inbox_changes(ADA, 0, MANY));
    assert_eq!(keys(&changes), [second, first], "each message once, by its newest change");
    assert_eq!(changes.iter().map(|entry| entry.change).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(keys(&commit(ledger, |t| t.inbox_changes(ADA, 3, MANY))), [first]);
    assert_eq!(keys(&commit(ledger, |t| t.inbox_changes(ADA, 0, 1))), [second]);
    let whose = commit(ledger, |t| t.inbox_whose_changed(1, MANY));
    let named = [(2, "user:bob"), (3, ADA), (4, ADA)].map(|(change, subject)| (change, subject.to_owned()));
    assert_eq!(whose, named);
    // What is forgotten gives no number back.
    commit(ledger, |t| t.forget(at(1_000), at(1_000)));
    assert_eq!(commit(ledger, |t| t.inbox_changes(ADA, 0, MANY)), []);
    keep(ledger, 4, "ada", 2_000);
    assert_eq!(commit(ledger, |t| t.inbox_last_change()), 5);
}
