//! Where a client stands, as texts that it gives back: a page's end, and how far it has heard a stream.

use crate::ledger::InboxPlace;
use outreach_engine::{DecisionId, Timestamp};
use std::fmt;

/// How far a stream was heard: all changes up to a number, and all that expired up to a time. Prints as `17-1764…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub change: i64,
    pub until: Timestamp,
}

impl Heard {
    pub fn parse(text: &str) -> Option<Heard> {
        let (change, until) = text.split_once('-')?;
        let (change, until): (i64, i64) = (change.parse().ok()?, until.parse().ok()?);
        (change >= 0 && until >= 0).then_some(Heard { change, until: Timestamp(until) })
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.change, self.until.0)
    }
}

/// A cursor names the last message of a page: `1764…-0a1b…`.
pub(super) fn cursor(place: InboxPlace) -> String {
    format!("{}-{}", place.kept_at.0, place.id)
}

pub(super) fn parse_cursor(text: &str) -> Option<InboxPlace> {
    let (kept_at, id) = text.split_once('-')?;
    Some(InboxPlace { kept_at: Timestamp(kept_at.parse().ok()?), id: DecisionId::parse(id)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_out_reads_back_and_nothing_else_does() {
        let heard = Heard { change: 17, until: Timestamp(1_764_000_000_000_000) };
        assert_eq!(Heard::parse(&heard.to_string()), Some(heard));
        let place = InboxPlace { kept_at: Timestamp(5), id: DecisionId([0xab; 16]) };
        assert_eq!(parse_cursor(&cursor(place)), Some(place));
        for none in ["", "-", "1", "1-", "-1-2", "1--2", "x-1", "1-x"] {
            assert_eq!(Heard::parse(none), None, "{none}");
            assert_eq!(parse_cursor(none), None, "{none}");
        }
    }
}
