//! All that follows from a record: one closed enum, on one screen.

use crate::event::SubjectId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The effects of one record, in order.
pub type Effects = Vec<Effect>;

/// What the engine asks of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A judged message step, or a holdout entry: one row of the ledger.
    Decide(Box<Decision>),
    /// Take a message back: if it has not left, or out of the product that shows it.
    Cancel(Cancel),
    /// A trigger held and no journey began: a counter, no row.
    Count(NonEntry),
    /// A record that the engine could not use.
    Reject(Reject),
}

/// The name of a decision for people, providers, links and `Message-ID`: 128 bits of SHA-256 over length-prefixed
/// (rule id, subject at entry, trigger key, occurrence, step name). Prints as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DecisionId(pub [u8; 16]);

/// What was decided about one step for one person, and the facts that made it so.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub id: DecisionId,
    pub rule: Arc<str>,
    pub release: Arc<str>,
    pub subject: SubjectId,
    /// The value of the trigger's `key`, empty where the rule has none.
    pub key: Arc<str>,
    pub step: Arc<str>,
    pub channel: Channel,
    pub template: Arc<str>,
    pub topic: Option<Arc<str>>,
    pub verdict: Verdict,
    pub is_transactional: bool,
    pub on_cap: OnCap,
    pub triggered_at: Timestamp,
    pub due_at: Timestamp,
    pub judged_at: Timestamp,
    /// After this the message is not sent any more.
    pub expires_at: Timestamp,
    /// `traits.email` when judged; only where the verdict is to send mail.
    pub address: Option<Arc<str>>,
    /// The person's time zone when judged: the gate keeps quiet hours by it.
    pub zone: Arc<str>,
    /// What the template reads, as JSON: roots `traits`, `properties`, `context`, `event`, `person`. `{}` when refused.
    pub render: Arc<str>,
    pub facts: Vec<Fact>,
}

/// Something that was known when a decision fell, and where it was known from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The path or the matter: `traits.country`, `trigger`, `cap email 1 per day`.
    pub what: Arc<str>,
    /// Its value as JSON, or a sentence.
    pub value: Arc<str>,
    /// The message id of the event that made it so, where one did.
    pub event: Option<Arc<str>>,
}

/// To send or not to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Send,
    Refuse(Refusal),
    /// Decided and recorded by a shadow rule; nothing is sent.
    Shadow,
    /// In the arm that gets nothing and is compared.
    Holdout,
}

/// Why a judged message step is not sent. Each guard rail names its own; codes are stable (rules.md, "Guard rails").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    Late,
    Exit,
    Audience,
    Suppressed,
    TopicOptOut,
    NoAddress,
    Muted,
    Cap,
}

/// Why a trigger that held began no journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NonEntryReason {
    RuleOff,
    /// The rule changed, and says that those inside leave.
    RuleChanged,
    Audience,
    OncePer,
    Muted,
    /// A hundred-and-first open key: the oldest fell. Or so many keys entered that no further one may.
    KeysMax,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonEntry {
    pub rule: Arc<str>,
    pub reason: NonEntryReason,
    /// When the trigger held.
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    pub decision: DecisionId,
    pub reason: CancelReason,
    pub at: Timestamp,
}

/// Why a message is taken back. Codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CancelReason {
    /// A guard rail would refuse it now.
    Refused(Refusal),
    /// Its rule is switched off.
    RuleOff,
    /// Its rule changed, and says that those inside leave.
    RuleChanged,
    /// The person had so many messages in the product that a newer one took its place.
    InboxFull,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub reason: String,
}

/// The ways out to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Channel {
    Email = 0,
    InProduct = 1,
}

/// What a cap does to a message: drop it, or hold it until the cap frees or the message expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum OnCap {
    #[default]
    Skip = 0,
    Wait = 1,
}

impl Refusal {
    /// All refusals, in the order in which they are asked.
    pub const ALL: [Refusal; 8] = [
        Refusal::Late,
        Refusal::Exit,
        Refusal::Audience,
        Refusal::Suppressed,
        Refusal::TopicOptOut,
        Refusal::NoAddress,
        Refusal::Muted,
        Refusal::Cap,
    ];

    /// The stable code: the ledger stores it, `/metrics` labels by it.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::Late => "late",
            Refusal::Exit => "exit",
            Refusal::Audience => "audience",
            Refusal::Suppressed => "suppressed",
            Refusal::TopicOptOut => "topic-opt-out",
            Refusal::NoAddress => "no-address",
            Refusal::Muted => "muted",
            Refusal::Cap => "cap",
        }
    }

    /// What operators read.
    pub fn sentence(self) -> &'static str {
        match self {
            Refusal::Late => "it was judged too long after it was due",
            Refusal::Exit => "the person did what ends this rule's journey",
            Refusal::Audience => "the person is no longer in the rule's audience",
            Refusal::Suppressed => {
                "nothing may be sent to this person: bounced, complained, or all messages off"
            }
            Refusal::TopicOptOut => "the person has opted out of this topic",
            Refusal::NoAddress => "the person has no email address",
            Refusal::Muted => "another rule's journey mutes this one",
            Refusal::Cap => "the person has had as many messages as the caps allow",
        }
    }

    pub fn from_code(code: &str) -> Option<Refusal> {
        Refusal::ALL.into_iter().find(|refusal| refusal.code() == code)
    }

    /// Whether the journey ends with it; else it goes on to its next step (rules.md, "Steps").
    pub fn ends_journey(self) -> bool {
        matches!(self, Refusal::Exit | Refusal::Audience | Refusal::TopicOptOut)
    }
}

impl CancelReason {
    /// The stable code: the ledger stores it.
    pub fn code(self) -> &'static str {
        match self {
            CancelReason::Refused(refusal) => refusal.code(),
            CancelReason::RuleOff => "rule-off",
            CancelReason::RuleChanged => "rule-changed",
            CancelReason::InboxFull => "inbox-full",
        }
    }
}

impl From<Refusal> for CancelReason {
    fn from(refusal: Refusal) -> CancelReason {
        CancelReason::Refused(refusal)
    }
}

impl NonEntryReason {
    pub fn code(self) -> &'static str {
        match self {
            NonEntryReason::RuleOff => "rule-off",
            NonEntryReason::RuleChanged => "rule-changed",
            NonEntryReason::Audience => "audience",
            NonEntryReason::OncePer => "once-per",
            NonEntryReason::Muted => "muted",
            NonEntryReason::KeysMax => "keys-max",
        }
    }
}

impl Verdict {
    pub fn code(self) -> &'static str {
        match self {
            Verdict::Send => "send",
            Verdict::Refuse(_) => "refuse",
            Verdict::Shadow => "shadow",
            Verdict::Holdout => "holdout",
        }
    }

    pub fn refusal(self) -> Option<Refusal> {
        if let Verdict::Refuse(refusal) = self { Some(refusal) } else { None }
    }
}

impl Channel {
    pub const ALL: [Channel; 2] = [Channel::Email, Channel::InProduct];

    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::InProduct => "in_product",
        }
    }

    pub fn parse(text: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.as_str() == text)
    }
}

impl OnCap {
    pub fn as_str(self) -> &'static str {
        match self {
            OnCap::Skip => "skip",
            OnCap::Wait => "wait",
        }
    }
}

impl DecisionId {
    /// Reads the 32 hexadecimal digits that [`fmt::Display`] prints.
    pub fn parse(text: &str) -> Option<DecisionId> {
        let mut id = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(DecisionId(id))
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
