//! `did = { event = "Report Exported", where = {…}, count = { gte = 2 }, within = "30 days" }`, and `did_not`.

use super::condition::{self, About};
use crate::rule::condition::{Condition, Did, Question, Times};
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems};
use crate::rule::watch::Watch;
use std::sync::Arc;

/// The newest so many events are kept of each person: this bounds what they take (16 kB).
const TIMES_MAX: i64 = 1_000;

/// The condition that `did`, or `did_not`, says.
pub(super) fn parse(
    problems: &mut Problems,
    item: &Item<'_>,
    about: About,
    is_not: bool,
) -> Option<Condition> {
    let takes_unproven = match about {
        About::RecordAndPast { is_unproven } | About::PersonAndPast { is_unproven } => is_unproven,
        About::Record | About::Person => {
            let message =
                format!("`{}` asks for the past, and stands in [audience], [exit] or `if`", item.key);
            problems
                .error(Code::ContradictoryForm, &item.key_place, message)
                .with_help("who may enter is said in [audience]: move it there");
            return None;
        }
    };
    let mut table = item.table(problems)?;
    let event = table.require(problems, "event", "add event = \"Report Exported\"");
    let tests = table.take("where");
    let count = table.take("count");
    let within = table.take("within");
    table.finish(problems, &[]);
    let event = event.and_then(|item| item.words(problems));
    let has_tests = tests.is_some();
    let condition = tests.and_then(|item| condition::parse(problems, &item, About::Record));
    let times = count.map_or(Some(Times::ONCE), |item| times(problems, &item));
    let has_within = within.is_some();
    let within = within.and_then(|item| item.length(problems));
    if has_tests && condition.is_none() || has_within && within.is_none() {
        return None;
    }
    let question = Question::new(Arc::from(event?), condition, takes_unproven);
    Some(Condition::Did(Box::new(Did { question, times: times?, within, is_not, watch: Watch::default() })))
}

/// `2`, or any of `gt`, `gte`, `lt`, `lte`, `between`: together a range.
fn times(problems: &mut Problems, item: &Item<'_>) -> Option<Times> {
    if !item.value.is_table() {
        let exactly = number(problems, item)?;
        return Some(Times { at_least: exactly, at_most: Some(exactly) });
    }
    let mut table = item.table(problems)?;
    let keys = ["gt", "gte", "lt", "lte", "between"].map(|key| table.take(key));
    table.finish(problems, &[]);
    let (mut at_least, mut at_most) = (0, None::<i64>);
    for bound in keys.iter().flatten() {
        let (low, high) = range(problems, bound)?;
        at_least = at_least.max(low);
        at_most = [at_most, high].into_iter().flatten().min();
    }
    if at_most.is_some_and(|most| most < at_least) {
        let message = "expected a count that can be: nothing is counted so";
        problems.error(Code::BadValue, &item.place, message);
        return None;
    }
    if at_least == 0 && at_most.is_none() {
        let message = "expected a count that can fail, such as { gte = 2 }: this one always holds";
        problems.error(Code::BadValue, &item.place, message);
        return None;
    }
    let at_most = at_most.map(u32::try_from).transpose().ok()?;
    Some(Times { at_least: u32::try_from(at_least).ok()?, at_most })
}

/// What one bound allows: from, and up to.
fn range(problems: &mut Problems, item: &Item<'_>) -> Option<(i64, Option<i64>)> {
    if item.key == "between" {
        let elements = item.elements(problems)?;
        let [low, high] = elements.as_slice() else {
            let message = format!("expected two numbers, the lower one first, found {}", elements.len());
            problems.error(Code::BadValue, &item.place, message);
            return None;
        };
        let (low, high) = (number(problems, low), number(problems, high));
        return Some((i64::from(low?), Some(i64::from(high?))));
    }
    let count = i64::from(number(problems, item)?);
    Some(match item.key {
        "gt" => (count + 1, None),
        "gte" => (count, None),
        "lt" => (0, Some(count - 1)),
        _ => (0, Some(count)),
    })
}

fn number(problems: &mut Problems, item: &Item<'_>) -> Option<u32> {
    u32::try_from(item.integer(problems, 0..=TIMES_MAX)?).ok()
}
