//! What operators ask for, of a running service or of its folder: one implementation for both.

use super::releases::ReleaseStore;
use super::sources;
use super::storage::Storage;
use crate::ingest::intake::{Input, Intake, Taken};
use crate::ingest::kafka::SourceFormat;
use crate::ledger::sqlite::SqliteLedger;
use crate::ledger::{DeadLetter, Gone, Ledger, LedgerEntry, LedgerError, Pause};
use crate::log::Log;
use crate::log::embedded::EmbeddedLog;
use crate::project::{Process, WriteKeyKind};
use crate::worker::{PersonReport, PersonView};
use outreach_engine::Timestamp;
use outreach_engine::event::{Arrival, Envelope, Malformed, MissingTime, Subject};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A request of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Request {
    /// Holds a rule's messages at the gate, or all.
    Pause {
        rule: Option<String>,
    },
    Resume {
        rule: Option<String>,
    },
    /// State, journeys, decisions and why.
    User {
        subject: String,
    },
    DeadLetters {
        after: i64,
        count: u32,
    },
    DeadLetter {
        id: i64,
    },
    /// Enters the letter's input once more, as a source of its own.
    Replay {
        id: i64,
    },
}

/// Looks a person up in their shard.
pub type Viewer = Arc<dyn Fn(Subject<'_>) -> Result<Option<PersonView>, String> + Send + Sync>;

/// Carries requests out.
pub struct Operations {
    pub log: Arc<EmbeddedLog>,
    pub ledger: Arc<SqliteLedger>,
    pub clock: crate::clock::Clock,
    pub viewer: Viewer,
    store: Arc<ReleaseStore<SqliteLedger>>,
    doors: Doors,
}

/// How each door reads: a letter is read again as its door would.
#[derive(Default)]
struct Doors {
    /// Keys that are secret now, as `http:NAME`: what came by any other is unproven when it is replayed, whatever the
    /// key was then.
    server_keys: BTreeSet<String>,
    /// Formats of topics, by `kafka:NAME`.
    formats: BTreeMap<String, SourceFormat>,
}

/// Decisions of a person that are shown.
const ENTRIES_MAX: u32 = 200;
const LETTERS_MAX: u32 = 1_000;

impl Operations {
    pub fn new(
        storage: &Storage,
        process: &Process,
        store: Arc<ReleaseStore<SqliteLedger>>,
        viewer: Viewer,
    ) -> anyhow::Result<Operations> {
        let servers = process.write_keys.iter().filter(|key| key.kind == WriteKeyKind::Server);
        let mut doors = Doors::default();
        doors.server_keys.extend(servers.map(|key| format!("http:{}", key.name)));
        for source in &process.sources {
            doors.formats.insert(format!("kafka:{}", source.name), sources::config(source)?.format);
        }
        Ok(Operations {
            log: storage.log.clone(),
            ledger: storage.ledger.clone(),
            clock: storage.clock.clone(),
            viewer,
            store,
            doors,
        })
    }

    /// Carries out a request in JSON; what is wrong comes back in words.
    pub fn operate(&self, request: &[u8]) -> Result<Value, String> {
        let request: Request =
            serde_json::from_slice(request).map_err(|error| format!("no such command: {error}"))?;
        self.carry_out(&request)
    }

    pub fn carry_out(&self, request: &Request) -> Result<Value, String> {
        match request {
            Request::Pause { rule } => self.set_pause(rule.as_deref(), true),
            Request::Resume { rule } => self.set_pause(rule.as_deref(), false),
            Request::User { subject } => self.user(subject),
            Request::DeadLetters { after, count } => {
                let count = (*count).min(LETTERS_MAX);
                let letters = self.ledger.transaction(|transaction| transaction.dead_letters(*after, count));
                Ok(letters.map_err(words)?.iter().map(|letter| letter_view(letter, false)).collect())
            }
            Request::DeadLetter { id } => Ok(letter_view(&self.letter(*id)?, true)),
            Request::Replay { id } => self.replay(*id),
        }
    }

    fn set_pause(&self, rule: Option<&str>, is_on: bool) -> Result<Value, String> {
        if let (Some(rule), true) = (rule, is_on) {
            self.ensure_rule(rule)?;
        }
        let (what, pauses) = set_pause(&*self.ledger, rule, is_on, (self.clock)()).map_err(words)?;
        let held = pauses.iter().map(|pause| json!({ "rule": pause.rule, "since": pause.since.to_string() }));
        Ok(json!({ "done": what, "paused": held.collect::<Vec<_>>() }))
    }

    /// A pause of a rule that never was would be taken for a pause. People may still be inside rules of earlier releases.
    fn ensure_rule(&self, rule: &str) -> Result<(), String> {
        let stored = self.ledger.transaction(|transaction| transaction.releases()).map_err(words)?;
        let mut known = BTreeSet::new();
        for stored in stored.iter().rev() {
            let Ok(built) = self.store.find(&stored.id) else { continue };
            known.extend(built.release.rules().map(|compiled| compiled.rule.id.to_string()));
            if known.contains(rule) {
                return Ok(());
            }
        }
        let known: Vec<_> = known.into_iter().collect();
        Err(format!(
            "expected a rule that was released: {}; found {rule}. Nothing was paused",
            known.join(", ")
        ))
    }

    fn user(&self, asked: &str) -> Result<Value, String> {
        let report = self.person(asked)?;
        let entries: Vec<Value> = report.entries.iter().map(entry_view).collect();
        Ok(json!({ "subject": report.subject, "person": report.person, "decisions": entries }))
    }

    /// All that is known of a person; an error in words where that is nothing.
    pub fn person(&self, asked: &str) -> Result<PersonReport, String> {
        // A bare id is a user's: people say `outreach user ada`.
        let subject = Subject::parse(asked).unwrap_or(Subject::user(asked));
        let person = (self.viewer)(subject)?;
        let named = subject.to_string();
        let entries = self.ledger.reading(|transaction| transaction.entries(&named, ENTRIES_MAX));
        let entries = entries.map_err(words)?;
        if person.is_none() && entries.is_empty() {
            return Err(format!(
                "nothing is known of {named}: no event of theirs that a rule looks at has come"
            ));
        }
        Ok(PersonReport { subject: named, person, entries })
    }

    fn letter(&self, id: i64) -> Result<DeadLetter, String> {
        let letter = self.ledger.transaction(|transaction| transaction.dead_letter(id)).map_err(words)?;
        letter.ok_or_else(|| {
            format!("expected the number of a dead letter, found {id}: `outreach dlq list` shows them")
        })
    }

    /// The message id names the letter where the input has none, so a letter that is replayed twice counts once.
    fn replay(&self, id: i64) -> Result<Value, String> {
        let letter = self.letter(id)?;
        let mut intake = Intake::new(self.log.partitions());
        let input = Input { source: "dlq", origin: None, payload: &letter.payload };
        let default_message_id = format!("dlq/{id}");
        let (envelope, arrival) = self.doors.read(&letter, &default_message_id);
        if let Taken::DeadLetter(code) = intake.take_envelope(&input, &arrival, envelope) {
            let still = intake.letters().first().map_or("", |letter| letter.reason.as_str());
            return Err(format!("dead letter {id} is still refused: {code}, {still}"));
        }
        let (batch, _) = intake.into_parts();
        self.log.append(batch).map_err(|error| error.to_string())?;
        let now = (self.clock)();
        let noted = self.ledger.transaction(|transaction| {
            transaction.set_replayed(id, now)?;
            transaction.audit(now, "operator", &format!("replay dead letter {id}"))
        });
        noted.map_err(words)?;
        Ok(json!({ "replayed": id }))
    }
}

/// Pauses or resumes a rule, or everything: what was done in words, and all that is held now. The gate goes by it from
/// its next transaction on.
pub fn set_pause<D: Ledger>(
    ledger: &D,
    rule: Option<&str>,
    is_on: bool,
    now: Timestamp,
) -> Result<(String, Vec<Pause>), LedgerError> {
    let what = format!("{} {}", if is_on { "pause" } else { "resume" }, rule.unwrap_or("everything"));
    let pauses = ledger.transaction(|transaction| {
        transaction.set_pause(rule, is_on, now)?;
        transaction.audit(now, "operator", &what)?;
        transaction.pauses()
    })?;
    Ok((what, pauses))
}

impl Doors {
    fn read<'l>(
        &self,
        letter: &'l DeadLetter,
        default_message_id: &'l str,
    ) -> (Result<Envelope<'l>, Malformed>, Arrival<'l>) {
        if let Some(format) = self.formats.get(&letter.source) {
            let arrival = Arrival { default_message_id, ..format.arrival(letter.received_at, None) };
            return (format.envelope(Some(&letter.payload)), arrival);
        }
        let arrival = Arrival {
            received_at: letter.received_at,
            batch_sent_at: None,
            default_kind: letter.kind,
            is_proven: self.server_keys.contains(&letter.source),
            corrects_clock: true,
            default_message_id,
            origin: None,
            missing_time: MissingTime::UseReceivedAt,
        };
        (Envelope::parse(&letter.payload), arrival)
    }
}

fn words(error: LedgerError) -> String {
    error.to_string()
}

fn letter_view(letter: &DeadLetter, is_whole: bool) -> Value {
    let origin = letter.origin.as_ref();
    let mut view = json!({
        "id": letter.id,
        "source": letter.source,
        "topic": origin.map(|(topic, _, _)| topic),
        "partition": origin.map(|(_, partition, _)| partition),
        "offset": origin.map(|(_, _, offset)| offset),
        "code": letter.code,
        "reason": letter.reason,
        "received_at": letter.received_at.to_string(),
        "replayed_at": letter.replayed_at.map(|at| at.to_string()),
        "bytes": letter.payload.len(),
        "count": letter.count,
    });
    if is_whole {
        view["payload"] = String::from_utf8_lossy(&letter.payload).into();
    }
    view
}

fn entry_view(entry: &LedgerEntry) -> Value {
    let decision = &entry.decision;
    let refusal = decision.verdict.refusal();
    let message = entry.message.as_ref().map(
        |(state, at, reason)| json!({ "state": state.as_str(), "at": at.to_string(), "reason": reason }),
    );
    let gone = entry.gone.as_ref().map(|(how, at)| match how {
        Gone::Dismissed => json!({ "how": "dismissed", "at": at.to_string(), "reason": null }),
        Gone::TakenBack(code) => json!({ "how": "taken back", "at": at.to_string(), "reason": code }),
    });
    let facts = decision
        .facts
        .iter()
        .map(|fact| json!({ "what": fact.what, "value": fact.value, "event": fact.event }));
    json!({
        "id": decision.id.to_string(),
        "rule": decision.rule,
        "key": decision.key,
        "step": decision.step,
        "channel": decision.channel.as_str(),
        "template": decision.template,
        "verdict": decision.verdict.code(),
        "reason": refusal.map(|refusal| refusal.code()),
        "why": refusal.map(|refusal| refusal.sentence()),
        "facts": facts.collect::<Vec<_>>(),
        "triggered_at": decision.triggered_at.to_string(),
        "due_at": decision.due_at.to_string(),
        "judged_at": decision.judged_at.to_string(),
        "release": decision.release,
        "message": message,
        "gone": gone,
    })
}
