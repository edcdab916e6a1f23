//! What a crash left: messages that passed the gate, and of which nobody heard again.

use super::Dispatcher;
use super::conclude::may_go_again;
use crate::ledger::{Ledger, LedgerError, MessageState};
use outreach_engine::event::OutcomeKind;

impl<D: Ledger> Dispatcher<D> {
    /// Ends messages that have been leaving for too long: a marketing one may have been handed over, so it becomes
    /// unknown and is never repeated; a transactional one is queued again, and so is one in the product, which was not kept. Returns how many there were.
    pub fn sweep(&self) -> Result<usize, LedgerError> {
        let now = (self.clock)();
        self.ledger.transaction(|transaction| {
            let left = transaction.leaving_since_before(now - self.limits.leaving_for_max)?;
            for message in &left {
                if may_go_again(message) {
                    transaction.set_waiting(
                        message.key,
                        MessageState::Queued,
                        now,
                        now,
                        "unknown: no word of it",
                    )?;
                } else {
                    let why = Some("no word of it since it left");
                    transaction.set_ended(message.key, OutcomeKind::Unknown, now, why, None)?;
                }
            }
            Ok(left.len())
        })
    }
}
