//! When a message that was not taken is tried again.

use outreach_engine::{Length, Timestamp};

const FIRST: Length = Length::seconds(5);
/// Greylisting lets a second attempt through after some minutes; mailboxes are full for hours.
const LONGEST: Length = Length::hours(1);
/// A server that nobody could speak with said nothing of the message: it leaves soon after the server is back, and while
/// it waits `/readyz` tells, which forgets after two minutes without an attempt (`breaker.rs`).
const LONGEST_UNSAID: Length = Length::minutes(1);

/// The moment of the next attempt, after so many (1 or more): 5 s, doubling up to an hour.
pub(super) fn next_at(now: Timestamp, attempts: u32) -> Timestamp {
    let doublings = attempts.saturating_sub(1).min(20);
    now + Length(FIRST.0 << doublings).min(LONGEST)
}

/// The same where the server could not be used: at most a minute.
pub(super) fn unsaid_next_at(now: Timestamp, attempts: u32) -> Timestamp {
    next_at(now, attempts).min(now + LONGEST_UNSAID)
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

    #[test]
    fn a_server_that_cannot_be_used_is_tried_every_minute_at_the_least() {
        let after = |attempts| unsaid_next_at(Timestamp::EPOCH, attempts).since(Timestamp::EPOCH);
        assert_eq!([after(1), after(4), after(5), after(100)].map(|l| l.0 / 1_000_000), [5, 40, 60, 60]);
    }
}
