//! Rule tests (`rules/<id>.test.toml`), read: `check` looks at the problems, `outreach test` runs what is sound.

mod expected;
mod given;

pub use expected::{Expected, ExpectedVerdict};
pub use given::Given;

use outreach_engine::Timestamp;
use outreach_engine::rule::diagnostic::{Code, line_and_column};
use outreach_engine::rule::document::{Document, Item, Place, Problems, Table};
use toml::de::DeValue;

/// One `[[test]]` of a rule.
#[derive(Clone, Debug)]
pub struct RuleTest {
    pub name: String,
    /// Where it stands in its file, from 1.
    pub line: usize,
    /// In order of `at`; those of one time as they are written.
    pub given: Vec<Given>,
    /// The end of time. Absent: when the last of `given` has come.
    pub until: Option<Timestamp>,
    /// Everybody is in the arm that gets nothing; else nobody is.
    pub is_holdout: bool,
    pub expect: Vec<Expected>,
}

/// The tests of one file; those that are not sound are left out, and have problems.
pub(super) fn read(problems: &mut Problems, path: &str, text: &str) -> Vec<RuleTest> {
    let Some(document) = Document::parse(problems, path, text) else { return Vec::new() };
    let mut table = document.top();
    let tests = table
        .require(problems, "test", "add [[test]], and below it name, given and expect")
        .and_then(|item| item.elements(problems))
        .unwrap_or_default();
    let mut read = Vec::new();
    for test in &tests {
        let line = line_and_column(text, test.place.span.start).0;
        let table = test.table(problems);
        read.extend(table.and_then(|table| read_test(problems, table, path, text, line)));
    }
    table.finish(problems, &[]);
    read
}

fn read_test(
    problems: &mut Problems,
    mut table: Table<'_>,
    path: &str,
    text: &str,
    line: usize,
) -> Option<RuleTest> {
    let name = table
        .require(problems, "name", "add name = \"three silent days bring one mail\"")
        .and_then(|item| item.words(problems));
    let lines = table
        .require(
            problems,
            "given",
            "add given = [ { at = \"2026-03-02T10:00Z\", user = \"ada\", track = \"Signed Up\" } ]",
        )
        .and_then(|item| item.elements(problems));
    let lines = lines.unwrap_or_default();
    let read: Vec<_> = lines
        .iter()
        .map(|item| {
            let line = line_and_column(text, item.place.span.start).0;
            given::read(problems, item, path, line)
        })
        .collect();
    warn_of_disorder(problems, &lines, &read);
    let is_sound = read.iter().all(Option::is_some);
    let mut given: Vec<Given> = read.into_iter().flatten().collect();
    given.sort_by_key(|given| given.at);
    let until = table.take("until");
    let until = until.and_then(|item| Some((time(problems, &item)?, item.place)));
    if let Some((until, place)) = &until {
        warn_of_unseen(problems, *until, place, &given);
    }
    let arms = [("send", false), ("holdout", true)];
    let is_holdout = table.take("arm").and_then(|item| item.choice(problems, &arms)).unwrap_or(false);
    let help = "add expect = [ { at = \"2026-03-05T10:00Z\", user = \"ada\", email = \"stalled-onboarding\" } ]; [] expects silence";
    let lines = table.require(problems, "expect", help).and_then(|item| item.elements(problems));
    table.finish(problems, &[]);
    let expect: Vec<_> = lines?.iter().map(|item| expected::read(problems, item)).collect();
    let expect = expect.into_iter().collect::<Option<Vec<_>>>()?;
    let until = until.map(|(until, _)| until);
    is_sound.then_some(RuleTest { name: name?, line, given, until, is_holdout, expect })
}

fn warn_of_disorder(problems: &mut Problems, lines: &[Item<'_>], given: &[Option<Given>]) {
    let mut last = Timestamp::MIN;
    for (line, given) in lines.iter().zip(given) {
        let Some(given) = given else { continue };
        if given.at < last {
            let message = "`given` is put in order of `at`: this line is earlier than the one before it";
            problems
                .warn(Code::GivenOutOfOrder, &line.place, message)
                .with_help("for a late event say `arrives`");
        }
        last = last.max(given.at);
    }
}

/// What comes after the end of a test is not shown to the rule.
fn warn_of_unseen(problems: &mut Problems, until: Timestamp, place: &Place<'_>, given: &[Given]) {
    let unseen = given.iter().filter(|given| given.arrives_at > until).count();
    let last = given.iter().map(|given| given.arrives_at).max();
    let (Some(last), true) = (last, unseen > 0) else { return };
    let message = match given.len() {
        all if all == unseen => {
            format!("expected an end after what is given, found one before all of it (the last at {last})")
        }
        all => format!(
            "expected an end after what is given, found one before {unseen} of {all} lines (the last at {last})"
        ),
    };
    let help = "the rule never sees those: move `until` behind them, or leave them out";
    problems.warn(Code::UntilBeforeGiven, place, message).with_help(help);
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

/// The key of a table that is there, if one is; two at once are a problem.
fn one_of<'d>(
    problems: &mut Problems,
    table: &mut Table<'d>,
    keys: &[&'static str],
) -> Option<(&'static str, Item<'d>)> {
    let mut found: Option<(&'static str, Item<'d>)> = None;
    for key in keys {
        let Some(item) = table.take(key) else { continue };
        match &found {
            None => found = Some((key, item)),
            Some((first, _)) => {
                let message = format!("expected one of `{first}` and `{key}`, found both");
                problems.error(Code::ContradictoryForm, &item.key_place, message);
            }
        }
    }
    found
}
