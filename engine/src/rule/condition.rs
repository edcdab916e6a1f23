//! Conditions: a tree of tests, compiled once. Meaning: rules.md, "Conditions".

use crate::time::{Length, Timestamp};
use crate::value::Value;
use std::fmt;
use std::sync::Arc;

/// What must hold. An empty `All` holds, an empty `Any` does not.
#[derive(Clone, Debug)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    None(Vec<Condition>),
    Test(Test),
}

/// One test of the value at one path.
#[derive(Clone, Debug)]
pub struct Test {
    pub path: Path,
    pub operator: Operator,
}

/// Where a value is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    Properties,
    Traits,
    Context,
    EventName,
}

/// A path such as `properties.items.0.sku`. Segments are never empty; a number is an index where it meets an array.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    pub root: Root,
    pub segments: Arc<[Box<str>]>,
}

/// A test of a value. A missing path or `null` fails all but `Exists(false)`, `Not` and `NotIn`.
#[derive(Clone, Debug)]
pub enum Operator {
    Equal(Value),
    Not(Value),
    Greater(Bound),
    GreaterOrEqual(Bound),
    Less(Bound),
    LessOrEqual(Bound),
    /// Inclusive at both ends.
    Between(Bound, Bound),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    /// A substring of a text, or a member of an array.
    Contains(Value),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    /// Linear-time, found anywhere; the pattern is at most 512 characters.
    Matches(regex::Regex),
    Exists(bool),
}

/// The other side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// `Value::Int` or `Value::Float`.
    Number(Value),
    Date(Timestamp),
    /// `now - 7 days` (negative) or `now + 1 hour`: from the moment of judging.
    Now {
        is_before: bool,
        by: Length,
    },
}

impl Path {
    /// Reads `properties.plan`, `traits.address.city`, `context.page.url`, `event.name`. The error says what is expected.
    pub fn parse(text: &str) -> Result<Path, String> {
        let expected = || {
            format!(
                "expected a path that begins with properties., traits. or context., or event.name, found \"{text}\""
            )
        };
        let mut parts = text.split('.');
        let root = match parts.next() {
            Some("properties") => Root::Properties,
            Some("traits") => Root::Traits,
            Some("context") => Root::Context,
            Some("event") if text == "event.name" => {
                return Ok(Path { root: Root::EventName, segments: Arc::new([]) });
            }
            Some(_) | None => return Err(expected()),
        };
        let segments: Arc<[Box<str>]> = parts.map(Box::from).collect();
        if segments.is_empty() || segments.iter().any(|segment| segment.is_empty()) {
            return Err(expected());
        }
        Ok(Path { root, segments })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.root {
            Root::Properties => "properties",
            Root::Traits => "traits",
            Root::Context => "context",
            Root::EventName => "event.name",
        })?;
        self.segments.iter().try_for_each(|segment| write!(f, ".{segment}"))
    }
}
