//! Snapshots of the version before are read: what it kept is what this version would have kept of the same records.
//!
//! `data/shard-version-2.snap` was written by the last engine of that version, which was shown `before()`.

mod world;

use outreach_engine::effect::Channel;
use outreach_engine::event::ConsentKind;
use outreach_engine::release::{Cap, Window};
use outreach_engine::{Length, Shard, Timestamp};
use world::{Answers, Driver, Entry, What, project};

const VERSION_2: &[u8] = include_bytes!("data/shard-version-2.snap");

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
email = "stalled"
topic = "probe"
"#;

const QUIET: &str = r#"
name = "R"
[trigger]
event = "Failed"
count = 2
within = "1 day"
without = { event = "Paid", within = "2 days" }
[[step]]
email = "quiet"
topic = "probe"
"#;

const FAILED: &str = r#"
name = "R"
[trigger]
event = "Failed"
key = "properties.plan"
count = 2
within = "1 day"
[[step]]
email = "card"
topic = "probe"
"#;

const HELLO: &str = r#"
name = "R"
[trigger]
event = "Signed Up"
[[step]]
email = "one"
topic = "probe"
[[step]]
wait = "5 days"
[[step]]
in_product = "two"
"#;

fn track(who: &str, name: &str, id: &str, hour: i64) -> Entry {
    Entry::track(who, START + Length::hours(hour), name, id, r#"{"plan":"trial"}"#)
}

fn says(who: &str, kind: ConsentKind<'static>, hour: i64) -> Entry {
    let at = START + Length::hours(hour);
    Entry { who: who.into(), at, arrives: at, what: What::Consent(kind) }
}

/// A judged wait, pending ones, one that an exit met, windows, journeys between steps, in flight and asked again, messages
/// that a cap counts, opt-outs, somebody anonymous.
fn before() -> Driver {
    let rules = [("stalled", STALLED), ("failed", FAILED), ("hello", HELLO), ("quiet", QUIET)];
    let rules = rules.map(|(id, text)| project::rule(id, text)).into();
    let mut settings = project::bare_settings();
    let weekly = Cap { count: 9, window: Window::Rolling(Length::days(7)) };
    settings.caps.by_channel.insert(Channel::Email, vec![weekly]);
    let mut driver = Driver::new(project::release("r1", settings, rules));
    let announced = What::Release("r1".into());
    driver.append(Entry { who: String::new(), at: START, arrives: START, what: announced });
    let identify = |who: &str, id: &str, hour: i64| {
        let address = format!("{}@example.com", who.trim_start_matches("user:"));
        let traits = format!(r#"{{"email":"{address}","plan":"pro","seats":3}}"#);
        Entry::identify(who, START + Length::hours(hour), id, &traits)
    };
    driver.run(&[
        identify("user:ada", "i1", 0),
        identify("user:bob", "i2", 0),
        identify("user:dan", "i3", 0),
        identify("user:cyd", "i5", 0),
        track("user:bob", "Signed Up", "b1", 0),
        track("user:bob", "Project Created", "b2", 1),
        track("user:dan", "Signed Up", "d1", 1),
        track("user:cyd", "Failed", "c0", 79),
        says("user:cyd", ConsentKind::TopicOff("news".into()), 79),
        says("user:bob", ConsentKind::Bounced("old@example.com".into()), 79),
        track("user:cyd", "Failed", "c1", 80),
        track("user:bob", "Signed Up", "b3", 80),
        track("user:eve", "Signed Up", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", 81),
        track("user:eve", "Closed", "e2", 82),
        track("anon:fay", "Signed Up", "f1", 82),
    ]);
    driver.answers = Answers::ByHand;
    driver.run(&[track("user:ada", "Signed Up", "a1", 82), track("user:dan", "Failed", "d2", 82)]);
    // Ada's mail is in flight when something of her changes.
    driver.append(identify("user:ada", "i4", 83));
    driver.answers = Answers::AtOnce;
    driver
}

#[test]
fn a_snapshot_of_the_version_before_is_what_this_version_keeps_of_the_same_records() {
    let driver = before();
    let read = Shard::from_bytes(VERSION_2).expect("version 2 is read");
    assert_eq!(read.people_count(), 6);
    assert_ne!(VERSION_2[0], read.to_bytes()[0], "it is written in this version");
    assert_eq!(read.to_bytes(), driver.shard.to_bytes());
}

#[test]
fn people_of_the_version_before_are_decided_about_as_if_nothing_had_been() {
    let after = |mut driver: Driver| {
        driver.effects.clear();
        driver.run(&[
            track("user:cyd", "Failed", "c2", 84),
            track("user:dan", "Failed", "d3", 84),
            track("user:dan", "Signed Up", "d1", 84),
        ]);
        driver.run_out();
        driver.effects
    };
    let mut restored = before();
    restored.shard = Shard::from_bytes(VERSION_2).expect("version 2 is read");
    let effects = after(restored);
    assert_eq!(effects, after(before()));
    assert!(effects.len() >= 5, "{effects:?}");
}

#[test]
fn a_snapshot_of_a_version_to_come_is_refused_with_words() {
    let mut bytes = before().shard.to_bytes();
    bytes[0] += 1;
    let refused = Shard::from_bytes(&bytes).expect_err("nobody knows what it means").to_string();
    assert_eq!(refused, "expected a snapshot of version 3 or 2, found version 4");
}
