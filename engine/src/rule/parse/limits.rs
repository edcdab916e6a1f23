//! `[limits]` with its defaults, and `[goal]`.

use crate::release::Release;
use crate::rule::condition::Path;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Problems};
use crate::rule::{EventMatch, Goal, Limits, OncePer, Share};
use crate::time::Length;
use std::sync::Arc;

/// rules.md, "Limits and neighbours".
const LATE: Length = Length::days(1);
const GRACE: Length = Length::minutes(1);

pub(super) fn parse(problems: &mut Problems, item: Option<Item<'_>>) -> Limits {
    let mut limits = Limits { once_per: OncePer::Ever, late: LATE, grace: GRACE };
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
    table.finish(problems, &["max_per_hour", "mutes"]);
    limits
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

/// `key` is the trigger's.
pub(super) fn parse_goal(problems: &mut Problems, item: &Item<'_>, key: Option<&Path>) -> Option<Goal> {
    let mut table = item.table(problems)?;
    let event = table.take("event");
    let within_item = table.take("within");
    let holdout = table.take("holdout");
    table.finish(problems, &["key", "where"]);
    if let (None, Some(within)) = (&event, &within_item) {
        let message = "`within` needs `event`: what is to happen within it";
        problems.error(Code::ContradictoryForm, &within.key_place, message);
    }
    let event = event.and_then(|item| item.words(problems));
    Some(Goal {
        event: event.map(|event| EventMatch { event: Arc::from(event), condition: None, key: key.cloned() }),
        within: within_item.and_then(|item| item.length(problems)),
        holdout: holdout.and_then(|item| share(problems, &item)),
    })
}

fn share(problems: &mut Problems, item: &Item<'_>) -> Option<Share> {
    let text = item.text(problems)?;
    Share::parse(text).map_err(|message| problems.error(Code::BadValue, &item.place, message)).ok()
}
