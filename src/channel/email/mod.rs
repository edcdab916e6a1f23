//! Email: composed by lettre, handed over by our own SMTP connection.
//!
//! The connection is our own because lettre's does not tell whether the end of the message had left when a
//! connection broke, and "never twice" hangs on just that (see `smtp.rs`, `reply.rs`).

mod compose;
mod pool;
mod reply;
#[cfg(test)]
mod scripted_server;
mod session;
mod smtp;
#[cfg(test)]
mod tests;
mod tls;
mod wire;

pub use compose::{ComposeError, Composed, Draft, compose};
pub use pool::EmailChannel;
pub use smtp::{Login, SmtpSettings, Timeouts};
pub use tls::TlsKind;
