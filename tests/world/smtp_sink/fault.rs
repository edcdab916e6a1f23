//! The ways in which a mail server goes wrong, and for how often.

use std::time::Duration;

use super::Shared;

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

    /// How often the sink was told to behave; read it before the fault is taken.
    pub fn cleared(&self) -> u64 {
        self.mailbox().faults.cleared
    }

    /// Waits for so long, or until the test says `behave`, be that even before this call but after `cleared` was read.
    pub fn hold_up(&self, at_most: Duration, cleared: u64) {
        let at_most = at_most.min(HELD_AT_MOST);
        let waited = self
            .changed
            .wait_timeout_while(self.mailbox(), at_most, |mailbox| mailbox.faults.cleared == cleared);
        drop(waited.expect("no panic while held"));
    }
}

#[test]
fn behaving_before_the_hold_up_began_ends_it() {
    let sink = super::SmtpSink::start();
    let cleared = sink.shared.cleared();
    sink.behave();
    let started = std::time::Instant::now();
    sink.shared.hold_up(HELD_AT_MOST, cleared);
    assert!(started.elapsed() < HELD_AT_MOST);
}
