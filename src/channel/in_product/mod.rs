//! In-product messages: kept, and shown by the product when the person looks.
//!
//! Delivering one is keeping it: what `compose` gives goes into the ledger with the outcome, in one transaction, so an
//! attempt has only one end.

mod compose;

pub use compose::compose;

use crate::channel::Delivery;

/// What became of a message that the ledger keeps.
pub fn deliver() -> Delivery {
    Delivery::Accepted { reply: "kept".into() }
}
