//! What those who watch ask.

use super::{at, commit, decision, key_of};
use crate::ledger::{Ledger, LedgerError, MessageState, Reaction, Tally, Transaction};
use outreach_engine::effect::{Channel, Decision, NonEntry, NonEntryReason, Verdict};
use outreach_engine::event::OutcomeKind;
use outreach_engine::{DecisionId, Refusal};

fn read<T>(ledger: &impl Ledger, work: impl FnOnce(&mut dyn Transaction) -> Result<T, LedgerError>) -> T {
    ledger.reading(work).unwrap()
}

fn of_rule(rule: &str, number: u32) -> Decision {
    Decision { rule: rule.into(), ..decision(number) }
}

fn refused(number: u32, refusal: Refusal) -> Decision {
    Decision { verdict: Verdict::Refuse(refusal), address: None, ..decision(number) }
}

fn numbers(found: &[crate::ledger::LedgerEntry]) -> Vec<DecisionId> {
    found.iter().map(|entry| entry.decision.id).collect()
}

pub(super) fn the_newest_of_all_and_of_a_rule_are_found(ledger: &impl Ledger) {
    let all = [of_rule("a", 1), of_rule("b", 2), of_rule("a", 3), of_rule("a", 4)];
    // Partitions write at their own pace: what was judged before may come later.
    commit(ledger, |t| t.insert_decisions(1, &all[2..]));
    commit(ledger, |t| t.insert_decisions(2, &all[..2]));
    let ids = |of: &[usize]| of.iter().map(|index| all[*index].id).collect::<Vec<_>>();
    assert_eq!(numbers(&read(ledger, |t| t.newest_entries(3))), ids(&[3, 2, 1]));
    assert_eq!(numbers(&read(ledger, |t| t.entries_of_rule("a", at(2), 9))), ids(&[3, 2]));
    assert_eq!(numbers(&read(ledger, |t| t.entries_of_rule("a", at(0), 1))), ids(&[3]));
    let newest = read(ledger, |t| t.newest_entries(1)).remove(0);
    assert_eq!(newest.decision.address.as_deref(), Some("Ada@Example.com"));
    assert_eq!(&*newest.decision.render, "{}", "what a template reads is nobody's to watch");
    assert_eq!(newest.message.map(|(state, _, _)| state), Some(MessageState::Queued));
}

pub(super) fn decisions_are_tallied_by_what_became_of_them(ledger: &impl Ledger) {
    let shown = Decision { channel: Channel::InProduct, address: None, ..decision(3) };
    let all = [decision(1), decision(2), shown, refused(4, Refusal::Cap), refused(5, Refusal::Cap)];
    commit(ledger, |t| t.insert_decisions(1, &all));
    for sent in &all[1..3] {
        commit(ledger, |t| {
            t.set_leaving(key_of(sent), at(9))?;
            t.set_ended(key_of(sent), OutcomeKind::Sent, at(9), None, Some("{}"))
        });
    }
    for reaction in [Reaction::Seen, Reaction::Clicked] {
        commit(ledger, |t| t.react("user:ada", all[2].id, reaction, at(10)));
    }
    commit(ledger, |t| t.insert_decisions(1, &[decision(6)]));
    let tally = |verdict, state, count, reacted| Tally {
        rule: "stalled-onboarding".into(),
        step: "stalled-onboarding".into(),
        verdict,
        state,
        count,
        seen: reacted,
        clicked: reacted,
    };
    let mut found = read(ledger, |t| t.tallies(at(2), 9));
    found.sort_by_key(|tally| (tally.verdict, tally.state));
    assert_eq!(
        found,
        [
            tally(Verdict::Send, Some(MessageState::Queued), 1, 0),
            tally(Verdict::Send, Some(MessageState::Sent), 2, 1),
            tally(Verdict::Refuse(Refusal::Cap), None, 2, 0),
        ]
    );
    let newest = read(ledger, |t| t.tallies(at(0), 2));
    assert_eq!(newest.iter().map(|tally| tally.count).sum::<u64>(), 2, "{newest:?}");
}

pub(super) fn non_entries_are_summed_over_hours(ledger: &impl Ledger) {
    let non_entry = |reason, hour: i64| NonEntry { rule: "r".into(), reason, at: at(hour * 3_600 + 5) };
    let all = [
        non_entry(NonEntryReason::Audience, 1),
        non_entry(NonEntryReason::Audience, 2),
        non_entry(NonEntryReason::Audience, 2),
        non_entry(NonEntryReason::OncePer, 3),
    ];
    commit(ledger, |t| t.count_non_entries(&all));
    let row = |reason: &str, count| ("r".to_owned(), reason.to_owned(), count);
    assert_eq!(read(ledger, |t| t.non_entries(at(0))), [row("audience", 3), row("once-per", 1)]);
    assert_eq!(read(ledger, |t| t.non_entries(at(3 * 3_600))), [row("once-per", 1)]);
}
