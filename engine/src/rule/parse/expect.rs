//! `[expect]`: `per_day = { min = 5, max = 400 }`.

use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems};
use crate::rule::{Expect, PerDay};

pub(super) fn parse(problems: &mut Problems, item: &Item<'_>) -> Option<Expect> {
    let mut table = item.table(problems)?;
    let per_day = table.require(problems, "per_day", "add per_day = { min = 5, max = 400 }");
    table.finish(problems, &[]);
    let per_day = per_day?;
    let mut table = per_day.table(problems)?;
    let bounds = [("min", 0), ("max", 1)].map(|(key, least)| {
        let item = table.take(key)?;
        let count = item.integer(problems, least..=i64::from(u32::MAX))?;
        u32::try_from(count).ok()
    });
    let is_empty = table.is_empty();
    table.finish(problems, &[]);
    let [min, max] = bounds;
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        let message = format!("expected `min` up to `max`, found {min} and {max}: no day has both");
        problems.error(Code::BadValue, &per_day.place, message).with_help("swap them");
    }
    if min.is_none() && max.is_none() && is_empty {
        let message = "expected `min` or `max` in `per_day`, found neither";
        problems.error(Code::MissingKey, &per_day.place, message).with_help("add max = 400");
    }
    Some(Expect { per_day: PerDay { min, max } })
}
