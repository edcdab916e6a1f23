//! What goes wrong, and when: made from the seed before the run.

use crate::dice::Dice;
use crate::mail_server::Mood;
use crate::people::ACTS_FOR;
use crate::time::{HOUR, MINUTE, SECOND};

/// One thing that goes wrong, or is well again.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The process dies where it stands.
    Crash {
        owner: usize,
    },
    /// The machine's clock is so far ahead from now on.
    Jump {
        owner: usize,
        ahead: i64,
    },
    /// Calls to log and ledger fail, and kill, so often in a million.
    Calls {
        errors: u32,
        crashes: u32,
    },
    Mail(Mood),
    /// The source cannot be read for so long.
    Stall {
        for_long: i64,
    },
    /// The process does nothing for so long, and does not know.
    Pause {
        owner: usize,
        for_long: i64,
    },
    /// The second owner comes, and goes.
    SecondComes,
    SecondGoes,
    /// The newest snapshot of a partition is torn.
    Tear {
        partition: u32,
    },
}

/// All that goes wrong in a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// By time since the start.
    pub faults: Vec<(i64, Fault)>,
    pub is_faulty: bool,
}

/// Clocks that are kept by NTP are off so far at most. Far below the grace that absences leave for events on their way.
pub const KEPT_CLOCK_MAX: i64 = 10 * SECOND;
const WRONG_CLOCK_MAX: i64 = 3 * HOUR;

impl Plan {
    pub fn without_faults() -> Plan {
        Plan { faults: Vec::new(), is_faulty: false }
    }

    pub fn of(seed: u64) -> Plan {
        let dice = Dice::new(seed, 2);
        let has_wrong_clock = dice.happens(150_000);
        let ahead_max = if has_wrong_clock { WRONG_CLOCK_MAX } else { KEPT_CLOCK_MAX };
        let mut faults = vec![(0, Fault::Mail(Mood::Normal))];
        let mut add = |at: i64, fault| faults.push((at, fault));
        let at = || dice.between(MINUTE, ACTS_FOR);
        for _ in 0..dice.between(0, 8) {
            add(at(), Fault::Crash { owner: dice.between(0, 2) as usize });
        }
        for _ in 0..dice.between(0, 6) {
            let ahead = dice.between(-ahead_max, ahead_max + 1);
            add(at(), Fault::Jump { owner: dice.between(0, 2) as usize, ahead });
        }
        add(0, Fault::Calls { errors: 2_000, crashes: 500 });
        for _ in 0..dice.between(0, 4) {
            let (from, errors) = (at(), dice.between(10_000, 400_000) as u32);
            add(from, Fault::Calls { errors, crashes: errors / 20 });
            add(from + dice.between(SECOND, HOUR), Fault::Calls { errors: 2_000, crashes: 500 });
        }
        for _ in 0..dice.between(0, 6) {
            let from = at();
            add(from, Fault::Mail(*dice.one(&[Mood::Slow, Mood::Slow, Mood::Silent, Mood::Down])));
            add(from + dice.between(SECOND, 12 * HOUR), Fault::Mail(Mood::Normal));
        }
        // A source that stands still is known by the owner's own clock alone: both wrong at once is more than ticks
        // can bear.
        for _ in 0..if has_wrong_clock { 0 } else { dice.between(0, 4) } {
            add(at(), Fault::Stall { for_long: dice.between(SECOND, 2 * HOUR) });
        }
        for _ in 0..dice.between(0, 4) {
            let from = at();
            add(from, Fault::SecondComes);
            if dice.happens(500_000) {
                let for_long = dice.between(SECOND, HOUR);
                add(from + dice.between(-MINUTE, MINUTE), Fault::Pause { owner: 0, for_long });
            }
            add(from + dice.between(MINUTE, HOUR), Fault::SecondGoes);
        }
        for _ in 0..dice.between(0, 4) {
            add(at(), Fault::Tear { partition: dice.between(0, 2) as u32 });
        }
        faults.sort_by_key(|(at, _)| *at);
        Plan { faults, is_faulty: true }
    }
}
