//! A condition in words: `its plan is “trial” and their email is known`.

use super::{listed, quoted};
use crate::rule::condition::{Bound, Condition, Did, Operator, Path, Root, Test, Times};
use crate::time::Timestamp;
use crate::value::Value;

/// What the words stand behind: it decides whose a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// An event: its properties are its own, traits are the person's.
    Event,
    /// A person: traits are theirs, properties are those of the event that began it.
    Person,
}

/// The condition as a clause; nothing where it always holds.
pub fn clause(condition: &Condition, about: About) -> Option<String> {
    let clauses = |parts: &[Condition]| -> Vec<String> {
        parts.iter().filter_map(|part| clause(part, about).map(|text| nested(part, text))).collect()
    };
    match condition {
        Condition::Test(test) => Some(of_test(test, about)),
        Condition::Did(did) => Some(of_did(did)),
        Condition::All(parts) => {
            let parts = clauses(parts);
            (!parts.is_empty()).then(|| listed(&parts, "and"))
        }
        Condition::Any(parts) if parts.is_empty() => Some("something that never holds".to_owned()),
        Condition::Any(parts) => {
            let clauses = clauses(parts);
            // A part that always holds makes the whole hold.
            (clauses.len() == parts.len()).then(|| listed(&clauses, "or"))
        }
        Condition::None(parts) => {
            let parts = clauses(parts);
            (!parts.is_empty()).then(|| format!("it is not so that {}", listed(&parts, "or")))
        }
    }
}

/// Lists inside lists stand in brackets, so that `and` and `or` cannot be mixed up.
fn nested(part: &Condition, text: String) -> String {
    match part {
        Condition::Test(_) | Condition::Did(_) => text,
        Condition::All(parts) | Condition::Any(parts) if parts.len() < 2 => text,
        Condition::All(_) | Condition::Any(_) | Condition::None(_) => format!("({text})"),
    }
}

/// `“Report Exported” happened at least 2 times in the last 30 days`.
fn of_did(did: &Did) -> String {
    let condition = did.question.condition.as_ref().and_then(|condition| clause(condition, About::Event));
    let condition = condition.map_or_else(String::new, |condition| format!(" ({condition})"));
    let event = format!("{}{condition}", quoted(&did.question.event));
    let happened = match (times(did.times), did.is_not) {
        (None, false) => "happened".to_owned(),
        (None, true) => "did not happen".to_owned(),
        (Some(times), false) => format!("happened {times}"),
        (Some(times), true) => format!("did not happen {times}"),
    };
    let within = did.within.map_or_else(String::new, |within| format!(" in the last {within}"));
    format!("{event} {happened}{within}")
}

/// Nothing where once or more is meant.
fn times(times: Times) -> Option<String> {
    let counted = |count: u32| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    Some(match times {
        Times { at_least: 0 | 1, at_most: None } => return None,
        Times { at_least, at_most: None } => format!("at least {}", counted(at_least)),
        Times { at_least: 0, at_most: Some(0) } => "no time".to_owned(),
        Times { at_least: 0, at_most: Some(most) } => format!("at most {}", counted(most)),
        Times { at_least, at_most: Some(most) } if at_least == most => format!("exactly {}", counted(most)),
        Times { at_least, at_most: Some(most) } => format!("{at_least} to {most} times"),
    })
}

fn of_test(test: &Test, about: About) -> String {
    format!("{} {}", subject(&test.path, about), verb(&test.operator))
}

fn subject(path: &Path, about: About) -> String {
    let name = path.segments.join(".");
    match (path.root, about) {
        (Root::EventName, About::Event) => "its name".to_owned(),
        (Root::EventName, About::Person) => "the event's name".to_owned(),
        (Root::Properties, About::Event) => format!("its {name}"),
        (Root::Properties, About::Person) => format!("the event's {name}"),
        (Root::Traits, About::Event) => format!("the person's {name}"),
        (Root::Traits, About::Person) => format!("their {name}"),
        (Root::Context, _) => format!("the context's {name}"),
    }
}

fn verb(operator: &Operator) -> String {
    let values = |values: &[Value]| values.iter().map(value).collect::<Vec<_>>();
    match operator {
        Operator::Equal(to) => format!("is {}", value(to)),
        Operator::Not(to) => format!("is not {}", value(to)),
        Operator::Greater(than) => format!("is {} {}", of_bound(than, "above", "after"), bound(than)),
        Operator::GreaterOrEqual(than) => {
            format!("is {} {}", of_bound(than, "at least", "not before"), bound(than))
        }
        Operator::Less(than) => format!("is {} {}", of_bound(than, "below", "before"), bound(than)),
        Operator::LessOrEqual(than) => {
            format!("is {} {}", of_bound(than, "at most", "not after"), bound(than))
        }
        Operator::Between(from, to) => format!("is between {} and {}", bound(from), bound(to)),
        Operator::In(these) => format!("is {}", listed(&values(these), "or")),
        Operator::NotIn(these) => format!("is not {}", listed(&values(these), "or")),
        Operator::Contains(part) => format!("contains {}", value(part)),
        Operator::StartsWith(start) => format!("begins with {}", quoted(start)),
        Operator::EndsWith(end) => format!("ends with {}", quoted(end)),
        Operator::Matches(regex) => format!("matches the pattern {}", quoted(regex.as_str())),
        Operator::Exists(true) => "is known".to_owned(),
        Operator::Exists(false) => "is not known".to_owned(),
    }
}

/// Numbers are above, dates are after.
fn of_bound<'w>(bound: &Bound, of_number: &'w str, of_date: &'w str) -> &'w str {
    match bound {
        Bound::Number(_) => of_number,
        Bound::Date(_) | Bound::Now { .. } => of_date,
    }
}

fn bound(bound: &Bound) -> String {
    match bound {
        Bound::Number(number) => value(number),
        Bound::Date(at) => date(*at),
        Bound::Now { by, .. } if by.0 == 0 => "now".to_owned(),
        Bound::Now { is_before: true, by } => format!("{by} ago"),
        Bound::Now { is_before: false, by } => format!("{by} from now"),
    }
}

/// Whole seconds, without the decimals that are all zero.
fn date(at: Timestamp) -> String {
    at.to_string().replace(".000000Z", "Z")
}

pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(is_so) => is_so.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => quoted(text),
        Value::List(items) => format!("[{}]", items.iter().map(self::value).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::parse::{Known, parse};

    fn said(tests: &str, about: About) -> Option<String> {
        let rule = format!(
            "name = \"R\"\n[trigger]\nevent = \"A\"\n[audience]\nwhere = {{ {tests} }}\n[[step]]\nin_product = \"p\"\n"
        );
        let (rule, _) = parse("r", "rules/r.toml", &rule, &Known::default()).expect("a good rule");
        clause(&rule.audience.expect("an audience"), about)
    }

    #[test]
    fn every_test_has_its_words() {
        let table = [
            (r#""traits.plan" = "trial""#, "their plan is “trial”"),
            (r#""traits.vip" = true"#, "their vip is true"),
            (r#""traits.plan" = { not = "free" }"#, "their plan is not “free”"),
            (r#""traits.seats" = { gt = 10 }"#, "their seats is above 10"),
            (r#""traits.seats" = { gte = 10 }"#, "their seats is at least 10"),
            (r#""traits.seats" = { lt = 2.5 }"#, "their seats is below 2.5"),
            (r#""traits.seats" = { lte = 3 }"#, "their seats is at most 3"),
            (r#""traits.seats" = { between = [1, 5] }"#, "their seats is between 1 and 5"),
            (r#""traits.at" = { gt = "now - 7 days" }"#, "their at is after 7 days ago"),
            (r#""traits.at" = { lte = "now + 1 hour" }"#, "their at is not after 1 hour from now"),
            (r#""traits.at" = { lt = "2026-03-02T10:00:00Z" }"#, "their at is before 2026-03-02T10:00:00Z"),
            (r#""traits.country" = { in = ["FR", "DE"] }"#, "their country is “FR” or “DE”"),
            (r#""traits.country" = { not_in = ["FR"] }"#, "their country is not “FR”"),
            (r#""traits.tags" = { contains = "beta" }"#, "their tags contains “beta”"),
            (r#""traits.email" = { starts_with = "a" }"#, "their email begins with “a”"),
            (r#""traits.email" = { ends_with = "z" }"#, "their email ends with “z”"),
            (r#""traits.email" = { matches = "^a+$" }"#, "their email matches the pattern “^a+$”"),
            (r#""traits.email" = { exists = true }"#, "their email is known"),
            (r#""traits.email" = { exists = false }"#, "their email is not known"),
            (r#""context.page.url" = "x""#, "the context's page.url is “x”"),
            (r#""event.name" = "A""#, "the event's name is “A”"),
        ];
        for (tests, words) in table {
            assert_eq!(said(tests, About::Person).as_deref(), Some(words), "{tests}");
        }
    }

    #[test]
    fn the_past_has_its_words() {
        let table = [
            (r#"did = { event = "E" }"#, "“E” happened"),
            (r#"did_not = { event = "E", within = "30 days" }"#, "“E” did not happen in the last 30 days"),
            (
                r#"did = { event = "E", where = { "properties.n" = 1 }, count = { gte = 2 }, within = "1 day" }"#,
                "“E” (its n is 1) happened at least 2 times in the last 1 day",
            ),
            (r#"did = { event = "E", count = 0 }"#, "“E” happened no time"),
            (r#"did = { event = "E", count = 1 }"#, "“E” happened exactly once"),
            (r#"did = { event = "E", count = { lt = 4 } }"#, "“E” happened at most 3 times"),
            (r#"did = { event = "E", count = { between = [2, 5] } }"#, "“E” happened 2 to 5 times"),
            (r#"did_not = { event = "E", count = { gt = 2 } }"#, "“E” did not happen at least 3 times"),
            (r#"any = [ { did = { event = "E" } }, { "traits.a" = 1 } ]"#, "“E” happened or their a is 1"),
        ];
        for (tests, words) in table {
            assert_eq!(said(tests, About::Person).as_deref(), Some(words), "{tests}");
        }
    }

    #[test]
    fn whose_a_value_is_depends_on_what_is_spoken_of() {
        let both = r#""properties.plan" = 1, "traits.plan" = 1"#;
        assert_eq!(said(both, About::Event).unwrap(), "its plan is 1 and the person's plan is 1");
        assert_eq!(said(both, About::Person).unwrap(), "the event's plan is 1 and their plan is 1");
    }

    #[test]
    fn lists_in_lists_stand_in_brackets() {
        let nested = r#""traits.a" = 1, any = [ { "traits.b" = 2 }, { "traits.c" = 3, "traits.d" = 4 } ]"#;
        assert_eq!(
            said(nested, About::Person).unwrap(),
            "(their b is 2 or (their c is 3 and their d is 4)) and their a is 1"
        );
        let none = r#"none = [ { "traits.b" = 2 }, { "traits.c" = 3 } ]"#;
        assert_eq!(said(none, About::Person).unwrap(), "it is not so that their b is 2 or their c is 3");
    }
}
