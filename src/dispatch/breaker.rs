//! The breaker: a mail server that cannot be used is left alone for a while, longer each time.

use crate::channel::Delivery;
use outreach_engine::effect::Channel;
use outreach_engine::{Length, Timestamp};

/// So many attempts in a row that blame the server open it.
const FAILURES_MIN: u32 = 3;
const OPEN_FOR_MIN: Length = Length::seconds(1);
/// A server that comes back is noticed within this time.
const OPEN_FOR_MAX: Length = Length::seconds(30);

/// A server that failed so long ago and was not tried since is no trouble any more: there is nothing to send.
const TOLD_FOR: Length = Length::minutes(2);

/// The state of the mail server, as its attempts show it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker {
    failures: u32,
    failed_at: Timestamp,
    open_until: Option<Timestamp>,
}

impl Breaker {
    /// Learns from an attempt. One that did not come to the server says nothing of it: a message in the product is kept
    /// without one, and a mail that cannot be written is not sent.
    pub fn saw(&mut self, channel: Channel, delivery: &Delivery, now: Timestamp) {
        if channel != Channel::Email || !delivery.has_asked_server() {
            return;
        }
        if !delivery.blames_server() {
            *self = Breaker::default();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.failed_at = now;
        if self.failures >= FAILURES_MIN {
            let doublings = (self.failures - FAILURES_MIN).min(5);
            let open_for = Length(OPEN_FOR_MIN.0 << doublings).min(OPEN_FOR_MAX);
            self.open_until = Some(now + open_for);
        }
    }

    /// Whether the last attempt blamed the server.
    pub fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Until when a channel's server is left alone; nothing when it may be tried.
    pub fn open_until(&self, channel: Channel, now: Timestamp) -> Option<Timestamp> {
        let until = self.open_until.filter(|_| channel == Channel::Email)?;
        // A clock that was set back must not keep it open.
        (until > now && until <= now + OPEN_FOR_MAX).then_some(until)
    }

    /// Whether a channel's server could not be used when it was last tried: also while it is being tried again, which
    /// may take as long as a timeout.
    pub fn is_in_trouble(&self, channel: Channel, now: Timestamp) -> bool {
        let has_failed = channel == Channel::Email && self.failures >= FAILURES_MIN;
        has_failed && now.since(self.failed_at) <= TOLD_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_open_it_and_one_success_closes_it() {
        let down = Delivery::Transient { code: None, reply: String::new() };
        let refused = Delivery::Transient { code: Some(450), reply: String::new() };
        let now = Timestamp(1_000_000_000);
        let mut breaker = Breaker::default();
        (0..2).for_each(|_| breaker.saw(Channel::Email, &down, now));
        assert_eq!(breaker.open_until(Channel::Email, now), None);
        breaker.saw(Channel::Email, &down, now);
        assert_eq!(breaker.open_until(Channel::Email, now), Some(now + OPEN_FOR_MIN));
        assert_eq!(breaker.open_until(Channel::InProduct, now), None);
        (0..60).for_each(|_| breaker.saw(Channel::Email, &down, now));
        assert_eq!(breaker.open_until(Channel::Email, now), Some(now + OPEN_FOR_MAX));
        breaker.saw(Channel::Email, &refused, now);
        assert_eq!(breaker.open_until(Channel::Email, now), None);
    }

    #[test]
    fn what_never_came_to_the_server_neither_opens_nor_closes_it() {
        let (down, kept) = (
            Delivery::Transient { code: None, reply: String::new() },
            Delivery::Accepted { reply: "kept".into() },
        );
        let unfit = Delivery::Permanent { code: None, reply: "no such template".into() };
        let now = Timestamp(1_000_000_000);
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            breaker.saw(Channel::Email, &down, now);
            breaker.saw(Channel::InProduct, &kept, now);
            breaker.saw(Channel::Email, &unfit, now);
        }
        assert_eq!(breaker.open_until(Channel::Email, now), Some(now + OPEN_FOR_MIN));
        let mut breaker = Breaker::default();
        (0..9).for_each(|_| breaker.saw(Channel::InProduct, &down, now));
        assert!(!breaker.is_in_trouble(Channel::Email, now));
    }

    #[test]
    fn a_server_that_is_being_tried_again_is_told_of_until_it_answers() {
        let down = Delivery::Transient { code: None, reply: String::new() };
        let (now, later) = (Timestamp(1_000_000_000), Timestamp(1_000_000_000) + Length::seconds(20));
        let mut breaker = Breaker::default();
        (0..3).for_each(|_| breaker.saw(Channel::Email, &down, now));
        assert_eq!(breaker.open_until(Channel::Email, later), None, "it is tried");
        assert!(
            breaker.is_in_trouble(Channel::Email, later) && !breaker.is_in_trouble(Channel::InProduct, later)
        );
        assert!(
            !breaker.is_in_trouble(Channel::Email, now + TOLD_FOR + Length::seconds(1)),
            "nothing to send"
        );
        breaker.saw(Channel::Email, &Delivery::Accepted { reply: String::new() }, later);
        assert!(!breaker.is_in_trouble(Channel::Email, later));
    }
}
