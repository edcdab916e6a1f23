//! The simulated mail server: what it accepted and when, by its own clock, which is the true one.
//!
//! What a client can see follows the email channel's limits: the message is over within 15 s of the call, or nothing was
//! handed over; the answer comes within 40 s after that, or nobody knows.

use crate::dice::Dice;
use crate::people::BOUNCES;
use crate::time::SECOND;
use outreach::channel::Delivery;
use outreach::channel::email::Composed;
use outreach_engine::effect::DecisionId;

/// As `channel::email::Timeouts` has them.
const HANDOVER: i64 = 15 * SECOND;
const END: i64 = 40 * SECOND;

/// How the server behaves just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Good,
    /// Now and then it errs, and now and then an answer is lost.
    Normal,
    /// Takes what it may at every step.
    Slow,
    /// Takes messages and does not answer.
    Silent,
    /// No connection.
    Down,
}

/// What becomes of one attempt, in true time.
#[derive(Clone, Debug)]
pub struct Course {
    /// The end of the message was sent; nothing was handed over before.
    pub handed_over_at: Option<i64>,
    /// The server has it.
    pub accepted_at: Option<i64>,
    /// What the client hears, and when.
    pub answered_at: i64,
    pub delivery: Delivery,
}

/// A mail in somebody's mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub decision: DecisionId,
    pub to: String,
    pub at: i64,
    pub message_id: String,
    pub subject: String,
    pub left: Left,
}

/// When a message passed the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// True time.
    pub at: i64,
    /// How far the machine's clock was ahead of it.
    pub ahead: i64,
}

#[derive(Debug)]
pub struct MailServer {
    pub mood: Mood,
    pub accepted: Vec<Accepted>,
    dice: Dice,
}

impl MailServer {
    pub fn new(dice: Dice) -> MailServer {
        MailServer { mood: Mood::Good, accepted: Vec::new(), dice }
    }

    /// How an attempt that begins at `now` will go.
    pub fn take(&self, mail: &Composed, now: i64) -> Course {
        let dice = &self.dice;
        let (before, after) = match self.mood {
            Mood::Good => (SECOND / 10, SECOND / 10),
            Mood::Normal => (SECOND, 2 * SECOND),
            Mood::Slow => (HANDOVER, 2 * END),
            Mood::Silent => (SECOND, 2 * SECOND),
            Mood::Down => (SECOND, SECOND),
        };
        let nothing = |at: i64, delivery: Delivery| Course {
            handed_over_at: None,
            accepted_at: None,
            answered_at: at,
            delivery,
        };
        let reply = |text: &str| text.to_owned();
        let connected_at = now + dice.between(1, before + 1);
        if self.mood == Mood::Down {
            let reply = reply("no connection");
            return nothing(connected_at, Delivery::Transient { code: None, reply });
        }
        if mail.envelope_to.to_string().starts_with(BOUNCES) {
            let reply = reply("550 5.1.1 no such user");
            return nothing(connected_at, Delivery::HardBounce { code: 550, reply });
        }
        let errs = if self.mood == Mood::Good { 0 } else { 40_000 };
        if dice.happens(errs) {
            let code = if dice.happens(500_000) { Some(451) } else { None };
            return nothing(connected_at, Delivery::Transient { code, reply: reply("try again") });
        }
        if dice.happens(errs / 10) {
            return nothing(connected_at, Delivery::Permanent { code: Some(554), reply: reply("no") });
        }
        let took = dice.between(1, after + 1);
        let unknown = || Delivery::Unknown { why: reply("no answer after the end of the message") };
        let is_lost = match self.mood {
            Mood::Good => false,
            Mood::Normal | Mood::Slow => dice.happens(30_000),
            Mood::Silent => true,
            Mood::Down => true,
        };
        // Who has not decided when the client hangs up has not taken it.
        let accepted_at = (took <= END && !(is_lost && dice.happens(300_000))).then_some(connected_at + took);
        let is_heard = took <= END && !is_lost;
        let (answered_at, delivery) = if is_heard {
            (connected_at + took, Delivery::Accepted { reply: reply("250 ok") })
        } else {
            (connected_at + END, unknown())
        };
        Course { handed_over_at: Some(connected_at), accepted_at, answered_at, delivery }
    }
}

/// A header of a mail, name and all; empty where there is none.
pub fn header(mail: &Composed, name: &str) -> String {
    let text = String::from_utf8_lossy(&mail.bytes);
    let is_it = |line: &&str| line.to_ascii_lowercase().starts_with(&name.to_ascii_lowercase());
    text.lines().find(is_it).unwrap_or_default().to_owned()
}
