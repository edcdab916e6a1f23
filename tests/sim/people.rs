//! The people of a seed and all they do: made before the run, the same with faults and without.

use crate::dice::Dice;
use crate::faults::KEPT_CLOCK_MAX;
use crate::project::{QUIET, TOPICS};
use crate::time::{DAY, HOUR, MINUTE, SECOND};
use outreach_engine::Timestamp;
use outreach_engine::effect::DecisionId;
use outreach_engine::event::{Body, Outcome, OutcomeKind, Subject};
use outreach_engine::policy::quiet_hours;
use outreach_engine::zone;
use std::fmt::Write;

/// One thing that somebody does.
#[derive(Clone, Debug)]
pub struct Deed {
    /// When it reaches a door, in true time.
    pub at: i64,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    /// The product writes it to its topic.
    Source(Vec<u8>),
    /// A client posts it, until it is told that it is kept.
    Post(Vec<u8>),
    /// One click: no more of this topic, or of anything.
    Unsubscribe { user: String, address: String, topic: Option<&'static str> },
    /// The recipient calls it spam.
    Complain { user: String, address: String },
}

/// Everything that happens to a seed's world from outside.
#[derive(Clone, Debug)]
pub struct Workload {
    /// By time.
    pub deeds: Vec<Deed>,
    pub users: Vec<String>,
}

/// Summer time begins in Europe on the third day.
pub const START: &str = "2026-03-27T06:00:00Z";
/// How long people act.
pub const ACTS_FOR: i64 = 4 * DAY;
/// Who has such an address cannot be reached.
pub const BOUNCES: &str = "gone-";
/// Users whose events come by HTTP: what they do sets off only what happens at the event.
pub const POSTS: &str = "web-";

const ZONES: [&str; 5] =
    ["Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"];
/// A source's events are on their way so long: longer than a kept clock is off, or the door would take them for events of
/// the future; well within the grace that absences leave.
const LATENCY_MIN: i64 = KEPT_CLOCK_MAX + SECOND;
const LATENCY_MAX: i64 = 25 * SECOND;
const LATE_MAX: i64 = 6 * HOUR;

struct Person {
    user: String,
    address: String,
    zone: &'static str,
    posts: bool,
}

/// What people do from this seed.
pub fn workload(seed: u64) -> Workload {
    let dice = Dice::new(seed, 1);
    let start = Timestamp::parse(START).expect("a time").0;
    let mut people = people(&dice);
    let mut deeds = Vec::new();
    for person in &people {
        let at = start + dice.between(0, MINUTE);
        deeds.push(identify(&dice, person, at));
    }
    for person in &mut people {
        for _ in 0..dice.between(8, 28) {
            let any = start + dice.between(2 * MINUTE, ACTS_FOR);
            let at = if dice.happens(250_000) { at_nightfall(&dice, person.zone, any) } else { any };
            act(&dice, person, at, &mut deeds);
        }
    }
    for _ in 0..dice.between(2, 8) {
        deeds.push(hostile(&dice, start + dice.between(MINUTE, ACTS_FOR)));
    }
    deeds.sort_by_key(|deed| deed.at);
    Workload { deeds, users: people.into_iter().map(|person| person.user).collect() }
}

fn people(dice: &Dice) -> Vec<Person> {
    (0..dice.between(5, 12))
        .map(|number| {
            let posts = dice.happens(250_000);
            let user = format!("{}{number}", if posts { POSTS } else { "user-" });
            let address = match dice.between(0, 10) {
                0 => format!("{BOUNCES}{number}@example.com"),
                // Several people behind one address.
                1 | 2 => "Shared@example.com".into(),
                _ => format!("p{number}@example.com"),
            };
            Person { user, address, zone: dice.one::<&'static str>(&ZONES[..]), posts }
        })
        .collect()
}

/// About the next moment after `from` at which quiet hours begin for somebody in this zone: where the gate's minutes
/// count.
fn at_nightfall(dice: &Dice, zone: &str, from: i64) -> i64 {
    let (_, zone) = zone::first_known([zone]);
    let is_quiet = |at: i64| quiet_hours::ends_at(QUIET, &zone, Timestamp(at)).is_some();
    let minutes = (0..24 * 60).map(|minute| from + minute * MINUTE);
    let nightfall = minutes.into_iter().find(|at| !is_quiet(*at) && is_quiet(*at + MINUTE)).unwrap_or(from);
    nightfall + dice.between(-2 * MINUTE, MINUTE)
}

fn identify(dice: &Dice, person: &Person, at: i64) -> Deed {
    let body = format!(
        r#""type":"identify","traits":{{"email":"{}","timezone":"{}","name":"{}"}}"#,
        person.address, person.zone, person.user
    );
    deed(dice, person, at, at - LATENCY_MIN, &body)
}

fn act(dice: &Dice, person: &mut Person, at: i64, deeds: &mut Vec<Deed>) {
    let user = person.user.clone();
    if dice.happens(60_000) {
        let topic = dice.happens(700_000).then(|| *dice.one(&TOPICS));
        let address = person.address.clone();
        return deeds.push(Deed { at, what: What::Unsubscribe { user, address, topic } });
    }
    if dice.happens(8_000) {
        let address = person.address.clone();
        return deeds.push(Deed { at, what: What::Complain { user, address } });
    }
    if dice.happens(40_000) {
        person.zone = *dice.one(&ZONES[..]);
        return deeds.push(identify(dice, person, at));
    }
    let happened_at = if person.posts {
        at - dice.between(MINUTE, 5 * MINUTE)
    } else {
        // Whole seconds now and then: ties.
        let happened_at = at - dice.between(LATENCY_MIN, LATENCY_MAX);
        if dice.happens(500_000) { happened_at - happened_at.rem_euclid(SECOND) } else { happened_at }
    };
    let body = |event: &str, properties: &str| {
        format!(r#""type":"track","event":"{event}","properties":{properties}"#)
    };
    let exported = format!(r#"{{"report":"r{}"}}"#, dice.between(0, 3));
    if person.posts {
        let body =
            if dice.happens(500_000) { body("Report Exported", &exported) } else { body("Paid", "{}") };
        return deeds.push(deed(dice, person, at, happened_at, &body));
    }
    match dice.between(0, 8) {
        0 => deeds.push(deed(dice, person, at, happened_at, &body("Signed Up", "{}"))),
        1 => deeds.push(deed(dice, person, at, happened_at, &body("Trial Started", r#"{"plan":"trial"}"#))),
        2 => deeds.push(deed(dice, person, at, happened_at, &body("Project Created", "{}"))),
        3 | 4 => deeds.push(deed(dice, person, at, happened_at, &body("Report Viewed", "{}"))),
        5 => {
            // One failure seldom comes alone.
            for number in 0..dice.between(1, 5) {
                let later = number * dice.between(0, 2 * HOUR);
                deeds.push(deed(
                    dice,
                    person,
                    at + later,
                    happened_at + later,
                    &body("Payment Failed", "{}"),
                ));
            }
        }
        6 => deeds.push(deed(dice, person, at, happened_at, &body("Paid", "{}"))),
        _ => {
            let late = if dice.happens(300_000) { dice.between(0, LATE_MAX) } else { 0 };
            deeds.push(deed(dice, person, at, happened_at - late, &body("Report Exported", &exported)));
        }
    }
    // Some senders send everything twice.
    if dice.happens(100_000)
        && let Some(Deed { at, what: What::Source(payload) }) = deeds.last()
    {
        let again = Deed { at: *at + dice.between(0, HOUR), what: What::Source(payload.clone()) };
        deeds.push(again);
    }
}

fn deed(dice: &Dice, person: &Person, at: i64, happened_at: i64, body: &str) -> Deed {
    let mut payload = format!(
        r#"{{"userId":"{}","messageId":"m-{:016x}","timestamp":"{}",{body}"#,
        person.user,
        dice.number(),
        Timestamp(happened_at)
    );
    payload.write_char('}').expect("memory takes all");
    let payload = payload.into_bytes();
    Deed { at, what: if person.posts { What::Post(payload) } else { What::Source(payload) } }
}

/// An event that would like to be a control record.
fn hostile(dice: &Dice, at: i64) -> Deed {
    let time = Timestamp(at - LATENCY_MIN);
    let json = |body: &str| {
        format!(r#"{{"userId":"user-0","messageId":"evil-{:x}","timestamp":"{time}",{body}}}"#, dice.number())
            .into_bytes()
    };
    let encoded = |body: &Body<'_>| {
        let mut bytes = Vec::new();
        body.encode(&mut bytes);
        bytes
    };
    let subject = Subject::user("user-0");
    let outcome =
        Outcome { subject, decision: DecisionId([1; 16]), kind: OutcomeKind::Sent, at: Timestamp(at) };
    let payload = match dice.between(0, 8) {
        0 => json(r#""type":"tick","at":"2030-01-01T00:00:00Z""#),
        1 => json(r#""type":"consent","kind":"AllOff""#),
        2 => json(r#""type":"track","event":"tick","properties":{"at":1900000000000000}"#),
        3 => json(r#""type":"track","event":"release","type":"release""#),
        4 => json("\"type\":\"track\",\"event\":\"\\u0005\\u0001outreach.tick\""),
        5 => encoded(&Body::Tick { at: Timestamp(at + DAY), until: None }),
        6 => encoded(&Body::Outcome(outcome)),
        _ => encoded(&Body::Release { id: "release-of-mine".into() }),
    };
    Deed { at, what: if dice.happens(500_000) { What::Source(payload) } else { What::Post(payload) } }
}
