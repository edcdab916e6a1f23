//! Write keys: who may send events, how many and how large a second, and how far they are trusted.
//!
//! Keys are held as SHA-256 hashes. All are compared, in constant time, so that an answer's delay tells nothing.

use governor::clock::Clock;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};
use std::num::NonZeroU32;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// What a key may do (rules.md, "Identity and the reading of events").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Secret, held by the product's servers: its events are proven.
    Server,
    /// Public, seen by everybody: its events are kept, but unproven.
    Browser,
}

/// A write key, as configured. `secret` is the key itself, without white space around it.
#[derive(Clone)]
pub struct WriteKey {
    pub name: String,
    pub kind: KeyKind,
    pub secret: String,
    pub events_per_second_max: NonZeroU32,
    /// Of bodies, unzipped.
    pub bytes_per_second_max: NonZeroU32,
}

/// All keys of a service.
pub struct Keys(Vec<Known>);

/// A key as it is held.
pub struct Known {
    pub name: String,
    pub kind: KeyKind,
    /// What dead letters and metrics call this door: `http:backend`.
    pub source: String,
    hash: [u8; 32],
    events: Rate,
    bytes: Rate,
}

/// So many a second, and so many at once.
struct Rate {
    limiter: DefaultDirectRateLimiter,
    burst: NonZeroU32,
}

/// The largest batch (rules.md, "Answers"): a key whose rate is smaller can still send one, and then waits for it.
const BURST_EVENTS_MIN: NonZeroU32 = NonZeroU32::new(super::http::BATCH_EVENTS_MAX as u32).unwrap();
/// The largest body, for the same reason.
const BURST_BYTES_MIN: NonZeroU32 = NonZeroU32::new(super::http::BODY_BYTES_MAX as u32).unwrap();

impl Keys {
    pub fn new(keys: impl IntoIterator<Item = WriteKey>) -> Keys {
        Keys(keys.into_iter().map(Known::new).collect())
    }

    /// The key that `secret` is.
    pub fn find(&self, secret: &str) -> Option<&Known> {
        let hash = hash_of(secret);
        let mut found = None;
        for known in &self.0 {
            if bool::from(known.hash.ct_eq(&hash)) {
                found = Some(known);
            }
        }
        found
    }
}

impl Known {
    fn new(key: WriteKey) -> Known {
        Known {
            source: format!("http:{}", key.name),
            hash: hash_of(&key.secret),
            events: Rate::new(key.events_per_second_max, BURST_EVENTS_MIN),
            bytes: Rate::new(key.bytes_per_second_max, BURST_BYTES_MIN),
            name: key.name,
            kind: key.kind,
        }
    }

    /// Takes a body of `bytes` with so many `events` out of the key's rates, or says how long to wait. What was sent was
    /// sent: the bytes of a body that has too many events are spent.
    pub fn spend(&self, events: usize, bytes: usize) -> Result<(), Duration> {
        self.bytes.spend(bytes)?;
        self.events.spend(events)
    }
}

impl Rate {
    fn new(per_second_max: NonZeroU32, burst_min: NonZeroU32) -> Rate {
        let burst = per_second_max.max(burst_min);
        Rate { limiter: RateLimiter::direct(Quota::per_second(per_second_max).allow_burst(burst)), burst }
    }

    fn spend(&self, count: usize) -> Result<(), Duration> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let Some(count) = NonZeroU32::new(count) else { return Ok(()) };
        let now = self.limiter.clock().now();
        match self.limiter.check_n(count.min(self.burst)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(not_until.wait_time_from(now)),
            // Above the burst, which the line before excludes.
            Err(_) => Err(Duration::from_secs(1)),
        }
    }
}

fn hash_of(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, secret: &str, per_second_max: u32) -> WriteKey {
        let rate = NonZeroU32::new(per_second_max).unwrap();
        WriteKey {
            name: name.into(),
            kind: KeyKind::Server,
            secret: secret.into(),
            events_per_second_max: rate,
            bytes_per_second_max: rate,
        }
    }

    #[test]
    fn a_key_is_found_by_its_whole_secret_only() {
        let keys = Keys::new([key("a", "secret-a", 1), key("b", "secret-b", 1)]);
        assert_eq!(keys.find("secret-b").map(|known| known.source.as_str()), Some("http:b"));
        for wrong in ["", "secret", "secret-", "secret-c", "SECRET-A"] {
            assert!(keys.find(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_slow_key_may_send_one_large_batch_and_then_waits() {
        let keys = Keys::new([key("slow", "s", 10)]);
        let known = keys.find("s").unwrap();
        let largest = super::super::http::BATCH_EVENTS_MAX;
        assert_eq!(known.spend(largest, 1), Ok(()));
        let wait = known.spend(largest, 1).unwrap_err();
        assert!(wait > Duration::from_secs(240) && wait <= Duration::from_secs(250), "{wait:?}");
    }

    #[test]
    fn few_events_that_are_large_are_bounded_by_their_bytes() {
        let keys = Keys::new([key("slow", "s", 10_000)]);
        let known = keys.find("s").unwrap();
        let largest = super::super::http::BODY_BYTES_MAX;
        assert_eq!(known.spend(1, largest), Ok(()));
        let wait = known.spend(1, largest).unwrap_err();
        assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(52), "{wait:?}");
    }
}
