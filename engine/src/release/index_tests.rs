//! The index never changes the result: what it finds and then holds is what asking every rule gives.

use super::{Hook, Release, Role, Settings};
use crate::event::{Event, EventKind, Subject};
use crate::journey::exit;
use crate::rule::{EventMatch, FirstPart, Known, parse};
use crate::state::Profile;
use crate::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

fn condition() -> impl Strategy<Value = &'static str> {
    select(
        &[
            "",
            "where = { \"properties.a\" = 1 }",
            "where = { \"properties.a\" = 1.0 }",
            "where = { \"properties.a\" = \"1\" }",
            "where = { \"properties.a\" = true, \"properties.b\" = \"x\" }",
            "where = { \"properties.b\" = \"x\" }",
            "where = { \"properties.b\" = \"é\" }",
            "where = { \"properties.b\" = { not = \"x\" } }",
            "where = { \"properties.a\" = 9007199254740993 }",
            "where = { \"properties.a\" = { in = [1, 2] } }",
            "where = { any = [ { \"properties.a\" = 1 }, { \"properties.b\" = \"x\" } ] }",
            "where = { \"context.c.d\" = \"x\", \"properties.a\" = { gte = 1 } }",
            "where = { \"properties.l.1\" = 2 }",
            "where = { \"traits.plan\" = \"pro\" }",
            "where = { \"event.name\" = \"A\" }",
        ][..],
    )
}

fn trigger() -> impl Strategy<Value = String> {
    prop_oneof![3 => after_event(), 1 => sequence()]
}

fn sequence() -> impl Strategy<Value = String> {
    let step = (select(&["A", "B"][..]), condition()).prop_map(|(event, condition)| {
        let condition = if condition.is_empty() { String::new() } else { format!(", {condition}") };
        format!("{{ event = \"{event}\"{condition} }}")
    });
    let steps = prop::collection::vec(step, 2..4);
    steps.prop_map(|steps| format!("sequence = [{}]\nwithin = \"1 day\"\n", steps.join(", ")))
}

fn after_event() -> impl Strategy<Value = String> {
    let name = || select(&["A", "B"][..]);
    (name(), condition(), prop::option::of((name(), condition()))).prop_map(|(event, condition, without)| {
        let without = without.map_or(String::new(), |(event, condition)| {
            let condition = if condition.is_empty() { String::new() } else { format!("{condition}, ") };
            format!("without = {{ event = \"{event}\", {condition}within = \"1 day\" }}\n")
        });
        format!("event = \"{event}\"\n{condition}\n{without}")
    })
}

fn bag() -> impl Strategy<Value = String> {
    let a = select(&["1", "1.0", "\"1\"", "true", "null", "9007199254740993", "9007199254740992", "[1]"][..]);
    let b = select(&["\"x\"", "\"e\\u0301\"", "\"é\"", "7", "{}"][..]);
    (a, b, any::<bool>()).prop_map(|(a, b, has_list)| {
        let list = if has_list { ",\"l\":[1,2]" } else { "" };
        format!("{{\"a\":{a},\"b\":{b}{list}}}")
    })
}

fn release(triggers: &[String]) -> Release {
    let settings = Settings {
        timezone: "UTC".into(),
        quiet_hours: None,
        holdout: None,
        caps: super::Caps::default(),
        topics: BTreeMap::new(),
        transactional_rules: Vec::new(),
        locale: None,
        hash_seed: 0,
    };
    let rule = |(number, trigger): (usize, &String)| {
        let status = if number % 7 == 6 { "status = \"off\"\n" } else { "" };
        let text = format!("name = \"R\"\n{status}[trigger]\n{trigger}[[step]]\nin_product = \"card\"\n");
        parse(&format!("rule-{number:03}"), "rule", &text, &Known::default()).expect("a good rule").0
    };
    Release::new("r", settings, triggers.iter().enumerate().map(rule).collect(), &BTreeMap::new())
}

fn event<'a>(name: &'a str, properties: &'a str, context: &'a str) -> Event<'a> {
    Event {
        kind: EventKind::Track,
        subject: Subject::user("ada"),
        name: name.into(),
        message_id: "m".into(),
        occurred_at: Timestamp::EPOCH,
        received_at: Timestamp::EPOCH,
        is_proven: true,
        origin: None,
        other_id: None,
        properties: properties.into(),
        traits: "{}".into(),
        context: context.into(),
    }
}

fn holds(matched: &EventMatch, event: &Event<'_>, profile: &Profile) -> bool {
    let scope = exit::scope(event, profile);
    *matched.event == *event.name
        && matched.condition.as_ref().is_none_or(|condition| condition.holds(&scope))
}

/// Every rule is asked.
fn asked(release: &Release, event: &Event<'_>, profile: &Profile) -> Vec<Hook> {
    let mut hooks = Vec::new();
    for (number, compiled) in release.rules().enumerate() {
        let form = &compiled.rule.trigger.form;
        let (first, without) = (form.first().expect("a first part"), form.without());
        let is_live = compiled.rule.status == crate::rule::Status::Live;
        let rule = number as u32;
        if is_live && without.is_some_and(|without| holds(without, event, profile)) {
            hooks.push(Hook { rule, role: Role::Without });
        }
        let is_sequence = matches!(first, FirstPart::Sequence { .. });
        for (part, after) in first.events().iter().rev().zip(0..) {
            let role = if is_sequence { Role::Step { after } } else { Role::First };
            if is_live && holds(part, event, profile) {
                hooks.push(Hook { rule, role });
            }
        }
    }
    hooks
}

proptest! {
    #[test]
    fn the_index_finds_what_asking_every_rule_gives(
        triggers in prop::collection::vec(trigger(), 1..30),
        name in select(&["A", "B", "C"][..]),
        properties in bag(),
        context in select(&["{}", r#"{"c":{"d":"x"}}"#][..]),
        plan in select(&["{}", r#"{"plan":"pro"}"#][..]),
    ) {
        let release = release(&triggers);
        let mut profile = Profile::default();
        profile.identify(plan, Timestamp::EPOCH);
        let event = event(name, &properties, context);
        let mut found = Vec::new();
        release.index().find(&event, &mut found);
        let part = |hook: &Hook| {
            let form = &release.compiled(hook.rule).rule.trigger.form;
            match hook.role {
                Role::Without => form.without().expect("it has a second part").clone(),
                Role::First => form.first().expect("a first part").event().clone(),
                Role::Activity { .. } => unreachable!("no rule here is one"),
                Role::Step { after } => {
                    let events = form.first().expect("a first part").events();
                    events[events.len() - 1 - usize::from(after)].clone()
                }
            }
        };
        found.retain(|hook| holds(&part(hook), &event, &profile));
        prop_assert_eq!(found, asked(&release, &event, &profile));
    }
}
