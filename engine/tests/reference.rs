//! The meaning of triggers, written from rules.md in the most obvious way over a person's whole sorted history, and the
//! engine held against it on random streams that arrive in order, with ties and repeated message ids.

mod world;

use outreach_engine::rule::{EventMatch, FirstPart, Repeat, Scope, TriggerForm};
use outreach_engine::state::Profile;
use outreach_engine::{Length, Timestamp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use world::{Driver, Entry, What, project, random};

/// (due, triggered) of each time that a trigger held.
type Held = Vec<(Timestamp, Timestamp)>;

/// An event of one person, as a trigger sees it.
struct Seen<'e> {
    at: Timestamp,
    is_first: bool,
    is_without: bool,
    key: Option<&'e str>,
}

/// When a trigger held for one person and key, from all that they did.
fn held(form: &TriggerForm, history: &[Seen<'_>]) -> Held {
    let first = first_holds(form.first(), history);
    match form {
        TriggerForm::Happens(_) => {
            let held = history.iter().zip(first).filter(|(_, holds)| *holds);
            held.map(|(seen, _)| (seen.at, seen.at)).collect()
        }
        TriggerForm::Absence { within, repeat, .. } => held_absence(history, &first, *within, *repeat),
    }
}

/// Whether the first part holds at each event.
fn first_holds(part: &FirstPart, history: &[Seen<'_>]) -> Vec<bool> {
    match part {
        FirstPart::Event(_) => history.iter().map(|seen| seen.is_first).collect(),
        FirstPart::Count { count, within, .. } => count_holds(history, *count as usize, *within),
    }
}

/// The `count`th within `(t - within, t]`; after it the count starts anew.
fn count_holds(history: &[Seen<'_>], count: usize, within: Length) -> Vec<bool> {
    let mut unused: Vec<Timestamp> = Vec::new();
    let mut holds = |seen: &Seen<'_>| {
        unused.extend(seen.is_first.then_some(seen.at));
        let inside = unused.iter().filter(|at| at.0 > seen.at.0 - within.0).count();
        let holds = seen.is_first && inside == count;
        if holds {
            unused.clear();
        }
        holds
    };
    history.iter().map(&mut holds).collect()
}

/// The first part at *t*, then no second one after it, up to and including *t* + within.
fn held_absence(history: &[Seen<'_>], first: &[bool], within: Length, repeat: Repeat) -> Held {
    let mut held = Vec::new();
    let mut pending: Option<Timestamp> = None;
    for (seen, first_holds) in history.iter().zip(first) {
        if let Some(began) = pending.filter(|began| seen.at > *began + within) {
            held.push((began + within, began));
            pending = None;
        }
        if seen.is_without {
            pending = None;
        }
        if *first_holds && (pending.is_none() || repeat == Repeat::Restart) {
            pending = Some(seen.at);
        }
    }
    held.extend(pending.map(|began| (began + within, began)));
    held
}

/// Whether an entry is this part of a trigger; nobody has traits here.
fn is_met(matched: &EventMatch, entry: &Entry) -> bool {
    let What::Event { name, properties, context, .. } = &entry.what else { return false };
    let profile = Profile::default();
    let scope = Scope { properties, context, event_name: name, profile: &profile, now: entry.at };
    *matched.event == **name && matched.condition.as_ref().is_none_or(|condition| condition.holds(&scope))
}

/// All that a rule's trigger held for, by (person, key), in order.
fn expected(form: &TriggerForm, stream: &[Entry]) -> BTreeMap<(String, String), Held> {
    let (first, without) = (form.first().event(), form.without());
    let mut ids = BTreeSet::new();
    let mut histories: BTreeMap<(String, String), Vec<Seen<'_>>> = BTreeMap::new();
    for entry in stream {
        let What::Event { id, properties, .. } = &entry.what else { continue };
        if !ids.insert(id) {
            continue;
        }
        let is_keyed = first.key.is_some();
        let key = is_keyed.then(|| if properties.contains(r#""k":"x""#) { "x" } else { "y" });
        let is_without = without.is_some_and(|without| is_met(without, entry));
        let seen = Seen { at: entry.at, is_first: is_met(first, entry), is_without, key };
        let place = (entry.who.clone(), seen.key.unwrap_or_default().to_owned());
        histories.entry(place).or_default().push(seen);
    }
    let held = histories.into_iter().map(|(place, history)| (place, held(form, &history)));
    held.filter(|(_, held)| !held.is_empty()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_holds_what_the_language_says(
        trigger in random::trigger(),
        stream in random::stream_in_order(),
    ) {
        let text = format!(
            "name = \"R\"\n[trigger]\n{trigger}[limits]\nonce_per = \"always\"\n[[step]]\nin_product = \"card\"\n"
        );
        let rule = project::rule("rule", &text);
        let form = rule.trigger.form.clone();
        let is_event = |entry: &Entry| matches!(&entry.what, What::Event { traits, .. } if traits == "{}");
        let stream: Vec<_> = stream.into_iter().filter(is_event).collect();
        let mut driver = Driver::new(project::release("r", project::bare_settings(), vec![rule]));
        driver.run(&stream);
        driver.run_out();
        let mut found: BTreeMap<(String, String), Held> = BTreeMap::new();
        for decision in driver.decisions() {
            let place = (decision.subject.to_string(), decision.key.to_string());
            found.entry(place).or_default().push((decision.due_at, decision.triggered_at));
        }
        prop_assert_eq!(expected(&form, &stream), found, "{}", text);
    }
}
