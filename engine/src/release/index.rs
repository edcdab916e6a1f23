//! Which triggers an event could concern: by its name, and by the value of the most selective property.
//!
//! A trigger that wants `properties.feature = "export"` is found under that value and costs other events nothing.
//! Triggers without such a test stand under the name alone and are asked for each event of that name.

use super::Compiled;
use crate::event::Event;
use crate::json::{self, Seen};
use crate::rule::{Condition, EventMatch, FirstPart, Operator, Path, Root, Status, Test, TriggerForm};
use crate::value::Value;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A trigger's part that an event may set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hook {
    /// The number of the rule in its release.
    pub rule: u32,
    pub role: Role,
}

/// What the event is to the trigger. Their order is that of asking: a second event ends a wait before the same event
/// begins the next (rules.md, "absence").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The second event of an absence.
    Without,
    /// An event of the first part: the event, or the counted one.
    First,
    /// A step of a sequence, by how many come after it: what may end one sequence is asked before what may begin the next.
    Step { after: u8 },
    /// One of the events of an inactivity, by its number.
    Activity { number: u8 },
}

type ByName = IndexMap<Box<str>, Named, foldhash::fast::FixedState>;
type ByText = IndexMap<Box<str>, Vec<Hook>, foldhash::fast::FixedState>;

/// The hooks of all rules.
#[derive(Clone, Debug, Default)]
pub struct Index {
    by_name: ByName,
}

#[derive(Clone, Debug, Default)]
struct Named {
    always: Vec<Hook>,
    by_value: Vec<(Path, ByValue)>,
}

/// Texts stand apart, so that one is looked up as it stands in the event.
#[derive(Clone, Debug, Default)]
struct ByValue {
    texts: ByText,
    others: IndexMap<Wanted, Vec<Hook>, foldhash::fast::FixedState>,
}

/// A value that can be looked up: texts and whole numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Wanted {
    Text(Box<str>),
    Int(i64),
    Bool(bool),
}

impl Index {
    pub(super) fn new(rules: &[Arc<Compiled>]) -> Index {
        let mut by_name: BTreeMap<&str, Vec<(Hook, &EventMatch)>> = BTreeMap::new();
        for (number, compiled) in rules.iter().enumerate() {
            if compiled.rule.status == Status::Off {
                continue;
            }
            for (role, matched) in roles(&compiled.rule.trigger.form) {
                by_name
                    .entry(&matched.event)
                    .or_default()
                    .push((Hook { rule: number as u32, role }, matched));
            }
        }
        let named = by_name.into_iter().map(|(name, hooks)| (Box::from(name), Named::new(hooks)));
        Index { by_name: named.collect() }
    }

    /// Puts the hooks that `event` may concern into `found`, in the order of rules, second events first. What they
    /// want beside is for the trigger to ask.
    pub fn find(&self, event: &Event<'_>, found: &mut Vec<Hook>) {
        let Some(named) = self.by_name.get(event.name.as_ref()) else { return };
        found.extend_from_slice(&named.always);
        for (path, by_value) in &named.by_value {
            let bag = if path.root == Root::Context { &event.context } else { &event.properties };
            let Some(seen) = json::find(bag, &path.segments).map(json::read) else { continue };
            found.extend(hooks_of(by_value, seen).into_iter().flatten());
        }
        if found.len() > 1 {
            found.sort_unstable();
        }
    }
}

fn roles(form: &TriggerForm) -> impl Iterator<Item = (Role, &EventMatch)> {
    let without = form.without().map(|without| (Role::Without, without));
    let steps = match form.first() {
        Some(FirstPart::Sequence { steps, .. }) => steps.as_slice(),
        Some(FirstPart::Event(_) | FirstPart::Count { .. }) | None => &[],
    };
    let first = form.first().filter(|_| steps.is_empty()).map(|first| (Role::First, first.event()));
    let steps = steps.iter().rev().zip(0..).map(|(step, after)| (Role::Step { after }, step));
    let activities = form.inactivity().map_or(&[][..], |inactivity| &inactivity.events);
    let activities = activities.iter().zip(0..).map(|(event, number)| (Role::Activity { number }, event));
    without.into_iter().chain(first).chain(steps).chain(activities)
}

impl Named {
    fn new(hooks: Vec<(Hook, &EventMatch)>) -> Named {
        // The path that tells most triggers apart first; each trigger stands under the best of its paths.
        let mut values: BTreeMap<&Path, Vec<Wanted>> = BTreeMap::new();
        for (_, matched) in &hooks {
            for (path, wanted) in equalities(matched.condition.as_ref()) {
                values.entry(path).or_default().push(wanted);
            }
        }
        let selectivity = |path: &Path| {
            let mut wanted = values[path].clone();
            wanted.sort();
            wanted.dedup();
            wanted.len()
        };
        let ranks: BTreeMap<&Path, usize> = values.keys().map(|path| (*path, selectivity(path))).collect();
        let mut named = Named::default();
        for (hook, matched) in hooks {
            let best = equalities(matched.condition.as_ref())
                .max_by(|(a, _), (b, _)| ranks[a].cmp(&ranks[b]).then_with(|| b.cmp(a)));
            match best {
                Some((path, wanted)) => named.under(path).hooks(wanted).push(hook),
                None => named.always.push(hook),
            }
        }
        named.always.sort_unstable();
        named
    }

    fn under(&mut self, path: &Path) -> &mut ByValue {
        let at = self.by_value.iter().position(|(other, _)| other == path).unwrap_or_else(|| {
            self.by_value.push((path.clone(), ByValue::default()));
            self.by_value.len() - 1
        });
        &mut self.by_value[at].1
    }
}

/// The tests that must hold and want one value of the event itself.
fn equalities(condition: Option<&Condition>) -> impl Iterator<Item = (&Path, Wanted)> {
    let parts = match condition {
        Some(Condition::All(parts)) => parts.as_slice(),
        Some(test @ Condition::Test(_)) => std::slice::from_ref(test),
        Some(Condition::Any(_) | Condition::None(_) | Condition::Did(_)) | None => &[],
    };
    parts.iter().filter_map(|part| match part {
        // A test that is looked at is asked of every event, whatever its value.
        Condition::Test(Test { path, operator: Operator::Equal(value), watch })
            if matches!(path.root, Root::Properties | Root::Context) && !watch.is_on() =>
        {
            Wanted::value(value).map(|wanted| (path, wanted))
        }
        Condition::Test(_)
        | Condition::All(_)
        | Condition::Any(_)
        | Condition::None(_)
        | Condition::Did(_) => None,
    })
}

impl Wanted {
    fn value(value: &Value) -> Option<Wanted> {
        match value {
            Value::Text(text) => Some(Wanted::Text(text.clone())),
            Value::Bool(is) => Some(Wanted::Bool(*is)),
            Value::Int(int) => (int.unsigned_abs() < EXACT_MAX).then_some(Wanted::Int(*int)),
            Value::Float(float) => whole(*float).map(Wanted::Int),
            Value::Null | Value::List(_) => None,
        }
    }
}

impl ByValue {
    fn hooks(&mut self, wanted: Wanted) -> &mut Vec<Hook> {
        match wanted {
            Wanted::Text(text) => self.texts.entry(text).or_default(),
            other => self.others.entry(other).or_default(),
        }
    }
}

/// Triggers that want this value.
fn hooks_of<'i>(by_value: &'i ByValue, seen: Seen<'_>) -> Option<&'i Vec<Hook>> {
    match seen {
        Seen::Text(text) => by_value.texts.get(text.as_ref()),
        other => by_value.others.get(&Wanted::value(&other.into_value()?)?),
    }
}

/// 2^53: below it every whole number is one float and one integer, so that `10.0` is found under `10`. Greater ones
/// stand under the name alone.
const EXACT_MAX: u64 = 1 << 53;

fn whole(float: f64) -> Option<i64> {
    (float.fract() == 0.0 && float.abs() < EXACT_MAX as f64).then_some(float as i64)
}
