//! The steps of a rule: a list, in which some steps hold lists of their own.

use super::{Condition, EventMatch, Rule};
use crate::effect::{Channel, OnCap};
use crate::local_time::ClockWord;
use crate::time::Length;
use crate::value::Value;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Step {
    /// Unique in its rule.
    pub name: Arc<str>,
    pub kind: StepKind,
}

#[derive(Clone, Debug)]
pub enum StepKind {
    Message(MessageStep),
    Wait(Length),
    WaitUntil(WaitUntilStep),
    WaitFor(ClockWord),
    If(IfStep),
    /// Two parts or more.
    Split(Vec<SplitPart>),
    /// Traits below `outreach.`, and what each becomes; one or more.
    Set(Vec<(Box<str>, Value)>),
    /// Here the journey ends.
    Exit,
}

#[derive(Clone, Debug)]
pub struct MessageStep {
    pub channel: Channel,
    pub template: Arc<str>,
    /// The step's own topic, else the rule's.
    pub topic: Option<Arc<str>>,
    /// How long after it is due it may still leave; default: the rule's `late`.
    pub expires: Length,
    pub on_cap: OnCap,
    pub is_transactional: bool,
}

/// Until an event, at most so long: one way if it comes, the other if not.
#[derive(Clone, Debug)]
pub struct WaitUntilStep {
    pub event: EventMatch,
    /// The event counts up to and including this long after the wait begins.
    pub timeout: Length,
    pub then: Vec<Step>,
    pub otherwise: Vec<Step>,
}

/// One way or the other, by what is known when it is judged.
#[derive(Clone, Debug)]
pub struct IfStep {
    pub condition: Condition,
    pub then: Vec<Step>,
    pub otherwise: Vec<Step>,
}

/// One way of several, by chance: the same for a person each time.
#[derive(Clone, Debug)]
pub struct SplitPart {
    /// Of the sum of all weights; 1 or more.
    pub weight: u32,
    pub steps: Vec<Step>,
}

impl StepKind {
    /// The lists that stand inside this step, in the order written.
    pub fn lists(&self) -> Vec<&[Step]> {
        match self {
            StepKind::Message(_)
            | StepKind::Wait(_)
            | StepKind::WaitFor(_)
            | StepKind::Set(_)
            | StepKind::Exit => Vec::new(),
            StepKind::WaitUntil(wait) => vec![&wait.then, &wait.otherwise],
            StepKind::If(branch) => vec![&branch.then, &branch.otherwise],
            StepKind::Split(parts) => parts.iter().map(|part| part.steps.as_slice()).collect(),
        }
    }
}

impl Step {
    /// What it sends, if it sends something.
    pub fn message(&self) -> Option<&MessageStep> {
        match &self.kind {
            StepKind::Message(message) => Some(message),
            StepKind::Wait(_)
            | StepKind::WaitUntil(_)
            | StepKind::WaitFor(_)
            | StepKind::If(_)
            | StepKind::Split(_)
            | StepKind::Set(_)
            | StepKind::Exit => None,
        }
    }
}

impl Rule {
    /// All steps in the order written, each before those inside it.
    pub fn all_steps(&self) -> Vec<&Step> {
        let mut all = Vec::new();
        gather(&self.steps, &mut all);
        all
    }

    /// The message steps, in the order written.
    pub fn messages(&self) -> impl Iterator<Item = &MessageStep> {
        self.all_steps().into_iter().filter_map(Step::message)
    }

    /// Whether a step of this rule sends by `channel`.
    pub fn sends_by(&self, channel: Channel) -> bool {
        self.messages().any(|message| message.channel == channel)
    }

    /// The steps that pass caps, quiet hours and opt-outs.
    pub fn transactional_steps(&self) -> impl Iterator<Item = &Step> {
        let is_transactional = |step: &&Step| step.message().is_some_and(|message| message.is_transactional);
        self.all_steps().into_iter().filter(is_transactional)
    }
}

/// How many journeys came to a message of these steps, from how often each message was judged: exact while nobody leaves
/// between two of them.
pub fn entered(steps: &[Step], judged: &dyn Fn(&str) -> u64) -> u64 {
    let mut most = 0;
    for step in steps {
        let lists = step.kind.lists().into_iter();
        let came = match step.message() {
            Some(_) => judged(&step.name),
            None => lists.map(|list| entered(list, judged)).sum(),
        };
        most = most.max(came);
        if always_says(step) {
            break;
        }
    }
    most
}

/// Whether nobody comes past this step without a message.
fn always_says(step: &Step) -> bool {
    let mut lists = step.kind.lists().into_iter().peekable();
    step.message().is_some() || (lists.peek().is_some() && lists.all(|list| list.iter().any(always_says)))
}

fn gather<'s>(steps: &'s [Step], all: &mut Vec<&'s Step>) {
    for step in steps {
        all.push(step);
        step.kind.lists().into_iter().for_each(|list| gather(list, all));
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::{Known, parse};

    #[test]
    fn journeys_are_counted_at_the_first_message_that_they_can_come_to() {
        let entered = |steps: &str, judged: &[(&str, u64)]| {
            let text = format!("name = \"R\"\n[trigger]\nevent = \"A\"\n{steps}");
            let (rule, _) = parse("rule", "rule", &text, &Known::default()).expect("a good rule");
            let of = |name: &str| judged.iter().find(|(own, _)| *own == name).map_or(0, |(_, count)| *count);
            super::entered(&rule.steps, &of)
        };
        let judged = [("a", 3), ("b", 4), ("c", 6)];
        let card = |name: &str| format!("{{ in_product = \"{name}\" }}");
        let step = |name: &str| format!("[[step]]\nin_product = \"{name}\"\n");
        let test = "if = { \"traits.x\" = 1 }";
        assert_eq!(entered(&(step("a") + &step("c")), &judged), 3);
        let both = format!("[[step]]\n{test}\nthen = [{}]\nelse = [{}]\n", card("a"), card("b"));
        assert_eq!(entered(&(both + &step("c")), &judged), 7);
        let one = format!("[[step]]\n{test}\nthen = [{}]\n", card("a"));
        assert_eq!(entered(&(one + &step("c")), &judged), 6);
    }
}
