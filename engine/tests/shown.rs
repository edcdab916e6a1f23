//! What products show of people across releases, snapshots and floods. When it is taken back stands in
//! `language/in-product.md`.

mod world;

use outreach_engine::effect::CancelReason;
use outreach_engine::state::SHOWN_MAX;
use outreach_engine::{Effect, Length, Refusal, Shard, Timestamp};
use world::{Driver, Entry, What, project};

const START: Timestamp = Timestamp(1_772_445_600_000_000);

fn rule(beside: &str) -> String {
    format!(
        "name = \"R\"\n{beside}\n[trigger]\nevent = \"Failed\"\n[exit]\nevent = \"Paid\"\n[limits]\nonce_per = \"always\"\n\
         [[step]]\nin_product = \"card\"\nexpires = \"20 days\"\n"
    )
}

fn track(name: &str, minute: i64) -> Entry {
    Entry::track("user:ada", START + Length::minutes(minute), name, &format!("{name} {minute}"), "{}")
}

/// Announces the release of this rule, which knows the ones before.
fn announce(driver: &mut Driver, number: usize, texts: &[&str], minute: i64) {
    let build = |number: usize| {
        let rules = Some(texts[number]).filter(|text| !text.is_empty());
        let rules = rules.map(|text| project::rule("rule", text)).into_iter().collect();
        project::release(&format!("r{number}"), project::bare_settings(), rules)
    };
    driver.release = (0..number).fold(build(number), |release, other| release.with_earlier(&build(other)));
    let at = START + Length::minutes(minute);
    driver.tick_until(at);
    let what = What::Release(format!("r{number}"));
    driver.append(Entry { who: String::new(), at, arrives: at, what });
}

fn driver(texts: &[&str]) -> Driver {
    let mut driver = Driver::new(project::release("none", project::bare_settings(), Vec::new()));
    announce(&mut driver, 0, texts, 0);
    driver
}

/// (minute, reason) of each message that was taken back.
fn taken_back(driver: &Driver) -> Vec<(i64, CancelReason)> {
    let of = |effect: &Effect| match effect {
        Effect::Cancel(cancel) => Some((cancel.at.since(START).0 / Length::minutes(1).0, cancel.reason)),
        Effect::Decide(_) | Effect::Count(_) | Effect::Reject(_) => None,
    };
    driver.effects.iter().filter_map(of).collect()
}

const EXIT: CancelReason = CancelReason::Refused(Refusal::Exit);

#[test]
fn a_rule_that_is_switched_off_takes_back_what_it_shows_once() {
    let texts = [&rule("")[..], &rule("status = \"off\"")];
    let mut driver = driver(&texts);
    driver.run(&[track("Failed", 1)]);
    announce(&mut driver, 1, &texts, 10);
    announce(&mut driver, 1, &texts, 20);
    driver.run(&[track("Paid", 30)]);
    driver.run_out();
    assert_eq!(taken_back(&driver).len(), 1);
    assert_eq!(taken_back(&driver)[0].1, CancelReason::RuleOff);
}

#[test]
fn the_exits_of_the_release_that_decided_it_count_whatever_the_rule_says_now() {
    let changed = rule("").replace("Paid", "Another");
    for now in [&changed[..], ""] {
        let texts = [&rule("")[..], now];
        let mut driver = driver(&texts);
        driver.run(&[track("Failed", 1)]);
        announce(&mut driver, 1, &texts, 10);
        driver.run(&[track("Another", 20), track("Paid", 30)]);
        driver.run_out();
        assert_eq!(taken_back(&driver), [(30, EXIT)], "{now}");
    }
}

#[test]
fn a_snapshot_has_what_is_shown() {
    let texts = [&rule("")[..]];
    let mut whole = driver(&texts);
    let mut restored = driver(&texts);
    for driver in [&mut whole, &mut restored] {
        driver.run(&[track("Failed", 1)]);
    }
    restored.shard = Shard::from_bytes(&restored.shard.to_bytes()).expect("its own bytes");
    for driver in [&mut whole, &mut restored] {
        driver.run(&[track("Paid", 30)]);
        driver.run_out();
    }
    assert_eq!(taken_back(&restored), [(30, EXIT)]);
    assert_eq!(restored.shard.to_bytes(), whole.shard.to_bytes());
}

#[test]
fn one_more_than_may_be_shown_takes_back_the_one_that_would_expire_first() {
    let mut driver = driver(&[&rule("")]);
    let many: Vec<_> = (0..=SHOWN_MAX as i64).map(|minute| track("Failed", minute)).collect();
    driver.run(&many);
    assert_eq!(taken_back(&driver), [(SHOWN_MAX as i64, CancelReason::InboxFull)]);
    let Some(Effect::Cancel(fallen)) =
        driver.effects.iter().find(|effect| matches!(effect, Effect::Cancel(_)))
    else {
        panic!("one was taken back")
    };
    assert_eq!(driver.decisions().next().map(|first| first.id), Some(fallen.decision));
    driver.run(&[track("Paid", 200)]);
    assert_eq!(taken_back(&driver).len(), 1 + SHOWN_MAX);
}

#[test]
fn what_expired_is_not_kept_and_nobody_is_due_for_it() {
    let mut driver = driver(&[&rule("")]);
    driver.run(&[track("Failed", 1)]);
    let (_, ada) = driver.shard.everybody().next().expect("ada");
    assert_eq!(ada.shown().len(), 1);
    driver.run_out();
    let (_, ada) = driver.shard.everybody().next().expect("ada");
    assert!(ada.shown().is_empty());
    assert_eq!(driver.shard.next_due_at(), None);
    assert_eq!(taken_back(&driver), []);
}
