//! Time zones, from the bundled data alone: the same on every machine, whatever its system knows.

use crate::time::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::LazyLock;

static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The zone of this IANA name, if the bundled data knows it.
pub fn find(name: &str) -> Option<TimeZone> {
    BUNDLED.get(name).ok()
}

/// The first of these names that is known; UTC when none is.
pub fn first_known<'a>(names: impl IntoIterator<Item = &'a str>) -> (&'a str, TimeZone) {
    names.into_iter().find_map(|name| find(name).map(|zone| (name, zone))).unwrap_or(("UTC", TimeZone::UTC))
}

/// The local date at an instant.
pub fn local_date(zone: &TimeZone, at: Timestamp) -> Date {
    zone.to_datetime(at.to_jiff()).date()
}

/// When the local date after that of `at` begins.
pub fn next_midnight(zone: &TimeZone, at: Timestamp) -> Timestamp {
    let tomorrow = local_date(zone, at).tomorrow().unwrap_or(Date::MAX);
    let midnight = tomorrow.to_datetime(jiff::civil::Time::midnight());
    zone.to_timestamp(midnight).map_or(Timestamp::MAX, Timestamp::from)
}
