//! The guard rails in the order of rules.md: each row mends the fault of the row above, down to "sent".

use crate::apply;
use crate::effect::{Decision, Effect, NonEntryReason, Refusal, Verdict};
use crate::event::{
    Body, Consent, ConsentKind, Event, EventKind, Outcome, OutcomeKind, Place, Record, Subject,
};
use crate::release::{Cap, Caps, QuietHours, Release, Settings, Window};
use crate::rule::{Known, Share, parse};
use crate::state::Shard;
use crate::time::{Length, Timestamp};
use std::collections::BTreeMap;

const ADA: Subject<'static> = Subject { kind: crate::event::SubjectKind::User, id: "ada" };

const RULE: &str = r#"
name = "Rule"
topic = "news"
tags = ["soft"]
[trigger]
event = "A"
[audience]
where = { "traits.plan" = "pro" }
[exit]
event = "Left"
[limits]
late = "6 hours"
[[step]]
email = "mail"
"#;

/// A rule that mutes the first, for some time after its card.
const LOUD: &str = r#"
name = "Loud"
[trigger]
event = "Loud"
[limits]
mutes = { tags = ["soft"], for = "12 hours" }
[[step]]
in_product = "card"
"#;

/// Another rule's mail, which fills the cap.
const OTHER: &str = r#"
name = "Other"
topic = "other"
[trigger]
event = "Other"
[limits]
once_per = "always"
[[step]]
email = "other"
"#;

/// Everything that can be wrong with one message, one after the other put right.
#[derive(Clone, Copy, Debug)]
struct Faults {
    is_late: bool,
    has_left: bool,
    is_free: bool,
    has_bounced: bool,
    is_opted_out: bool,
    has_no_address: bool,
    is_muted: bool,
    is_cap_full: bool,
    is_night: bool,
}

const ALL: Faults = Faults {
    is_late: true,
    has_left: true,
    is_free: true,
    has_bounced: true,
    is_opted_out: true,
    has_no_address: true,
    is_muted: true,
    is_cap_full: true,
    is_night: true,
};

/// Noon, in UTC.
const NOON: Timestamp = Timestamp(1_772_452_800_000_000);

struct World {
    release: Release,
    shard: Shard,
    offset: u64,
    effects: Vec<Effect>,
}

impl World {
    fn new(rules: &[(&str, &str)], settings: Settings) -> World {
        let known = Known::default();
        let rules =
            rules.iter().map(|(id, text)| parse(id, id, text, &known).expect("a good rule").0).collect();
        let release = Release::new("r", settings, rules, &BTreeMap::new());
        World { release, shard: Shard::new(), offset: 0, effects: Vec::new() }
    }

    fn put(&mut self, at: Timestamp, body: Body<'_>) {
        self.offset += 1;
        let place = Place { offset: self.offset, index: 0 };
        self.effects.extend(apply(&self.release, &mut self.shard, &Record { place, appended_at: at, body }));
    }

    fn event(&mut self, at: Timestamp, kind: EventKind, name: &str, traits: &str) {
        let id = format!("m{}", self.offset);
        let event = Event {
            kind,
            subject: ADA,
            name: name.into(),
            message_id: id.as_str().into(),
            occurred_at: at,
            received_at: at,
            is_proven: true,
            origin: None,
            other_id: None,
            properties: "{}".into(),
            traits: traits.into(),
            context: "{}".into(),
        };
        self.put(at, Body::Event(event));
    }

    fn track(&mut self, at: Timestamp, name: &str) {
        self.event(at, EventKind::Track, name, "{}");
    }

    fn identify(&mut self, at: Timestamp, traits: &str) {
        self.event(at, EventKind::Identify, "", traits);
    }

    fn consent(&mut self, at: Timestamp, kind: ConsentKind<'_>) {
        self.put(at, Body::Consent(Consent { subject: ADA, kind, at }));
    }

    fn tick(&mut self, at: Timestamp) {
        self.put(at, Body::Tick { at, until: None });
    }

    fn decided(&self) -> Option<&Decision> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Decide(decision) if *decision.rule == *"rule" => Some(&**decision),
            Effect::Decide(_) | Effect::Cancel(_) | Effect::Count(_) | Effect::Reject(_) => None,
        })
    }
}

fn settings() -> Settings {
    Settings {
        timezone: "UTC".into(),
        quiet_hours: None,
        holdout: None,
        caps: Caps::default(),
        topics: BTreeMap::new(),
        transactional_rules: Vec::new(),
        locale: None,
        hash_seed: 1,
    }
}

/// One mail a day.
fn daily() -> Settings {
    let cap = Cap { count: 1, window: Window::Rolling(Length::days(1)) };
    let by_channel = [(crate::effect::Channel::Email, vec![cap])].into();
    Settings { caps: Caps { by_channel, ..Caps::default() }, ..settings() }
}

/// What is recorded of a message with these faults: a refusal's code, `send`, or `held`.
fn verdict(faults: Faults) -> &'static str {
    let mut settings = daily();
    // The night of these people is from 11:00 on.
    settings.quiet_hours = Some(if faults.is_night {
        QuietHours { from: 11 * 60, until: 18 * 60 }
    } else {
        QuietHours { from: 20 * 60, until: 21 * 60 }
    });
    let mut world = World::new(&[("rule", RULE), ("other", OTHER), ("loud", LOUD)], settings);
    let before = NOON - Length::hours(7);
    world.identify(before - Length::hours(1), r#"{"plan":"pro","email":"ada@example.com"}"#);
    if faults.is_cap_full {
        world.track(before - Length::hours(1), "Other");
        world.tick(before - Length::hours(1));
    }
    let due_at = if faults.is_late { before } else { NOON - Length::hours(1) };
    world.track(due_at, "A");
    if faults.has_left {
        // Not before it was due: a step that an exit brings forward is never late.
        world.track(due_at, "Left");
    }
    if faults.is_free {
        world.identify(due_at, r#"{"plan":"free"}"#);
    }
    if faults.has_bounced {
        world.consent(due_at, ConsentKind::Bounced("ada@example.com".into()));
        world.consent(due_at, ConsentKind::AllOff);
    }
    if faults.is_opted_out {
        world.consent(due_at, ConsentKind::TopicOff("news".into()));
    }
    if faults.is_muted {
        // Behind the entry, which would be refused else.
        world.track(due_at, "Loud");
    }
    if faults.has_no_address {
        world.identify(due_at, r#"{"email":null}"#);
    }
    world.tick(NOON);
    match world.decided().map(|decision| decision.verdict) {
        Some(Verdict::Refuse(refusal)) => refusal.code(),
        Some(other) => other.code(),
        None => "held",
    }
}

#[test]
fn each_row_mends_the_fault_of_the_row_above_down_to_sent() {
    type Mend = fn(&mut Faults);
    let rows: [(Mend, &str); 10] = [
        (|_| {}, "late"),
        (|faults| faults.is_late = false, "exit"),
        (|faults| faults.has_left = false, "audience"),
        (|faults| faults.is_free = false, "suppressed"),
        (|faults| faults.has_bounced = false, "topic-opt-out"),
        (|faults| faults.is_opted_out = false, "no-address"),
        (|faults| faults.has_no_address = false, "muted"),
        (|faults| faults.is_muted = false, "cap"),
        (|faults| faults.is_cap_full = false, "held"),
        (|faults| faults.is_night = false, "send"),
    ];
    let mut faults = ALL;
    for (mend, expected) in rows {
        mend(&mut faults);
        assert_eq!(verdict(faults), expected, "{faults:?}");
    }
    // Every refusal is reached by a row.
    let reached: Vec<_> = rows.iter().filter_map(|(_, code)| Refusal::from_code(code)).collect();
    assert_eq!(reached, Refusal::ALL);
}

#[test]
fn at_entry_each_row_mends_the_fault_of_the_row_above() {
    let held_out = format!("{RULE}[goal]\nholdout = \"99.9999%\"\n");
    let mut marketing = settings();
    marketing.holdout = Some(Share(999_999));
    let pro = r#"{"plan":"pro","email":"a@example.com"}"#;
    // (rule, settings, traits, entries before; a mute after the first entry) and what is recorded.
    let rows = [
        (format!("status = \"off\"\n{held_out}"), marketing.clone(), "{}", 0, true, "nothing"),
        (held_out.clone(), marketing.clone(), "{}", 0, true, "audience"),
        (held_out.clone(), marketing.clone(), pro, 1, true, "once-per"),
        (held_out.clone(), marketing.clone(), pro, 0, true, "muted"),
        (held_out.clone(), marketing, pro, 0, false, "held out from everything"),
        (held_out, settings(), pro, 0, false, "held out from this rule"),
        (RULE.to_owned(), settings(), pro, 0, false, "sent"),
    ];
    for (rule, mut settings, traits, entries, is_muted, expected) in rows {
        let loud = LOUD.replace("in_product", "wait = \"1 day\"\n[[step]]\nin_product");
        // Nobody is held out from the rule that mutes.
        let loud = if is_muted { loud } else { loud.replace("soft", "hard") };
        settings.holdout = settings.holdout.filter(|_| !is_muted);
        let mut world = World::new(&[("rule", &rule), ("loud", &loud)], settings);
        world.identify(NOON, traits);
        (0..entries).for_each(|_| world.track(NOON, "A"));
        world.track(NOON, "Loud");
        world.track(NOON, "A");
        let counted = world.effects.iter().rev().find_map(|effect| match effect {
            Effect::Count(no) => Some(no.reason.code()),
            Effect::Decide(_) | Effect::Cancel(_) | Effect::Reject(_) => None,
        });
        world.tick(NOON);
        let arm =
            world.decided().and_then(|decision| decision.facts.iter().find(|fact| *fact.what == *"arm"));
        let sent = world.decided().map(|_| "sent");
        let found = counted.or(arm.map(|arm| &*arm.value)).or(sent).unwrap_or("nothing");
        assert_eq!(found, expected, "{rule}");
    }
    assert_eq!(NonEntryReason::KeysMax.code(), "keys-max");
}

#[test]
fn an_outcome_that_was_had_before_changes_nothing() {
    // A cap counts it, so the message is kept.
    let mut world = World::new(&[("rule", RULE)], daily());
    world.identify(NOON, r#"{"plan":"pro","email":"a@example.com"}"#);
    world.track(NOON, "A");
    world.tick(NOON);
    let decision = world.decided().expect("sent").id;
    let outcome = |kind| Body::Outcome(Outcome { subject: ADA, decision, kind, at: NOON });
    world.put(NOON, outcome(OutcomeKind::Sent));
    let after = world.shard.to_bytes();
    world.put(NOON, outcome(OutcomeKind::Failed));
    world.put(NOON, outcome(OutcomeKind::Sent));
    assert_eq!(world.shard.to_bytes(), after);
}

#[test]
fn a_message_whose_outcome_came_is_kept_while_a_cap_counts_it() {
    for (settings, kept) in [(settings(), 0), (daily(), 1)] {
        let mut world = World::new(&[("rule", RULE)], settings);
        world.identify(NOON, r#"{"plan":"pro","email":"a@example.com"}"#);
        world.track(NOON, "A");
        world.tick(NOON);
        let decision = world.decided().expect("sent").id;
        let messages = |world: &World| world.shard.person(ADA).expect("kept").messages.len();
        assert_eq!(messages(&world), 1);
        let sent = Outcome { subject: ADA, decision, kind: OutcomeKind::Sent, at: NOON };
        world.put(NOON, Body::Outcome(sent));
        assert_eq!(messages(&world), kept);
    }
}
