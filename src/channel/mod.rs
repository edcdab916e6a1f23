//! Ways out to people: one folder a channel, of the same shape.
//!
//! `compose` makes of a rendered message the very thing that leaves, the same bytes each time; delivering hands it over
//! and answers with a [`Delivery`]. Nothing here decides, retries or waits for a better moment: that is dispatch.

pub mod email;
pub mod in_product;
pub mod unsubscribe_token;

use email::Composed;
use std::future::Future;
use std::sync::Arc;

/// What became of one attempt to hand a message over.
///
/// The line that matters runs between *before* and *after* the end of the message was sent: before it nothing was
/// handed over and the message may be tried again; after it, without an answer, nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The other side has taken the message and said so.
    Accepted { reply: String },
    /// Not taken, may be tried again. `code` is the server's 4xx about this message; `None` says that the server
    /// itself could not be used (no connection, TLS, login, a timeout, 421), whatever the message.
    Transient { code: Option<u16>, reply: String },
    /// Not taken and never will be. `code` is the server's 5xx; `None` says that no server was asked, for the message
    /// itself is unfit.
    Permanent { code: Option<u16>, reply: String },
    /// Not taken because the address does not exist: permanent, and the address is to be suppressed.
    HardBounce { code: u16, reply: String },
    /// The whole message was sent and the answer never came. It may have been taken: a marketing message is not
    /// repeated.
    Unknown { why: String },
}

impl Delivery {
    /// The stable code: metrics label by it.
    pub fn code(&self) -> &'static str {
        match self {
            Delivery::Accepted { .. } => "accepted",
            Delivery::Transient { .. } => "transient",
            Delivery::Permanent { .. } => "permanent",
            Delivery::HardBounce { .. } => "hard-bounce",
            Delivery::Unknown { .. } => "unknown",
        }
    }

    /// Whether the server could not be used, so that other messages will fare no better: a breaker counts these.
    pub fn blames_server(&self) -> bool {
        match self {
            Delivery::Transient { code, .. } => code.is_none(),
            Delivery::Unknown { .. } => true,
            Delivery::Accepted { .. } | Delivery::Permanent { .. } | Delivery::HardBounce { .. } => false,
        }
    }
}

/// Who hands mail over: [`email::EmailChannel`] in service, a simulated server in the simulation.
pub trait Mailer: Send + Sync {
    /// One attempt. It never fails otherwise than by its answer; how long it may take is the mailer's own to bound.
    fn deliver(&self, mail: Composed) -> impl Future<Output = Delivery> + Send;
}

impl<M: Mailer> Mailer for Arc<M> {
    fn deliver(&self, mail: Composed) -> impl Future<Output = Delivery> + Send {
        M::deliver(self, mail)
    }
}
