//! `where` tables: path = test, and `any`, `all`, `none` of these.

use super::did;
use crate::rule::condition::{Bound, Condition, Operator, Path, Root, Test};
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Place, Problems, kind, nfc};
use crate::time::{Length, Timestamp};
use crate::value::Value;
use std::cmp::Ordering;
use toml::de::DeValue;

/// The longest pattern, in characters (rules.md, "Conditions").
const PATTERN_CHARACTERS_MAX: usize = 512;

/// What a condition is judged on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// A record, and the person it is about.
    Record,
    /// A person at any moment: there is no record whose properties could be read.
    Person,
    /// A record, the person and their past; whether events that nobody vouches for are of that past.
    RecordAndPast { is_unproven: bool },
    /// The person and their past.
    PersonAndPast { is_unproven: bool },
}

impl About {
    fn is_of_person_alone(self) -> bool {
        match self {
            About::Person | About::PersonAndPast { .. } => true,
            About::Record | About::RecordAndPast { .. } => false,
        }
    }
}

/// The condition that a `where` says.
pub(super) fn parse(problems: &mut Problems, item: &Item<'_>, about: About) -> Option<Condition> {
    let tests = item.table(problems)?.take_all();
    if tests.is_empty() {
        problems.error(
            Code::BadValue,
            &item.place,
            "expected at least one test, such as { \"traits.plan\" = \"pro\" }",
        );
        return None;
    }
    let parts: Vec<_> = tests.iter().filter_map(|test| part(problems, test, about)).collect();
    (parts.len() == tests.len()).then(|| all_of(parts))
}

fn part(problems: &mut Problems, item: &Item<'_>, about: About) -> Option<Condition> {
    match item.key {
        "any" => group(problems, item, about).map(Condition::Any),
        "all" => group(problems, item, about).map(Condition::All),
        "none" => group(problems, item, about).map(Condition::None),
        "did" => did::parse(problems, item, about, false),
        "did_not" => did::parse(problems, item, about, true),
        _ if is_unquoted_path(problems, item) => None,
        key => {
            let path = path(problems, key, &item.key_place, about);
            let operators = operators(problems, item);
            let (path, operators) = (path?, operators?);
            let test = |operator| Condition::Test(Test::new(path.clone(), operator));
            Some(all_of(operators.into_iter().map(test).collect()))
        }
    }
}

fn all_of(mut parts: Vec<Condition>) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) }
}

fn group(problems: &mut Problems, item: &Item<'_>, about: About) -> Option<Vec<Condition>> {
    let elements = item.elements(problems)?;
    if elements.is_empty() {
        problems.error(
            Code::BadValue,
            &item.place,
            format!("expected at least one condition in `{}`", item.key),
        );
        return None;
    }
    let parts: Vec<_> = elements.iter().filter_map(|element| parse(problems, element, about)).collect();
    (parts.len() == elements.len()).then_some(parts)
}

/// Without its quotes TOML reads `traits.plan` as a table `traits`: that is a problem, and said once.
fn is_unquoted_path(problems: &mut Problems, item: &Item<'_>) -> bool {
    let is_root = matches!(item.key, "properties" | "traits" | "context" | "event");
    let (true, DeValue::Table(inner)) = (is_root, item.value) else { return false };
    let rest = inner.iter().next().map_or("…", |(rest, _)| rest.get_ref());
    let message = format!("expected a path in quotes, found a table `{}`", item.key);
    let help = format!("write \"{}.{rest}\" = …", item.key);
    problems.error(Code::BadPath, &item.key_place, message).with_help(help);
    true
}

/// A path that may be read `about` something.
pub(super) fn path(problems: &mut Problems, text: &str, place: &Place<'_>, about: About) -> Option<Path> {
    let path = match Path::parse(&nfc(text)) {
        Ok(path) => path,
        Err(message) => {
            problems.error(Code::BadPath, place, message);
            return None;
        }
    };
    if about.is_of_person_alone() && path.root != Root::Traits {
        let message = format!("expected a path of the person, which begins with traits., found \"{path}\"");
        let help = "this is asked of a person at any time: test what an event says beside that event";
        problems.error(Code::BadPath, place, message).with_help(help);
        return None;
    }
    Some(path)
}

pub(super) type Reader = fn(&mut Problems, &Item<'_>) -> Option<Operator>;

pub(super) const OPERATORS: [(&str, Reader); 13] = [
    ("not", |problems, item| value(problems, item).map(Operator::Not)),
    ("gt", |problems, item| bound(problems, item).map(Operator::Greater)),
    ("gte", |problems, item| bound(problems, item).map(Operator::GreaterOrEqual)),
    ("lt", |problems, item| bound(problems, item).map(Operator::Less)),
    ("lte", |problems, item| bound(problems, item).map(Operator::LessOrEqual)),
    ("between", between),
    ("in", |problems, item| values(problems, item).map(Operator::In)),
    ("not_in", |problems, item| values(problems, item).map(Operator::NotIn)),
    ("contains", |problems, item| value(problems, item).map(Operator::Contains)),
    ("starts_with", |problems, item| text(problems, item).map(Operator::StartsWith)),
    ("ends_with", |problems, item| text(problems, item).map(Operator::EndsWith)),
    ("matches", matches),
    ("exists", |problems, item| item.boolean(problems).map(Operator::Exists)),
];

/// The tests of one path: a plain value, or a table of operators that all must hold.
fn operators(problems: &mut Problems, item: &Item<'_>) -> Option<Vec<Operator>> {
    if !item.value.is_table() {
        return value(problems, item).map(|value| vec![Operator::Equal(value)]);
    }
    let mut table = item.table(problems)?;
    if table.is_empty() {
        problems.error(Code::BadValue, &item.place, "expected a test such as { gte = 10 }, found none");
    }
    let found: Vec<_> =
        OPERATORS.into_iter().filter_map(|(name, read)| Some((table.take(name)?, read))).collect();
    let operators: Vec<_> = found.iter().filter_map(|(item, read)| read(problems, item)).collect();
    table.finish(problems, &[]);
    (operators.len() == found.len() && !operators.is_empty()).then_some(operators)
}

/// A value to be equal to, or to be found.
pub(super) fn value(problems: &mut Problems, item: &Item<'_>) -> Option<Value> {
    match item.value {
        DeValue::String(text) => Some(Value::Text(nfc(text).into())),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::Integer(_) | DeValue::Float(_) => number(problems, item),
        DeValue::Array(_) => values(problems, item).map(Value::List),
        DeValue::Datetime(date) => {
            let message = format!(
                "expected a text, a number, true or false, or an array of these, found the date {date}"
            );
            let help =
                "events carry dates as texts: compare with gt, gte, lt, lte or between, or put it in quotes";
            problems.error(Code::WrongType, &item.place, message).with_help(help);
            None
        }
        DeValue::Table(_) => {
            item.wrong_type(problems, "a text, a number, true or false, or an array of these");
            None
        }
    }
}

fn values(problems: &mut Problems, item: &Item<'_>) -> Option<Vec<Value>> {
    let elements = item.elements(problems)?;
    if elements.is_empty() {
        problems.error(Code::BadValue, &item.place, format!("expected at least one value in `{}`", item.key));
        return None;
    }
    let values: Vec<_> = elements.iter().filter_map(|element| value(problems, element)).collect();
    (values.len() == elements.len()).then_some(values)
}

fn number(problems: &mut Problems, item: &Item<'_>) -> Option<Value> {
    if item.value.is_integer() {
        return item.integer(problems, i64::MIN..=i64::MAX).map(Value::Int);
    }
    let float: Option<f64> = item.value.as_float().and_then(|float| float.as_str().parse().ok());
    let finite = float.filter(|float| float.is_finite());
    if finite.is_none() {
        problems.error(Code::BadValue, &item.place, "expected a finite number");
    }
    finite.map(Value::Float)
}

fn text(problems: &mut Problems, item: &Item<'_>) -> Option<Box<str>> {
    item.text(problems).map(|text| nfc(text).into())
}

/// A number, an RFC 3339 time (as a text or as TOML's own), or one relative to the moment of judging.
fn bound(problems: &mut Problems, item: &Item<'_>) -> Option<Bound> {
    let date = match item.value {
        DeValue::Integer(_) | DeValue::Float(_) => return number(problems, item).map(Bound::Number),
        DeValue::String(text) => {
            if let Some(offset) = text.trim().strip_prefix("now") {
                return relative(problems, item, offset.trim());
            }
            Timestamp::parse(text)
        }
        DeValue::Datetime(date) => Timestamp::parse(&date.to_string()),
        DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_) => {
            item.wrong_type(problems, "a number or a date");
            return None;
        }
    };
    if date.is_none() {
        let found =
            item.value.as_str().map_or_else(|| kind(item.value).to_owned(), |text| format!("\"{text}\""));
        let message = format!("expected a number, or a date with its offset from UTC, found {found}");
        let help = "such as 10, \"2026-03-02T10:00:00Z\" or \"now - 7 days\"";
        problems.error(Code::BadValue, &item.place, message).with_help(help);
    }
    date.map(Bound::Date)
}

/// What stands behind `now`: nothing, or a sign and a length.
fn relative(problems: &mut Problems, item: &Item<'_>, offset: &str) -> Option<Bound> {
    if offset.is_empty() {
        return Some(Bound::Now { is_before: false, by: Length::ZERO });
    }
    let signed = offset.strip_prefix('-').map(|length| (true, length));
    let Some((is_before, length)) = signed.or_else(|| offset.strip_prefix('+').map(|length| (false, length)))
    else {
        let message = format!("expected \"now - 7 days\" or \"now + 1 hour\", found \"now {offset}\"");
        problems.error(Code::BadValue, &item.place, message);
        return None;
    };
    match Length::parse(length.trim()) {
        Ok(by) => Some(Bound::Now { is_before, by }),
        Err(message) => {
            problems.error(Code::BadLength, &item.place, message);
            None
        }
    }
}

fn between(problems: &mut Problems, item: &Item<'_>) -> Option<Operator> {
    let elements = item.elements(problems)?;
    let [low, high] = elements.as_slice() else {
        let message = format!("expected two values, the lower one first, found {}", elements.len());
        problems.error(Code::BadValue, &item.place, message);
        return None;
    };
    let (low, high) = (bound(problems, low), bound(problems, high));
    let (low, high) = (low?, high?);
    let is_upside_down = match (&low, &high) {
        (Bound::Number(low), Bound::Number(high)) => low.compare_number(high) == Some(Ordering::Greater),
        (Bound::Date(low), Bound::Date(high)) => low > high,
        (Bound::Date(_) | Bound::Now { .. }, Bound::Date(_) | Bound::Now { .. }) => false,
        (Bound::Number(_), Bound::Date(_) | Bound::Now { .. })
        | (Bound::Date(_) | Bound::Now { .. }, Bound::Number(_)) => {
            problems.error(
                Code::BadValue,
                &item.place,
                "expected two numbers or two dates, found one of each",
            );
            return None;
        }
    };
    if is_upside_down {
        let message = "expected the lower value first: nothing is between these";
        problems.error(Code::BadValue, &item.place, message).with_help("swap them");
    }
    Some(Operator::Between(low, high))
}

fn matches(problems: &mut Problems, item: &Item<'_>) -> Option<Operator> {
    let pattern = text(problems, item)?;
    let length = pattern.chars().count();
    if length > PATTERN_CHARACTERS_MAX {
        let message =
            format!("expected a pattern of at most {PATTERN_CHARACTERS_MAX} characters, found {length}");
        problems.error(Code::BadRegex, &item.place, message);
        return None;
    }
    match regex::Regex::new(&pattern) {
        Ok(regex) => Some(Operator::Matches(regex)),
        Err(error) => {
            // The library draws the pattern and points at it, and says what is wrong in the last line.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let message = format!("expected a regular expression of linear time: {reason}");
            problems.error(Code::BadRegex, &item.place, message);
            None
        }
    }
}
