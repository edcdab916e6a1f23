//! What people look at: health, metrics, unsubscribe.

pub mod unsubscribe;
