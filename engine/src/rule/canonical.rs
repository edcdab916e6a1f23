//! A condition as one text that is the same for ever: what people's state names a question by must not change when this
//! program does.

use super::condition::{Bound, Condition, Operator, Test};
use crate::json;
use crate::value::Value;

/// An event and what is asked of it.
pub(super) fn text(event: &str, condition: Option<&Condition>) -> String {
    let mut out = String::new();
    json::quote(event, &mut out);
    if let Some(condition) = condition {
        out.push(' ');
        write(condition, &mut out);
    }
    out
}

fn write(condition: &Condition, out: &mut String) {
    match condition {
        Condition::All(parts) => group("all", parts, out),
        Condition::Any(parts) => group("any", parts, out),
        Condition::None(parts) => group("none", parts, out),
        Condition::Test(test) => write_test(test, out),
        Condition::Did(_) => unreachable!("a question about the past asks for no other past"),
    }
}

/// The parts in the order of their texts: what is written the other way round asks the same.
fn group(word: &str, parts: &[Condition], out: &mut String) {
    let mut texts: Vec<String> = parts.iter().map(text_of).collect();
    texts.sort();
    out.push_str(&format!("{word}({})", texts.join(",")));
}

fn text_of(condition: &Condition) -> String {
    let mut text = String::new();
    write(condition, &mut text);
    text
}

/// One test as it stands in the text of its condition.
pub(super) fn of_test(test: &Test) -> String {
    let mut text = String::new();
    write_test(test, &mut text);
    text
}

fn write_test(test: &Test, out: &mut String) {
    json::quote(&test.path.to_string(), out);
    out.push(' ');
    let (word, operand) = match &test.operator {
        Operator::Equal(to) => ("is", value(to)),
        Operator::Not(to) => ("not", value(to)),
        Operator::Greater(than) => ("gt", bound(than)),
        Operator::GreaterOrEqual(than) => ("gte", bound(than)),
        Operator::Less(than) => ("lt", bound(than)),
        Operator::LessOrEqual(than) => ("lte", bound(than)),
        Operator::Between(low, high) => ("between", format!("{},{}", bound(low), bound(high))),
        Operator::In(values) => ("in", list(values)),
        Operator::NotIn(values) => ("not_in", list(values)),
        Operator::Contains(part) => ("contains", value(part)),
        Operator::StartsWith(text) => ("starts_with", quoted(text)),
        Operator::EndsWith(text) => ("ends_with", quoted(text)),
        Operator::Matches(pattern) => ("matches", quoted(pattern.as_str())),
        Operator::Exists(exists) => ("exists", exists.to_string()),
    };
    out.push_str(&format!("{word} {operand}"));
}

fn value(value: &Value) -> String {
    let mut text = String::new();
    json::write(value, &mut text);
    text
}

fn list(values: &[Value]) -> String {
    values.iter().map(value).collect::<Vec<_>>().join(",")
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    json::quote(text, &mut out);
    out
}

fn bound(bound: &Bound) -> String {
    match bound {
        Bound::Number(number) => value(number),
        Bound::Date(at) => at.to_string(),
        Bound::Now { is_before, by } => format!("now{}{}", if *is_before { '-' } else { '+' }, by.0),
    }
}
