//! What people look at: in-product messages, unsubscribe, health, metrics.

pub mod admin;
pub mod inapp;
pub mod links;
pub mod unsubscribe;
