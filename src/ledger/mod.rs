//! The ledger: decisions with their reasons, messages and what became of them, and who may not be written to.
//!
//! All SQL lives here. One trait and one set of contract tests for every database. Each method of [`Transaction`] is
//! one statement or a few; whoever calls decides what belongs into one transaction.
//!
//! Addresses are compared as [`fold_address`] writes them, in suppressions and in counts for caps; a message keeps the
//! address as it was given.

mod address;
#[doc(hidden)]
pub mod contract;
mod inbox;
pub mod sqlite;

pub use address::fold_address;
pub use inbox::{InboxCounts, InboxEntry, InboxPlace, Reaction};

use outreach_engine::Timestamp;
use outreach_engine::effect::{Cancel, Channel, Decision, DecisionId, NonEntry, OnCap, Verdict};
use outreach_engine::event::{EventKind, OutcomeKind};

/// A ledger. Transactions are serial: one sees all that those before it wrote.
pub trait Ledger: Send + Sync {
    /// Runs `work` in one transaction: committed when it returns Ok, rolled back when it returns Err.
    fn transaction<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError>;

    /// Runs `work`, which only reads: what those ask who watch, beside the work where a ledger can. Sees what was
    /// committed before it began.
    fn reading<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.transaction(work)
    }
}

/// Why the ledger did not do it. Nothing of a failed transaction is there.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The shard's position is not where this owner left it: another owner wrote, or this one did and did not hear of
    /// it. Whoever gets this stops and starts again from the ledger's position.
    #[error(
        "partition {partition} stands at {found} in the ledger, expected {expected}: another owner wrote"
    )]
    Fenced { partition: u32, expected: u64, found: u64 },
    #[error("the ledger is not there: {reason}")]
    Unavailable { reason: String },
    /// It holds what it should not, or was asked for a move that a message's life does not have: waiting mends neither.
    #[error("the ledger holds what was not expected: {reason}")]
    Damaged { reason: String },
}

/// Where a row stands: time first, so that tables grow at their end, then the decision's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    pub judged_at: Timestamp,
    pub id: DecisionId,
}

/// The stations of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageState {
    Queued,
    Held,
    Leaving,
    Sent,
    Failed,
    Unknown,
    Cancelled,
    Expired,
    Skipped,
}

/// A message: what is to be said to whom, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub key: MessageKey,
    pub partition: u32,
    pub rule: String,
    pub release: String,
    /// `user:ada`.
    pub subject: String,
    pub step: String,
    pub channel: Channel,
    pub template: String,
    pub topic: Option<String>,
    /// The true address; empty for channels without one.
    pub address: String,
    pub is_transactional: bool,
    pub on_cap: OnCap,
    pub zone: String,
    pub due_at: Timestamp,
    pub expires_at: Timestamp,
    /// JSON for the template.
    pub render: String,
    pub state: MessageState,
    pub state_at: Timestamp,
    /// Why it is held, failed, cancelled or skipped: a code, and words.
    pub reason: Option<String>,
    /// When dispatch looks at it next (queued and held).
    pub next_at: Timestamp,
    /// How often it was handed to the channel.
    pub attempts: u32,
}

/// A message counted for caps: when it left or is leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub channel: Channel,
    pub at: Timestamp,
}

/// What an address does not want, or what is known to be wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Read back folded.
    pub address: String,
    /// One topic, or everything when absent.
    pub topic: Option<String>,
    pub kind: SuppressionKind,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SuppressionKind {
    Unsubscribed,
    Bounced,
    Complained,
}

/// A record on its way back into the log.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    pub sequence: i64,
    pub partition: u32,
    /// What `Body::encode` wrote.
    pub record: Vec<u8>,
}

/// Input that could not be used, kept with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Given by the ledger; 0 before.
    pub id: i64,
    /// The door: `http:backend`, `kafka:product`, `dlq`.
    pub source: String,
    /// Topic, partition and offset for topics: with `source` they make a letter unique, so a re-read adds none. Without it
    /// `source`, payload and `kind` do, so a client that sends again after a 503 adds none.
    pub origin: Option<(String, u32, u64)>,
    /// A stable code: `malformed-json`, `no-id`.
    pub code: String,
    pub reason: String,
    pub payload: Vec<u8>,
    /// What its door took it for, where it did not say so itself: `POST /v1/track` says it by its path.
    pub kind: Option<EventKind>,
    pub received_at: Timestamp,
    pub replayed_at: Option<Timestamp>,
    /// How often it came, where it has no origin: what is sent again is one letter.
    pub count: u32,
}

/// A release as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRelease {
    pub id: String,
    pub bundle: Vec<u8>,
    pub created_at: Timestamp,
}

/// A hold by an operator: of one rule, or of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub rule: Option<String>,
    pub since: Timestamp,
}

/// A decision as it stands in the ledger, with what became of its message.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerEntry {
    pub decision: Decision,
    pub message: Option<(MessageState, Timestamp, Option<String>)>,
    /// How the message left its person's inbox before it expired, and when.
    pub gone: Option<(Gone, Timestamp)>,
}

/// How a message that a product showed is shown no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    Dismissed,
    /// By this code; none is known of what was taken back by an earlier version.
    TakenBack(Option<String>),
}

/// How many decisions of one step fell in one way, and where their messages stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub rule: String,
    pub step: String,
    pub verdict: Verdict,
    /// Nothing where there is no message.
    pub state: Option<MessageState>,
    pub count: u64,
    /// Of those, how many their people have seen in the product, and followed.
    pub seen: u64,
    pub clicked: u64,
}

/// One transaction of a [`Ledger`].
pub trait Transaction {
    // Shards.
    /// The offset up to which (exclusive) the effects of `partition` are written; 0 at the beginning.
    fn position(&mut self, partition: u32) -> Result<u64, LedgerError>;
    /// Moves the position from `old` to `new`, or fails with `Fenced`: the fence of invariant 3.
    fn move_position(&mut self, partition: u32, old: u64, new: u64) -> Result<(), LedgerError>;
    /// Writes rows for decisions, and a queued message for each that sends. Where a message of that id is there already, the
    /// new one has ended (`skipped: repeated`), with its outcome in the outbox.
    fn insert_decisions(&mut self, partition: u32, decisions: &[Decision]) -> Result<(), LedgerError>;
    /// Adds to the counters of (rule, reason, hour).
    fn count_non_entries(&mut self, non_entries: &[NonEntry]) -> Result<(), LedgerError>;
    /// Takes back messages that have not left, each with an outbox row that says `cancelled`. One that is leaving is
    /// marked: should it come back to the queue, it ends as cancelled. What a product shows is shown no more; all else that
    /// has ended stays as it is.
    fn cancel(&mut self, cancels: &[Cancel]) -> Result<(), LedgerError>;

    // Gate and dispatch.
    /// Queued and held messages of a channel that dispatch should look at now, by (`next_at`, key).
    fn due_messages(
        &mut self,
        channel: Channel,
        now: Timestamp,
        count_max: u32,
    ) -> Result<Vec<Message>, LedgerError>;
    /// When the next queued or held message should be looked at.
    fn next_message_at(&mut self) -> Result<Option<Timestamp>, LedgerError>;
    /// Messages in `leaving` since before `before`.
    fn leaving_since_before(&mut self, before: Timestamp) -> Result<Vec<Message>, LedgerError>;
    fn message(&mut self, key: MessageKey) -> Result<Option<Message>, LedgerError>;
    /// Finds a message by its decision id alone (bounces name no time).
    fn message_by_id(&mut self, id: DecisionId) -> Result<Option<Message>, LedgerError>;
    /// `queued|held -> leaving`; counts an attempt.
    fn set_leaving(&mut self, key: MessageKey, now: Timestamp) -> Result<(), LedgerError>;
    /// Holds a message (`queued|held -> held`), or puts it back (`leaving -> queued`), until `next_at`.
    fn set_waiting(
        &mut self,
        key: MessageKey,
        state: MessageState,
        next_at: Timestamp,
        now: Timestamp,
        reason: &str,
    ) -> Result<(), LedgerError>;
    /// Ends a message, and puts its outcome into the outbox in the same transaction. `detail` is what the channel kept
    /// or answered. A message that has ended already stays as it is; returns whether it moved.
    fn set_ended(
        &mut self,
        key: MessageKey,
        outcome: OutcomeKind,
        at: Timestamp,
        reason: Option<&str>,
        detail: Option<&str>,
    ) -> Result<bool, LedgerError>;
    /// Why a message that is leaving was taken back meanwhile: if it can still be stopped, it is to end as cancelled.
    fn cancel_reason(&mut self, key: MessageKey) -> Result<Option<String>, LedgerError>;
    /// What the channel kept or answered of a message that has ended (`detail` of [`Transaction::set_ended`]).
    fn kept(&mut self, key: MessageKey) -> Result<Option<String>, LedgerError>;
    /// Messages to `address` that left (by their outcome's time) or are leaving (as `now`), since `since`; the
    /// transactional ones are not counted.
    fn counted(
        &mut self,
        address: &str,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Counted>, LedgerError>;

    // What a person's product shows. A subject is written as `user:ada`.
    /// The messages that are shown at `now`, newest first, behind a place.
    fn inbox(
        &mut self,
        subject: &str,
        now: Timestamp,
        behind: InboxPlace,
        count_max: u32,
    ) -> Result<Vec<InboxEntry>, LedgerError>;
    fn inbox_counts(&mut self, subject: &str, now: Timestamp) -> Result<InboxCounts, LedgerError>;
    /// What changed behind the change of that number, in the order of the changes; what is shown no more, too.
    fn inbox_changes(
        &mut self,
        subject: &str,
        behind: i64,
        count_max: u32,
    ) -> Result<Vec<InboxEntry>, LedgerError>;
    /// What ceased to be shown because its time was over: later than `after`, and by `until`.
    fn inbox_expired(
        &mut self,
        subject: &str,
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<DecisionId>, LedgerError>;
    fn inbox_next_expiry(&mut self, subject: &str, now: Timestamp) -> Result<Option<Timestamp>, LedgerError>;
    /// The number of the newest change in anybody's inbox; 0 at the beginning.
    fn inbox_last_change(&mut self) -> Result<i64, LedgerError>;
    /// The changes behind that number, each with whom it is about.
    fn inbox_whose_changed(&mut self, behind: i64, count_max: u32)
    -> Result<Vec<(i64, String)>, LedgerError>;
    /// Notes what a person did with a message, and puts it into the outbox. The first time wins: false where nothing
    /// was new, nothing where this person has no such message.
    fn react(
        &mut self,
        subject: &str,
        id: DecisionId,
        reaction: Reaction,
        at: Timestamp,
    ) -> Result<Option<bool>, LedgerError>;

    /// The rules of all messages that somebody's product shows at `now`.
    fn inbox_rules(&mut self, now: Timestamp) -> Result<Vec<String>, LedgerError>;
    /// Takes back all messages of a rule that are shown at `now`, as `rule-off`; how many.
    fn inbox_take_back(&mut self, rule: &str, now: Timestamp) -> Result<u64, LedgerError>;

    // Consent.
    fn suppressions(&mut self, address: &str) -> Result<Vec<Suppression>, LedgerError>;
    /// Adds or lifts (`is_on = false`) a suppression.
    fn suppress(&mut self, suppression: &Suppression, is_on: bool) -> Result<(), LedgerError>;
    fn push_outbox(&mut self, partition: u32, record: &[u8]) -> Result<(), LedgerError>;
    fn outbox(&mut self, count_max: u32) -> Result<Vec<OutboxRow>, LedgerError>;
    fn delete_outbox(&mut self, up_to_sequence: i64) -> Result<(), LedgerError>;

    // Releases and operators.
    fn insert_release(&mut self, release: &StoredRelease) -> Result<(), LedgerError>;
    fn release(&mut self, id: &str) -> Result<Option<StoredRelease>, LedgerError>;
    /// All releases, oldest first.
    fn releases(&mut self) -> Result<Vec<StoredRelease>, LedgerError>;
    /// The release announced last, and whether all partitions have it.
    fn announced(&mut self) -> Result<Option<(String, bool)>, LedgerError>;
    fn set_announced(&mut self, id: &str, is_complete: bool, now: Timestamp) -> Result<(), LedgerError>;
    fn pauses(&mut self) -> Result<Vec<Pause>, LedgerError>;
    /// Pauses or resumes a rule, or everything.
    fn set_pause(&mut self, rule: Option<&str>, is_on: bool, now: Timestamp) -> Result<(), LedgerError>;
    fn audit(&mut self, now: Timestamp, who: &str, what: &str) -> Result<(), LedgerError>;

    // Dead letters.
    /// Adds letters. One whose (source, origin) is there already is left out; one without an origin whose (source, payload)
    /// is there already is counted with it, and the older stays as it is.
    fn insert_dead_letters(&mut self, letters: &[DeadLetter]) -> Result<(), LedgerError>;
    /// Letters after `after_id`, oldest first.
    fn dead_letters(&mut self, after_id: i64, count_max: u32) -> Result<Vec<DeadLetter>, LedgerError>;
    fn dead_letter(&mut self, id: i64) -> Result<Option<DeadLetter>, LedgerError>;
    /// Says of a source's letters that they are of a topic that was there before: the offsets of the new one are others.
    fn retire_dead_letters(&mut self, source: &str, now: Timestamp) -> Result<(), LedgerError>;
    fn set_replayed(&mut self, id: i64, now: Timestamp) -> Result<(), LedgerError>;

    // Reading, for people.
    /// The entries of one subject, newest first.
    fn entries(&mut self, subject: &str, count_max: u32) -> Result<Vec<LedgerEntry>, LedgerError>;
    /// How many messages stand in each state.
    fn message_counts(&mut self) -> Result<Vec<(MessageState, u64)>, LedgerError>;
    /// The newest entries of all, newest first; without what their templates read.
    fn newest_entries(&mut self, count_max: u32) -> Result<Vec<LedgerEntry>, LedgerError>;
    /// The newest entries of a rule that were judged since then, newest first; without what their templates read.
    fn entries_of_rule(
        &mut self,
        rule: &str,
        since: Timestamp,
        count_max: u32,
    ) -> Result<Vec<LedgerEntry>, LedgerError>;
    /// What was decided since then, counted over the newest so many decisions.
    fn tallies(&mut self, since: Timestamp, count_max: u32) -> Result<Vec<Tally>, LedgerError>;
    /// How often a trigger held and no journey began, by rule and reason, in the hours since then.
    fn non_entries(&mut self, since: Timestamp) -> Result<Vec<(String, String, u64)>, LedgerError>;
    /// Drops dead letters and render contexts that are older than their keep.
    fn forget(&mut self, letters_before: Timestamp, renders_before: Timestamp) -> Result<(), LedgerError>;
}
