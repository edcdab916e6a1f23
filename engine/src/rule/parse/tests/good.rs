//! Good rules, and what is made of them.

use super::{good, with_more, with_trigger, with_where};
use crate::effect::{Channel, OnCap};
use crate::rule::condition::{Bound, Condition, Operator};
use crate::rule::{Exit, FirstPart, OncePer, Repeat, Rule, Share, Status, StepKind, TriggerForm, Turn};
use crate::time::{Length, Timestamp};
use crate::value::Value;

const STALLED_ONBOARDING: &str = r#"
#:schema ../schema/rule.json
name = "Stalled onboarding"
description = "Started a trial and made no project within three days."
owner = "growth"
topic = "onboarding"
status = "live"
tags = ["activation"]
priority = 3

[trigger]
event = "Signed Up"
where = { "properties.plan" = "trial" }
without = "Project Created"
within = "3 days"

[audience]
where = { "traits.country" = { in = ["FR", "DE"] }, "traits.email" = { exists = true }, "properties.plan" = "trial" }

[exit]
event = "Project Created"

[limits]
once_per = "30 days"
late = "2 days"
grace = "5 min"

[goal]
event = "Project Created"
within = "7 days"
holdout = "10%"

[[step]]
email = "stalled-onboarding"
[[step]]
wait = "2 days"
[[step]]
in_product = "onboarding-checklist"
"#;

#[test]
fn the_rule_of_the_language_page_is_read_whole() {
    let rule = good(STALLED_ONBOARDING);
    assert_eq!(
        (&*rule.id, rule.name.as_str(), rule.owner.as_deref()),
        ("rule", "Stalled onboarding", Some("growth"))
    );
    assert_eq!((rule.status, rule.priority, rule.topic.as_deref()), (Status::Live, 3, Some("onboarding")));
    let TriggerForm::Absence { first, without, within, repeat } = &rule.trigger.form else {
        panic!("no absence")
    };
    assert_eq!((&*first.event().event, &*without.event), ("Signed Up", "Project Created"));
    assert_eq!((*within, *repeat), (Length::days(3), Repeat::Keep));
    assert!(matches!(rule.audience, Some(Condition::All(ref tests)) if tests.len() == 3));
    assert!(matches!(&rule.exits[..], [Exit::Event(event)] if &*event.event == "Project Created"));
    assert_eq!(rule.limits.once_per, OncePer::Length(Length::days(30)));
    assert_eq!((rule.limits.late, rule.limits.grace), (Length::days(2), Length::minutes(5)));
    let goal = rule.goal.as_ref().expect("a goal");
    assert_eq!((goal.within, goal.holdout), (Some(Length::days(7)), Some(Share(100_000))));
    assert_eq!(names(&rule), ["stalled-onboarding", "wait", "onboarding-checklist"]);
    let mail = rule.messages().next().expect("a mail");
    assert_eq!(
        (mail.channel, mail.topic.as_deref(), mail.expires),
        (Channel::Email, Some("onboarding"), Length::days(2))
    );
}

#[test]
fn what_a_rule_does_not_say_has_the_defaults_of_the_language() {
    let rule = good(&with_trigger("event = \"A\""));
    assert_eq!(rule.limits.once_per, OncePer::Ever);
    assert_eq!((rule.limits.late, rule.limits.grace), (Length::days(1), Length::minutes(1)));
    assert_eq!((rule.status, rule.priority, rule.trigger.accepts_unproven), (Status::Live, 0, false));
    let message = rule.messages().next().expect("a message");
    assert_eq!(
        (message.expires, message.on_cap, message.is_transactional),
        (Length::days(1), OnCap::Skip, false)
    );
}

#[test]
fn each_trigger_form_is_told_by_its_keys() {
    let form = |trigger: &str| good(&with_trigger(trigger)).trigger.form;
    assert!(matches!(form("event = \"A\""), TriggerForm::Happens(FirstPart::Event(_))));
    let counted = form("event = \"A\"\ncount = 3\nwithin = \"1 day\"");
    let TriggerForm::Happens(FirstPart::Count { count: 3, within, .. }) = counted else { panic!("no count") };
    assert_eq!(within, Length::days(1));
    let restarted = form("event = \"A\"\nwithout = \"B\"\nwithin = \"1 day\"\nrepeat = \"restart\"");
    assert!(matches!(restarted, TriggerForm::Absence { repeat: Repeat::Restart, .. }));
    let long = form(
        "event = \"A\"\nkey = \"properties.id\"\n\
         without = { event = \"B\", where = { \"properties.x\" = 1 }, within = \"1 h\", key = \"properties.ref\" }",
    );
    let TriggerForm::Absence { first, without, within, .. } = long else { panic!("no absence") };
    assert_eq!(within, Length::hours(1));
    assert!(without.condition.is_some());
    let key = |path: Option<crate::rule::Path>| path.map(|path| path.to_string());
    assert_eq!(key(first.event().key.clone()), Some("properties.id".to_owned()));
    assert_eq!(key(without.key), Some("properties.ref".to_owned()));
    let outer = form(
        "event = \"A\"\nwithout = { event = \"B\", where = { \"properties.x\" = 1 } }\nwithin = \"2 h\"",
    );
    assert!(matches!(outer, TriggerForm::Absence { within, .. } if within == Length::hours(2)));
}

#[test]
fn a_sequence_is_a_first_part_as_others_are() {
    let trigger = "sequence = [\"A\", { event = \"B\", where = { \"properties.x\" = 1 }, key = \"properties.ref\" }]\n\
                   within = \"1 h\"\nkey = \"properties.id\"\n\
                   without = { event = \"C\", within = \"3 days\" }";
    let form = good(&with_trigger(trigger)).trigger.form;
    let keys: Vec<_> = form.matches().map(|event| event.key.as_ref().map(ToString::to_string)).collect();
    assert_eq!(keys, ["properties.id", "properties.ref", "properties.id"].map(|key| Some(key.to_owned())));
    let TriggerForm::Absence { first: FirstPart::Sequence { steps, within: window }, within, .. } = form
    else {
        panic!("no absence")
    };
    assert_eq!((window, within), (Length::hours(1), Length::days(3)));
    assert!(steps[0].condition.is_none() && steps[1].condition.is_some());
}

#[test]
fn a_segment_turns_one_way_and_says_whether_it_asks_those_inside() {
    let trigger = |text: &str| good(&with_trigger(text)).trigger;
    let enters = trigger("enters = { \"traits.seats\" = { gte = 10 } }\nbackfill = true");
    assert!(matches!(enters.form, TriggerForm::Segment { to: Turn::Enters, .. }) && enters.backfills);
    let leaves = trigger("leaves = { \"traits.at\" = { gte = \"2026-03-02T10:00:00Z\" } }");
    assert!(matches!(leaves.form, TriggerForm::Segment { to: Turn::Leaves, .. }) && !leaves.backfills);
}

#[test]
fn a_trigger_that_is_written_otherwise_is_told_from_it_by_what_it_says_alone() {
    let written = |trigger: &str| good(&with_trigger(trigger)).trigger.written;
    let one = written("enters = { \"traits.a\" = 1, \"traits.b\" = { gt = 2 } }\nbackfill = true");
    let spaced = "backfill  =  true # so\nenters = { \"traits.b\" = { gt = 2 },  \"traits.a\" = 1 }";
    assert_eq!(one, written(spaced));
    assert_ne!(one, written("enters = { \"traits.a\" = 1, \"traits.b\" = { gt = 3 } }\nbackfill = true"));
    assert_eq!(
        written("event = \"A\""),
        13_756_074_656_770_727_878,
        "it is kept in snapshots: every version says this"
    );
}

#[test]
fn an_absence_may_begin_with_a_count_whose_within_is_its_own() {
    let trigger = "event = \"A\"\nkey = \"properties.id\"\ncount = 3\nwithin = \"1 h\"\nrepeat = \"restart\"\n\
                   without = { event = \"B\", where = { \"properties.x\" = 1 }, within = \"3 days\" }";
    let form = good(&with_trigger(trigger)).trigger.form;
    let TriggerForm::Absence { first, without, within, repeat } = form else { panic!("no absence") };
    let FirstPart::Count { event, count: 3, within: window } = first else { panic!("no count") };
    assert_eq!((window, within, repeat), (Length::hours(1), Length::days(3), Repeat::Restart));
    assert_eq!((&*event.event, &*without.event), ("A", "B"));
    assert!(event.key.is_some() && without.key.is_some() && without.condition.is_some());
}

#[test]
fn the_key_of_a_trigger_is_looked_for_in_every_event_of_the_rule() {
    let rule = good(
        "name = \"R\"\nunproven = true\n[trigger]\nevent = \"A\"\nkey = \"properties.id\"\nwithout = \"B\"\nwithin = \"1 day\"\n\
         [exit]\nany = [{ event = \"C\" }, { event = \"D\", key = \"properties.ref\" }, { where = { \"traits.x\" = 1 } }]\n\
         [goal]\nevent = \"E\"\n[[step]]\nin_product = \"probe\"\n",
    );
    assert!(rule.trigger.accepts_unproven && rule.trigger.form.is_keyed());
    let key = |event: &crate::rule::EventMatch| event.key.as_ref().map(ToString::to_string);
    let keys: Vec<_> = rule.trigger.form.matches().map(key).collect();
    assert_eq!(keys, [Some("properties.id".to_owned()), Some("properties.id".to_owned())]);
    let [Exit::Event(c), Exit::Event(d), Exit::Person(_)] = &rule.exits[..] else { panic!("three exits") };
    assert_eq!((key(c).as_deref(), key(d).as_deref()), (Some("properties.id"), Some("properties.ref")));
    assert_eq!(
        rule.goal.and_then(|goal| goal.event).as_ref().and_then(key).as_deref(),
        Some("properties.id")
    );
}

fn operator(test: &str) -> Operator {
    match good(&with_where(&format!("\"properties.x\" = {test}"))).trigger.form {
        TriggerForm::Happens(FirstPart::Event(event)) => match event.condition {
            Some(Condition::Test(test)) => test.operator,
            other => panic!("no test: {other:?}"),
        },
        other => panic!("no event: {other:?}"),
    }
}

#[test]
fn every_operator_is_read() {
    let at = Timestamp::parse("2026-03-02T10:00:00Z").expect("a time");
    let (week_ago, hour_on) = (Length::days(7), Length::hours(1));
    let bound = |operator: Operator| match operator {
        Operator::Greater(bound) | Operator::GreaterOrEqual(bound) => bound,
        Operator::Less(bound) | Operator::LessOrEqual(bound) => bound,
        other => panic!("no comparison: {other:?}"),
    };
    assert!(matches!(operator("\"pro\""), Operator::Equal(Value::Text(text)) if &*text == "pro"));
    assert!(matches!(operator("true"), Operator::Equal(Value::Bool(true))));
    assert!(matches!(operator("[1, \"a\"]"), Operator::Equal(Value::List(list)) if list.len() == 2));
    assert!(matches!(operator("{ not = 1.5 }"), Operator::Not(Value::Float(_))));
    assert_eq!(bound(operator("{ gt = 10 }")), Bound::Number(Value::Int(10)));
    assert_eq!(bound(operator("{ gte = 1_000 }")), Bound::Number(Value::Int(1000)));
    assert_eq!(bound(operator("{ lt = \"2026-03-02T11:00:00+01:00\" }")), Bound::Date(at));
    assert_eq!(bound(operator("{ lte = 2026-03-02T10:00:00Z }")), Bound::Date(at));
    assert_eq!(bound(operator("{ gt = \"now - 7 days\" }")), Bound::Now { is_before: true, by: week_ago });
    assert_eq!(bound(operator("{ lt = \"now + 1 hour\" }")), Bound::Now { is_before: false, by: hour_on });
    assert_eq!(bound(operator("{ lt = \"now\" }")), Bound::Now { is_before: false, by: Length::ZERO });
    assert!(matches!(
        operator("{ between = [1, 2.5] }"),
        Operator::Between(Bound::Number(_), Bound::Number(_))
    ));
    assert!(matches!(operator("{ between = [\"now - 2 days\", \"now\"] }"), Operator::Between(..)));
    assert!(matches!(operator("{ in = [\"a\", \"b\"] }"), Operator::In(values) if values.len() == 2));
    assert!(matches!(operator("{ not_in = [1] }"), Operator::NotIn(_)));
    assert!(matches!(operator("{ contains = \"a\" }"), Operator::Contains(Value::Text(_))));
    assert!(matches!(operator("{ starts_with = \"a\" }"), Operator::StartsWith(_)));
    assert!(matches!(operator("{ ends_with = \"a\" }"), Operator::EndsWith(_)));
    assert!(matches!(operator("{ matches = '^a+$' }"), Operator::Matches(_)));
    assert!(matches!(operator("{ exists = false }"), Operator::Exists(false)));
}

#[test]
fn texts_of_a_condition_are_nfc() {
    let composed = "\u{e9}";
    let test = operator("{ starts_with = \"e\u{301}\" }");
    assert!(matches!(test, Operator::StartsWith(text) if &*text == composed));
}

#[test]
fn conditions_nest_and_several_tests_of_one_path_all_hold() {
    let rule = good(&with_where(
        "\"properties.x\" = { gte = 1, lt = 5 }, any = [{ \"traits.a\" = 1 }, { none = [{ \"context.page.url\" = \"x\" }] }], \
         all = [{ \"event.name\" = \"A\" }]",
    ));
    let TriggerForm::Happens(FirstPart::Event(event)) = rule.trigger.form else { panic!("no event") };
    let Some(Condition::All(parts)) = event.condition else { panic!("several tests") };
    let [Condition::All(all), Condition::Any(any), Condition::All(both)] = &parts[..] else {
        panic!("{parts:?}")
    };
    assert!(matches!(&all[..], [Condition::Test(_)]));
    assert!(matches!(&any[..], [Condition::Test(_), Condition::None(_)]));
    assert_eq!(both.len(), 2);
}

fn names(rule: &Rule) -> Vec<&str> {
    rule.steps.iter().map(|step| &*step.name).collect()
}

#[test]
fn a_step_without_a_name_has_its_templates_and_an_ordinal_when_repeated() {
    let rule = good(&with_more(
        "[[step]]\nwait = \"1 day\"\n[[step]]\nin_product = \"probe\"\n[[step]]\nwait = \"2 days\"\n\
         [[step]]\nemail = \"probe\"\nname = \"last\"\ntopic = \"billing\"\nexpires = \"3 days\"\non_cap = \"wait\"\n",
    ));
    assert_eq!(names(&rule), ["probe", "wait", "probe-2", "wait-2", "last"]);
    let StepKind::Message(last) = &rule.steps[4].kind else { panic!("a message") };
    assert_eq!(
        (last.topic.as_deref(), last.expires, last.on_cap),
        (Some("billing"), Length::days(3), OnCap::Wait)
    );
}

#[test]
fn only_rules_on_the_operators_list_say_transactional() {
    let text = with_more("[[step]]\nemail = \"receipt\"\ntransactional = true\n");
    let (rule, _) =
        super::parse("trusted", "rules/trusted.toml", &text, &super::known()).expect("a good rule");
    assert!(rule.messages().any(|message| message.is_transactional));
}

#[test]
fn each_way_to_limit_entries_is_read() {
    let once_per =
        |text: &str| good(&with_more(&format!("[limits]\nonce_per = \"{text}\"\n"))).limits.once_per;
    assert_eq!(once_per("always"), OncePer::Always);
    assert_eq!(once_per("calendar day"), OncePer::CalendarDay);
    assert_eq!(once_per("12 hours"), OncePer::Length(Length::hours(12)));
}

#[test]
fn the_rules_that_answers_were_computed_for_are_read() {
    let rule = |trigger: &str, more: &str| {
        good(&format!(
            "name = \"x\"\ndescription = \"y\"\ntopic = \"probe\"\nstatus = \"live\"\n[trigger]\n{trigger}\n{more}\n[[step]]\nin_product = \"probe\"\n"
        ))
    };
    let always = "[limits]\nonce_per = \"always\"";
    let big_order =
        rule("event = \"Order Completed\"\nwhere = { \"properties.total\" = { gte = 1000 } }", "");
    assert_eq!(big_order.limits.once_per, OncePer::Ever);
    let three = rule("event = \"Order Completed\"\ncount = 3\nwithin = \"1 day\"", "");
    assert!(matches!(three.trigger.form, TriggerForm::Happens(FirstPart::Count { count: 3, .. })));
    let restart = "event = \"Order Cancelled\"\nwithout = \"Order Completed\"\nwithin = \"14 days\"\nrepeat = \"restart\"";
    let cancelled = rule(restart, always);
    assert_eq!(cancelled.limits.once_per, OncePer::Always);
    assert!(matches!(cancelled.trigger.form, TriggerForm::Absence { repeat: Repeat::Restart, .. }));
    let big_basket = "event = \"Order Completed\"\nwhere = { \"properties.total\" = { gt = 10 } }\nwithout = \"Coupon Redeemed\"\nwithin = \"30 days\"";
    let monthly = rule(big_basket, "[limits]\nonce_per = \"30 days\"");
    assert_eq!(monthly.limits.once_per, OncePer::Length(Length::days(30)));
}
