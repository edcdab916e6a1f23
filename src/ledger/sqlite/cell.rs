//! Values as cells: one form for each, written and read here alone.
//!
//! Times are integers of microseconds, decision ids blobs of 16 bytes, words of closed sets their stable codes.

use super::error::unknown;
use crate::ledger::{LedgerError, MessageKey, MessageState, SuppressionKind};
use outreach_engine::effect::{Channel, DecisionId, Fact, OnCap, Verdict};
use outreach_engine::{Refusal, Timestamp};
use rusqlite::Row;
use std::sync::Arc;

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, LedgerError> {
    Ok(Timestamp(row.get(column)?))
}

/// The key in two columns, the time first.
pub(super) fn key(row: &Row<'_>, column: usize) -> Result<MessageKey, LedgerError> {
    Ok(MessageKey { judged_at: time(row, column)?, id: DecisionId(row.get(column + 1)?) })
}

pub(super) fn arc(row: &Row<'_>, column: usize) -> Result<Arc<str>, LedgerError> {
    Ok(row.get(column)?)
}

impl MessageState {
    const ALL: [MessageState; 9] = [
        MessageState::Queued,
        MessageState::Held,
        MessageState::Leaving,
        MessageState::Sent,
        MessageState::Failed,
        MessageState::Unknown,
        MessageState::Cancelled,
        MessageState::Expired,
        MessageState::Skipped,
    ];

    /// The word in tables, in metrics and for people.
    pub fn as_str(self) -> &'static str {
        match self {
            MessageState::Queued => "queued",
            MessageState::Held => "held",
            MessageState::Leaving => "leaving",
            MessageState::Sent => "sent",
            MessageState::Failed => "failed",
            MessageState::Unknown => "unknown",
            MessageState::Cancelled => "cancelled",
            MessageState::Expired => "expired",
            MessageState::Skipped => "skipped",
        }
    }
}

pub(super) fn state(text: &str) -> Result<MessageState, LedgerError> {
    let known = MessageState::ALL.into_iter().find(|state| state.as_str() == text);
    known.ok_or_else(|| unknown("message state", text))
}

pub(super) fn suppression_kind_code(kind: SuppressionKind) -> &'static str {
    match kind {
        SuppressionKind::Unsubscribed => "unsubscribed",
        SuppressionKind::Bounced => "bounced",
        SuppressionKind::Complained => "complained",
    }
}

pub(super) fn suppression_kind(text: &str) -> Result<SuppressionKind, LedgerError> {
    use SuppressionKind::*;
    let known =
        [Unsubscribed, Bounced, Complained].into_iter().find(|kind| suppression_kind_code(*kind) == text);
    known.ok_or_else(|| unknown("suppression", text))
}

pub(super) fn channel(text: &str) -> Result<Channel, LedgerError> {
    Channel::parse(text).ok_or_else(|| unknown("channel", text))
}

pub(super) fn on_cap(text: &str) -> Result<OnCap, LedgerError> {
    let known = [OnCap::Skip, OnCap::Wait].into_iter().find(|on_cap| on_cap.as_str() == text);
    known.ok_or_else(|| unknown("on_cap", text))
}

pub(super) fn verdict(code: &str, refusal: Option<&str>) -> Result<Verdict, LedgerError> {
    match (code, refusal) {
        ("send", None) => Ok(Verdict::Send),
        ("shadow", None) => Ok(Verdict::Shadow),
        ("holdout", None) => Ok(Verdict::Holdout),
        ("refuse", Some(code)) => {
            Refusal::from_code(code).map(Verdict::Refuse).ok_or_else(|| unknown("refusal", code))
        }
        (code, _) => Err(unknown("verdict", code)),
    }
}

/// `[[what, value, event or null], …]`.
pub(super) fn facts_json(facts: &[Fact]) -> String {
    let rows: Vec<(&str, &str, Option<&str>)> =
        facts.iter().map(|fact| (&*fact.what, &*fact.value, fact.event.as_deref())).collect();
    serde_json::to_string(&rows).expect("texts are always JSON")
}

pub(super) fn facts(json: &str) -> Result<Vec<Fact>, LedgerError> {
    let rows: Vec<(String, String, Option<String>)> = serde_json::from_str(json)
        .map_err(|error| LedgerError::Damaged { reason: format!("a decision's facts: {error}") })?;
    let fact = |(what, value, event): (String, String, Option<String>)| Fact {
        what: what.into(),
        value: value.into(),
        event: event.map(Arc::from),
    };
    Ok(rows.into_iter().map(fact).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for known in MessageState::ALL {
            assert_eq!(state(known.as_str()).unwrap(), known);
        }
        for refusal in Refusal::ALL {
            let verdict_in = Verdict::Refuse(refusal);
            assert_eq!(verdict(verdict_in.code(), Some(refusal.code())).unwrap(), verdict_in);
        }
        for plain in [Verdict::Send, Verdict::Shadow, Verdict::Holdout] {
            assert_eq!(verdict(plain.code(), None).unwrap(), plain);
        }
        assert!(state("lost").unwrap_err().to_string().contains("newer version"));
        assert!(verdict("refuse", None).is_err());
    }

    #[test]
    fn facts_read_back() {
        let all = vec![
            Fact { what: "trigger".into(), value: r#""Signed \"Up\"""#.into(), event: Some("m-1".into()) },
            Fact { what: "traits.country".into(), value: "null".into(), event: None },
        ];
        assert_eq!(facts(&facts_json(&all)).unwrap(), all);
        assert!(facts("{").is_err());
    }
}
