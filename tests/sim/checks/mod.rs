//! What must be true of a run when it is over.
//!
//! No check is looser where clocks are wrong: each goes by what the very machine showed that acted. A gate whose clock is an
//! hour ahead keeps quiet hours that are an hour off, and no more; a cap is as long as the two clocks that measured it make
//! it; a tick may say as much more than was read as its writer's clock was ahead, and who was right all along gets nothing.

mod doors;
mod engine;
mod gate;
mod mailboxes;

use crate::log::Author;
use crate::project::{self, first_steps};
use crate::world::{PARTITIONS, World};
use outreach::app::releases::ReleaseStore;
use outreach::ledger::sqlite::SqliteLedger;
use outreach::ledger::{Ledger, LedgerEntry};
use outreach::log::Frame;
use outreach_engine::Timestamp;
use outreach_engine::effect::{Decision, DecisionId};
use outreach_engine::event::Body;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What stands for an entry: rule, user, key, due_at.
pub type EntryRow = (String, String, String, Timestamp);

/// How a run ended.
#[derive(Default)]
pub struct Findings {
    pub entries: BTreeSet<EntryRow>,
    /// People of whom a door took an event for one of now, since the machine's clock was behind what it claimed.
    pub clipped: BTreeSet<String>,
    pub decisions: usize,
    pub accepted: usize,
    pub violations: Vec<String>,
}

type Rows = BTreeMap<(Timestamp, DecisionId), LedgerEntry>;

/// The releases of the ledger, compiled anew: not those of a process that may have compiled them too early.
struct Releases(ReleaseStore<SqliteLedger>);

/// A run that is over, as the checks look at it.
struct Seen<'w> {
    world: &'w World,
    ledger: Rows,
    releases: Releases,
    violations: Vec<String>,
}

/// Everything that is asked of a run by itself.
pub fn check(world: &mut World) -> Findings {
    let violations = std::mem::take(&mut world.violations);
    let mut found = Findings { accepted: world.server.accepted.len(), violations, ..Findings::default() };
    if !found.violations.is_empty() {
        return found;
    }
    // What the run is held against is sound, whatever is planted.
    #[cfg(feature = "planted-bugs")]
    outreach_engine::planted::plant(None);
    let store = ReleaseStore::compiling_by(world.durable.ledger.clone(), project::compile);
    let releases = Releases(store);
    let mut seen = Seen { world, ledger: ledger_entries(world), releases, violations: Vec::new() };
    let engine = engine::check(&mut seen);
    mailboxes::check(&mut seen);
    gate::check(&mut seen);
    found.clipped = doors::check(&mut seen);
    found.violations = std::mem::take(&mut seen.violations);
    found.decisions = seen.ledger.len();
    found.entries = entries(&seen.ledger);
    let rows: Vec<String> = seen.ledger.values().map(|entry| format!("{entry:?}")).collect();
    engine.iter().for_each(|bytes| world.trace.bytes(bytes));
    rows.iter().for_each(|row| world.trace.bytes(row.as_bytes()));
    found
}

impl Releases {
    fn find(&self, id: &str) -> Arc<outreach_engine::Release> {
        self.0
            .find(id)
            .unwrap_or_else(|error| panic!("a release that was announced: {error}"))
            .release
            .clone()
    }
}

impl Seen<'_> {
    fn decisions(&self) -> BTreeMap<DecisionId, &Decision> {
        self.ledger.values().map(|entry| (entry.decision.id, &entry.decision)).collect()
    }

    /// Shows every record: partition, place, who wrote it.
    fn each_record(&self, mut see: impl FnMut(u32, usize, Author, &outreach_engine::Record<'_>)) {
        let disk = self.world.durable.log.disk.lock().expect("no panic while held");
        for partition in 0..PARTITIONS as usize {
            let mut place = 0;
            for (entry, authors) in disk.partitions[partition].iter().zip(&disk.authors[partition]) {
                let mut of_each = authors.iter().flat_map(|author| (0..author.count).map(move |_| *author));
                let frame = Frame::decode(&entry.frame).expect("the log holds whole frames");
                for record in frame.records(entry.offset, entry.appended_at) {
                    let author = of_each.next().expect("every record has somebody who wrote it");
                    see(partition as u32, place, author, &record.expect("the log holds whole records"));
                    place += 1;
                }
            }
        }
    }

    /// The text of each event's payload that is JSON, by its message id: what its sender claimed.
    fn each_event(&self, mut see: impl FnMut(&outreach_engine::event::Event<'_>)) {
        self.each_record(|_, _, _, record| {
            if let Body::Event(event) = &record.body {
                see(event);
            }
        });
    }
}

fn ledger_entries(world: &World) -> Rows {
    let users: BTreeSet<&str> = world.workload.users.iter().map(String::as_str).chain(["user-0"]).collect();
    let read = world.durable.ledger.transaction(|transaction| {
        let mut rows = Rows::new();
        for user in users {
            for entry in transaction.entries(&format!("user:{user}"), u32::MAX >> 1)? {
                rows.insert((entry.decision.judged_at, entry.decision.id), entry);
            }
        }
        Ok(rows)
    });
    read.expect("the real ledger stands")
}

/// Entries by the row of their first step.
fn entries(ledger: &Rows) -> BTreeSet<EntryRow> {
    let first = first_steps();
    let decisions = ledger.values().map(|entry| &entry.decision);
    let firsts = decisions.filter(|decision| first.get(&decision.rule) == Some(&decision.step));
    let row = |of: &Decision| (of.rule.to_string(), of.subject.to_string(), of.key.to_string(), of.due_at);
    firsts.map(row).collect()
}
