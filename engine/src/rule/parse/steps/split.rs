//! `split`: parts with a weight and steps each.

use super::Steps;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems};
use crate::rule::{SplitPart, StepKind};

/// Shares of a millionth are fine enough for anybody.
const WEIGHT_MAX: i64 = 1_000_000;

pub(super) fn parse(problems: &mut Problems, item: &Item<'_>, steps: &mut Steps<'_>) -> Option<StepKind> {
    let elements = item.elements(problems)?;
    if elements.len() < 2 {
        let message = format!("expected two parts or more in `split`, found {}", elements.len());
        let help = "write split = [ { weight = 50, steps = […] }, { weight = 50, steps = [] } ]";
        problems.error(Code::BadValue, &item.place, message).with_help(help);
    }
    let parts: Vec<_> = elements.iter().filter_map(|element| part(problems, element, steps)).collect();
    (parts.len() == elements.len()).then_some(StepKind::Split(parts))
}

fn part(problems: &mut Problems, item: &Item<'_>, steps: &mut Steps<'_>) -> Option<SplitPart> {
    let mut table = item.table(problems)?;
    let weight = table
        .require(problems, "weight", "add weight = 50, its share of the sum of all weights")
        .and_then(|item| item.integer(problems, 1..=WEIGHT_MAX));
    let list = table.require(problems, "steps", "add steps = [ … ]; steps = [] is who gets nothing");
    table.finish(problems, &[]);
    let list = list.map(|item| steps.list(problems, &item));
    Some(SplitPart { weight: u32::try_from(weight?).ok()?, steps: list? })
}
