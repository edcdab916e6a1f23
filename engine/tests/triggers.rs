//! The meaning of triggers alone, over streams that arrive in order: written in the most obvious way over a sorted history,
//! and the engine held against it. Whole rules are held against [`reference`](reference/main.rs).

mod world;

use outreach_engine::rule::{EventMatch, FirstPart, Inactivity, Repeat, Scope, TriggerForm};
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
    /// Which events of the first part it is.
    parts: Vec<bool>,
    is_without: bool,
    key: Option<&'e str>,
}

/// When a trigger held for one person and key, from all that they did.
fn held(form: &TriggerForm, history: &[Seen<'_>]) -> Held {
    if let TriggerForm::Inactive(inactivity) = form {
        return held_inactive(inactivity, history);
    }
    let first = first_holds(form.first().expect("a first part"), history);
    match form {
        TriggerForm::Happens(_) => {
            let held = history.iter().zip(first).filter(|(_, holds)| *holds);
            held.map(|(seen, _)| (seen.at, seen.at)).collect()
        }
        TriggerForm::Absence { within, repeat, .. } => held_absence(history, &first, *within, *repeat),
        TriggerForm::Inactive(_) | TriggerForm::Segment { .. } => unreachable!("a form without a first part"),
    }
}

/// After each thing that was done, where the next comes later than so long after it; perhaps after the first record, too.
fn held_inactive(inactivity: &Inactivity, history: &[Seen<'_>]) -> Held {
    let is_done = |seen: &&Seen<'_>| seen.parts[0];
    let mut done: Vec<Timestamp> = history.iter().filter(is_done).map(|seen| seen.at).collect();
    if inactivity.or_never && !history[0].parts[0] {
        done.insert(0, history[0].at);
    }
    let next = |at: usize| done.get(at + 1).copied();
    let deadlines = done.iter().enumerate().map(|(at, began)| (*began + inactivity.after, *began, next(at)));
    let over = deadlines.filter(|(deadline, _, next)| next.is_none_or(|next| next > *deadline));
    over.map(|(deadline, began, _)| (deadline, began)).collect()
}

/// Whether the first part holds at each event.
fn first_holds(part: &FirstPart, history: &[Seen<'_>]) -> Vec<bool> {
    match part {
        FirstPart::Event(_) => history.iter().map(|seen| seen.parts[0]).collect(),
        FirstPart::Count { count, within, .. } => count_holds(history, *count as usize, *within),
        FirstPart::Sequence { steps, within } => sequence_holds(history, steps.len(), *within),
    }
}

/// At the last of them: of each step before it the latest, the first at most `within` before; each serves one match.
fn sequence_holds(history: &[Seen<'_>], steps: usize, within: Length) -> Vec<bool> {
    let mut used = vec![false; history.len()];
    let mut holds = vec![false; history.len()];
    for last in 0..history.len() {
        let mut taken = Vec::new();
        let mut before = last + 1;
        for step in (0..steps).rev() {
            let is_it = |at: &usize| history[*at].parts[step] && !used[*at];
            // The last step is this event itself.
            let found = (0..before).rev().take(if step + 1 == steps { 1 } else { before }).find(is_it);
            let Some(at) = found else { break };
            taken.push(at);
            before = at;
        }
        if taken.len() == steps && history[last].at.0 - history[before].at.0 <= within.0 {
            taken.iter().for_each(|at| used[*at] = true);
            holds[last] = true;
        }
    }
    holds
}

/// The `count`th within `(t - within, t]`; after it the count starts anew.
fn count_holds(history: &[Seen<'_>], count: usize, within: Length) -> Vec<bool> {
    let mut unused: Vec<Timestamp> = Vec::new();
    let mut holds = |seen: &Seen<'_>| {
        unused.extend(seen.parts[0].then_some(seen.at));
        let inside = unused.iter().filter(|at| at.0 > seen.at.0 - within.0).count();
        let holds = seen.parts[0] && inside == count;
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
    let scope =
        Scope { properties, context, event_name: name, profile: &profile, history: None, now: entry.at };
    *matched.event == **name && matched.condition.as_ref().is_none_or(|condition| condition.holds(&scope))
}

/// All that a rule's trigger held for, by (person, key), in order.
fn expected(form: &TriggerForm, stream: &[Entry]) -> BTreeMap<(String, String), Held> {
    let (first, without) = (form.first(), form.without());
    let is_keyed = form.is_keyed();
    let mut ids = BTreeSet::new();
    let mut histories: BTreeMap<(String, String), Vec<Seen<'_>>> = BTreeMap::new();
    for entry in stream {
        let What::Event { id, properties, .. } = &entry.what else { continue };
        if !ids.insert(id) {
            continue;
        }
        let key = is_keyed.then(|| if properties.contains(r#""k":"x""#) { "x" } else { "y" });
        let is_without = without.is_some_and(|without| is_met(without, entry));
        let parts = match form {
            TriggerForm::Inactive(Inactivity { events, .. }) => {
                let is_done = events.is_empty() || events.iter().any(|event| is_met(event, entry));
                if is_keyed && !(is_done && properties.contains("\"k\"")) {
                    continue;
                }
                vec![is_done]
            }
            _ => first.expect("a first part").events().iter().map(|event| is_met(event, entry)).collect(),
        };
        let seen = Seen { at: entry.at, parts, is_without, key };
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

/// A segment's condition as text, and in the most obvious way over traits that are texts.
type Segment = (&'static str, fn(&BTreeMap<String, String>) -> bool);

const SEGMENTS: [Segment; 5] = [
    (r#""traits.plan" = "pro""#, |traits| traits.get("plan").is_some_and(|plan| plan == "pro")),
    (r#""traits.plan" = { not = "team" }"#, |traits| traits.get("plan").is_none_or(|plan| plan != "team")),
    (r#""traits.plan" = { in = ["pro", "team"] }, "traits.email" = { starts_with = "a" }"#, |traits| {
        traits.get("plan").is_some_and(|plan| plan == "pro" || plan == "team")
            && traits.get("email").is_some_and(|email| email.starts_with('a'))
    }),
    (r#"any = [{ "traits.timezone" = { exists = true } }, { "traits.plan" = "free" }]"#, |traits| {
        traits.contains_key("timezone") || traits.get("plan").is_some_and(|plan| plan == "free")
    }),
    (r#"none = [{ "traits.email" = { exists = true } }]"#, |traits| !traits.contains_key("email")),
];

/// When the condition turned, by person.
fn turned(
    holds: fn(&BTreeMap<String, String>) -> bool,
    enters: bool,
    stream: &[Entry],
) -> BTreeMap<String, Held> {
    let mut people: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut turned: BTreeMap<String, Held> = BTreeMap::new();
    for entry in stream {
        let What::Event { traits: said, .. } = &entry.what else { continue };
        let said: BTreeMap<String, String> = serde_json::from_str(said).expect("texts");
        let traits = people.entry(entry.who.clone()).or_default();
        let before = holds(traits);
        traits.extend(said);
        if before != holds(traits) && before != enters {
            turned.entry(entry.who.clone()).or_default().push((entry.at, entry.at));
        }
    }
    turned
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_segment_turns_when_the_language_says(
        segment in prop::sample::select(&SEGMENTS[..]),
        enters in any::<bool>(),
        stream in random::stream_in_order(),
    ) {
        let (word, (condition, holds)) = (if enters { "enters" } else { "leaves" }, segment);
        let text = format!(
            "name = \"R\"\n[trigger]\n{word} = {{ {condition} }}\n[limits]\nonce_per = \"always\"\n[[step]]\n\
             in_product = \"card\"\n"
        );
        let rule = project::rule("rule", &text);
        let is_event = |entry: &Entry| matches!(&entry.what, What::Event { .. });
        let stream: Vec<_> = stream.into_iter().filter(is_event).collect();
        let mut driver = Driver::new(project::release("r", project::bare_settings(), vec![rule]));
        driver.run(&stream);
        driver.run_out();
        let mut found: BTreeMap<String, Held> = BTreeMap::new();
        for decision in driver.decisions() {
            let held = found.entry(decision.subject.to_string()).or_default();
            held.push((decision.due_at, decision.triggered_at));
        }
        prop_assert_eq!(turned(holds, enters, &stream), found, "{}", text);
    }
}
