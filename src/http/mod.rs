//! What people look at: health, metrics, the dashboard, unsubscribe.

pub mod access;
pub mod admin;
pub mod dashboard;
pub mod links;
pub mod unsubscribe;
