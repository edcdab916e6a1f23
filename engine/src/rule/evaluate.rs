//! Whether a condition holds: rules.md, "Conditions".

use super::condition::{Bound, Condition, Did, Operator, Path, Root, Test};
use super::watch::{self, Watch};
use crate::json::{self, Seen};
use crate::state::{History, Profile};
use crate::time::Timestamp;
use crate::value::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// What a condition looks at: a record, and the person as known now.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// JSON objects.
    pub properties: &'a str,
    pub context: &'a str,
    pub event_name: &'a str,
    pub profile: &'a Profile,
    /// What is kept of the person's past; nothing where nothing is, or nothing may be asked of it.
    pub history: Option<&'a History>,
    /// The moment of judging, for `now - 7 days`.
    pub now: Timestamp,
}

impl<'a> Scope<'a> {
    /// The value at `path`; nothing where it is missing.
    pub fn look_up(&self, path: &Path) -> Option<Seen<'a>> {
        match path.root {
            Root::Properties => json::find(self.properties, &path.segments).map(json::read),
            Root::Context => json::find(self.context, &path.segments).map(json::read),
            Root::Traits => self.profile.look_up(&path.segments),
            Root::EventName => Some(Seen::Text(Cow::Borrowed(self.event_name))),
        }
    }
}

impl Condition {
    pub fn holds(&self, scope: &Scope<'_>) -> bool {
        match self {
            Condition::All(parts) => parts.iter().all(|part| part.holds(scope)),
            Condition::Any(parts) => parts.iter().any(|part| part.holds(scope)),
            Condition::None(parts) => !parts.iter().any(|part| part.holds(scope)),
            Condition::Test(test) => seen(&test.watch, test.holds(scope)),
            Condition::Did(did) => seen(&did.watch, did.times.holds(did.times_done(scope)) != did.is_not),
        }
    }

    /// Calls `visit` with every test, in the order written.
    pub fn each_test<'c>(&'c self, visit: &mut dyn FnMut(&'c Test)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) | Condition::None(parts) => {
                parts.iter().for_each(|part| part.each_test(visit));
            }
            Condition::Test(test) => visit(test),
            // What it tests are events of the past, not what is judged now.
            Condition::Did(_) => {}
        }
    }

    /// Calls `visit` with every question about the past, in the order written.
    pub fn each_did<'c>(&'c self, visit: &mut dyn FnMut(&'c Did)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) | Condition::None(parts) => {
                parts.iter().for_each(|part| part.each_did(visit));
            }
            Condition::Test(_) => {}
            Condition::Did(did) => visit(did),
        }
    }
}

/// Who looks on sees how it came out.
fn seen(watch: &Watch, holds: bool) -> bool {
    watch.note(if holds { watch::HELD } else { watch::FAILED });
    holds
}

impl Did {
    /// How often it was done by now; right up to what is enough to know whether it holds.
    pub fn times_done(&self, scope: &Scope<'_>) -> u32 {
        let since = self.within.map(|within| scope.now - within);
        scope.history.map_or(0, |history| history.times(self.question.id, since, scope.now))
    }
}

impl Test {
    fn holds(&self, scope: &Scope<'_>) -> bool {
        let seen = match scope.look_up(&self.path) {
            None | Some(Seen::Null) => {
                return matches!(
                    self.operator,
                    Operator::Exists(false) | Operator::Not(_) | Operator::NotIn(_)
                );
            }
            Some(seen) => seen,
        };
        match &self.operator {
            Operator::Equal(value) => equals(&seen, value),
            Operator::Not(value) => !equals(&seen, value),
            Operator::Greater(bound) => compare(&seen, bound, scope.now) == Some(Ordering::Greater),
            Operator::GreaterOrEqual(bound) => compare(&seen, bound, scope.now).is_some_and(Ordering::is_ge),
            Operator::Less(bound) => compare(&seen, bound, scope.now) == Some(Ordering::Less),
            Operator::LessOrEqual(bound) => compare(&seen, bound, scope.now).is_some_and(Ordering::is_le),
            Operator::Between(low, high) => {
                compare(&seen, low, scope.now).is_some_and(Ordering::is_ge)
                    && compare(&seen, high, scope.now).is_some_and(Ordering::is_le)
            }
            Operator::In(values) => values.iter().any(|value| equals(&seen, value)),
            Operator::NotIn(values) => !values.iter().any(|value| equals(&seen, value)),
            Operator::Contains(value) => contains(&seen, value),
            Operator::StartsWith(start) => text(&seen).is_some_and(|text| text.starts_with(start.as_ref())),
            Operator::EndsWith(end) => text(&seen).is_some_and(|text| text.ends_with(end.as_ref())),
            Operator::Matches(pattern) => text(&seen).is_some_and(|text| pattern.is_match(text)),
            Operator::Exists(exists) => *exists,
        }
    }
}

fn text<'s>(seen: &'s Seen<'_>) -> Option<&'s str> {
    if let Seen::Text(text) = seen { Some(text) } else { None }
}

fn equals(seen: &Seen<'_>, value: &Value) -> bool {
    match (seen, value) {
        (Seen::Bool(is), Value::Bool(wanted)) => is == wanted,
        (Seen::Number(number), wanted) => number.equals(wanted),
        (Seen::Text(text), Value::Text(wanted)) => **text == **wanted,
        (Seen::List(items), Value::List(wanted)) => {
            items.len() == wanted.len() && items.iter().zip(wanted).all(|(item, wanted)| item.equals(wanted))
        }
        (Seen::Null | Seen::Bool(_) | Seen::Text(_) | Seen::List(_) | Seen::Object, _) => false,
    }
}

fn contains(seen: &Seen<'_>, value: &Value) -> bool {
    match (seen, value) {
        (Seen::Text(text), Value::Text(part)) => text.contains(part.as_ref()),
        (Seen::List(items), member) => items.iter().any(|item| item.equals(member)),
        (Seen::Null | Seen::Bool(_) | Seen::Number(_) | Seen::Text(_) | Seen::Object, _) => false,
    }
}

fn compare(seen: &Seen<'_>, bound: &Bound, now: Timestamp) -> Option<Ordering> {
    let at = match bound {
        Bound::Number(wanted) => {
            return if let Seen::Number(number) = seen { number.compare_number(wanted) } else { None };
        }
        Bound::Date(at) => *at,
        Bound::Now { is_before: true, by } => now - *by,
        Bound::Now { is_before: false, by } => now + *by,
    };
    text(seen).and_then(Timestamp::parse).map(|seen_at| seen_at.cmp(&at))
}
