//! What people look at: health, metrics, unsubscribe.

pub mod admin;
pub mod links;
pub mod unsubscribe;
