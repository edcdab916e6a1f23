//! Snapshots of the version before are read: what it kept is what this version would have kept of the same records.
//!
//! `data/shard-version-1.snap` was written by the last engine of that version, which was shown `before()`.

mod world;

use outreach_engine::{Length, Shard, Timestamp};
use world::{Driver, Entry, What, project};

const VERSION_1: &[u8] = include_bytes!("data/shard-version-1.snap");

const START: Timestamp = Timestamp(1_772_445_600_000_000);

const STALLED: &str = r#"
name = "R"
[trigger]
event = "Signed Up"
without = "Project Created"
within = "3 days"
[exit]
event = "Closed"
[limits]
once_per = "always"
grace = "2 minutes"
[[step]]
in_product = "card"
"#;

const FAILED: &str = r#"
name = "R"
[trigger]
event = "Failed"
count = 2
within = "1 day"
[[step]]
in_product = "card"
"#;

const HELLO: &str = r#"
name = "R"
[trigger]
event = "Signed Up"
[[step]]
in_product = "one"
[[step]]
wait = "5 days"
[[step]]
in_product = "two"
"#;

fn track(who: &str, name: &str, id: &str, hour: i64) -> Entry {
    Entry::track(who, START + Length::hours(hour), name, id, r#"{"plan":"trial"}"#)
}

/// A judged wait, pending ones, one that an exit met, a window, journeys, a second event.
fn before() -> Driver {
    let rules = [("stalled", STALLED), ("failed", FAILED), ("hello", HELLO)];
    let rules = rules.map(|(id, text)| project::rule(id, text)).into();
    let mut driver = Driver::new(project::release("r1", project::bare_settings(), rules));
    let announced = What::Release("r1".into());
    driver.append(Entry { who: String::new(), at: START, arrives: START, what: announced });
    driver.run(&[
        Entry::identify("user:ada", START, "i1", r#"{"email":"ada@example.com","plan":"pro"}"#),
        track("user:bob", "Signed Up", "b1", 0),
        track("user:bob", "Project Created", "b2", 1),
        track("user:dan", "Signed Up", "d1", 1),
        track("user:cyd", "Failed", "c1", 80),
        track("user:bob", "Signed Up", "b3", 80),
        track("user:ada", "Signed Up", "a1", 81),
        track("user:eve", "Signed Up", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", 81),
        track("user:eve", "Closed", "e2", 82),
    ]);
    driver
}

#[test]
fn a_snapshot_of_the_version_before_is_what_this_version_keeps_of_the_same_records() {
    let driver = before();
    let read = Shard::from_bytes(VERSION_1).expect("version 1 is read");
    assert_eq!(read.people_count(), 5);
    assert_ne!(VERSION_1[0], read.to_bytes()[0], "it is written in this version");
    assert_eq!(read.to_bytes(), driver.shard.to_bytes());
}

#[test]
fn people_of_the_version_before_are_decided_about_as_if_nothing_had_been() {
    let after = |mut driver: Driver| {
        driver.effects.clear();
        driver.run(&[track("user:cyd", "Failed", "c2", 83), track("user:dan", "Signed Up", "d1", 83)]);
        driver.run_out();
        driver.effects
    };
    let mut restored = before();
    restored.shard = Shard::from_bytes(VERSION_1).expect("version 1 is read");
    let effects = after(restored);
    assert_eq!(effects, after(before()));
    assert!(effects.len() >= 5, "{effects:?}");
}

#[test]
fn a_snapshot_of_a_version_to_come_is_refused_with_words() {
    let mut bytes = before().shard.to_bytes();
    bytes[0] += 1;
    let refused = Shard::from_bytes(&bytes).expect_err("nobody knows what it means").to_string();
    assert_eq!(refused, "expected a snapshot of version 2 or 1, found version 3");
}
