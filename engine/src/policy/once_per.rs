//! Once per: how soon somebody may enter the same rule again, for the same key.

use crate::rule::OncePer;
use crate::time::Timestamp;
use crate::zone;
use jiff::tz::TimeZone;

/// Whether an entry at `at` is allowed after one at `entered_at`.
pub(crate) fn allows(
    once_per: OncePer,
    entered_at: Option<Timestamp>,
    at: Timestamp,
    zone: impl FnOnce() -> TimeZone,
) -> bool {
    let Some(entered_at) = entered_at else { return true };
    match once_per {
        OncePer::Ever => false,
        OncePer::Always => true,
        // Over at exactly its length; an entry that comes late in the log keeps the same distance.
        OncePer::Length(length) => at.since(entered_at) >= length || entered_at.since(at) >= length,
        OncePer::CalendarDay => {
            let zone = zone();
            zone::local_date(&zone, entered_at) != zone::local_date(&zone, at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Length;

    #[test]
    fn it_is_over_at_exactly_its_length() {
        let once = OncePer::Length(Length::days(30));
        let allowed = |at| allows(once, Some(Timestamp::EPOCH), at, || TimeZone::UTC);
        assert!(!allowed(Timestamp::EPOCH + Length(Length::days(30).0 - 1)));
        assert!(allowed(Timestamp::EPOCH + Length::days(30)));
        assert!(!allowed(Timestamp::EPOCH - Length::days(1)));
    }

    #[test]
    fn a_calendar_day_is_the_persons_own() {
        let paris = || zone::find("Europe/Paris").unwrap();
        let at = |text| Timestamp::parse(text).unwrap();
        let entered = Some(at("2026-03-02T22:30:00Z"));
        assert!(!allows(OncePer::CalendarDay, entered, at("2026-03-02T22:59:00Z"), paris));
        assert!(allows(OncePer::CalendarDay, entered, at("2026-03-02T23:00:00Z"), paris));
    }
}
