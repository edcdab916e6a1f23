//! What the terminal shows of the demo that goes on: where to look, then each decision in a line, as it is over.

use super::report::{at_the_gate, named};
use super::stage::is_ended;
use super::world::World;
use crate::ledger::sqlite::SqliteLedger;
use crate::ledger::{Ledger, LedgerEntry, MessageState};
use crate::project::Project;
use outreach_engine::DecisionId;
use outreach_engine::effect::{Channel, Verdict};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Writes to a terminal, in colours where it has them.
pub(super) struct Ticker {
    out: Box<dyn Write + Send>,
    is_plain: bool,
    world: Arc<World>,
    told: BTreeSet<DecisionId>,
}

/// Of the newest decisions so many are looked at: more do not fall between two looks.
const LOOK_MAX: u32 = 200;

impl Ticker {
    pub fn new(out: Box<dyn Write + Send>, is_plain: bool, world: Arc<World>) -> Ticker {
        Ticker { out, is_plain, world, told: BTreeSet::new() }
    }

    /// Where to look, and what is to be seen.
    pub fn begin(&mut self, project: &Project, address: &str, seed: u64) -> io::Result<()> {
        let address = self.paint("1;36", address);
        writeln!(self.out, "outreach demo: open {address}\n")?;
        let speed = self.world.time.speed();
        let passes =
            if speed.0 > 1_000_000 { format!("a second is {speed}") } else { "passes as ever".into() };
        let rules = project.release.rules.len();
        let port = self.world.catcher.port;
        for (word, text) in [
            (
                "service",
                format!("the real one, in this process, with {rules} rules; nothing leaves this machine"),
            ),
            ("events", format!("come in at {}/v1/batch", self.world.public_url)),
            ("mails", format!("go to a mail catcher on 127.0.0.1:{port}")),
            ("time", passes),
            ("seed", format!("{seed} (the same people again: --seed {seed})")),
            ("stop", "Ctrl-C".into()),
        ] {
            let word = self.paint("2", &format!("{word:<8}"));
            writeln!(self.out, "  {word} {text}")?;
        }
        writeln!(self.out, "\nDecisions as they fall, by the demo's clock (UTC):\n")?;
        self.out.flush()
    }

    /// Those that are over since the last look.
    pub fn tell(&mut self, ledger: &SqliteLedger) -> anyhow::Result<()> {
        let newest = ledger.reading(|transaction| transaction.newest_entries(LOOK_MAX))?;
        for entry in newest.iter().rev().filter(|entry| is_ended(entry)) {
            if self.told.insert(entry.decision.id) {
                self.line(entry)?;
            }
        }
        self.out.flush()?;
        Ok(())
    }

    /// What stays behind.
    pub fn end(&mut self, mails: Option<&Path>) -> io::Result<()> {
        let count = self.world.catcher.count();
        match mails {
            Some(mails) => writeln!(self.out, "\nstopped; {count} mails are in {}", mails.display()),
            None => writeln!(
                self.out,
                "\nstopped; {count} mails are gone with the demo: --keep or --out DIR keeps them"
            ),
        }
    }

    fn line(&mut self, entry: &LedgerEntry) -> io::Result<()> {
        let decision = &entry.decision;
        let subject = decision.subject.to_string();
        let name = self.world.name(subject.split_once(':').map_or("", |(_, id)| id));
        let at = decision.judged_at.to_jiff().strftime("%a %d %b %H:%M").to_string();
        let (word, colour, why) = match (decision.verdict, &entry.message) {
            (Verdict::Send, Some((MessageState::Sent, _, _))) => ("yes", "1;32", self.sent(entry)),
            (Verdict::Send, message) => {
                let reason = message.as_ref().and_then(|(_, _, reason)| reason.as_deref());
                ("no", "1;31", format!("stopped at the gate, {}", at_the_gate(reason.unwrap_or_default())))
            }
            (Verdict::Refuse(refusal), _) => {
                ("no", "1;31", format!("{}, {}", refusal.code(), refusal.sentence()))
            }
            (Verdict::Holdout, _) => ("no", "1;31", "holdout, gets nothing and is compared".into()),
            (Verdict::Shadow, _) => ("no", "1;34", "shadow, nothing is sent".into()),
        };
        let (at, word) = (self.paint("2", &at), self.paint(colour, &format!("{word:<3}")));
        writeln!(self.out, "{at}  {word}  {name}: {}: {why}", named(decision))
    }

    fn sent(&self, entry: &LedgerEntry) -> String {
        if entry.decision.channel == Channel::InProduct {
            return "in their inbox in the product".into();
        }
        let Some(caught) = self.world.catcher.of_decision(&entry.decision.id.to_string()) else {
            return "sent".into();
        };
        let file = caught.path.file_name().unwrap_or_default().display().to_string();
        format!("“{}”, in {file}", caught.headers.subject)
    }

    /// With an escape sequence of terminals (ECMA-48), unless plain.
    fn paint(&self, code: &str, text: &str) -> String {
        if self.is_plain { text.to_owned() } else { format!("\u{1b}[{code}m{text}\u{1b}[0m") }
    }
}
