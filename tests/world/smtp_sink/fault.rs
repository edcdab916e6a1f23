//! The ways in which a mail server goes wrong, and for how often.

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use super::{Mailbox, Shared};

/// No test holds a client up for longer.
const HELD_AT_MOST: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The greeting comes so late.
    SlowGreeting(Duration),
    /// 421 instead of the greeting.
    RefuseGreeting,
    /// This reply to RCPT for this recipient, such as "550 5.1.1 no such mailbox".
    RefuseRecipient { recipient: String, reply: String },
    /// This reply to the final dot of a mail to this recipient, which is not kept.
    RefuseData { recipient: String, reply: String },
    /// The mail is kept at once, its reply comes so late.
    SlowReply(Duration),
    /// The mail is kept at once, its reply waits for `SmtpSink::behave`.
    HoldReply,
    /// The mail is kept, and the connection cut without a reply: acceptance without reply.
    DropAfterData,
    /// The connection is cut at the final dot, and the mail is not kept.
    DropBeforeAcceptance,
}

/// What is still to happen; the first that fits is taken.
#[derive(Default)]
pub struct Plan {
    faults: Vec<(Fault, usize)>,
    cleared: u64,
}

impl Plan {
    pub fn add(&mut self, fault: Fault, times: usize) {
        self.faults.push((fault, times));
    }

    pub fn clear(&mut self) {
        self.faults.clear();
        self.cleared += 1;
    }

    /// The first fault that fits, used up by one.
    fn take(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let position = self.faults.iter().position(|(fault, _)| fits(fault))?;
        let (fault, times) = &mut self.faults[position];
        let fault = fault.clone();
        *times = times.saturating_sub(1);
        if *times == 0 {
            self.faults.remove(position);
        }
        Some(fault)
    }
}

impl Shared {
    pub fn fault(&self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        self.mailbox().faults.take(fits)
    }

    /// Waits for so long, or until the test says `behave`.
    pub fn hold_up(&self, at_most: Duration) {
        let mailbox = self.mailbox();
        let cleared = mailbox.faults.cleared;
        let until = Instant::now() + at_most.min(HELD_AT_MOST);
        self.wait_cleared(mailbox, cleared, until);
    }

    fn wait_cleared(&self, mailbox: MutexGuard<'_, Mailbox>, cleared: u64, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let waited =
            self.changed.wait_timeout_while(mailbox, left, |mailbox| mailbox.faults.cleared == cleared);
        drop(waited.expect("no panic while held"));
    }
}
