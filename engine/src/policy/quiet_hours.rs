//! Quiet hours: never at night. [`ends_at`] is pure: the engine calls it to plan, the gate to be sure.

use super::{Judged, Stop};
use crate::release::QuietHours;
use crate::time::Timestamp;
use jiff::ToSpan;
use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// When the quiet hours that `at` lies in are over for somebody in `zone`; nothing outside of them.
pub fn ends_at(quiet: QuietHours, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let local = zone.to_datetime(at.to_jiff());
    let minute = local.hour() as u16 * 60 + local.minute() as u16;
    let (from, until) = (quiet.from, quiet.until);
    let is_over_midnight = from > until;
    let is_quiet =
        if is_over_midnight { minute >= from || minute < until } else { (from..until).contains(&minute) };
    if !is_quiet {
        return None;
    }
    let date = if is_over_midnight && minute >= from { local.date().tomorrow().ok()? } else { local.date() };
    let end = Time::constant((until / 60) as i8, (until % 60) as i8, 0, 0);
    first_after(zone, DateTime::from_parts(date, end), at)
}

/// The first instant after `at` that bears this local time, or where a clock that is set forward leaves it out, the
/// instant at which it is. Where a clock that is set back shows it twice, the second may be meant.
fn first_after(zone: &TimeZone, local: DateTime, at: Timestamp) -> Option<Timestamp> {
    let ambiguous = || zone.to_ambiguous_timestamp(local);
    let candidates = match ambiguous().offset() {
        AmbiguousOffset::Gap { .. } => {
            let before = ambiguous().earlier().ok()?;
            [zone.following(before).next().map(|change| change.timestamp()), None]
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
            [ambiguous().compatible().ok(), ambiguous().later().ok()]
        }
    };
    let found = candidates.into_iter().flatten().map(Timestamp::from).find(|end| *end > at);
    found.or_else(|| zone.to_timestamp(local.checked_add(1.day()).ok()?).ok().map(Timestamp::from))
}

pub(super) fn stops(judged: &Judged<'_>) -> Option<Stop> {
    if judged.message.is_transactional {
        return None;
    }
    let until = ends_at(judged.release.settings.quiet_hours?, judged.zone, judged.now)?;
    Some(Stop::Hold { until, is_never_late: judged.is_never_late })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone;

    const NIGHT: QuietHours = QuietHours { from: 21 * 60, until: 8 * 60 };

    fn end(zone_name: &str, at: &str) -> Option<String> {
        let zone = zone::find(zone_name).unwrap();
        ends_at(NIGHT, &zone, Timestamp::parse(at).unwrap()).map(|end| end.to_string())
    }

    #[test]
    fn quiet_hours_are_half_open_and_local() {
        assert_eq!(end("Europe/Paris", "2026-01-15T19:59:59.999999Z"), None);
        assert_eq!(
            end("Europe/Paris", "2026-01-15T20:00:00Z").as_deref(),
            Some("2026-01-16T07:00:00.000000Z")
        );
        assert_eq!(
            end("Europe/Paris", "2026-01-16T06:59:59Z").as_deref(),
            Some("2026-01-16T07:00:00.000000Z")
        );
        assert_eq!(end("Europe/Paris", "2026-01-16T07:00:00Z"), None);
    }

    #[test]
    fn a_night_with_a_clock_change_ends_at_the_same_local_time() {
        // Summer time begins on 2026-03-29 at 01:00Z, and ends on 2026-10-25 at 01:00Z.
        assert_eq!(
            end("Europe/Paris", "2026-03-28T22:00:00Z").as_deref(),
            Some("2026-03-29T06:00:00.000000Z")
        );
        assert_eq!(
            end("Europe/Paris", "2026-10-24T22:00:00Z").as_deref(),
            Some("2026-10-25T07:00:00.000000Z")
        );
    }

    #[test]
    fn an_end_that_a_clock_change_leaves_out_is_at_the_change() {
        let zone = zone::find("Europe/Paris").unwrap();
        let quiet = QuietHours { from: 21 * 60, until: 2 * 60 + 30 };
        let end = |at| ends_at(quiet, &zone, Timestamp::parse(at).unwrap()).map(|end| end.to_string());
        // From 01:59 the clock goes to 03:00, which is no quiet hour.
        assert_eq!(end("2026-03-29T01:00:00Z"), None);
        assert_eq!(end("2026-03-29T00:59:59Z").as_deref(), Some("2026-03-29T01:00:00.000000Z"));
        assert_eq!(end("2026-03-28T22:00:00Z").as_deref(), Some("2026-03-29T01:00:00.000000Z"));
        assert_eq!(end("2026-03-29T22:00:00Z").as_deref(), Some("2026-03-30T00:30:00.000000Z"));
    }

    #[test]
    fn the_end_is_always_later_than_the_moment_asked_about() {
        for name in
            ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"]
        {
            let zone = zone::find(name).unwrap();
            for quiet in [NIGHT, QuietHours { from: 60, until: 90 }, QuietHours { from: 30, until: 150 }] {
                let start = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
                for step in 0..(366 * 48) {
                    let at = start + crate::time::Length::minutes(step * 30 + 7);
                    assert!(ends_at(quiet, &zone, at).is_none_or(|end| end > at), "{name} {quiet:?} {at}");
                }
            }
        }
    }
}
