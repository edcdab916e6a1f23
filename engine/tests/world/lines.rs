//! The lines of the language's pages: columns stand two spaces apart.
//!
//! Events: `2026-03-02 10:00  ada  Signed Up  {"plan": "trial"}`, with any of `id=m1`, `arrives=…`, `context={…}` and
//! `unproven` behind; `identify`, `page`, `group` and consent words (`topic-off news`, `all-off`, `bounced a@b.c`) stand
//! where the name stands. Times are UTC. Lines without a person are the driver's: `stop`, `start`, `by hand` (outcomes are
//! the page's from here), `end` (nothing is judged later), `release` (the rules are announced here, and before there were none). `ada  sent rule/step` is an outcome.

use super::driver::{Answers, Driver};
use super::entry::{Entry, What};
use super::project;
use outreach_engine::event::{ConsentKind, EventKind, OutcomeKind};
use outreach_engine::{Decision, Effect, Timestamp, Verdict};

/// One line of an events block.
#[derive(Clone, Debug)]
pub struct Line {
    pub arrives: Timestamp,
    pub kind: LineKind,
}

#[derive(Clone, Debug)]
pub enum LineKind {
    Entry(Entry),
    Outcome { who: String, kind: OutcomeKind, step: String },
    Stop,
    Start,
    ByHand,
    End,
    Release,
}

/// Reads a block; ids that it does not say are those of the lines.
pub fn read(block: &str) -> Vec<Line> {
    let lines = block.lines().filter(|line| !line.trim().is_empty());
    let mut lines: Vec<_> = lines.enumerate().map(|(number, line)| read_line(number, line)).collect();
    lines.sort_by_key(|line| line.arrives);
    lines
}

fn read_line(number: usize, line: &str) -> Line {
    let columns: Vec<&str> =
        line.trim().split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
    let at = time(columns[0]);
    let driver = match columns[1] {
        "stop" => Some(LineKind::Stop),
        "start" => Some(LineKind::Start),
        "by hand" => Some(LineKind::ByHand),
        "end" => Some(LineKind::End),
        "release" => Some(LineKind::Release),
        _ => None,
    };
    if let Some(kind) = driver {
        return Line { arrives: at, kind };
    }
    let who = if columns[1].contains(':') { columns[1].to_owned() } else { format!("user:{}", columns[1]) };
    let (word, rest) = columns[2].split_once(' ').unwrap_or((columns[2], ""));
    if let Some(kind) = outcome(word) {
        return Line { arrives: at, kind: LineKind::Outcome { who, kind, step: rest.to_owned() } };
    }
    let what = match consent(word, rest) {
        Some(kind) => What::Consent(kind),
        None => event(number, columns[2]),
    };
    let mut entry = Entry { who, at, arrives: at, what };
    columns[3..].iter().for_each(|column| add(&mut entry, column));
    Line { arrives: entry.arrives, kind: LineKind::Entry(entry) }
}

fn event(number: usize, word: &str) -> What {
    let (kind, name) = match word {
        "identify" => (EventKind::Identify, ""),
        "group" => (EventKind::Group, ""),
        "page" => (EventKind::Page, "Page Viewed"),
        name => (EventKind::Track, name),
    };
    What::event(kind, name, &format!("line-{number}"), "{}", "{}")
}

fn add(entry: &mut Entry, column: &str) {
    if let Some(text) = column.strip_prefix("arrives=") {
        entry.arrives = time(text);
        return;
    }
    let What::Event { kind, id, properties, traits, context, is_proven, .. } = &mut entry.what else {
        panic!("{column}: only events have it")
    };
    let is_about_person = matches!(kind, EventKind::Identify | EventKind::Group);
    match column.split_once('=') {
        _ if column.starts_with('{') && is_about_person => *traits = column.into(),
        _ if column.starts_with('{') => *properties = column.into(),
        _ if column == "unproven" => *is_proven = false,
        Some(("id", text)) => *id = text.into(),
        Some(("context", text)) => *context = text.into(),
        _ => panic!("no column: {column}"),
    }
}

fn outcome(word: &str) -> Option<OutcomeKind> {
    use OutcomeKind::*;
    let all = [Sent, Failed, Unknown, Cancelled, Expired, Skipped, Seen, Clicked, Dismissed];
    all.into_iter().find(|kind| kind.as_str() == word)
}

fn consent(word: &str, rest: &str) -> Option<ConsentKind<'static>> {
    let rest = || rest.to_owned().into();
    Some(match word {
        "topic-off" => ConsentKind::TopicOff(rest()),
        "topic-on" => ConsentKind::TopicOn(rest()),
        "all-off" => ConsentKind::AllOff,
        "all-on" => ConsentKind::AllOn,
        "bounced" => ConsentKind::Bounced(rest()),
        "complained" => ConsentKind::Complained(rest()),
        _ => return None,
    })
}

/// `2026-03-02 10:00`, with seconds and their fraction where they matter; UTC.
pub fn time(text: &str) -> Timestamp {
    let clock = text.split_once(' ').unwrap_or_else(|| panic!("no time: {text:?}"));
    let seconds = if clock.1.len() == 5 { ":00" } else { "" };
    Timestamp::parse(&format!("{}T{}{seconds}Z", clock.0, clock.1))
        .unwrap_or_else(|| panic!("no time: {text:?}"))
}

/// What [`time`] reads.
pub fn shown(at: Timestamp) -> String {
    let text = at.to_string().replace('T', " ");
    let text = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    text.strip_suffix(":00").unwrap_or(text).to_owned()
}

/// Brings the lines, and judges what is due after them unless they have an end.
pub fn run(driver: &mut Driver, lines: &[Line]) {
    let page = driver.release.clone();
    if lines.iter().any(|line| matches!(line.kind, LineKind::Release)) {
        driver.release = project::release("before", page.settings.clone(), Vec::new());
    }
    for (index, line) in lines.iter().enumerate() {
        driver.tick_until(Timestamp(line.arrives.0 - 1));
        match &line.kind {
            LineKind::Entry(entry) => driver.append(entry.clone()),
            LineKind::Outcome { who, kind, step } => {
                let is_it = |decision: &&Decision| {
                    let name = format!("{}/{}", decision.rule, decision.step);
                    decision.subject.to_string() == *who && name == *step && decision.verdict == Verdict::Send
                };
                let decision = driver.decisions().rev().find(is_it).cloned();
                let decision = decision.unwrap_or_else(|| panic!("nothing was sent by {step}"));
                driver.answer(&decision, *kind, line.arrives);
            }
            LineKind::Stop => driver.is_running = false,
            LineKind::Start => (driver.is_running, driver.clock) = (true, line.arrives),
            LineKind::ByHand => driver.answers = Answers::ByHand,
            LineKind::Release => {
                driver.release = page.clone();
                let (at, what) = (line.arrives, What::Release("page".into()));
                driver.append(Entry { who: String::new(), at, arrives: at, what });
            }
            LineKind::End => {
                driver.tick_until(line.arrives);
                driver.is_running = false;
            }
        }
        if lines.get(index + 1).is_none_or(|next| next.arrives > line.arrives) {
            driver.tick_until(line.arrives);
        }
    }
    driver.run_out();
}

/// An effect as a line of an expected block.
pub fn line_of(driver: &Driver, effect: &Effect) -> String {
    match effect {
        Effect::Decide(decision) => {
            let verdict = match decision.verdict {
                Verdict::Refuse(refusal) => format!("refuse {}", refusal.code()),
                Verdict::Send | Verdict::Shadow | Verdict::Holdout => decision.verdict.code().to_owned(),
            };
            let judged = if decision.judged_at == decision.due_at {
                String::new()
            } else {
                format!("  judged {}", shown(decision.judged_at))
            };
            format!("{}  {}  {verdict}{judged}", shown(decision.due_at), named(decision))
        }
        Effect::Cancel(cancel) => {
            let taken = driver.decisions().find(|decision| decision.id == cancel.decision);
            let taken = taken.expect("what is cancelled was decided");
            let (at, name, reason) = (shown(cancel.at), named(taken), cancel.reason.code());
            format!("{at}  {name}  cancel {reason}")
        }
        Effect::Count(no) => format!("{}  {}  not entered: {}", shown(no.at), no.rule, no.reason.code()),
        Effect::Reject(reject) => format!("rejected: {}", reject.reason),
    }
}

/// `ada  rule[key]/step`.
fn named(decision: &Decision) -> String {
    let who = decision.subject.to_string();
    let who = who.strip_prefix("user:").unwrap_or(&who);
    let key = if decision.key.is_empty() { String::new() } else { format!("[{}]", decision.key) };
    format!("{who}  {}{key}/{}", decision.rule, decision.step)
}
