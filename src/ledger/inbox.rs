//! What a person's product shows of the messages that were kept for it.

use super::MessageKey;
use outreach_engine::Timestamp;
use outreach_engine::effect::DecisionId;
use outreach_engine::event::OutcomeKind;

/// A kept in-product message, and what its person did with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    pub key: MessageKey,
    pub topic: Option<String>,
    /// What `in_product::compose` made; absent once its words are forgotten.
    pub kept: Option<String>,
    pub kept_at: Timestamp,
    /// It is shown before this.
    pub expires_at: Timestamp,
    pub seen_at: Option<Timestamp>,
    pub clicked_at: Option<Timestamp>,
    pub dismissed_at: Option<Timestamp>,
    /// Taken back after it was kept.
    pub cancelled_at: Option<Timestamp>,
    /// The number of its newest change.
    pub change: i64,
}

/// Where a page of an inbox ends: the time and id of its last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxPlace {
    pub kept_at: Timestamp,
    pub id: DecisionId,
}

/// Of the messages that are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxCounts {
    pub total: u64,
    pub unseen: u64,
}

/// What a person does with a message in their product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reaction {
    Seen,
    Clicked,
    Dismissed,
}

impl InboxPlace {
    /// Before every message.
    pub const NEWEST: InboxPlace = InboxPlace { kept_at: Timestamp(i64::MAX), id: DecisionId([0xff; 16]) };
}

impl InboxEntry {
    /// Whether the product shows it at `now`.
    pub fn is_shown(&self, now: Timestamp) -> bool {
        self.expires_at > now
            && self.dismissed_at.is_none()
            && self.cancelled_at.is_none()
            && self.kept.is_some()
    }

    /// When the person did this for the first time.
    pub fn reacted_at(&self, reaction: Reaction) -> Option<Timestamp> {
        match reaction {
            Reaction::Seen => self.seen_at,
            Reaction::Clicked => self.clicked_at,
            Reaction::Dismissed => self.dismissed_at,
        }
    }
}

impl Reaction {
    /// The reactions that this one says: nobody clicks or dismisses what they have not seen.
    pub fn implied(self) -> &'static [Reaction] {
        match self {
            Reaction::Seen => &[Reaction::Seen],
            Reaction::Clicked => &[Reaction::Seen, Reaction::Clicked],
            Reaction::Dismissed => &[Reaction::Seen, Reaction::Dismissed],
        }
    }

    /// What the log hears of it.
    pub fn outcome(self) -> OutcomeKind {
        match self {
            Reaction::Seen => OutcomeKind::Seen,
            Reaction::Clicked => OutcomeKind::Clicked,
            Reaction::Dismissed => OutcomeKind::Dismissed,
        }
    }
}
