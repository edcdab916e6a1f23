//! Reasons as operators read them. The codes are stable and stand in docs/refusals.md; what has no words here is shown as
//! its code.

use crate::ledger::MessageState;
use outreach_engine::Refusal;
use outreach_engine::effect::{Channel, Verdict};

/// Why a message is held, ended, or no journey began; by code.
const REASONS: &[(&str, &str)] = &[
    // When a trigger holds.
    ("rule-off", "the rule is switched off"),
    ("audience", "the person was not in the audience"),
    ("once-per", "the rule has had its turn with them"),
    ("muted", "another rule's journey mutes this one"),
    ("keys-max", "too many open keys of one person"),
    // At the gate.
    ("paused", "paused by an operator"),
    ("expired", "too late to be of use"),
    ("not-in-delivery-list", "this service may not write to that address"),
    ("suppressed", "the address bounced, complained, or wants nothing"),
    ("topic-opt-out", "the address has opted out of the topic"),
    ("stale", "its partition is behind, so an exit may not be known yet"),
    ("cap", "the address has had as many messages as the caps allow"),
    ("quiet-hours", "it is night where the person is"),
    ("server-down", "the mail server does not answer"),
    ("pace", "so many go out a second, and no more"),
    // After it left, or was taken back.
    ("not-handed-over", "not handed over in time, so asked again"),
    ("try-again", "the mail server said: not now"),
    ("repeated", "this very message was decided before"),
    ("unknown", "nobody knows whether the mail server took it"),
    ("exit", "the person did what ends the journey"),
    ("inbox-full", "a newer message took its place: so many were shown"),
];

/// A code in words.
pub(super) fn reason(code: &str) -> &str {
    REASONS.iter().find(|(known, _)| *known == code).map_or(code, |(_, words)| words)
}

/// A verdict in a word: what stands in its mark.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Send => "Yes",
        Verdict::Refuse(_) => "No",
        Verdict::Shadow => "Shadow",
        Verdict::Holdout => "Held out",
    }
}

/// Why it fell so, as a sentence without its end.
pub(super) fn why(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Send => "nothing stands against it",
        Verdict::Refuse(refusal) => Refusal::sentence(refusal),
        Verdict::Shadow => "decided and recorded only: the rule is in shadow",
        Verdict::Holdout => "drawn into the part that gets nothing and is compared",
    }
}

/// What stands between the event and why it fell so.
pub(super) fn joint(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Send => " happened, and ",
        Verdict::Refuse(_) => " happened, but ",
        Verdict::Shadow | Verdict::Holdout => " happened; ",
    }
}

/// Where a message stands, in words.
pub(super) fn state(state: MessageState, channel: Channel) -> &'static str {
    match (state, channel) {
        (MessageState::Queued, _) => "waits to leave",
        (MessageState::Held, _) => "held",
        (MessageState::Leaving, _) => "on its way out",
        (MessageState::Sent, Channel::Email) => "sent",
        (MessageState::Sent, Channel::InProduct) => "put into their inbox",
        (MessageState::Failed, _) => "failed",
        (MessageState::Unknown, _) => "perhaps sent",
        (MessageState::Cancelled, _) => "taken back",
        (MessageState::Expired, _) => "expired",
        (MessageState::Skipped, _) => "not sent",
    }
}

/// How it is said to the person: `email`.
pub(super) fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::InProduct => "in the product",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_documentation_has_words() {
        let page = include_str!("../../../docs/refusals.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let without: Vec<_> =
            rows.filter(|code| Refusal::from_code(code).is_none() && reason(code) == *code).collect();
        assert!(without.is_empty(), "no words for {without:?}");
    }
}
