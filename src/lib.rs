//! `outreach` acts; `outreach-engine` decides. Modules stand in the order an event travels.

pub mod clock;
pub mod project;
pub mod ingest;
pub mod log;
pub mod worker;
pub mod ledger;
pub mod dispatch;
pub mod template;
pub mod channel;
pub mod http;
pub mod replay;
pub mod app;
pub mod demo;
pub mod cli;
