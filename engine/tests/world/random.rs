//! Random rules, settings and streams of events, small enough that they meet: four events, four people, a few hours or days.

use super::entry::{Entry, What};
use super::project;
use outreach_engine::event::{ConsentKind, EventKind};
use outreach_engine::release::Settings;
use outreach_engine::{Length, Release, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

/// 2026-03-28T12:00Z: summer time begins in Europe that night.
pub const START: Timestamp = Timestamp(1_774_699_200_000_000);

pub const PEOPLE: [&str; 4] = ["user:ada", "user:bob", "user:cyd", "anon:7f"];

/// A trigger's form, as the text of `[trigger]`.
pub fn trigger() -> impl Strategy<Value = String> {
    let length = select(&["1 hour", "6 hours", "1 day", "3 days"][..]);
    let filter = select(
        &["", "", "where = { \"properties.n\" = 1 }\n", "where = { \"properties.n\" = { gt = 1 } }\n"][..],
    );
    let key = select(&["", "", "", "key = \"properties.k\"\n"][..]);
    let event = (select(&["A", "B"][..]), filter, key.clone())
        .prop_map(|(event, filter, key)| format!("event = \"{event}\"\n{filter}{key}"));
    let absence = (select(&["A", "B", "C"][..]), select(&["", "repeat = \"restart\"\n"][..]));
    let form = prop_oneof![
        Just(String::new()),
        (1..4u32, length.clone())
            .prop_map(|(count, within)| format!("count = {count}\nwithin = \"{within}\"\n")),
        (absence.clone(), length.clone()).prop_map(|((without, repeat), within)| {
            format!("without = \"{without}\"\nwithin = \"{within}\"\n{repeat}")
        }),
        (1..4u32, length.clone(), absence, length).prop_map(|(count, window, (without, repeat), within)| {
            let without = format!("without = {{ event = \"{without}\", within = \"{within}\" }}\n");
            format!("count = {count}\nwithin = \"{window}\"\n{without}{repeat}")
        }),
    ];
    let after_event = (event, form).prop_map(|(event, form)| event + &form);
    prop_oneof![3 => after_event, 1 => sequence(key.boxed()), 1 => inactivity()]
}

fn inactivity() -> impl Strategy<Value = String> {
    let length = select(&["1 hour", "6 hours", "1 day"][..]);
    let events = select(
        &[
            "",
            "or_never = true\n",
            "events = [\"A\"]\n",
            "events = [\"A\", \"C\"]\n",
            "events = [\"B\"]\nor_never = true\n",
            "events = [\"A\", \"B\"]\nkey = \"properties.k\"\n",
        ][..],
    );
    (length, events).prop_map(|(length, events)| format!("inactive_for = \"{length}\"\n{events}"))
}

/// A sequence, perhaps as the first part of an absence.
fn sequence(key: BoxedStrategy<&'static str>) -> impl Strategy<Value = String> {
    let length = select(&["1 hour", "6 hours", "1 day", "3 days"][..]);
    let step =
        select(&["\"A\"", "\"B\"", "\"C\"", "{ event = \"A\", where = { \"properties.n\" = 1 } }"][..]);
    let steps = prop::collection::vec(step, 2..4);
    let absence = (select(&["A", "B", "D"][..]), length.clone(), select(&["", "repeat = \"restart\"\n"][..]));
    let absence = absence.prop_map(|(without, within, repeat)| {
        format!("without = {{ event = \"{without}\", within = \"{within}\" }}\n{repeat}")
    });
    let after = prop_oneof![Just(String::new()), absence];
    (steps, length, key, after).prop_map(|(steps, within, key, after)| {
        format!("sequence = [{}]\nwithin = \"{within}\"\n{key}{after}", steps.join(", "))
    })
}

/// The text of a rule.
pub fn rule() -> impl Strategy<Value = String> {
    let audience = select(
        &[
            "",
            "",
            "[audience]\nwhere = { \"traits.plan\" = { in = [\"pro\", \"team\"] } }\n",
            "[audience]\nwhere = { did = { event = \"A\", count = { gte = 2 }, within = \"2 days\" } }\n",
            "[audience]\nwhere = { did_not = { event = \"B\", within = \"1 day\" } }\n",
        ][..],
    );
    let exit = select(
        &[
            "",
            "",
            "[exit]\nevent = \"D\"\n",
            "[exit]\nany = [ { event = \"C\" }, { where = { \"traits.plan\" = \"team\" } } ]\n",
            "[exit]\nwhere = { \"traits.outreach.part\" = 2 }\n",
        ][..],
    );
    let once_per = select(&["\"always\"", "\"always\"", "\"1 day\"", "\"calendar day\""][..]);
    let late = select(&["1 day", "3 hours"][..]);
    let holdout = select(&["", "", "", "[goal]\nholdout = \"50%\"\n"][..]);
    let step = prop_oneof![
        Just("[[step]]\nin_product = \"card\"\n"),
        Just("[[step]]\nemail = \"mail\"\n"),
        Just("[[step]]\nemail = \"mail\"\non_cap = \"wait\"\nexpires = \"2 days\"\n"),
        Just("[[step]]\nemail = \"news\"\ntopic = \"news\"\n"),
        Just("[[step]]\nemail = \"soon\"\nexpires = \"2 hours\"\n"),
        Just("[[step]]\nemail = \"must\"\ntransactional = true\n"),
        Just("[[step]]\nwait = \"5 hours\"\n"),
        Just(
            "[[step]]\nif = { \"traits.plan\" = \"pro\" }\nthen = [ { in_product = \"pro\" }, { wait = \"1 hour\" } ]\n\
             else = [ { email = \"mail\" }, { exit = true } ]\n"
        ),
        Just(
            "[[step]]\nsplit = [ { weight = 1, steps = [ { set = { part = 1 } } ] }, \
             { weight = 2, steps = [ { in_product = \"card\" } ] } ]\n"
        ),
        Just("[[step]]\nset = { \"part\" = 2 }\n"),
        Just(
            "[[step]]\nwait_until = { event = \"C\", timeout = \"6 hours\" }\nthen = [ { in_product = \"card\" } ]\n\
             else = [ { wait_for = \"business-hours\" }, { in_product = \"late\" } ]\n"
        ),
        Just("[[step]]\nwait_for = \"09:00\"\n"),
    ];
    let steps = prop::collection::vec(step, 1..4);
    (trigger(), audience, exit, once_per, late, holdout, steps, -1..2i64).prop_map(
        |(trigger, audience, exit, once_per, late, holdout, steps, priority)| {
            format!(
                "name = \"R\"\ntopic = \"probe\"\npriority = {priority}\n[trigger]\n{trigger}{audience}{exit}[limits]\n\
                 once_per = {once_per}\nlate = \"{late}\"\n{holdout}{}",
                steps.concat()
            )
        },
    )
}

/// A release of random rules under random settings.
pub fn release() -> impl Strategy<Value = Release> {
    let caps = select(
        &[
            "",
            "caps = { email = [\"1 per day\"], all = [\"2 per 2 days\"] }\n",
            "caps = { email = [\"2 per calendar day\"], in_product = [\"1 per 6 hours\"] }\n",
        ][..],
    );
    let quiet = select(&["", "quiet_hours = \"21:00-08:00\"\n", "quiet_hours = \"02:30-05:00\"\n"][..]);
    let holdout = select(&["", "holdout = \"20%\"\n"][..]);
    (prop::collection::vec(rule(), 1..5), caps, quiet, holdout).prop_map(|(rules, caps, quiet, holdout)| {
        let settings: Settings =
            project::settings(&format!("timezone = \"Europe/Paris\"\n{caps}{quiet}{holdout}"));
        let rules = rules.iter().enumerate().map(|(n, text)| project::rule(&format!("rule-{n}"), text));
        project::release("random", settings, rules.collect())
    })
}

/// One thing that happens: minutes after the one before, whose, what, how many minutes late it arrives.
#[derive(Clone, Debug)]
struct Happening {
    after: i64,
    who: usize,
    what: Kind,
    late: i64,
}

#[derive(Clone, Debug)]
enum Kind {
    Track {
        name: &'static str,
        n: i64,
        k: &'static str,
    },
    /// The same message id and content once more.
    Again {
        back: usize,
    },
    Identify(&'static str),
    Zone(&'static str),
    Consent(ConsentKind<'static>),
}

fn happening(late: BoxedStrategy<i64>) -> impl Strategy<Value = Happening> {
    let track = (select(&["A", "A", "B", "B", "C", "D"][..]), 1..3i64, select(&["x", "y", "x"][..]))
        .prop_map(|(name, n, k)| Kind::Track { name, n, k });
    let address = || "a@example.com".into();
    let traits = &[
        r#"{"plan":"pro","email":"a@example.com"}"#,
        r#"{"plan":"team"}"#,
        r#"{"plan":"free","email":"b@example.com"}"#,
        r#"{"timezone":"Asia/Tokyo"}"#,
    ][..];
    let what = prop_oneof![
        12 => track,
        2 => (1..4usize).prop_map(|back| Kind::Again { back }),
        4 => select(traits).prop_map(Kind::Identify),
        1 => select(&["America/New_York", "Europe/Paris"][..]).prop_map(Kind::Zone),
        1 => select(vec![
            ConsentKind::TopicOff("news".into()),
            ConsentKind::TopicOn("news".into()),
            ConsentKind::AllOff,
            ConsentKind::AllOn,
            ConsentKind::Bounced(address()),
        ])
        .prop_map(Kind::Consent),
    ];
    let after = prop_oneof![2 => Just(0i64), 3 => 1..90i64, 1 => 90..900i64];
    (after, 0..PEOPLE.len(), what, late).prop_map(|(after, who, what, late)| Happening {
        after,
        who,
        what,
        late,
    })
}

/// A stream in the order of its arrival; a part of it arrives late.
pub fn stream() -> impl Strategy<Value = Vec<Entry>> {
    stream_of(prop_oneof![5 => Just(0i64), 1 => 1..600i64].boxed())
}

/// A stream that arrives as it happens.
pub fn stream_in_order() -> impl Strategy<Value = Vec<Entry>> {
    stream_of(Just(0i64).boxed())
}

fn stream_of(late: BoxedStrategy<i64>) -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec(happening(late), 1..60).prop_map(|happenings| entries(&happenings))
}

fn entries(happenings: &[Happening]) -> Vec<Entry> {
    let mut at = START;
    let mut entries: Vec<Entry> = Vec::new();
    for (number, happening) in happenings.iter().enumerate() {
        at = at + Length::minutes(happening.after);
        let who = PEOPLE[happening.who];
        let id = format!("m{number}");
        let mut entry = match &happening.what {
            Kind::Track { name, n, k } => {
                Entry::track(who, at, name, &id, &format!(r#"{{"n":{n},"k":"{k}"}}"#))
            }
            Kind::Again { back } => {
                let tracks = entries.iter().filter(|entry| entry.who == who && is_track(entry));
                let Some(again) = tracks.rev().nth(back - 1).cloned() else { continue };
                again
            }
            Kind::Identify(traits) => Entry::identify(who, at, &id, traits),
            Kind::Zone(zone) => {
                let mut entry = Entry::track(who, at, "Seen", &id, "{}");
                if let What::Event { context, .. } = &mut entry.what {
                    *context = format!(r#"{{"timezone":"{zone}"}}"#);
                }
                entry
            }
            Kind::Consent(kind) => {
                Entry { who: who.into(), at, arrives: at, what: What::Consent(kind.clone()) }
            }
        };
        entry.arrives = at + Length::minutes(happening.late);
        entries.push(entry);
    }
    entries.sort_by_key(|entry| entry.arrives);
    entries
}

fn is_track(entry: &Entry) -> bool {
    matches!(entry.what, What::Event { kind: EventKind::Track, .. })
}
