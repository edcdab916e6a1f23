//! `[[step]]`: one kind each, names unique in the rule; some hold lists of steps.

mod branch;
mod message;
mod set;
mod split;
mod wait_until;

use super::Known;
use crate::effect::Channel;
use crate::local_time::ClockWord;
use crate::rule::condition::Path;
use crate::rule::diagnostic::Code;
use crate::rule::document::{Item, Place, Problems};
use crate::rule::{Step, StepKind};
use crate::time::Length;
use branch::Lists;
use message::MessageKeys;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NOT_BUILT: [&str; 1] = ["webhook"];

/// Lists in lists: deeper nobody reads a rule aloud, and what goes through one needs a bound.
const DEPTH_MAX: usize = 8;
/// With those inside others. Each is a place where people may stand.
const STEPS_MAX: usize = 200;

/// What of its rule a step falls back on.
pub(super) struct OfRule<'r> {
    pub id: &'r str,
    /// The trigger's.
    pub key: Option<&'r Path>,
    pub is_unproven: bool,
    pub topic: Option<&'r Arc<str>>,
    /// Whether it says a topic, be it a good one or not.
    pub has_topic: bool,
    pub late: Length,
}

/// The steps read so far, in the order written.
struct Steps<'r> {
    rule: &'r OfRule<'r>,
    known: &'r Known,
    /// How often a name was made of the same word.
    uses: BTreeMap<String, usize>,
    names: BTreeSet<String>,
    count: usize,
    /// In how many lists the one that is read stands.
    depth: usize,
}

pub(super) fn parse(problems: &mut Problems, item: &Item<'_>, rule: &OfRule<'_>, known: &Known) -> Vec<Step> {
    let elements = item.elements(problems).unwrap_or_default();
    if elements.is_empty() && item.value.is_array() {
        problems
            .error(Code::BadValue, &item.place, "expected at least one step")
            .with_help("write [[step]], and below it email = \"stalled-onboarding\"");
    }
    let mut steps = Steps { rule, known, uses: BTreeMap::new(), names: BTreeSet::new(), count: 0, depth: 0 };
    let read = steps.of(problems, &elements);
    if let (true, Some(last)) = (read.len() == elements.len() && !does_something(&read), elements.last()) {
        let message = "expected a step with a message, found nothing but waits: this rule can send nothing";
        let help =
            "add a [[step]] with email = \"…\" or in_product = \"…\", the name of a folder in templates/";
        problems.warn(Code::SendsNothing, &last.place, message).with_help(help);
    }
    read
}

/// Waits alone end in nothing; what is set may set off another rule.
fn does_something(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.kind {
        StepKind::Message(_) | StepKind::Set(_) => true,
        StepKind::Wait(_) | StepKind::WaitFor(_) | StepKind::Exit => false,
        StepKind::WaitUntil(_) | StepKind::If(_) | StepKind::Split(_) => {
            step.kind.lists().into_iter().any(does_something)
        }
    })
}

/// What each kind's key is, and what a step is called that says no name.
const KINDS: [(&str, &str); 9] = [
    ("email", ""),
    ("in_product", ""),
    ("wait", "wait"),
    ("wait_until", "wait-until"),
    ("wait_for", "wait-for"),
    ("if", "if"),
    ("split", "split"),
    ("set", "set"),
    ("exit", "exit"),
];

impl Steps<'_> {
    /// A list inside a step.
    fn list(&mut self, problems: &mut Problems, item: &Item<'_>) -> Vec<Step> {
        let Some(elements) = item.elements(problems) else { return Vec::new() };
        if self.depth == DEPTH_MAX {
            let message = format!("expected at most {DEPTH_MAX} lists of steps inside each other");
            let help = "make it a rule of its own, which begins where this one has `set` something";
            problems.error(Code::BadValue, &item.place, message).with_help(help);
            return Vec::new();
        }
        self.depth += 1;
        let steps = self.of(problems, &elements);
        self.depth -= 1;
        steps
    }

    fn of(&mut self, problems: &mut Problems, elements: &[Item<'_>]) -> Vec<Step> {
        elements.iter().filter_map(|element| self.step(problems, element)).collect()
    }

    fn step(&mut self, problems: &mut Problems, item: &Item<'_>) -> Option<Step> {
        self.count += 1;
        if self.count == STEPS_MAX + 1 {
            let message = format!("expected at most {STEPS_MAX} steps in a rule");
            problems.error(Code::BadValue, &item.place, message);
        }
        let mut table = item.table(problems)?;
        let place = table.place.clone();
        let name = table.take("name");
        let kinds = KINDS.map(|(key, default_name)| (table.take(key), default_name));
        let of_message = MessageKeys::take(&mut table);
        let lists = Lists::take(&mut table);
        let has_other_kind = table.finish(problems, &NOT_BUILT);
        let name = name.and_then(|item| item.words(problems).map(|name| (name, item.place)));
        let mut present = kinds.into_iter().filter_map(|(item, default_name)| Some((item?, default_name)));
        let first = present.next();
        if let (Some((first, _)), Some((second, _))) = (&first, present.next()) {
            let message = format!("a step is one thing, found `{}` beside `{}`", second.key, first.key);
            problems
                .error(Code::ContradictoryForm, &second.key_place, message)
                .with_help("make it a [[step]] of its own");
            return None;
        }
        let Some((kind, default_name)) = first else {
            if !has_other_kind {
                let keys: Vec<_> = KINDS.iter().map(|(key, _)| format!("`{key}`")).collect();
                let message = format!("missing key: what the step does, one of {}", keys.join(", "));
                let help = "add email = \"stalled-onboarding\", or wait = \"2 days\"";
                problems.error(Code::MissingKey, &place, message).with_help(help);
            }
            return None;
        };
        let default_name =
            if default_name.is_empty() { kind.value.as_str().unwrap_or_default() } else { default_name };
        // Named before what is inside it.
        let name = self.name(problems, name, default_name, place);
        let kind = self.kind(problems, &kind, of_message, lists)?;
        Some(Step { name: Arc::from(name), kind })
    }

    fn kind(
        &mut self,
        problems: &mut Problems,
        item: &Item<'_>,
        of_message: MessageKeys<'_>,
        lists: Lists<'_>,
    ) -> Option<StepKind> {
        let channel = match item.key {
            "email" => Some(Channel::Email),
            "in_product" => Some(Channel::InProduct),
            _ => None,
        };
        if let Some(channel) = channel {
            lists.refuse(problems, item.key);
            return of_message.message(problems, item, channel, self).map(StepKind::Message);
        }
        of_message.refuse(problems, item.key);
        if item.key == "if" {
            return branch::parse(problems, item, lists, self);
        }
        if item.key == "wait_until" {
            return wait_until::parse(problems, item, lists, self);
        }
        lists.refuse(problems, item.key);
        match item.key {
            "wait_for" => wait_for(problems, item),
            "split" => split::parse(problems, item, self),
            "set" => set::parse(problems, item),
            "exit" => exit(problems, item),
            _ => item.length(problems).map(StepKind::Wait),
        }
    }

    /// A step's name is what it says, else its template or its kind, with an ordinal from the second on.
    fn name(
        &mut self,
        problems: &mut Problems,
        said: Option<(String, Place<'_>)>,
        default_name: &str,
        place: Place<'_>,
    ) -> String {
        let (name, place) = said.unwrap_or_else(|| {
            let ordinal = self.uses.entry(default_name.to_owned()).or_default();
            *ordinal += 1;
            let name =
                if *ordinal == 1 { default_name.to_owned() } else { format!("{default_name}-{ordinal}") };
            (name, place)
        });
        // Without a template that can be read there is no step.
        if !name.is_empty() && !self.names.insert(name.clone()) {
            let message = format!("two steps are named \"{name}\": a name is unique in its rule");
            problems
                .error(Code::DuplicateStepName, &place, message)
                .with_help("give this step another `name`");
        }
        name
    }
}

fn wait_for(problems: &mut Problems, item: &Item<'_>) -> Option<StepKind> {
    let text = item.text(problems)?;
    let word = ClockWord::parse(text).map_err(|message| {
        problems.error(Code::BadValue, &item.place, message);
    });
    word.ok().map(StepKind::WaitFor)
}

fn exit(problems: &mut Problems, item: &Item<'_>) -> Option<StepKind> {
    let is_exit = item.boolean(problems)?;
    if !is_exit {
        let message = "expected true for `exit`: here the journey ends";
        problems.error(Code::BadValue, &item.place, message).with_help("leave the step out");
        return None;
    }
    Some(StepKind::Exit)
}
