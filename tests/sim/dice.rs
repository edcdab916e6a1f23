//! All chance of a run, from its seed: SplitMix64 (Steele, Lea, Flood 2014), in streams that do not disturb each other.

use std::sync::{Arc, Mutex};

/// A stream of chance. Clones draw from the same stream.
#[derive(Clone, Debug)]
pub struct Dice(Arc<Mutex<u64>>);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Dice {
    /// The stream `name` of this seed.
    pub fn new(seed: u64, name: u64) -> Dice {
        Dice(Arc::new(Mutex::new(mix(seed.wrapping_mul(GOLDEN) ^ mix(name.wrapping_add(GOLDEN))))))
    }

    pub fn number(&self) -> u64 {
        let mut state = self.0.lock().expect("no panic while held");
        *state = state.wrapping_add(GOLDEN);
        mix(*state)
    }

    /// `from <= number < until`.
    pub fn between(&self, from: i64, until: i64) -> i64 {
        assert!(from < until, "expected {from} below {until}");
        from + (self.number() % (until - from) as u64) as i64
    }

    /// Of a million throws, so many are true.
    pub fn happens(&self, in_a_million: u32) -> bool {
        in_a_million > 0 && self.number() % 1_000_000 < u64::from(in_a_million)
    }

    pub fn one<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.between(0, of.len() as i64) as usize]
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
