//! Ways out to people: one folder a channel, of the same shape.
//!
//! `compose` makes of a rendered message the very thing that leaves, the same bytes each time; delivering hands it over
//! and answers with a [`Delivery`]. Nothing here decides, retries or waits for a better moment: that is dispatch.

pub mod email;
pub mod in_product;
pub mod unsubscribe_token;

use email::Composed;
use outreach_engine::effect::Channel;
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

    /// Whether the server was asked, or it was tried to: a message that is unfit by itself says nothing of the server.
    pub fn has_asked_server(&self) -> bool {
        !matches!(self, Delivery::Permanent { code: None, .. })
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

/// A message of any channel, composed and ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    Email(Box<Composed>),
    /// The JSON that [`in_product::compose`] made.
    InProduct(String),
}

/// How an [`Outgoing`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    pub delivery: Delivery,
    /// What the ledger keeps beside the outcome, so that the product can show it.
    pub kept: Option<String>,
}

impl Outgoing {
    pub fn channel(&self) -> Channel {
        match self {
            Outgoing::Email(_) => Channel::Email,
            Outgoing::InProduct(_) => Channel::InProduct,
        }
    }

    /// One attempt, by whichever channel it is for.
    pub async fn deliver(self, mailer: &impl Mailer) -> Handed {
        match self {
            Outgoing::Email(mail) => Handed { delivery: mailer.deliver(*mail).await, kept: None },
            Outgoing::InProduct(kept) => Handed { delivery: in_product::deliver(), kept: Some(kept) },
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A mail server that nobody may ask.
    struct NoServer;

    impl Mailer for NoServer {
        async fn deliver(&self, _: Composed) -> Delivery {
            unreachable!("an in-product message needs no mail server")
        }
    }

    #[tokio::test]
    async fn an_in_product_message_is_kept_without_a_mail_server() {
        let message = Outgoing::InProduct("{}".into());
        assert_eq!(message.channel(), Channel::InProduct);
        let handed = message.deliver(&NoServer).await;
        assert_eq!((handed.delivery.code(), handed.kept.as_deref()), ("accepted", Some("{}")));
    }
}
