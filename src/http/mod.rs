//! What people look at: in-product messages, the dashboard, unsubscribe, health, metrics.

pub mod access;
pub mod admin;
pub mod dashboard;
pub mod inapp;
pub mod links;
pub mod unsubscribe;
