//! Holdout: a part of everybody gets nothing and is compared. Drawn by a hash, so that the same person is in the same
//! arm on every machine, for ever.

use crate::event::SubjectId;
use crate::release::Settings;
use crate::rule::{Rule, Share};
use crate::state::Arm;
use sha2::{Digest, Sha256};

/// The arm of a person who enters `rule`: the global holdout first, then the rule's.
pub fn draw(settings: &Settings, rule: &Rule, subject: &SubjectId) -> Arm {
    // The global holdout is from all marketing: a rule that only says what must be said is none.
    let is_marketing = rule.messages().any(|message| !message.is_transactional);
    if is_marketing && settings.holdout.is_some_and(|share| is_drawn(settings.hash_seed, "", subject, share))
    {
        return Arm::GlobalHoldout;
    }
    // A rename moves nobody to another arm.
    let name = rule.formerly.as_ref().unwrap_or(&rule.id);
    let own = rule.goal.as_ref().and_then(|goal| goal.holdout);
    if own.is_some_and(|share| is_drawn(settings.hash_seed, name, subject, share)) {
        return Arm::RuleHoldout;
    }
    Arm::Treated
}

fn is_drawn(seed: u64, rule: &str, subject: &SubjectId, share: Share) -> bool {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update((rule.len() as u64).to_le_bytes());
    hash.update(rule.as_bytes());
    hash.update([subject.kind as u8]);
    hash.update(subject.id.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let (first, _) = digest.split_first_chunk::<8>().expect("a digest is longer");
    // The draw is a number below 2^64; the share of it that is held out is share / 1,000,000.
    u128::from(u64::from_le_bytes(*first)) * 1_000_000 < u128::from(share.0) << 64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Subject;

    #[test]
    fn about_the_wanted_part_is_drawn_and_always_the_same_people() {
        let drawn = |seed| {
            (0..10_000)
                .filter(|n| {
                    is_drawn(seed, "welcome", &Subject::user(&n.to_string()).to_owned(), Share(100_000))
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert!((900..1_100).contains(&drawn(7).len()), "{}", drawn(7).len());
    }
}
