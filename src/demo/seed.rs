//! Numbers that look random and are the same for the same seed: who plays which part, and their ids.

/// SplitMix64. Good enough to shuffle with; secrets come from elsewhere.
pub(super) struct Seed {
    state: u64,
}

const SECRET_PARTS: usize = 4;

impl Seed {
    pub fn new(seed: u64) -> Seed {
        Seed { state: seed }
    }

    /// A seed that nobody chose.
    pub fn any() -> u64 {
        // Short enough to type again.
        random() % 1_000_000
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[(self.next() % among.len() as u64) as usize]
    }

    /// Takes one of these out.
    pub fn take<T>(&mut self, among: &mut Vec<T>) -> T {
        let at = (self.next() % among.len() as u64) as usize;
        among.swap_remove(at)
    }

    /// A secret for this run, from the system's randomness and no seed.
    pub fn secret(&self) -> String {
        (0..SECRET_PARTS).map(|_| format!("{:016x}", random())).collect()
    }
}

/// Keys of std's hashers come from the system's randomness.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |seed| {
            let mut seed = Seed::new(seed);
            [seed.next(), seed.next(), seed.next()]
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
    }
}
