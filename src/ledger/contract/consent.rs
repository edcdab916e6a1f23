//! Caps and suppressions, both by address.

use super::{at, commit, decision, queue};
use crate::ledger::{Counted, Ledger, MessageKey, Suppression, SuppressionKind};
use outreach_engine::effect::{Channel, Decision};
use outreach_engine::event::{OutcomeKind, Subject};

fn leave(ledger: &impl Ledger, key: MessageKey, second: i64) {
    commit(ledger, |t| t.set_leaving(key, at(second)));
}

fn end(ledger: &impl Ledger, key: MessageKey, outcome: OutcomeKind, second: i64) {
    assert!(commit(ledger, |t| t.set_ended(key, outcome, at(second), None, None)));
}

fn to(number: u32, user: &str, address: &str) -> Decision {
    Decision { subject: Subject::user(user).to_owned(), address: Some(address.into()), ..decision(number) }
}

pub(super) fn caps_count_what_left_or_is_leaving(ledger: &impl Ledger) {
    let counted = |since, now| -> Vec<i64> {
        let all = commit(ledger, |t| t.counted("ADA@example.com", at(since), at(now)));
        assert!(all.iter().all(|counted: &Counted| counted.channel == Channel::Email));
        all.iter().map(|counted| counted.at.0 / 1_000_000).collect()
    };
    let queued = queue(ledger, &to(1, "ada", "ada@example.com"));
    assert_eq!(counted(0, 100), [0_i64; 0], "what is queued counts at the gate, not here");
    leave(ledger, queued, 10);
    assert_eq!(counted(0, 100), [100], "what is leaving counts as now");
    assert_eq!(counted(50, 100), [100], "however long it has been leaving");
    end(ledger, queued, OutcomeKind::Sent, 20);
    assert_eq!(counted(0, 100), [20], "what left counts by its outcome's time");
    assert_eq!(counted(20, 100), [20], "from `since` on, itself included");
    assert_eq!(counted(21, 100), [0_i64; 0]);
    let unknown = queue(ledger, &to(2, "ada", "Ada@Example.com"));
    leave(ledger, unknown, 30);
    end(ledger, unknown, OutcomeKind::Unknown, 40);
    assert_eq!(counted(0, 100), [20, 40], "perhaps sent is sent, and the case of letters tells nobody apart");
    for (number, outcome) in
        [(3, OutcomeKind::Failed), (4, OutcomeKind::Cancelled), (5, OutcomeKind::Skipped)]
    {
        let key = queue(ledger, &to(number, "ada", "ada@example.com"));
        leave(ledger, key, 50);
        end(ledger, key, outcome, 51);
    }
    assert_eq!(counted(0, 100), [20, 40], "what did not arrive gives its place back");
    let transactional =
        queue(ledger, &Decision { is_transactional: true, ..to(6, "ada", "ada@example.com") });
    leave(ledger, transactional, 60);
    assert_eq!(counted(0, 100), [20, 40], "a receipt takes no place");
    let neighbour = queue(ledger, &to(7, "bob", "ada@example.com"));
    leave(ledger, neighbour, 70);
    assert_eq!(counted(0, 100), [20, 40, 100], "two users of one address share its caps");
    let other = queue(ledger, &to(8, "ada", "ada@example.org"));
    leave(ledger, other, 70);
    assert_eq!(counted(0, 100), [20, 40, 100]);
}

fn suppression(address: &str, topic: Option<&str>, kind: SuppressionKind, second: i64) -> Suppression {
    Suppression { address: address.into(), topic: topic.map(Into::into), kind, at: at(second) }
}

pub(super) fn a_suppression_holds_for_the_address_whoever_has_it(ledger: &impl Ledger) {
    use SuppressionKind::*;
    let [first, second] = [to(1, "ada", "Shared@Example.com"), to(2, "bob", "shared@example.com")];
    commit(ledger, |t| t.insert_decisions(1, &[first.clone(), second.clone()]));
    assert_eq!(commit(ledger, |t| t.suppressions("shared@example.com")), []);
    commit(ledger, |t| t.suppress(&suppression("SHARED@example.com", Some("tips"), Unsubscribed, 5), true));
    commit(ledger, |t| t.suppress(&suppression("shared@example.com", None, Bounced, 6), true));
    commit(ledger, |t| t.suppress(&suppression("shared@example.com", None, Bounced, 9), true));
    for decision in [first, second] {
        let address = decision.address.unwrap();
        let found = commit(ledger, |t| t.suppressions(&address));
        let expected = [
            suppression("shared@example.com", None, Bounced, 6),
            suppression("shared@example.com", Some("tips"), Unsubscribed, 5),
        ];
        assert_eq!(found, expected, "folded, once each, since the first time");
    }
    assert_eq!(commit(ledger, |t| t.suppressions("ada@example.org")), []);
}

pub(super) fn a_lifted_suppression_is_gone_and_others_stay(ledger: &impl Ledger) {
    use SuppressionKind::*;
    let all = [
        suppression("ada@example.com", None, Complained, 1),
        suppression("ada@example.com", None, Unsubscribed, 2),
        suppression("ada@example.com", Some("tips"), Unsubscribed, 3),
    ];
    all.iter().for_each(|one| commit(ledger, |t| t.suppress(one, true)));
    commit(ledger, |t| {
        t.suppress(&Suppression { address: "Ada@example.com".into(), ..all[1].clone() }, false)
    });
    assert_eq!(commit(ledger, |t| t.suppressions("ada@example.com")), [all[0].clone(), all[2].clone()]);
}
