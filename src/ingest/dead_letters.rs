//! Where unusable input goes: the one thing that doors ask of the ledger.

use crate::ledger::{DeadLetter, Ledger, LedgerError};

/// Keeps dead letters. A trait of its own, since a door needs nothing else of a ledger and `Ledger` is no trait object.
pub trait DeadLetters: Send + Sync {
    /// Keeps all of `letters` or none; durable when it returns. A letter whose (source, origin), or where it has no origin
    /// whose (source, payload) is kept already adds none.
    fn put(&self, letters: &[DeadLetter]) -> Result<(), LedgerError>;
}

impl<L: Ledger> DeadLetters for L {
    fn put(&self, letters: &[DeadLetter]) -> Result<(), LedgerError> {
        self.transaction(|transaction| transaction.insert_dead_letters(letters))
    }
}
