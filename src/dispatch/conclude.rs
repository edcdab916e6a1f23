//! What became of a message that was leaving.

use super::{Dispatcher, retry};
use crate::channel::Delivery;
use crate::ledger::{Ledger, LedgerError, Message, MessageState, Suppression, SuppressionKind, Transaction};
use outreach_engine::effect::Channel;
use outreach_engine::event::{Body, Consent, ConsentKind, OutcomeKind, Subject};
use outreach_engine::planted::{self, Bug};
use outreach_engine::{Length, Timestamp};

/// How an attempt ended.
#[derive(Debug)]
pub struct Concluded {
    pub message: Message,
    /// Nothing when it was not handed over in time, and goes back to the gate.
    pub delivery: Option<Delivery>,
    /// What an in-product message says: the ledger keeps it.
    pub kept: Option<String>,
}

/// A message that was not begun to be handed over so long after the gate goes back to it: with the channel's own bounds
/// (handover and reply) a message is in the mailbox within the minute that the gate reckons with, or not at all.
const LEAVING_UNSENT_MAX: Length = Length::seconds(5);

/// What was not handed over is asked again then: what it waits for (templates of a release that cannot be read now, a
/// machine with too much to do) is not there any sooner, and others go first.
const NOT_HANDED_OVER_FOR: Length = Length::seconds(1);

impl<D: Ledger> Dispatcher<D> {
    /// Whether a message that passed the gate is still to be handed over; else it goes back to the gate.
    pub fn may_still_leave(&self, message: &Message) -> bool {
        let now = (self.clock)();
        now.since(message.state_at) <= LEAVING_UNSENT_MAX && message.state_at <= now + LEAVING_UNSENT_MAX
    }

    /// Writes the ends of attempts down, each with its outcome for the log.
    pub fn conclude(&self, ended: &[Concluded]) -> Result<(), LedgerError> {
        let now = (self.clock)();
        self.ledger.transaction(|transaction| self.write_ends(transaction, ended, now))?;
        self.note(ended, now);
        Ok(())
    }

    /// Part of a transaction: each end with its outcome for the log.
    pub(super) fn write_ends(
        &self,
        transaction: &mut dyn Transaction,
        ended: &[Concluded],
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        for concluded in ended {
            conclude(transaction, concluded, now)?;
            // Redirected mail says nothing of the true address.
            let is_hard = matches!(concluded.delivery, Some(Delivery::HardBounce { .. }));
            if is_hard && self.letters.redirect_all_to.is_none() {
                suppress_bounced(transaction, &concluded.message, now)?;
            }
        }
        Ok(())
    }

    /// Learns from attempts whose ends are written.
    pub(super) fn note(&self, ended: &[Concluded], now: Timestamp) {
        let mut breaker = self.breaker.lock().expect("no panic while held");
        for concluded in ended {
            let Some(delivery) = &concluded.delivery else { continue };
            let channel = concluded.message.channel;
            let had_failed = breaker.has_failed();
            breaker.saw(channel, delivery, now);
            match (had_failed, breaker.has_failed()) {
                (false, true) => {
                    tracing::warn!(reason = fault(delivery), "the mail server cannot be used: messages wait");
                }
                (true, false) => tracing::info!("the mail server is used again"),
                (true, true) | (false, false) => {}
            }
            let (channel, end) = (channel.as_str(), delivery.code());
            metrics::counter!("outreach_deliveries_total", "channel" => channel, "end" => end).increment(1);
        }
    }
}

/// Why the server could not be used, in words for logs: a server's own may name a person.
fn fault(delivery: &Delivery) -> &str {
    match delivery {
        Delivery::Transient { reply: why, .. } | Delivery::Unknown { why } if !why.contains('@') => why,
        Delivery::Transient { .. }
        | Delivery::Unknown { .. }
        | Delivery::Accepted { .. }
        | Delivery::Permanent { .. }
        | Delivery::HardBounce { .. } => delivery.code(),
    }
}

impl Concluded {
    pub(super) fn blames_server(&self) -> bool {
        self.message.channel == Channel::Email && self.delivery.as_ref().is_some_and(Delivery::blames_server)
    }
}

fn conclude(transaction: &mut dyn Transaction, ended: &Concluded, now: Timestamp) -> Result<(), LedgerError> {
    let message = &ended.message;
    // What was swept meanwhile has its end, or is on its way again.
    let now_stands = transaction.message(message.key)?;
    if now_stands.is_none_or(|now| now.state != MessageState::Leaving || now.attempts != message.attempts) {
        return Ok(());
    }
    let Some(delivery) = &ended.delivery else {
        let again_at = now + NOT_HANDED_OVER_FOR;
        return transaction.set_waiting(message.key, MessageState::Queued, again_at, now, "not-handed-over");
    };
    let is_in_product = message.channel == Channel::InProduct;
    let taken_back = if is_in_product { transaction.cancel_reason(message.key)? } else { None };
    let mut end = |outcome, reason: Option<&str>, detail: Option<&str>| {
        transaction.set_ended(message.key, outcome, now, reason, detail).map(drop)
    };
    match delivery {
        // Nobody outside has it yet: one that was taken back while it was leaving is not kept.
        Delivery::Accepted { .. } if taken_back.is_some() => {
            end(OutcomeKind::Cancelled, taken_back.as_deref(), None)
        }
        Delivery::Accepted { reply } => {
            end(OutcomeKind::Sent, None, Some(ended.kept.as_deref().unwrap_or(reply)))
        }
        Delivery::Transient { reply, .. } => {
            let wait = if delivery.blames_server() { retry::unsaid_next_at } else { retry::next_at };
            let next_at = wait(now, message.attempts);
            transaction.set_waiting(
                message.key,
                MessageState::Queued,
                next_at,
                now,
                &format!("try-again: {reply}"),
            )
        }
        Delivery::Permanent { reply, .. } | Delivery::HardBounce { reply, .. } => {
            end(OutcomeKind::Failed, Some(reply), None)
        }
        // It may have been taken. What must arrive goes again, under the same Message-ID; the rest never.
        Delivery::Unknown { why } if may_go_again(message) => {
            let next_at = retry::next_at(now, message.attempts);
            transaction.set_waiting(
                message.key,
                MessageState::Queued,
                next_at,
                now,
                &format!("unknown: {why}"),
            )
        }
        Delivery::Unknown { why } => end(OutcomeKind::Unknown, Some(why), None),
    }
}

/// Whether a message of which nobody knows whether it was taken goes again: what must arrive does. So does one in the
/// product, which is taken when its end is written, and so was not.
pub(super) fn may_go_again(message: &Message) -> bool {
    let is_in_product = message.channel == Channel::InProduct && !planted::is_on(Bug::InProductUnknown);
    message.is_transactional || is_in_product || planted::is_on(Bug::UnknownRepeated)
}

/// The address does not exist: nothing more goes there, and the person's shard hears of it.
fn suppress_bounced(
    transaction: &mut dyn Transaction,
    message: &Message,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let suppression = Suppression {
        address: message.address.clone(),
        topic: None,
        kind: SuppressionKind::Bounced,
        at: now,
    };
    transaction.suppress(&suppression, true)?;
    let Some(subject) = Subject::parse(&message.subject) else { return Ok(()) };
    let kind = ConsentKind::Bounced(message.address.as_str().into());
    let mut record = Vec::new();
    Body::Consent(Consent { subject, kind, at: now }).encode(&mut record);
    transaction.push_outbox(message.partition, &record)
}
