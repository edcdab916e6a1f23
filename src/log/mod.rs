//! The log: all that can change a decision, in order.
