//! Rules that are shown to everybody when they are released: to each once, and as if to all at the same moment.

mod world;

use outreach_engine::event::Subject;
use outreach_engine::{Length, Release, Shard, Timestamp};
use std::collections::BTreeSet;
use world::{Driver, Entry, What, project};

const START: Timestamp = Timestamp(1_772_445_600_000_000);

/// More than two ticks pass.
const PEOPLE: usize = 9_000;

fn hour(hour: i64) -> Timestamp {
    START + Length::hours(hour)
}

fn release(id: &str, trigger: &str) -> Release {
    let text = format!(
        "name = \"R\"\n[trigger]\n{trigger}\nbackfill = true\n[limits]\nonce_per = \"always\"\n[[step]]\nin_product = \"card\"\n"
    );
    let rules = (!trigger.is_empty()).then(|| project::rule("rule", &text)).into_iter().collect();
    project::release(id, project::bare_settings(), rules)
}

const TEN: &str = "enters = { \"traits.seats\" = { gte = 10 } }";
const FIVE: &str = "enters = { \"traits.seats\" = { gte = 5 } }";

fn identify(who: &str, at: Timestamp, seats: usize) -> Entry {
    Entry::identify(who, at, &format!("{who} {at}"), &format!("{{\"seats\":{seats}}}"))
}

/// Announces a release at an hour.
fn announce(driver: &mut Driver, at: i64, release: Release) {
    let what = What::Release(release.id.to_string());
    driver.release = release;
    driver.append(Entry { who: String::new(), at: hour(at), arrives: hour(at), what });
}

/// Everybody is known; every second has ten seats.
fn everybody() -> Driver {
    let mut driver = Driver::new(release("r0", ""));
    for number in 0..PEOPLE {
        driver.append(identify(&format!("user:{number:05}"), START, 10 * (number % 2)));
    }
    driver
}

/// (person, hour) of each message.
fn sent(driver: &Driver) -> Vec<(String, i64)> {
    let of = |decision: &outreach_engine::Decision| {
        (decision.subject.id.to_string(), decision.due_at.since(START).0 / Length::hours(1).0)
    };
    driver.decisions().map(of).collect()
}

#[test]
fn more_people_than_a_tick_passes_are_all_asked_once_and_at_the_release() {
    let mut driver = everybody();
    announce(&mut driver, 1, release("r1", TEN));
    driver.tick(hour(1));
    let first = sent(&driver).len();
    assert!(first > 0 && first < PEOPLE / 2, "{first} in the first tick");
    assert_eq!(driver.shard.next_due_at(), Some(Timestamp::MIN), "there is more to do");
    driver.run_out();
    let sent = sent(&driver);
    assert_eq!(sent.iter().filter(|(_, hour)| *hour == 1).count(), PEOPLE / 2);
    assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), sent.len());
}

#[test]
fn a_stop_in_the_middle_goes_on_where_it_was() {
    let run = |stops: bool| {
        let mut driver = everybody();
        announce(&mut driver, 1, release("r1", TEN));
        for tick in 0..10 {
            driver.tick(hour(1) + Length(tick));
            if stops {
                driver.shard = Shard::from_bytes(&driver.shard.to_bytes()).expect("its own bytes");
            }
        }
        (sent(&driver), driver.shard.to_bytes())
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn who_changes_before_their_turn_was_asked_as_they_were_at_the_release() {
    let mut driver = everybody();
    announce(&mut driver, 1, release("r1", TEN));
    // The last two are passed by the third tick alone.
    let (odd, even) = (format!("user:{:05}", PEOPLE - 1), format!("user:{:05}", PEOPLE - 2));
    driver.append(identify(&odd, hour(2), 1));
    driver.append(identify(&even, hour(2), 20));
    driver.append(identify("user:new", hour(2), 20));
    driver.run_out();
    let of = |who: &str| {
        let sent = sent(&driver).into_iter();
        sent.filter(|(id, _)| format!("user:{id}") == who).map(|(_, hour)| hour).collect::<Vec<_>>()
    };
    assert_eq!((of(&odd), of(&even), of("user:new")), (vec![1], vec![2], vec![2]));
}

#[test]
fn who_is_forgotten_meanwhile_keeps_nobody_from_their_turn() {
    let mut driver = Driver::new(release("r0", ""));
    for number in 0..PEOPLE {
        let who = if number % 3 == 0 { format!("anon:{number:05}") } else { format!("user:{number:05}") };
        driver.append(identify(&who, START, 10));
    }
    // All that are anonymous are forgotten at the ticks that ask the others.
    announce(&mut driver, 31 * 24, release("r1", TEN));
    driver.run_out();
    let users =
        sent(&driver).iter().filter(|(id, _)| id.parse::<usize>().is_ok_and(|id| id % 3 != 0)).count();
    assert_eq!(users, PEOPLE - PEOPLE / 3);
    assert!(driver.shard.person(Subject::anon("00000")).is_none());
}

#[test]
fn a_rule_that_is_written_otherwise_asks_again_and_one_that_says_the_same_does_not() {
    let mut driver = Driver::new(release("r0", ""));
    driver.run(&[identify("user:ada", START, 12), identify("user:bob", START, 7)]);
    announce(&mut driver, 1, release("r1", TEN));
    announce(&mut driver, 2, release("r2", TEN));
    driver.run_out();
    assert_eq!(sent(&driver), [("ada".to_owned(), 1)]);
    announce(&mut driver, 3, release("r3", FIVE));
    driver.run_out();
    assert_eq!(sent(&driver)[1..], [("ada".to_owned(), 3), ("bob".to_owned(), 3)]);
}

#[test]
fn a_rule_that_was_gone_asks_again_when_it_comes_back_and_has_other_decisions() {
    let mut driver = Driver::new(release("r0", ""));
    driver.run(&[identify("user:ada", START, 12)]);
    for (at, trigger) in [(1, TEN), (2, ""), (3, TEN)] {
        announce(&mut driver, at, release("r1", trigger));
        driver.run_out();
    }
    assert_eq!(sent(&driver), [("ada".to_owned(), 1), ("ada".to_owned(), 3)]);
    let ids: BTreeSet<_> = driver.decisions().map(|decision| decision.id).collect();
    assert_eq!(ids.len(), 2);
}
