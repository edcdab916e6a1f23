//! A test whose type can never match what the sample data shows (rules.md, "Conditions": no silent coercion).
//!
//! The `sample.json` of a template shows the person, and the record that completed the trigger (of an absence: that
//! began the wait). So the tests of a rule are compared with the samples of the templates that it uses. Of the tests in
//! `without` and `[exit]` only those of the person are: their `properties.` are another event's, which no sample shows.

use super::files::Files;
use super::written::{self, Asked, WrittenMessage};
use outreach_engine::Timestamp;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Place, Problems};
use outreach_engine::rule::parse::each_test;
use outreach_engine::rule::{Bound, Operator, Path, Root};
use outreach_engine::value::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Enough of a value to recognise it.
const EXCERPT_CHARS_MAX: usize = 40;

/// Warns of each test of a rule that no sample of its templates could pass, whatever the values were.
pub(super) fn check(
    problems: &mut Problems,
    path: &str,
    text: &str,
    messages: &[WrittenMessage],
    files: &Files,
) {
    let samples: BTreeMap<String, Json> =
        messages.iter().filter_map(|message| sample(message, files)).collect();
    written::each_where(path, text, &mut |tests, asked| {
        each_test(tests, &mut |path, operator, place| {
            if path.root == Root::Traits || asked == Asked::OfTheTriggersRecord {
                one(problems, &samples, path, operator, place);
            }
        });
    });
}

/// One that cannot be read is a problem of its template.
fn sample(message: &WrittenMessage, files: &Files) -> Option<(String, Json)> {
    let file = format!("templates/{}/sample.json", message.template);
    let sample = serde_json::from_str(files.templates.get(&file)?).ok()?;
    Some((file, sample))
}

fn one(
    problems: &mut Problems,
    samples: &BTreeMap<String, Json>,
    path: &Path,
    operator: &Operator,
    place: &Place<'_>,
) {
    let shown = samples.iter().filter_map(|(file, sample)| Some((file, look_up(sample, path)?)));
    let shown: Vec<(&String, &Json)> = shown.filter(|(_, shown)| !shown.is_null()).collect();
    let Some((file, first)) = shown.first() else { return };
    if shown.iter().any(|(_, shown)| can_match(operator, shown)) {
        return;
    }
    let ends = if matches!(operator, Operator::Not(_) | Operator::NotIn(_)) { "always" } else { "never" };
    let message = format!(
        "expected {}, for {file} shows {} at `{path}`; found {}: this test {ends} holds",
        fitting(first),
        excerpt(first),
        said(operator)
    );
    let help =
        format!("{}, or mend the sample if events bring something else", likely(path, operator, first));
    problems.warn(Code::TypeNeverMatches, place, message).with_help(help);
}

fn look_up<'s>(sample: &'s Json, path: &Path) -> Option<&'s Json> {
    let root = match path.root {
        Root::Properties => sample.get("properties"),
        Root::Traits => sample.get("traits"),
        Root::Context => sample.get("context"),
        Root::EventName => sample.get("event").and_then(|event| event.get("name")),
    };
    path.segments.iter().try_fold(root?, |value, segment| match value {
        Json::Array(items) => items.get(segment.parse::<usize>().ok()?),
        Json::Object(members) => members.get(&**segment),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    })
}

/// Whether a value of the type that is shown could be one that the operator looks for.
pub(super) fn can_match(operator: &Operator, shown: &Json) -> bool {
    match operator {
        Operator::Equal(value) | Operator::Not(value) => is_of_type(value, shown),
        Operator::In(values) | Operator::NotIn(values) => values.iter().any(|value| is_of_type(value, shown)),
        Operator::Greater(bound)
        | Operator::GreaterOrEqual(bound)
        | Operator::Less(bound)
        | Operator::LessOrEqual(bound)
        // The reader has seen that both are of one type.
        | Operator::Between(bound, _) => is_ordered(bound, shown),
        Operator::Contains(value) => match shown {
            Json::String(_) => matches!(value, Value::Text(_)),
            Json::Array(items) => items.is_empty() || items.iter().any(|item| is_of_type(value, item)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => false,
        },
        Operator::StartsWith(_) | Operator::EndsWith(_) | Operator::Matches(_) => shown.is_string(),
        Operator::Exists(_) => true,
    }
}

fn is_of_type(value: &Value, shown: &Json) -> bool {
    match value {
        Value::Null => shown.is_null(),
        Value::Bool(_) => shown.is_boolean(),
        Value::Int(_) | Value::Float(_) => shown.is_number(),
        Value::Text(_) => shown.is_string(),
        Value::List(_) => shown.is_array(),
    }
}

fn is_ordered(bound: &Bound, shown: &Json) -> bool {
    match bound {
        Bound::Number(_) => shown.is_number(),
        Bound::Date(_) | Bound::Now { .. } => is_date(shown),
    }
}

fn is_date(shown: &Json) -> bool {
    shown.as_str().and_then(Timestamp::parse).is_some()
}

/// What a test may say of a value such as this.
fn fitting(shown: &Json) -> &'static str {
    match shown {
        Json::Null => "`exists`",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a test of numbers",
        Json::String(_) if is_date(shown) => "a test of texts or dates",
        Json::String(_) => "a test of texts",
        Json::Array(_) => "a test of arrays",
        Json::Object(_) => "a path to one of its fields",
    }
}

/// What a value that was shown is.
pub(super) fn kind_of(shown: &Json) -> &'static str {
    match shown {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

/// What the rule says instead.
pub(super) fn said(operator: &Operator) -> String {
    let of = |bound: &Bound| match bound {
        Bound::Number(_) => "a comparison with a number",
        Bound::Date(_) | Bound::Now { .. } => "a comparison with a date",
    };
    match operator {
        Operator::Equal(value) | Operator::Not(value) => kind(value).to_owned(),
        Operator::In(_) | Operator::NotIn(_) => "only values of other types".to_owned(),
        Operator::Greater(bound)
        | Operator::GreaterOrEqual(bound)
        | Operator::Less(bound)
        | Operator::LessOrEqual(bound)
        | Operator::Between(bound, _) => of(bound).to_owned(),
        Operator::Contains(value) => format!("`contains` with {}", kind(value)),
        Operator::StartsWith(_) => "`starts_with`".to_owned(),
        Operator::EndsWith(_) => "`ends_with`".to_owned(),
        Operator::Matches(_) => "`matches`".to_owned(),
        Operator::Exists(_) => "`exists`".to_owned(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::Text(_) => "a text",
        Value::List(_) => "an array",
    }
}

/// The likely fix.
pub(super) fn likely(path: &Path, operator: &Operator, shown: &Json) -> String {
    let values = match operator {
        Operator::Equal(value) | Operator::Not(value) | Operator::Contains(value) => {
            std::slice::from_ref(value)
        }
        Operator::In(values) | Operator::NotIn(values) => values.as_slice(),
        Operator::Greater(_)
        | Operator::GreaterOrEqual(_)
        | Operator::Less(_)
        | Operator::LessOrEqual(_)
        | Operator::Between(..)
        | Operator::StartsWith(_)
        | Operator::EndsWith(_)
        | Operator::Matches(_)
        | Operator::Exists(_) => &[],
    };
    let unquoted = |value: &Value| match value {
        Value::Text(text) => serde_json::from_str::<Json>(text).is_ok_and(|json| {
            (json.is_number() && shown.is_number()) || (json.is_boolean() && shown.is_boolean())
        }),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) => false,
    };
    let is_plain = |value: &Value| matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_));
    match (shown, operator) {
        (Json::Object(fields), _) => {
            let field = fields.keys().next().map_or("…", String::as_str);
            format!("test one of its fields, such as \"{path}.{field}\"")
        }
        (Json::Array(_), Operator::Equal(_)) => "ask for a member: { contains = … }".to_owned(),
        _ if values.iter().any(unquoted) => "write the value without quotes".to_owned(),
        (Json::String(_), _) if values.iter().any(is_plain) => "write the value in quotes".to_owned(),
        (Json::String(text), _) if text.parse::<f64>().is_ok() => {
            "a text has no order: let events bring a number".to_owned()
        }
        (Json::String(_), _) => {
            "compare dates such as \"2026-03-02T10:00:00Z\", or look for a text".to_owned()
        }
        (Json::Number(_), _) => "compare it with a number: { gte = 10 }".to_owned(),
        (Json::Bool(_), _) => "write true or false, without quotes".to_owned(),
        (Json::Array(_), _) => "ask for a member of the type that is shown: { contains = … }".to_owned(),
        (Json::Null, _) => "ask whether it is there: { exists = true }".to_owned(),
    }
}

fn excerpt(shown: &Json) -> String {
    let text = shown.to_string();
    if text.chars().count() <= EXCERPT_CHARS_MAX {
        return text;
    }
    text.chars().take(EXCERPT_CHARS_MAX).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{
        "traits": { "seats": 10, "plan": "pro", "trial_ends_at": "2026-03-02T10:00:00Z", "tags": ["a"], "vip": true,
            "address": { "city": "Paris" }, "empty": [], "unknown": null, "age": "42" },
        "properties": { "amount": 49.5, "items": [{ "sku": "x" }] },
        "event": { "name": "Payment Failed" }
    }"#;

    /// `code line:column`, with message and help, of a rule with these lines and one mail.
    fn told(lines: &str, samples: &[&str]) -> Vec<String> {
        let mut files = Files::default();
        let mut text = format!("{lines}\n");
        for (index, sample) in samples.iter().enumerate() {
            files.templates.insert(format!("templates/t{index}/sample.json"), (*sample).to_owned());
            text.push_str(&format!("[[step]]\nemail = \"t{index}\"\n"));
        }
        let mut problems = Problems::default();
        check(&mut problems, "rules/r.toml", &text, &written::messages("rules/r.toml", &text), &files);
        let line = |problem: outreach_engine::rule::Diagnostic| {
            assert!(!problem.is_error() && problem.code == Code::TypeNeverMatches);
            let help = problem.help.unwrap_or_default();
            format!("{} | {} | {help}", &text[problem.span], problem.message)
        };
        problems.into_sorted().into_iter().map(line).collect()
    }

    fn of_audience(tests: &str) -> Vec<String> {
        told(&format!("[audience]\nwhere = {{ {tests} }}"), &[SAMPLE])
    }

    #[test]
    fn a_test_of_another_type_is_a_warning_at_its_value_with_what_the_sample_shows_and_the_fix() {
        assert_eq!(
            of_audience("\"properties.amount\" = \"49.5\""),
            ["\"49.5\" | expected a test of numbers, for templates/t0/sample.json shows 49.5 at \
              `properties.amount`; found a text: this test never holds | write the value without quotes, or mend the \
              sample if events bring something else"]
        );
    }

    #[test]
    fn every_test_that_can_never_match_is_told() {
        for tests in [
            "\"traits.seats\" = \"10\"",
            "\"traits.seats\" = true",
            "\"traits.seats\" = { not = \"10\" }",
            "\"traits.seats\" = { in = [\"10\", \"20\"] }",
            "\"traits.seats\" = { not_in = [\"10\"] }",
            "\"traits.seats\" = { contains = \"1\" }",
            "\"traits.seats\" = { starts_with = \"1\" }",
            "\"traits.seats\" = { ends_with = \"0\" }",
            "\"traits.seats\" = { matches = \"^1\" }",
            "\"traits.seats\" = { lt = \"now - 7 days\" }",
            "\"traits.plan\" = { gt = 5 }",
            "\"traits.plan\" = { gte = \"now\" }",
            "\"traits.plan\" = { between = [1, 2] }",
            "\"traits.trial_ends_at\" = { lte = 5 }",
            "\"traits.vip\" = \"true\"",
            "\"traits.tags\" = \"a\"",
            "\"traits.tags\" = { contains = 1 }",
            "\"traits.address\" = \"Paris\"",
            "\"properties.items.0.sku\" = 5",
            "\"event.name\" = 5",
            "any = [ { \"traits.seats\" = 1 }, { none = [ { \"traits.seats\" = \"1\" } ] } ]",
        ] {
            assert_eq!(of_audience(tests).len(), 1, "{tests}: {:?}", of_audience(tests));
        }
    }

    #[test]
    fn a_test_that_may_match_or_of_which_nothing_is_shown_is_let_be() {
        for tests in [
            "\"traits.seats\" = 10.0",
            "\"traits.seats\" = { in = [\"10\", 20], gte = 1, exists = true }",
            "\"traits.plan\" = { not = \"pro\", contains = \"p\", matches = \"^p\" }",
            "\"traits.trial_ends_at\" = { lt = \"now - 7 days\", starts_with = \"2026\" }",
            "\"traits.trial_ends_at\" = { between = [2026-01-01T00:00:00Z, 2026-12-31T00:00:00Z] }",
            "\"traits.tags\" = { contains = \"b\" }",
            "\"traits.tags\" = [\"a\", \"b\"]",
            "\"traits.empty\" = { contains = 5 }",
            "\"traits.unknown\" = 5",
            "\"traits.nobody\" = 5",
            "\"traits.address\" = { exists = false }",
            "\"traits.address.city\" = \"Rome\"",
            "\"context.page.url\" = { starts_with = \"https\" }",
        ] {
            assert_eq!(of_audience(tests), Vec::<String>::new(), "{tests}");
        }
    }

    #[test]
    fn properties_of_another_event_are_not_compared_and_the_persons_traits_are() {
        let both = "{ \"properties.amount\" = \"5\", \"traits.seats\" = \"5\" }";
        let rule = format!(
            "[trigger]\nevent = \"A\"\nwhere = {both}\nwithout = {{ event = \"B\", where = {both} }}\n\
             [exit]\nany = [ {{ event = \"C\", where = {both} }} ]"
        );
        let told = told(&rule, &[SAMPLE]);
        let count = |path: &str| told.iter().filter(|line| line.contains(path)).count();
        assert_eq!((count("`properties.amount`"), count("`traits.seats`")), (1, 3), "{told:#?}");
    }

    #[test]
    fn traits_of_a_segment_are_compared() {
        assert_eq!(told("[trigger]\nenters = { \"traits.seats\" = \"5\" }", &[SAMPLE]).len(), 1);
    }

    #[test]
    fn one_sample_that_fits_is_enough() {
        let rule = "[audience]\nwhere = { \"traits.seats\" = \"10\" }";
        assert_eq!(told(rule, &[SAMPLE, "{\"traits\": {\"seats\": \"ten\"}}"]), Vec::<String>::new());
        assert_eq!(told(rule, &[SAMPLE, "{}", "no json"]).len(), 1);
    }
}
