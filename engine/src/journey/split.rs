//! The part of a split that a person goes: drawn by a hash, so that it is the same on every machine, each time.

use crate::event::SubjectId;
use sha2::{Digest, Sha256};

/// Where the drawn part begins. The step's name is drawn with, too: else a second split of the rule would part its people
/// as the first did.
pub(super) fn draw(
    parts: &[(u64, u32)],
    seed: u64,
    rule: &str,
    step: &str,
    subject: &SubjectId,
) -> Option<u32> {
    let mut hash = Sha256::new();
    hash.update(b"split");
    hash.update(seed.to_le_bytes());
    for part in [rule, step] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.update([subject.kind as u8]);
    hash.update(subject.id.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let (first, _) = digest.split_first_chunk::<8>().expect("a digest is longer");
    let (sum, _) = parts.last()?;
    // The draw is a number below 2^64; of the sum of the weights it is the same share.
    let drawn = (u128::from(u64::from_le_bytes(*first)) * u128::from(*sum)) >> 64;
    parts.iter().find(|(up_to, _)| drawn < u128::from(*up_to)).map(|(_, begin)| *begin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Subject;

    fn drawn(parts: &[(u64, u32)], step: &str) -> Vec<u32> {
        let one = |n: usize| {
            draw(parts, 7, "rule", step, &Subject::user(&n.to_string()).to_owned()).expect("one of them")
        };
        (0..10_000).map(one).collect()
    }

    #[test]
    fn people_are_parted_by_weight_and_always_in_the_same_way() {
        let parts = [(1, 10), (4, 20)];
        let first = drawn(&parts, "split");
        assert_eq!(first, drawn(&parts, "split"));
        let count = first.iter().filter(|begin| **begin == 10).count();
        assert!((2_350..2_650).contains(&count), "{count}");
    }

    #[test]
    fn two_splits_of_one_rule_part_people_each_for_itself() {
        let parts = [(1, 10), (2, 20)];
        let both = drawn(&parts, "split").into_iter().zip(drawn(&parts, "split-2"));
        let count = both.filter(|(one, two)| one == two).count();
        assert!((4_800..5_200).contains(&count), "{count}");
    }
}
