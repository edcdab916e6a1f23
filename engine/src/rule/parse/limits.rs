//! `[limits]` with its defaults.

use crate::release::Release;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems};
use crate::rule::{Limits, Mutes, OncePer};
use crate::time::Length;

/// rules.md, "Limits and neighbours".
const LATE: Length = Length::days(1);
const GRACE: Length = Length::minutes(1);

pub(super) fn parse(problems: &mut Problems, item: Option<Item<'_>>) -> Limits {
    let mut limits =
        Limits { once_per: OncePer::Ever, late: LATE, grace: GRACE, max_per_hour: None, mutes: None };
    let Some(mut table) = item.and_then(|item| item.table(problems)) else { return limits };
    if let Some(once_per) = table.take("once_per").and_then(|item| once_per(problems, &item)) {
        limits.once_per = once_per;
    }
    let late = table.take("late");
    if let Some(late) = late.as_ref().and_then(|item| item.length(problems)) {
        limits.late = late;
    }
    let grace = table.take("grace");
    if let Some(item) = &grace {
        limits.grace = grace_length(problems, item).unwrap_or(GRACE);
    }
    if let (true, Some(item)) = (limits.grace >= limits.late, grace.or(late)) {
        let message = format!(
            "`grace` ({}) must be shorter than `late` ({}): else every absence is judged too late",
            limits.grace, limits.late
        );
        problems.error(Code::ContradictoryForm, &item.place, message);
    }
    let max_per_hour = table.take("max_per_hour");
    let max_per_hour = max_per_hour.and_then(|item| item.integer(problems, 1..=i64::from(u32::MAX)));
    limits.max_per_hour = max_per_hour.and_then(|count| u32::try_from(count).ok());
    limits.mutes = table.take("mutes").and_then(|item| mutes(problems, &item));
    table.finish(problems, &[]);
    limits
}

fn mutes(problems: &mut Problems, item: &Item<'_>) -> Option<Mutes> {
    let mut table = item.table(problems)?;
    let tags_item = table.require(problems, "tags", "add tags = [\"upsell\"], which other rules have");
    let length = table.require(problems, "for", "add for = \"7 days\"");
    table.finish(problems, &[]);
    let tags = tags_item.as_ref().and_then(|item| item.texts(problems));
    if let (Some([]), Some(item)) = (tags.as_deref(), &tags_item) {
        problems.error(Code::BadValue, &item.place, "expected at least one tag that other rules have");
    }
    Some(Mutes { length: length?.length_or_zero(problems)?, tags: tags? })
}

fn grace_length(problems: &mut Problems, item: &Item<'_>) -> Option<Length> {
    let grace = item.length_or_zero(problems)?;
    if grace > Release::grace_max() {
        let message = format!("expected a grace of at most {}, found {grace}", Release::grace_max());
        problems.error(Code::BadLength, &item.place, message);
        return None;
    }
    Some(grace)
}

fn once_per(problems: &mut Problems, item: &Item<'_>) -> Option<OncePer> {
    match item.value.as_str() {
        Some("always") => Some(OncePer::Always),
        Some("calendar day") => Some(OncePer::CalendarDay),
        Some(text) if Length::parse(text).is_err() && !text.starts_with(|c: char| c.is_ascii_digit()) => {
            let message = format!(
                "expected a length such as \"3 days\", \"always\" or \"calendar day\", found \"{text}\""
            );
            let problem = problems.error(Code::BadLength, &item.place, message);
            problem.with_help("for once ever leave `once_per` out");
            None
        }
        Some(_) | None => item.length(problems).map(OncePer::Length),
    }
}
