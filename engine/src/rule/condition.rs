//! Conditions: a tree of tests, compiled once. Meaning: rules.md, "Conditions".

use super::canonical;
use super::watch::Watch;
use crate::time::{Length, Timestamp};
use crate::value::Value;
use std::fmt;
use std::sync::Arc;

/// What `matches` looks for.
pub use regex::Regex;

/// What must hold. An empty `All` holds, an empty `Any` does not.
#[derive(Clone, Debug)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    None(Vec<Condition>),
    Test(Test),
    Did(Box<Did>),
}

/// What the person did in the past: so many events of one kind within a time, the event that is judged included.
#[derive(Clone, Debug)]
pub struct Did {
    pub question: Question,
    pub times: Times,
    /// Half-open, `(now - within, now]`; else as far back as is known.
    pub within: Option<Length>,
    /// `did_not`: it holds when `did` does not.
    pub is_not: bool,
    /// How it came out, where somebody looks.
    pub watch: Watch,
}

/// What a release asks of the past: these events are kept of everybody who does them.
#[derive(Clone, Debug)]
pub struct Question {
    pub event: Arc<str>,
    pub condition: Option<Condition>,
    /// Also events that nobody vouches for.
    pub takes_unproven: bool,
    /// Names the question in people's state: equal where all of the above is.
    pub id: u64,
}

/// How often: at least, and at most where there is a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub at_least: u32,
    pub at_most: Option<u32>,
}

/// One test of the value at one path.
#[derive(Clone, Debug)]
pub struct Test {
    pub path: Path,
    pub operator: Operator,
    /// How it came out, where somebody looks.
    pub watch: Watch,
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

impl Question {
    pub fn new(event: Arc<str>, condition: Option<Condition>, takes_unproven: bool) -> Question {
        let mut text = canonical::text(&event, condition.as_ref());
        if takes_unproven {
            text.push_str(" unproven");
        }
        let id = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
        Question { event, condition, takes_unproven, id }
    }
}

impl Test {
    pub fn new(path: Path, operator: Operator) -> Test {
        Test { path, operator, watch: Watch::default() }
    }
}

impl Times {
    pub const ONCE: Times = Times { at_least: 1, at_most: None };

    pub fn holds(self, times: u32) -> bool {
        times >= self.at_least && self.at_most.is_none_or(|most| times <= most)
    }

    /// So many events are enough to know whether it holds: beyond them nothing changes.
    pub fn enough(self) -> u32 {
        self.at_most.map_or(self.at_least, |most| most + 1)
    }
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
