//! When a message that was not taken is tried again.

use outreach_engine::{Length, Timestamp};

const FIRST: Length = Length::seconds(5);
/// Greylisting lets a second attempt through after some minutes; mailboxes are full for hours.
const LONGEST: Length = Length::hours(1);

/// The moment of the next attempt, after so many (1 or more): 5 s, doubling up to an hour.
pub(super) fn next_at(now: Timestamp, attempts: u32) -> Timestamp {
    let doublings = attempts.saturating_sub(1).min(20);
    now + Length(FIRST.0 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_an_hour() {
        let after = |attempts| next_at(Timestamp::EPOCH, attempts).since(Timestamp::EPOCH);
        assert_eq!([after(0), after(1), after(2), after(3)].map(|l| l.0 / 1_000_000), [5, 5, 10, 20]);
        assert_eq!(after(100), LONGEST);
    }
}
