//! Pauses, releases, dead letters, and what is forgotten.

use super::{at, commit, decision, entries_of, queue};
use crate::ledger::{DeadLetter, Ledger, LedgerEntry, Pause, StoredRelease};
use outreach_engine::event::{EventKind, OutcomeKind};

pub(super) fn a_pause_is_of_one_rule_or_of_everything(ledger: &impl Ledger) {
    let pause = |rule: Option<&str>, second| Pause { rule: rule.map(Into::into), since: at(second) };
    assert_eq!(commit(ledger, |t| t.pauses()), []);
    commit(ledger, |t| t.set_pause(Some("tips"), true, at(1)));
    commit(ledger, |t| t.set_pause(None, true, at(2)));
    commit(ledger, |t| t.set_pause(Some("tips"), true, at(3)));
    commit(ledger, |t| t.audit(at(3), "ada", "pause --rule tips"));
    assert_eq!(commit(ledger, |t| t.pauses()), [pause(None, 2), pause(Some("tips"), 1)]);
    commit(ledger, |t| t.set_pause(None, false, at(4)));
    assert_eq!(commit(ledger, |t| t.pauses()), [pause(Some("tips"), 1)], "a rule's pause is its own");
    commit(ledger, |t| t.set_pause(Some("tips"), false, at(5)));
    assert_eq!(commit(ledger, |t| t.pauses()), []);
}

pub(super) fn releases_are_kept_in_order_and_announced_one_at_a_time(ledger: &impl Ledger) {
    let release =
        |id: &str, second| StoredRelease { id: id.into(), bundle: id.into(), created_at: at(second) };
    let [first, second] = [release("f00", 1), release("a00", 2)];
    assert_eq!(commit(ledger, |t| t.announced()), None);
    for one in [&first, &second, &release("f00", 9)] {
        commit(ledger, |t| t.insert_release(one));
    }
    assert_eq!(commit(ledger, |t| t.releases()), [first.clone(), second.clone()]);
    assert_eq!(commit(ledger, |t| t.release("f00")), Some(first));
    assert_eq!(commit(ledger, |t| t.release("b00")), None);
    commit(ledger, |t| t.set_announced("f00", false, at(3)));
    assert_eq!(commit(ledger, |t| t.announced()), Some(("f00".into(), false)));
    commit(ledger, |t| t.set_announced("f00", true, at(4)));
    commit(ledger, |t| t.set_announced("a00", false, at(5)));
    assert_eq!(commit(ledger, |t| t.announced()), Some(("a00".into(), false)));
}

fn letter(source: &str, origin: Option<(&str, u32, u64)>, second: i64) -> DeadLetter {
    DeadLetter {
        id: 0,
        source: source.into(),
        origin: origin.map(|(topic, partition, offset)| (topic.into(), partition, offset)),
        code: "malformed-json".into(),
        reason: "expected `}`, found the end".into(),
        payload: vec![b'{', 0xff, 0],
        kind: None,
        received_at: at(second),
        replayed_at: None,
        count: 1,
    }
}

pub(super) fn a_letter_of_one_origin_is_kept_once(ledger: &impl Ledger) {
    let first = letter("kafka:product", Some(("events", 0, 7)), 1);
    let others = [
        letter("kafka:product", Some(("events", 0, 8)), 1),
        letter("kafka:product", Some(("events", 1, 7)), 1),
        letter("kafka:billing", Some(("events", 0, 7)), 1),
        letter("http:backend", None, 1),
    ];
    commit(ledger, |t| t.insert_dead_letters(std::slice::from_ref(&first)));
    commit(ledger, |t| t.insert_dead_letters(&others));
    commit(ledger, |t| t.insert_dead_letters(&[first.clone(), others[0].clone()]));
    let all = commit(ledger, |t| t.dead_letters(0, 100));
    assert_eq!(all.len(), 5);
    assert!(all.iter().all(|letter| letter.count == 1), "a re-read is no second time");
    assert_eq!(all[0], DeadLetter { id: all[0].id, ..first });
}

pub(super) fn a_letter_that_is_sent_again_is_one_and_is_counted(ledger: &impl Ledger) {
    let first = letter("http:backend", None, 1);
    let again = DeadLetter { reason: "at another time".into(), ..letter("http:backend", None, 2) };
    let other = DeadLetter { payload: b"{".to_vec(), ..first.clone() };
    let of_other_key = letter("http:website", None, 3);
    let by_other_path = DeadLetter { kind: Some(EventKind::Alias), ..first.clone() };
    commit(ledger, |t| t.insert_dead_letters(&[first.clone(), other]));
    commit(ledger, |t| t.set_replayed(1, at(4)));
    commit(ledger, |t| t.insert_dead_letters(&[again.clone(), of_other_key, again, by_other_path.clone()]));
    let all = commit(ledger, |t| t.dead_letters(0, 100));
    assert_eq!(all.len(), 4);
    assert_eq!(all[0], DeadLetter { id: 1, count: 3, replayed_at: Some(at(4)), ..first });
    assert_eq!((all[1].count, all[2].count), (1, 1));
    assert_eq!(all[3], DeadLetter { id: all[3].id, ..by_other_path });
}

pub(super) fn a_topic_created_anew_gives_its_offsets_to_other_letters(ledger: &impl Ledger) {
    let first = letter("kafka:product", Some(("events", 0, 7)), 1);
    commit(ledger, |t| t.insert_dead_letters(std::slice::from_ref(&first)));
    commit(ledger, |t| t.retire_dead_letters("kafka:product", at(5)));
    commit(ledger, |t| t.insert_dead_letters(std::slice::from_ref(&first)));
    let all = commit(ledger, |t| t.dead_letters(0, 100));
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].origin.as_ref().unwrap().0, format!("events (before {})", at(5)));
    assert_eq!(all[1].origin, first.origin);
}

pub(super) fn letters_are_listed_after_an_id_and_marked_when_replayed(ledger: &impl Ledger) {
    let letters: Vec<DeadLetter> =
        (0..5).map(|second| letter("kafka:product", Some(("events", 0, second)), second as i64)).collect();
    commit(ledger, |t| t.insert_dead_letters(&letters));
    let all = commit(ledger, |t| t.dead_letters(0, 100));
    assert!(all.is_sorted_by_key(|letter| letter.id));
    assert_eq!(commit(ledger, |t| t.dead_letters(all[1].id, 2)), all[2..4]);
    commit(ledger, |t| t.set_replayed(all[2].id, at(9)));
    let replayed = commit(ledger, |t| t.dead_letter(all[2].id)).unwrap();
    assert_eq!(replayed, DeadLetter { replayed_at: Some(at(9)), ..all[2].clone() });
    assert_eq!(commit(ledger, |t| t.dead_letter(all[4].id + 1)), None);
}

pub(super) fn what_is_old_is_forgotten_and_what_waits_keeps_its_render(ledger: &impl Ledger) {
    let [sent, waiting, young] = [decision(1), decision(2), decision(3)];
    let key = queue(ledger, &sent);
    commit(ledger, |t| t.insert_decisions(1, &[waiting.clone(), young.clone()]));
    commit(ledger, |t| t.set_leaving(key, at(5)));
    assert!(commit(ledger, |t| t.set_ended(key, OutcomeKind::Sent, at(6), None, None)));
    commit(ledger, |t| t.insert_dead_letters(&[letter("http:a", None, 1), letter("http:b", None, 2)]));
    commit(ledger, |t| t.forget(at(2), at(3)));
    let letters = commit(ledger, |t| t.dead_letters(0, 10));
    assert_eq!(letters.iter().map(|letter| letter.received_at).collect::<Vec<_>>(), [at(2)]);
    let renders: Vec<String> = entries_of(ledger, "user:ada")
        .iter()
        .map(|entry: &LedgerEntry| entry.decision.render.to_string())
        .collect();
    assert_eq!(renders, [&*young.render, &*waiting.render, "{}"]);
}
