//! A message as a page gets it: the ledger's row has its own form, and names what is nobody's business outside.

use crate::ledger::{InboxCounts, InboxEntry};
use outreach_engine::Timestamp;
use serde_json::{Value, json};

/// The JSON of a message that is shown.
pub(super) fn message(entry: &InboxEntry) -> Value {
    let kept = entry.kept.as_deref().and_then(|kept| serde_json::from_str::<Value>(kept).ok());
    let kept = kept.unwrap_or_default();
    json!({
        "id": entry.key.id.to_string(),
        "kind": kept["kind"],
        "title": kept["title"],
        "body": kept["body"],
        "body_html": kept["body_html"],
        "action": kept["action"],
        "topic": entry.topic,
        "sent_at": entry.kept_at.to_string(),
        "expires_at": entry.expires_at.to_string(),
        "seen_at": time(entry.seen_at),
        "clicked_at": time(entry.clicked_at),
    })
}

pub(super) fn counts(counts: InboxCounts) -> Value {
    json!({ "total": counts.total, "unseen": counts.unseen })
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
