//! Every door into the log, a file a door.

pub mod intake;
pub mod dead_letters;
pub mod keys;
pub mod identity;
pub mod http;
pub mod kafka;
pub mod outbox;

#[cfg(test)]
mod fake;
