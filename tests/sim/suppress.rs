//! People who want no more.
//!
//! Who unsubscribes clicks a link of a mail: token, scope and transaction are those of the unsubscribe page
//! (`http::links`); only the HTTP around them is left out, for it hands over to other threads. The service has no door for
//! complaints yet, so what such a door must do is written here: suppression and record in one transaction.

use crate::dice::Dice;
use crate::ledger::Interloper;
use crate::time::TrueTime;
use outreach::channel::unsubscribe_token::{Claims, Key, sign};
use outreach::clock::Clock;
use outreach::http::links::Links;
use outreach::ledger::sqlite::SqliteLedger;
use outreach::ledger::{Ledger, LedgerError, Suppression, SuppressionKind, fold_address};
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

/// The key that signs the links of mails.
pub fn key() -> Key {
    Key::new(b"sixteen bytes or more").expect("long enough")
}

/// What is leaving at this moment: nobody can come between, for there is one thread.
pub fn leaving(ledger: &SqliteLedger) -> BTreeSet<DecisionId> {
    let leaving = ledger.transaction(|transaction| transaction.leaving_since_before(Timestamp::MAX));
    leaving.expect("the real ledger stands").into_iter().map(|message| message.key.id).collect()
}

/// Writes a "no" down by `ledger`, a way to `real`; an error is for the page to tell, and for the person to try again.
pub fn suppress<L: Ledger>(
    ledger: &Arc<L>,
    real: &SqliteLedger,
    clock: Clock,
    partitions: u32,
    no: No,
    nos: &Nos,
) -> Result<(), LedgerError> {
    match no.kind {
        SuppressionKind::Unsubscribed => click(ledger, clock, partitions, &no)?,
        SuppressionKind::Bounced | SuppressionKind::Complained => {
            complain(&**ledger, clock, partitions, &no)?
        }
    }
    nos.lock().expect("no panic while held").push(No { leaving: leaving(real), ..no });
    Ok(())
}

/// One click of a mail program ends the topic of its mail, our own form everything.
fn click<L: Ledger>(ledger: &Arc<L>, clock: Clock, partitions: u32, no: &No) -> Result<(), LedgerError> {
    let links = Links {
        ledger: ledger.clone(),
        key: key(),
        sender_name: "Acme".into(),
        topic_name: Arc::new(|_| None),
        partitions,
        clock,
    };
    let claims = Claims {
        decision: DecisionId([7; 16]),
        subject: Subject::user(&no.user).to_owned(),
        address: no.address.clone(),
        topic: no.topic.clone().unwrap_or_else(|| "onboarding".into()),
    };
    let form: &[u8] = if no.topic.is_some() { b"List-Unsubscribe=One-Click" } else { b"scope=all" };
    let (claims, scope) = links.asked(&sign(&key(), &claims), form).expect("our own token");
    links.unsubscribe(&claims, scope)
}

fn complain<L: Ledger>(ledger: &L, clock: Clock, partitions: u32, no: &No) -> Result<(), LedgerError> {
    let (at, subject) = (clock(), Subject::user(&no.user));
    let suppression = Suppression { address: no.address.clone(), topic: no.topic.clone(), kind: no.kind, at };
    let kind = ConsentKind::Complained(no.address.as_str().into());
    let mut record = Vec::new();
    Body::Consent(Consent { subject, kind, at }).encode(&mut record);
    ledger.transaction(|transaction| {
        transaction.suppress(&suppression, true)?;
        transaction.push_outbox(subject.partition(partitions), &record)
    })
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
        let now = time.now();
        let clock: Clock = Arc::new(move || Timestamp(now));
        suppress(&ledger, &ledger, clock, partitions, no, &nos).expect("the real ledger stands");
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
