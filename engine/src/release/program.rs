//! A rule's nested steps, made flat once: what a journey goes through.
//!
//! Steps stand in the order written, each before those inside it, and each says where it goes on. So a journey keeps one
//! number, that of the step at which it stands. Snapshots hold these numbers: the order is part of their format.

use crate::local_time::ClockWord;
use crate::rule::watch::{self, Watch};
use crate::rule::{Condition, EventMatch, MessageStep, Step, StepKind};
use crate::time::Length;
use crate::value::Value;
use std::sync::Arc;

/// Behind the last step.
pub const END: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub struct Program {
    ops: Vec<Op>,
    /// The numbers of the steps that wait for an event.
    awaiting: Vec<u32>,
    /// Of each step, where somebody looks; else none.
    watches: Vec<Watch>,
}

/// One step, and what comes when it is over.
#[derive(Clone, Debug)]
pub struct Op {
    pub name: Arc<str>,
    pub kind: OpKind,
    /// The number of the step behind it and all that is inside it, or [`END`]. Greater than its own.
    pub next: u32,
}

#[derive(Clone, Debug)]
pub enum OpKind {
    Message(MessageStep),
    Wait(Length),
    WaitUntil {
        event: EventMatch,
        timeout: Length,
        then: u32,
        otherwise: u32,
    },
    WaitFor(ClockWord),
    If {
        condition: Condition,
        then: u32,
        otherwise: u32,
    },
    /// Of each part the sum of the weights up to and with it, and where it begins.
    Split(Vec<(u64, u32)>),
    Set(Vec<(Box<str>, Value)>),
    Exit,
}

impl Program {
    pub(super) fn new(steps: &[Step]) -> Program {
        let mut program = Program { ops: Vec::new(), awaiting: Vec::new(), watches: Vec::new() };
        program.add(steps, END);
        let awaits = |op: &Op| matches!(op.kind, OpKind::WaitUntil { .. });
        let numbers = (0..).zip(&program.ops).filter(|(_, op)| awaits(op));
        program.awaiting = numbers.map(|(number, _)| number).collect();
        program
    }

    /// The step with this number; nothing at the end.
    pub fn op(&self, number: u32) -> Option<&Op> {
        self.note(number, watch::REACHED);
        self.ops.get(number as usize)
    }

    /// Lets somebody look at the steps, who has a watch for each, in the order written.
    pub(super) fn watch(&mut self, watches: &[Watch]) {
        self.watches = watches.to_vec();
    }

    /// A journey goes on from the step by the list that begins at `to`.
    pub(crate) fn note_way(&self, number: u32, to: u32) {
        if self.watches.is_empty() {
            return;
        }
        let Some(op) = self.ops.get(number as usize) else { return };
        let way = match &op.kind {
            OpKind::WaitUntil { then, .. } | OpKind::If { then, .. } => Some(if to == *then { 0 } else { 1 }),
            OpKind::Split(parts) => parts.iter().position(|(_, begin)| *begin == to),
            OpKind::Message(_) | OpKind::Wait(_) | OpKind::WaitFor(_) | OpKind::Set(_) | OpKind::Exit => None,
        };
        if let Some(way) = way {
            self.note(number, 1 + way as u32);
        }
    }

    fn note(&self, number: u32, what: u32) {
        if let Some(watch) = self.watches.get(number as usize) {
            watch.note(what);
        }
    }

    /// The steps that wait for an event, with their numbers: the event, and how long at most.
    pub fn awaiting(&self) -> impl Iterator<Item = (u32, &EventMatch, Length)> {
        self.awaiting.iter().filter_map(|number| match &self.ops.get(*number as usize)?.kind {
            OpKind::WaitUntil { event, timeout, .. } => Some((*number, event, *timeout)),
            OpKind::Message(_)
            | OpKind::Wait(_)
            | OpKind::WaitFor(_)
            | OpKind::If { .. }
            | OpKind::Split(_)
            | OpKind::Set(_)
            | OpKind::Exit => None,
        })
    }

    /// Adds a list, behind which `after` comes; the number at which it begins.
    fn add(&mut self, steps: &[Step], after: u32) -> u32 {
        let begin = if steps.is_empty() { after } else { self.ops.len() as u32 };
        for (at, step) in steps.iter().enumerate() {
            let own = self.ops.len() as u32;
            let next = if at + 1 == steps.len() { after } else { own + size(step) };
            // Its place is taken before that of what is inside it.
            self.ops.push(Op { name: step.name.clone(), kind: OpKind::Exit, next });
            let kind = self.kind(&step.kind, next);
            self.ops[own as usize].kind = kind;
        }
        begin
    }

    fn kind(&mut self, kind: &StepKind, next: u32) -> OpKind {
        match kind {
            StepKind::Message(message) => OpKind::Message(message.clone()),
            StepKind::Wait(length) => OpKind::Wait(*length),
            StepKind::WaitUntil(wait) => OpKind::WaitUntil {
                event: wait.event.clone(),
                timeout: wait.timeout,
                then: self.add(&wait.then, next),
                otherwise: self.add(&wait.otherwise, next),
            },
            StepKind::WaitFor(word) => OpKind::WaitFor(*word),
            StepKind::If(branch) => OpKind::If {
                condition: branch.condition.clone(),
                then: self.add(&branch.then, next),
                otherwise: self.add(&branch.otherwise, next),
            },
            StepKind::Split(parts) => {
                let mut up_to = 0;
                let mut add = |part: &crate::rule::SplitPart| {
                    up_to += u64::from(part.weight);
                    (up_to, self.add(&part.steps, next))
                };
                OpKind::Split(parts.iter().map(&mut add).collect())
            }
            StepKind::Set(traits) => OpKind::Set(traits.clone()),
            StepKind::Exit => OpKind::Exit,
        }
    }
}

/// How many steps it is, with those inside it.
fn size(step: &Step) -> u32 {
    let inside = step.kind.lists().into_iter().flatten().map(size).sum::<u32>();
    1 + inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Known, parse};

    fn program(steps: &str) -> Program {
        let text = format!("name = \"R\"\n[trigger]\nevent = \"A\"\n{steps}");
        let (rule, _) = parse("rule", "rule", &text, &Known::default()).expect("a good rule");
        Program::new(&rule.steps)
    }

    /// `name>next`, and in brackets where its lists begin.
    fn shown(program: &Program) -> String {
        let end = |number: u32| if number == END { "end".to_owned() } else { number.to_string() };
        let op = |op: &Op| {
            let lists = match &op.kind {
                OpKind::If { then, otherwise, .. } | OpKind::WaitUntil { then, otherwise, .. } => {
                    format!("({} {})", end(*then), end(*otherwise))
                }
                OpKind::Split(parts) => {
                    let parts: Vec<_> = parts.iter().map(|(sum, to)| format!("{sum}:{}", end(*to))).collect();
                    format!("({})", parts.join(" "))
                }
                OpKind::Message(_) | OpKind::Wait(_) | OpKind::WaitFor(_) | OpKind::Set(_) | OpKind::Exit => {
                    String::new()
                }
            };
            format!("{}{lists}>{}", op.name, end(op.next))
        };
        program.ops.iter().map(op).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_list_without_lists_has_the_numbers_of_its_steps() {
        let steps =
            "[[step]]\nin_product = \"a\"\n[[step]]\nwait = \"1 day\"\n[[step]]\nin_product = \"b\"\n";
        assert_eq!(shown(&program(steps)), "a>1 wait>2 b>end");
    }

    #[test]
    fn each_step_stands_before_those_inside_it_and_says_where_it_goes_on() {
        let steps = "[[step]]\nif = { \"traits.x\" = 1 }\nthen = [\n{ in_product = \"a\" },\n\
            { split = [ { weight = 1, steps = [{ in_product = \"b\" }] }, { weight = 2, steps = [] } ] },\n]\n\
            else = [{ exit = true }]\n[[step]]\nin_product = \"c\"\n[[step]]\nif = { \"traits.x\" = 1 }\nelse = [{ in_product = \"d\" }]\n";
        assert_eq!(
            shown(&program(steps)),
            "if(1 4)>5 a>2 split(1:3 3:5)>5 b>5 exit>5 c>6 if-2(end 7)>end d>end"
        );
    }
}
