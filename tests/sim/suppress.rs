//! People who want no more: as the unsubscribe page does it, in one transaction before it answers.

use crate::dice::Dice;
use crate::ledger::Interloper;
use crate::time::TrueTime;
use outreach::ledger::sqlite::SqliteLedger;
use outreach::ledger::{Ledger, LedgerError, Suppression, SuppressionKind, Transaction, fold_address};
use outreach_engine::Timestamp;
use outreach_engine::effect::{Channel, DecisionId};
use outreach_engine::event::{Body, Consent, ConsentKind, Subject};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// A "no" that was written down.
#[derive(Clone, Debug)]
pub struct No {
    /// True time of its transaction.
    pub at: i64,
    pub user: String,
    pub address: String,
    /// Everything when absent.
    pub topic: Option<String>,
    pub kind: SuppressionKind,
    /// What was leaving then: it may still arrive, for a minute.
    pub leaving: BTreeSet<DecisionId>,
}

/// All of them, as they come.
pub type Nos = Arc<Mutex<Vec<No>>>;

/// Writes a "no" down on `ledger`; an error is for the page to tell, and for the person to try again.
pub fn suppress<L: Ledger>(ledger: &L, partitions: u32, no: No, nos: &Nos) -> Result<(), LedgerError> {
    ledger.transaction(|transaction| {
        write(transaction, partitions, &no)?;
        let leaving = transaction.leaving_since_before(Timestamp::MAX)?;
        let leaving = leaving.into_iter().map(|message| message.key.id).collect();
        nos.lock().expect("no panic while held").push(No { leaving, ..no.clone() });
        Ok(())
    })
}

fn write(transaction: &mut dyn Transaction, partitions: u32, no: &No) -> Result<(), LedgerError> {
    let at = Timestamp(no.at);
    let suppression = Suppression { address: no.address.clone(), topic: no.topic.clone(), kind: no.kind, at };
    transaction.suppress(&suppression, true)?;
    let subject = Subject::user(&no.user);
    let kind = match (no.kind, &no.topic) {
        (SuppressionKind::Unsubscribed, Some(topic)) => ConsentKind::TopicOff(topic.as_str().into()),
        (SuppressionKind::Unsubscribed, None) => ConsentKind::AllOff,
        (SuppressionKind::Bounced, _) => ConsentKind::Bounced(no.address.as_str().into()),
        (SuppressionKind::Complained, _) => ConsentKind::Complained(no.address.as_str().into()),
    };
    let mut record = Vec::new();
    Body::Consent(Consent { subject, kind, at }).encode(&mut record);
    transaction.push_outbox(subject.partition(partitions), &record)
}

/// Somebody with a message on its way, who unsubscribes between two transactions of the service, so often in a million.
pub fn interloper(
    ledger: &Arc<SqliteLedger>,
    partitions: u32,
    time: &TrueTime,
    dice: &Dice,
    nos: &Nos,
    in_a_million: u32,
) -> Interloper {
    let (ledger, time, dice, nos) = (ledger.clone(), time.clone(), dice.clone(), nos.clone());
    Box::new(move || {
        if !dice.happens(in_a_million) {
            return;
        }
        let due = ledger
            .transaction(|transaction| transaction.due_messages(Channel::Email, Timestamp(time.now()), 9));
        let Some(message) = due.expect("the real ledger stands").into_iter().next() else { return };
        let Some(user) = message.subject.strip_prefix("user:") else { return };
        let no = No {
            at: time.now(),
            user: user.to_owned(),
            address: message.address.clone(),
            topic: message.topic.clone(),
            kind: SuppressionKind::Unsubscribed,
            leaving: BTreeSet::new(),
        };
        suppress(&*ledger, partitions, no, &nos).expect("the real ledger stands");
    })
}

impl No {
    /// Whether it speaks of a message of this topic to this address.
    pub fn is_about(&self, address: &str, topic: Option<&str>, is_transactional: bool) -> bool {
        if fold_address(address) != fold_address(&self.address) {
            return false;
        }
        match self.kind {
            SuppressionKind::Bounced | SuppressionKind::Complained => true,
            SuppressionKind::Unsubscribed => {
                !is_transactional && self.topic.as_deref().is_none_or(|own| Some(own) == topic)
            }
        }
    }
}
