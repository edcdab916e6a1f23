//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// How often a condition that nobody announces is looked at: well under what a test would notice.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks until `condition` gives a value; `None` once `at_most` has passed.
pub fn for_value<T>(at_most: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + at_most;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if Instant::now() >= until {
            return None;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Looks until `condition` holds; fails the test with `what` once `at_most` has passed.
#[track_caller]
pub fn until(what: &str, at_most: Duration, mut condition: impl FnMut() -> bool) {
    let held = for_value(at_most, || condition().then_some(()));
    assert!(held.is_some(), "waited {at_most:?} for this, in vain: {what}");
}
