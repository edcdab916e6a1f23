//! A case: settings, rules and events as text, as the language's pages write them, so that what fails can be read, and
//! put on a page.

use super::interpreter::Interpreter;
use super::journey::Decided;
use super::person::Arrived;
use super::time::{DAY, MINUTE, Micros, shown};
use super::world::lines::{self, LineKind};
use super::world::{Answers, Driver, Entry, What, project};
use outreach_engine::event::{ConsentKind, EventKind, OutcomeKind};
use outreach_engine::rule::{Known, parse};
use outreach_engine::{Decision, Effect, Timestamp, Verdict};
use std::fmt;

#[derive(Clone, Debug, Default)]
pub struct Case {
    pub settings: Vec<String>,
    /// The lines of each rule.
    pub rules: Vec<Vec<String>>,
    pub events: Vec<String>,
    /// Whether messages end in all ways, some later; else each is sent at once.
    pub ends_in_all_ways: bool,
}

/// What both made of a case, a line a decision, by person; what differs is the engine's mistake, or the reference's.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub engine: Vec<String>,
    pub reference: Vec<String>,
}

/// How long after the last event time goes on.
const AFTER: Micros = 20 * DAY;
const STEPS_MAX: usize = 20_000;

impl Case {
    fn texts(&self) -> Vec<(String, String)> {
        let rules = self.rules.iter().enumerate();
        rules.map(|(number, lines)| (format!("rule-{number}"), lines.join("\n") + "\n")).collect()
    }

    /// Whether the engine takes the rules.
    pub fn is_good(&self) -> bool {
        let known = Known { topics: None, transactional_rules: None };
        self.texts().iter().all(|(id, text)| parse(id, id, text, &known).is_ok())
    }

    pub fn run(&self) -> Outcome {
        let texts = self.texts();
        let rules = texts.iter().map(|(id, text)| project::rule(id, text)).collect();
        let settings = self.settings.join("\n");
        let release = project::release("page", project::settings(&settings), rules);
        let mut driver = Driver::new(release);
        driver.answers = Answers::ByHand;
        let mut run = Run {
            driver,
            reference: Interpreter::new(&settings, &texts),
            ends_in_all_ways: self.ends_in_all_ways,
            answered: (0, 0),
            answers: Vec::new(),
        };
        run.lines(&lines::read(&self.events.join("\n")));
        run.outcome()
    }
}

/// Both at work on one log.
struct Run {
    driver: Driver,
    reference: Interpreter,
    ends_in_all_ways: bool,
    /// How many decisions of each have had their answer planned.
    answered: (usize, usize),
    answers: Vec<Answer>,
}

struct Answer {
    at: Micros,
    kind: OutcomeKind,
    of: Decider,
}

enum Decider {
    Engine(Box<Decision>),
    Reference(String, Decided),
}

impl Run {
    fn lines(&mut self, lines: &[lines::Line]) {
        let mut lines = lines.iter().peekable();
        let mut end = Micros::MAX;
        let mut is_running = true;
        for _ in 0..STEPS_MAX {
            let line_at = lines.peek().map(|line| line.arrives.0);
            let answer_at = self.answers.first().map(|answer| answer.at);
            let due = [self.driver.shard.next_due_at().map(|due| due.0), self.reference.next_due()];
            let due = due.into_iter().flatten().min().filter(|_| is_running);
            let due = due.map(|due| due.max(self.driver.clock.0));
            // A tick at T comes after the last record of T.
            let next = [line_at, answer_at, due].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { return };
            if line_at == Some(next) {
                let line = lines.next().expect("a line");
                match &line.kind {
                    LineKind::Entry(entry) => self.entry(entry),
                    LineKind::Stop => is_running = false,
                    LineKind::Start => (is_running, self.driver.clock) = (true, line.arrives),
                    other => panic!("not in a case: {other:?}"),
                }
                if lines.peek().is_none() {
                    (end, is_running) = (next + AFTER, true);
                }
            } else if answer_at == Some(next) {
                let answer = self.answers.remove(0);
                self.answer(answer);
            } else {
                self.driver.tick(Timestamp(next));
                self.learn_arms();
                self.reference.tick(next);
                self.plan_answers();
            }
        }
        panic!("somebody is due for ever");
    }

    fn entry(&mut self, entry: &Entry) {
        self.driver.append(entry.clone());
        let json = |text: &str| serde_json::from_str(text).expect("JSON");
        match &entry.what {
            What::Event { kind, name, id, properties, traits, context, is_proven } => {
                let record = Arrived {
                    at: entry.at.0,
                    is_identify: *kind == EventKind::Identify,
                    name: name.clone(),
                    id: id.clone(),
                    is_proven: *is_proven,
                    properties: json(properties),
                    traits: json(traits),
                    context: json(context),
                };
                self.reference.take(&entry.who, record, entry.arrives.0);
            }
            What::Consent(kind) => {
                let (word, what) = match kind {
                    ConsentKind::TopicOff(topic) => ("topic-off", topic.to_string()),
                    ConsentKind::TopicOn(topic) => ("topic-on", topic.to_string()),
                    ConsentKind::AllOff => ("all-off", String::new()),
                    ConsentKind::AllOn => ("all-on", String::new()),
                    ConsentKind::Bounced(address) => ("bounced", address.to_string()),
                    ConsentKind::Complained(address) => ("complained", address.to_string()),
                };
                self.reference.consent(&entry.who, word, &what, entry.arrives.0);
            }
            other => panic!("not in a case: {other:?}"),
        }
    }

    /// The arms are a hash, which no text can tell: the reference takes them from the engine.
    fn learn_arms(&mut self) {
        let out = self.driver.decisions().filter(|decision| decision.verdict == Verdict::Holdout);
        let out = out.map(|decision| (decision.rule.to_string(), decision.subject.to_string()));
        self.reference.held_out.extend(out.collect::<Vec<_>>());
    }

    fn answer(&mut self, answer: Answer) {
        match answer.of {
            Decider::Engine(decision) => self.driver.answer(&decision, answer.kind, Timestamp(answer.at)),
            Decider::Reference(who, decided) => {
                self.reference.outcome(&who, &decided, answer.kind.as_str(), answer.at);
            }
        }
    }

    fn plan_answers(&mut self) {
        let engine: Vec<_> = self.driver.decisions().skip(self.answered.0).cloned().collect();
        let reference: Vec<_> = self.reference.decided[self.answered.1..].to_vec();
        self.answered = (self.answered.0 + engine.len(), self.reference.decided.len());
        for decision in engine.into_iter().filter(|decision| decision.verdict == Verdict::Send) {
            let (after, kind) = self.end_of(&line_of(&decision));
            let at = decision.judged_at.0 + after;
            self.answers.push(Answer { at, kind, of: Decider::Engine(Box::new(decision)) });
        }
        for (who, decided) in reference.into_iter().filter(|(_, decided)| decided.verdict == "send") {
            let (after, kind) = self.end_of(&decided.line(&who));
            let at = decided.judged_at + after;
            self.answers.push(Answer { at, kind, of: Decider::Reference(who, decided) });
        }
        self.answers.sort_by_key(|answer| answer.at);
    }

    /// What becomes of a message, and when: its line says it, so that both are answered alike.
    fn end_of(&self, line: &str) -> (Micros, OutcomeKind) {
        use OutcomeKind::*;
        if !self.ends_in_all_ways {
            return (0, Sent);
        }
        let sum = line.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let kinds = [Sent, Sent, Sent, Failed, Unknown, Cancelled, Expired, Skipped];
        let after = [0, 0, 7 * MINUTE, 60 * MINUTE];
        (after[(sum / 8 % 4) as usize], kinds[(sum % 8) as usize])
    }

    fn outcome(&self) -> Outcome {
        let counts = self.driver.effects.iter().filter_map(|effect| match effect {
            Effect::Count(_) => Some(lines::line_of(&self.driver, effect)),
            Effect::Decide(_) | Effect::Cancel(_) | Effect::Reject(_) => None,
        });
        let engine: Vec<_> = self
            .driver
            .decisions()
            .map(|decision| (decision.subject.to_string(), line_of(decision)))
            .collect();
        let reference: Vec<_> =
            self.reference.decided.iter().map(|(who, decided)| (who.clone(), decided.line(who))).collect();
        Outcome {
            engine: all(engine, counts.collect()),
            reference: all(reference, self.reference.not_entered.clone()),
        }
    }
}

/// Decisions by person, each person's in their order; then what did not enter.
fn all(mut decided: Vec<(String, String)>, mut not_entered: Vec<String>) -> Vec<String> {
    decided.sort_by(|one, two| one.0.cmp(&two.0));
    not_entered.sort();
    decided.into_iter().map(|(_, line)| line).chain(not_entered).collect()
}

impl Decided {
    fn line(&self, who: &str) -> String {
        let times = [self.due_at, self.judged_at, self.triggered_at].map(shown);
        let [due, judged, triggered] = times;
        let Decided { rule, key, step, verdict, .. } = self;
        format!("{due}  {who}  {rule}[{key}]/{step}  {verdict}  judged {judged}  triggered {triggered}")
    }
}

fn line_of(decision: &Decision) -> String {
    let verdict = match decision.verdict {
        Verdict::Refuse(refusal) => format!("refuse {}", refusal.code()),
        Verdict::Send | Verdict::Shadow | Verdict::Holdout => decision.verdict.code().to_owned(),
    };
    let decided = Decided {
        rule: decision.rule.to_string(),
        key: decision.key.to_string(),
        step: decision.step.to_string(),
        verdict,
        triggered_at: decision.triggered_at.0,
        due_at: decision.due_at.0,
        judged_at: decision.judged_at.0,
        channel: decision.channel.as_str(),
        is_transactional: decision.is_transactional,
    };
    decided.line(&decision.subject.to_string())
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.settings.is_empty() {
            writeln!(f, "```toml outreach\n{}\n```", self.settings.join("\n"))?;
        }
        for (id, text) in self.texts() {
            writeln!(f, "```toml {id}\n{text}```")?;
        }
        let ends = if self.ends_in_all_ways { "messages end in all ways\n" } else { "" };
        writeln!(f, "{ends}```events\n{}\n```", self.events.join("\n"))
    }
}
