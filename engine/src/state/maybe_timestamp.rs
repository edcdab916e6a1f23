//! An instant, or none, in eight bytes: an `Option<Timestamp>` takes sixteen, and there are millions of them.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An instant, or none. It is written as the option that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<Timestamp>", into = "Option<Timestamp>")]
pub struct MaybeTimestamp(Timestamp);

/// Before the year 1: no record bears it.
const NONE: Timestamp = Timestamp::MIN;

impl MaybeTimestamp {
    pub fn get(self) -> Option<Timestamp> {
        (self.0 != NONE).then_some(self.0)
    }
}

impl Default for MaybeTimestamp {
    fn default() -> Self {
        MaybeTimestamp(NONE)
    }
}

impl From<Option<Timestamp>> for MaybeTimestamp {
    fn from(at: Option<Timestamp>) -> Self {
        MaybeTimestamp(at.unwrap_or(NONE))
    }
}

impl From<MaybeTimestamp> for Option<Timestamp> {
    fn from(at: MaybeTimestamp) -> Self {
        at.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_option_that_it_stands_for() {
        assert_eq!(MaybeTimestamp::default().get(), None);
        for at in [None, Some(Timestamp::EPOCH), Some(Timestamp(-1)), Some(Timestamp::MAX)] {
            assert_eq!(MaybeTimestamp::from(at).get(), at);
        }
    }
}
