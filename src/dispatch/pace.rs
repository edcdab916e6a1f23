//! Pace: how many mails a second one domain is sent.

use crate::ledger::Message;
use outreach_engine::effect::Channel;
use outreach_engine::{Length, Timestamp};
use std::collections::BTreeMap;

/// When each domain may get its next mail.
#[derive(Debug, Default)]
pub struct Pace {
    between: Option<Length>,
    next_at: BTreeMap<String, Timestamp>,
}

/// Domains that are remembered; those whose turn has come are forgotten first.
const DOMAINS_MAX: usize = 10_000;

impl Pace {
    pub fn new(per_second_max: Option<u32>) -> Pace {
        let between = per_second_max.map(|count| Length(1_000_000 / i64::from(count.max(1))));
        Pace { between, next_at: BTreeMap::new() }
    }

    /// Takes the next place for a message; when it may come again, if there is none now.
    pub fn take(&mut self, message: &Message, now: Timestamp) -> Option<Timestamp> {
        let between = self.between.filter(|_| message.channel == Channel::Email)?;
        let domain = message.address.rsplit('@').next().unwrap_or_default().to_lowercase();
        let next_at = self.next_at.get(&domain).copied().unwrap_or(now);
        // A clock that was set back must not stop a domain.
        if next_at > now && next_at <= now + between {
            return Some(next_at);
        }
        if self.next_at.len() >= DOMAINS_MAX {
            self.next_at.retain(|_, at| *at > now);
        }
        self.next_at.insert(domain, now + between);
        None
    }
}
