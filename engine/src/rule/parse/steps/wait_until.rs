//! `wait_until`, with the lists `then` and `else` beside it.

use super::Steps;
use super::branch::Lists;
use crate::rule::document::{Item, Problems};
use crate::rule::parse::condition::{self, About};
use crate::rule::parse::trigger::other_key;
use crate::rule::{EventMatch, StepKind, WaitUntilStep};
use std::sync::Arc;

pub(super) fn parse(
    problems: &mut Problems,
    item: &Item<'_>,
    lists: Lists<'_>,
    steps: &mut Steps<'_>,
) -> Option<StepKind> {
    let waited = waited(problems, item, steps);
    let (then, otherwise) = lists.read(problems, steps);
    let (event, timeout) = waited?;
    Some(StepKind::WaitUntil(WaitUntilStep { event, timeout, then, otherwise }))
}

fn waited(
    problems: &mut Problems,
    item: &Item<'_>,
    steps: &Steps<'_>,
) -> Option<(EventMatch, crate::time::Length)> {
    let mut table = item.table(problems)?;
    let event = table
        .require(problems, "event", "add event = \"Project Created\"")
        .and_then(|item| item.words(problems));
    let condition = table.take("where").and_then(|item| condition::parse(problems, &item, About::Record));
    let key = steps.rule.key;
    let own_key = table.take("key").and_then(|item| other_key(problems, &item, key));
    let timeout = table
        .require(problems, "timeout", "add timeout = \"5 days\": how long to wait for it at most")
        .and_then(|item| item.length(problems));
    table.finish(problems, &[]);
    let event = EventMatch { event: Arc::from(event?), condition, key: own_key.or_else(|| key.cloned()) };
    Some((event, timeout?))
}
