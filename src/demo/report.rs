//! What the terminal shows: each scene, and what followed with its reason.

use super::catcher::Catcher;
use super::scribe::Actor;
use super::stage::Seen;
use super::story::{Expects, Scene};
use crate::ledger::{LedgerEntry, MessageState};
use outreach_engine::effect::{Decision, Verdict};
use std::io::{self, Write};

/// Writes to a terminal, in colours where it has them.
pub(super) struct Report<'o> {
    out: &'o mut dyn Write,
    is_plain: bool,
    pub counts: Counts,
}

/// What was seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub sent: usize,
    pub refused: usize,
    pub held: usize,
    pub silent: usize,
    pub dead_letters: usize,
}

/// What a line begins with.
#[derive(Clone, Copy)]
enum Mark {
    Yes,
    No,
    Held,
    Nothing,
    Done,
}

/// Behind the mark, so that lines of one scene stand under each other.
const INDENT: &str = "          ";

impl<'o> Report<'o> {
    pub fn new(out: &'o mut dyn Write, is_plain: bool) -> Report<'o> {
        Report { out, is_plain, counts: Counts::default() }
    }

    /// A line as it is.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// A word and what belongs to it, in two columns.
    pub fn pair(&mut self, word: &str, text: &str) -> io::Result<()> {
        let word = self.dim(&format!("{word:<8}"));
        writeln!(self.out, "  {word} {text}")
    }

    pub fn scene(&mut self, actor: &Actor, tells: &str) -> io::Result<()> {
        let name = self.paint("1", &actor.who.name());
        writeln!(self.out, "\n{name} ({}) {tells}", actor.who.city)?;
        self.out.flush()
    }

    /// The rows that are new, or what else there is to see.
    pub fn what_followed(
        &mut self,
        scene: &Scene,
        seen: &Seen,
        told: usize,
        catcher: &Catcher,
    ) -> io::Result<()> {
        for row in &seen.rows[told.min(seen.rows.len())..] {
            self.row(row, catcher)?;
        }
        match scene.expects {
            Expects::Rows(_) => Ok(()),
            Expects::Silence => {
                self.counts.silent += 1;
                self.mark(Mark::Nothing, "no rule's trigger holds, so there is nothing to decide")
            }
            Expects::Hold => self.hold(seen),
            Expects::OptOut => {
                let topics = seen.person.as_ref().map(|person| person.topics_off.join(", "));
                self.mark(Mark::Done, &format!("no more of topic {}", topics.unwrap_or_default()))
            }
            Expects::DeadLetters(_) => {
                let Some(letter) = seen.letters.last() else { return Ok(()) };
                self.counts.dead_letters += 1;
                self.mark(Mark::No, &format!("no event, kept as a dead letter: {}", letter.code))?;
                self.detail(&letter.reason)
            }
        }
    }

    fn row(&mut self, row: &LedgerEntry, catcher: &Catcher) -> io::Result<()> {
        let decision = &row.decision;
        let rule = named(decision);
        match (decision.verdict, &row.message) {
            (Verdict::Refuse(refusal), _) => {
                self.counts.refused += 1;
                let words = format!("{rule}: {}, {}", refusal.code(), refusal.sentence());
                self.mark(Mark::No, &words)?;
            }
            (Verdict::Holdout, _) => {
                self.counts.refused += 1;
                let words = "drawn into the part that gets nothing and is compared";
                self.mark(Mark::No, &format!("{rule}: holdout, {words}"))?;
            }
            (Verdict::Shadow, _) => self.mark(Mark::Nothing, &format!("{rule}: shadow, nothing is sent"))?,
            (Verdict::Send, Some((MessageState::Sent, _, _))) => {
                self.counts.sent += 1;
                self.mark(Mark::Yes, &rule)?;
                self.mail(decision, catcher)?;
            }
            (Verdict::Send, message) => {
                self.counts.refused += 1;
                let reason = message.as_ref().and_then(|(_, _, reason)| reason.as_deref());
                let words =
                    format!("{rule}: stopped at the gate, {}", at_the_gate(reason.unwrap_or_default()));
                self.mark(Mark::No, &words)?;
            }
        }
        self.facts(decision)
    }

    fn mail(&mut self, decision: &Decision, catcher: &Catcher) -> io::Result<()> {
        let Some(caught) = catcher.of_decision(&decision.id.to_string()) else { return Ok(()) };
        let file = caught.path.file_name().unwrap_or_default().display().to_string();
        let subject = self.paint("1", &format!("“{}”", caught.headers.subject));
        writeln!(self.out, "{INDENT}{subject}")?;
        self.detail(&format!("to {}, in {file}", decision.address.as_deref().unwrap_or_default()))
    }

    /// Facts of the decision: the record that set it off, and what the refusing rail says.
    fn facts(&mut self, decision: &Decision) -> io::Result<()> {
        let about_person = |what: &str| what.starts_with("traits.");
        let facts = decision.facts.iter().filter(|fact| !about_person(&fact.what));
        let facts: Vec<String> = facts
            .map(|fact| match &*fact.what {
                "trigger" => format!("because of {}", plain_times(&fact.value)),
                what => format!("{what}: {}", plain_times(&fact.value)),
            })
            .collect();
        self.detail(&facts.join("; "))
    }

    fn hold(&mut self, seen: &Seen) -> io::Result<()> {
        let Some(person) = &seen.person else { return Ok(()) };
        for journey in &person.journeys {
            self.counts.held += 1;
            let zone = person.traits.get("timezone").and_then(|zone| zone.as_str()).unwrap_or("their zone");
            let until = journey.state.rsplit("held until ").next().unwrap_or_default();
            let words = format!(
                "{}: held by quiet hours in {zone}, judged again {}",
                journey.rule,
                local(until, zone)
            );
            self.mark(Mark::Held, &words)?;
        }
        Ok(())
    }

    fn mark(&mut self, mark: Mark, text: &str) -> io::Result<()> {
        let (word, colour) = match mark {
            Mark::Yes => ("yes", "1;32"),
            Mark::No => ("no", "1;31"),
            Mark::Held => ("held", "1;33"),
            Mark::Nothing => ("nothing", "1;34"),
            Mark::Done => ("done", "1;32"),
        };
        let word = self.paint(colour, &format!("{word:<7}"));
        writeln!(self.out, "  {word} {text}")
    }

    fn detail(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let text = self.dim(text);
        writeln!(self.out, "{INDENT}{text}")
    }

    fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    /// With an escape sequence of terminals (ECMA-48), unless plain.
    fn paint(&self, code: &str, text: &str) -> String {
        if self.is_plain { text.to_owned() } else { format!("\u{1b}[{code}m{text}\u{1b}[0m") }
    }
}

/// The rule; and the step, where that says more.
pub(super) fn named(decision: &Decision) -> String {
    if decision.step == decision.rule {
        return decision.rule.to_string();
    }
    format!("{}, step {}", decision.rule, decision.step)
}

/// A reason of the gate in words; others as they are.
pub(super) fn at_the_gate(reason: &str) -> &str {
    match reason {
        "cap" => "cap: this address has had as many mails as the caps allow",
        other => other,
    }
}

/// Times to the minute: `2026-03-02T10:00:00.000000Z` is `2026-03-02 10:00 UTC`.
fn plain_times(text: &str) -> String {
    let plain = |word: &str| {
        let at = outreach_engine::Timestamp::parse(word)?;
        Some(at.to_jiff().strftime("%Y-%m-%d %H:%M UTC").to_string())
    };
    let words = text.split(' ').map(|word| plain(word).unwrap_or_else(|| word.to_owned()));
    words.collect::<Vec<_>>().join(" ")
}

/// An instant on somebody's own clock.
fn local(instant: &str, zone: &str) -> String {
    let at = outreach_engine::Timestamp::parse(instant);
    match (at, outreach_engine::zone::find(zone)) {
        (Some(at), Some(zone)) => zone.to_datetime(at.to_jiff()).strftime("on %A at %H:%M there").to_string(),
        (_, _) => format!("at {instant}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_minute_and_other_words_stay() {
        let plain = plain_times("Signed Up at 2026-03-02T10:00:59.000000Z, by email");
        assert_eq!(plain, "Signed Up at 2026-03-02T10:00:59.000000Z, by email");
        assert_eq!(
            plain_times("Signed Up at 2026-03-02T10:00:59.000000Z"),
            "Signed Up at 2026-03-02 10:00 UTC"
        );
        assert_eq!(local("2026-03-02T18:00:00Z", "Asia/Tokyo"), "on Tuesday at 03:00 there");
    }

    #[test]
    fn plain_output_has_no_escapes() {
        let mut out = Vec::new();
        Report::new(&mut out, true).pair("mails", "here").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "  mails    here\n");
        let mut out = Vec::new();
        Report::new(&mut out, false).pair("mails", "here").unwrap();
        assert!(out.contains(&0x1b));
    }
}
