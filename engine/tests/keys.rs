//! Keys of a trigger are bounded: at most a hundred open ones a person, and the oldest falls with a reason.

mod world;

use outreach_engine::effect::NonEntryReason;
use outreach_engine::{Effect, Length, Timestamp};
use world::{Driver, Entry, project};

const RULE: &str = r#"
name = "No delivery"
[trigger]
event = "Placed"
key = "properties.order"
without = "Delivered"
within = "3 days"
[[step]]
in_product = "card"
"#;

const START: Timestamp = Timestamp(1_772_445_600_000_000);

fn driver() -> Driver {
    Driver::new(project::release("keys", project::bare_settings(), vec![project::rule("delivery", RULE)]))
}

/// `name` for order `number`, so many seconds after the start.
fn order(name: &str, number: usize, second: i64) -> Entry {
    let properties = format!(r#"{{"order":{number}}}"#);
    Entry::track("user:ada", START + Length::seconds(second), name, &format!("{name}-{number}"), &properties)
}

fn sent_keys(driver: &Driver) -> Vec<String> {
    driver.decisions().map(|decision| decision.key.to_string()).collect()
}

#[test]
fn the_hundred_and_first_open_key_makes_the_oldest_fall_with_a_reason() {
    let mut driver = driver();
    let placed: Vec<_> = (0..101).map(|number| order("Placed", number, number as i64)).collect();
    driver.run(&placed);
    let fallen: Vec<_> = driver.effects.iter().collect();
    assert!(
        matches!(fallen[..], [Effect::Count(no)] if no.reason == NonEntryReason::KeysMax && *no.rule == *"delivery"),
        "{fallen:?}"
    );
    driver.run_out();
    assert_eq!(sent_keys(&driver), (1..101).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_text_that_could_be_no_id_is_no_key() {
    let mut driver = driver();
    let keys = [String::new(), "k".repeat(256), "k".repeat(257)];
    let placed = keys.iter().enumerate().map(|(number, key)| {
        let properties = format!(r#"{{"order":"{key}"}}"#);
        Entry::track("user:ada", START, "Placed", &format!("placed-{number}"), &properties)
    });
    driver.run(&placed.collect::<Vec<_>>());
    driver.run_out();
    assert_eq!(sent_keys(&driver), ["k".repeat(256)]);
}

#[test]
fn a_key_that_waits_is_kept_while_others_come_and_go() {
    let mut driver = driver();
    driver.run(&[order("Placed", 0, 0)]);
    for number in 1..150 {
        driver.run(&[order("Placed", number, number as i64), order("Delivered", number, number as i64)]);
    }
    driver.run_out();
    assert_eq!(sent_keys(&driver), ["0"]);
    assert_eq!(driver.effects.len(), 1, "nothing open fell: {:?}", driver.effects);
}

#[test]
fn what_was_entered_once_for_ever_outlives_keys_that_left_no_mark() {
    let mut driver = driver();
    driver.run(&[order("Placed", 0, 0)]);
    driver.run_out();
    let later = 4 * 24 * 3600;
    for number in 1..150 {
        let second = later + number as i64;
        driver.run(&[order("Placed", number, second), order("Delivered", number, second)]);
    }
    let again =
        Entry::track("user:ada", START + Length::seconds(later + 200), "Placed", "again", r#"{"order":0}"#);
    driver.run(&[again]);
    driver.run_out();
    assert_eq!(sent_keys(&driver), ["0"]);
}

const EACH_ORDER: &str = r#"
name = "Thanks"
[trigger]
event = "Placed"
key = "properties.order"
[[step]]
in_product = "card"
"#;

/// A key that was entered once for ever is entered once, however many other keys come after it: at their bound no more
/// enter, with a reason.
#[test]
fn an_entry_for_ever_outlives_any_number_of_other_keys() {
    let rule = project::rule("thanks", EACH_ORDER);
    let mut driver = Driver::new(project::release("keys", project::bare_settings(), vec![rule]));
    let first = order("Placed", 0, 0);
    driver.run(std::slice::from_ref(&first));
    let others: Vec<_> = (1..1_002).map(|number| order("Placed", number, number as i64)).collect();
    driver.run(&others);
    driver.run(&[order("Placed", 0, 2_000)]);
    driver.run_out();
    let keys = sent_keys(&driver);
    assert_eq!(keys.iter().filter(|key| *key == "0").count(), 1);
    assert_eq!(keys.len(), 1_000);
    let full = |effect: &&Effect| matches!(effect, Effect::Count(no) if no.reason == NonEntryReason::KeysMax);
    assert_eq!(driver.effects.iter().filter(full).count(), 2);
}
