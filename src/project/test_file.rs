//! Rule tests (`rules/<id>.test.toml`) as `check` sees them: read, not run.

use outreach_engine::Timestamp;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Document, Item, Problems, Table};
use toml::de::DeValue;

/// What a line of `given` may say beside its time: who, what, and what is known.
const GIVEN: [&str; 15] = [
    "arrives",
    "identify",
    "user",
    "anonymous",
    "track",
    "page",
    "screen",
    "group",
    "alias",
    "previous",
    "id",
    "traits",
    "properties",
    "context",
    "category",
];

/// What a line of `expect` may say beside its time: who, and what became of which step.
const EXPECT: [&str; 10] = [
    "user",
    "anonymous",
    "email",
    "in_product",
    "step",
    "key",
    "verdict",
    "reason",
    "judged_at",
    "triggered_at",
];

pub(super) fn check(problems: &mut Problems, path: &str, text: &str) {
    let Some(document) = Document::parse(problems, path, text) else { return };
    let mut table = document.top();
    let tests = table.require(problems, "test").and_then(|item| item.elements(problems)).unwrap_or_default();
    for test in &tests {
        if let Some(table) = test.table(problems) {
            check_test(problems, table);
        }
    }
    table.finish(problems, &[]);
}

fn check_test(problems: &mut Problems, mut table: Table<'_>) {
    table.require(problems, "name").and_then(|item| item.words(problems));
    let given = table.require(problems, "given").and_then(|item| item.elements(problems)).unwrap_or_default();
    let mut last = Timestamp::MIN;
    for line in &given {
        let Some(at) = line_at(problems, line, &GIVEN) else { continue };
        if at < last {
            let message = "`given` is put in order of `at`: this line is earlier than the one before it";
            problems
                .warn(Code::GivenOutOfOrder, &line.place, message)
                .with_help("for a late event say `arrives`");
        }
        last = last.max(at);
    }
    if let Some(until) = table.take("until") {
        time(problems, &until);
    }
    let arms = [("send", ()), ("holdout", ())];
    table.take("arm").and_then(|item| item.choice(problems, &arms));
    for line in table.require(problems, "expect").and_then(|item| item.elements(problems)).unwrap_or_default()
    {
        line_at(problems, &line, &EXPECT);
    }
    table.finish(problems, &[]);
}

/// The time of a line, whose other keys are `known`.
fn line_at(problems: &mut Problems, line: &Item<'_>, known: &[&'static str]) -> Option<Timestamp> {
    let mut table = line.table(problems)?;
    let at = table.require(problems, "at").and_then(|item| time(problems, &item));
    for key in known {
        let item = table.take(key);
        if let Some(item) = item.filter(|_| matches!(*key, "arrives" | "judged_at" | "triggered_at")) {
            time(problems, &item);
        }
    }
    table.finish(problems, &[]);
    at
}

/// RFC 3339, as a text or as TOML's own.
fn time(problems: &mut Problems, item: &Item<'_>) -> Option<Timestamp> {
    let at = match item.value {
        DeValue::Datetime(date) => Timestamp::parse(&date.to_string()),
        _ => Timestamp::parse(item.text(problems)?),
    };
    if at.is_none() {
        let message = "expected a time with its offset from UTC, such as \"2026-03-02T10:00Z\"";
        problems.error(Code::BadValue, &item.place, message);
    }
    at
}
