//! What is kept of the record that completed a trigger, and what a template is given.

use crate::event::{Event, SubjectId};
use crate::json;
use crate::release::Compiled;
use crate::rule::{Path, Root, Scope};
use crate::state::{Journey, Occurrence, Person, Profile};
use crate::time::Timestamp;
use crate::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// At most so much of a record is captured (architecture.md, "State is bounded"); what does not fit is left out whole.
pub const CAPTURED_BYTES_MAX: usize = 4 * 1024;

/// Captures what the rule's templates and audience read of an event: nothing where they read nothing.
pub(crate) fn capture(compiled: &Compiled, event: &Event<'_>) -> Option<Box<str>> {
    if compiled.captures.is_empty() {
        return None;
    }
    let mut parts: BTreeMap<Root, String> = BTreeMap::new();
    let mut room = CAPTURED_BYTES_MAX;
    for (root, first) in &compiled.captures {
        let bag = if *root == Root::Context { &event.context } else { &event.properties };
        let Some(value) = json::find(bag, std::slice::from_ref(first)) else { continue };
        let Some(left) = room.checked_sub(value.len() + first.len()) else { continue };
        room = left;
        let part = parts.entry(*root).or_default();
        if !part.is_empty() {
            part.push(',');
        }
        json::quote(first, part);
        part.push(':');
        part.push_str(value);
    }
    let part = |root| parts.get(&root).map_or("", String::as_str);
    let (properties, context) = (part(Root::Properties), part(Root::Context));
    Some(format!(r#"{{"properties":{{{properties}}},"context":{{{context}}}}}"#).into())
}

/// The bags that were captured.
#[derive(Clone, Copy)]
pub(crate) struct Captured<'a> {
    pub properties: &'a str,
    pub context: &'a str,
}

impl<'a> Captured<'a> {
    pub fn of(occurrence: &'a Occurrence) -> Captured<'a> {
        let bag = |name: &str| {
            let captured = occurrence.captured.as_deref();
            captured.and_then(|captured| json::find(captured, &[name.into()])).unwrap_or("{}")
        };
        Captured { properties: bag("properties"), context: bag("context") }
    }

    /// What conditions of somebody on their way look at: the record that began it, the person and their past.
    pub fn scope_of(self, event_name: &'a str, person: &'a Person, now: Timestamp) -> Scope<'a> {
        Scope { history: person.history(), ..self.scope(event_name, &person.profile, now) }
    }

    pub fn scope(self, event_name: &'a str, profile: &'a Profile, now: Timestamp) -> Scope<'a> {
        let history = None;
        Scope { properties: self.properties, context: self.context, event_name, profile, history, now }
    }
}

/// What a template is given, as JSON: of the traits those that it reads, of the record what was captured.
pub(crate) fn context(reads: &[Path], journey: &Journey, subject: &SubjectId, profile: &Profile) -> Arc<str> {
    let captured = Captured::of(&journey.occurrence);
    let mut traits = Tree::default();
    for path in reads.iter().filter(|path| path.root == Root::Traits) {
        let first = path.segments.first().map_or("", AsRef::as_ref);
        profile.below(first).for_each(|(path, value)| traits.insert(path, value));
    }
    let mut out = String::from(r#"{"traits":"#);
    traits.write(&mut out);
    out.push_str(&format!(r#","properties":{},"context":{}"#, captured.properties, captured.context));
    out.push_str(r#","event":{"name":"#);
    json::quote(&journey.event_name, &mut out);
    out.push_str(r#"},"person":{"id":"#);
    json::quote(&subject.id, &mut out);
    out.push_str("}}");
    out.into()
}

/// Traits by dotted path, put back into the objects that they came from.
#[derive(Default)]
struct Tree<'a> {
    branches: BTreeMap<&'a str, Tree<'a>>,
    leaf: Option<&'a Value>,
}

impl<'a> Tree<'a> {
    fn insert(&mut self, path: &'a str, value: &'a Value) {
        let mut at = self;
        for segment in path.split('.') {
            at = at.branches.entry(segment).or_default();
        }
        at.leaf = Some(value);
    }

    fn write(&self, out: &mut String) {
        if let Some(value) = self.leaf {
            return json::write(value, out);
        }
        out.push('{');
        for (index, (name, branch)) in self.branches.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            json::quote(name, out);
            out.push(':');
            branch.write(out);
        }
        out.push('}');
    }
}
