//! A rule's file as it is written, whole: what the checks reason about, each part with its place. A rule with an error is
//! none at all, and a form that this version has not is read all the same, so its text is asked, not the rule.

mod steps;
mod trigger;

pub(super) use steps::{MessageText, StepText, StepTextKind};
pub(super) use trigger::TriggerText;

use outreach_engine::Length;
use outreach_engine::rule::document::{Document, Item, Problems, Table, nfc};
use outreach_engine::rule::parse::Placed;
use std::ops::Range;

#[derive(Debug)]
pub(super) struct RuleText {
    pub path: String,
    pub id: String,
    /// Decides and sends; neither off nor a shadow.
    pub is_live: bool,
    pub tags: Vec<String>,
    pub trigger: TriggerText,
    pub audience: Option<Placed>,
    pub exits: Vec<ExitText>,
    pub limits: LimitsText,
    pub goal: Option<GoalText>,
    pub steps: Vec<StepText>,
    /// What `did` and `did_not` ask for, wherever.
    past: Vec<EventText>,
}

/// An event that the rule names.
#[derive(Clone, Debug)]
pub(super) struct EventText {
    pub name: String,
    pub span: Range<usize>,
    pub tests: Option<Placed>,
}

#[derive(Debug)]
pub(super) struct ExitText {
    /// Without one it is about the person.
    pub event: Option<EventText>,
    pub tests: Option<Placed>,
    pub span: Range<usize>,
}

#[derive(Debug, Default)]
pub(super) struct LimitsText {
    pub once_per_always: Option<Range<usize>>,
    pub late: Option<(Length, Range<usize>)>,
    pub mutes: Vec<String>,
}

#[derive(Debug)]
pub(super) struct GoalText {
    pub event: Option<EventText>,
    pub within: Option<(Length, Range<usize>)>,
}

impl RuleText {
    /// Nothing where the text is no TOML.
    pub fn read(path: &str, id: &str, text: &str) -> Option<RuleText> {
        let mut said = Problems::default();
        let document = Document::parse(&mut said, path, text)?;
        let mut top = document.top();
        let status = top.take("status").and_then(|item| item.value.as_str().map(str::to_owned));
        let tags = top.take("tags").and_then(|item| item.texts(&mut said)).unwrap_or_default();
        let mut table = |key| top.take(key).and_then(|item| item.table(&mut said));
        let trigger = table("trigger").map(TriggerText::read).unwrap_or_default();
        let audience = table("audience").and_then(|mut table| tests(&mut table));
        let exits = table("exit").map(exits).unwrap_or_default();
        let limits = table("limits").map(limits).unwrap_or_default();
        let goal = table("goal").map(|mut table| GoalText {
            within: table.take("within").as_ref().and_then(length),
            event: event_of(&mut table),
        });
        let steps = top.take("step").map(|item| steps::read(&item)).unwrap_or_default();
        let is_live = status.as_deref().is_none_or(|status| status == "live");
        let (path, id) = (path.to_owned(), id.to_owned());
        let past = Vec::new();
        let mut rule =
            RuleText { path, id, is_live, tags, trigger, audience, exits, limits, goal, steps, past };
        rule.past = rule.asked_of_the_past();
        Some(rule)
    }

    fn asked_of_the_past(&self) -> Vec<EventText> {
        let of_exits = self.exits.iter().filter_map(|exit| exit.tests.as_ref());
        let mut past = Vec::new();
        self.audience
            .iter()
            .chain(of_exits)
            .chain(self.branches())
            .for_each(|tests| collect(tests, &mut past));
        past
    }

    /// Every event that is named, wherever.
    pub fn events(&self) -> Vec<&EventText> {
        let mut events: Vec<&EventText> = self.trigger.events.iter().chain(&self.trigger.without).collect();
        events.extend(&self.trigger.activities);
        events.extend(&self.past);
        events.extend(self.exits.iter().filter_map(|exit| exit.event.as_ref()));
        events.extend(self.goal.iter().filter_map(|goal| goal.event.as_ref()));
        steps::each(&self.steps, &mut |step| {
            if let StepTextKind::WaitUntil { event: Some(event) } = &step.kind {
                events.push(event);
            }
        });
        events
    }

    /// The conditions of every `if`.
    pub fn branches(&self) -> Vec<&Placed> {
        let mut branches = Vec::new();
        steps::each(&self.steps, &mut |step| {
            if let StepTextKind::If(tests) = &step.kind {
                branches.push(tests);
            }
        });
        branches
    }

    /// All messages, those of nested steps too.
    pub fn messages(&self) -> Vec<&MessageText> {
        let mut messages = Vec::new();
        steps::each(&self.steps, &mut |step| {
            if let StepTextKind::Message(message) = &step.kind {
                messages.push(message);
            }
        });
        messages
    }
}

fn collect(tests: &Placed, past: &mut Vec<EventText>) {
    match tests {
        Placed::All(parts) | Placed::Any(parts, _) | Placed::None(parts, _) => {
            parts.iter().for_each(|part| collect(part, past));
        }
        Placed::Past { event, span, tests } => {
            past.push(EventText { name: event.clone(), span: span.clone(), tests: Some((**tests).clone()) });
        }
        Placed::Test(..) | Placed::Open => {}
    }
}

/// `event` and `where` of a table.
fn event_of(table: &mut Table<'_>) -> Option<EventText> {
    let event = table.take("event")?;
    let tests = tests(table);
    Some(EventText { name: nfc(event.value.as_str()?), span: event.place.span, tests })
}

/// An event's name alone, or a table `{ event, where }`.
fn event(item: &Item<'_>) -> Option<EventText> {
    if let Some(name) = item.value.as_str() {
        return Some(EventText { name: nfc(name), span: item.place.span.clone(), tests: None });
    }
    item.table(&mut Problems::default()).and_then(|mut table| event_of(&mut table))
}

fn tests(table: &mut Table<'_>) -> Option<Placed> {
    table.take("where").as_ref().map(Placed::read)
}

fn length(item: &Item<'_>) -> Option<(Length, Range<usize>)> {
    Some((item.length(&mut Problems::default())?, item.place.span.clone()))
}

fn exits(mut table: Table<'_>) -> Vec<ExitText> {
    let mut said = Problems::default();
    let any = table.take("any").and_then(|item| item.elements(&mut said)).unwrap_or_default();
    let of_any: Vec<_> = any.iter().filter_map(|item| item.table(&mut said)).collect();
    let whole = if any.is_empty() { vec![table] } else { of_any };
    whole.into_iter().filter_map(exit).collect()
}

fn exit(mut table: Table<'_>) -> Option<ExitText> {
    if let Some(event) = event_of(&mut table) {
        return Some(ExitText { span: event.span.clone(), tests: event.tests.clone(), event: Some(event) });
    }
    let item = table.take("where")?;
    Some(ExitText { event: None, tests: Some(Placed::read(&item)), span: item.key_place.span })
}

fn limits(mut table: Table<'_>) -> LimitsText {
    let mut said = Problems::default();
    let once_per = table.take("once_per").filter(|item| item.value.as_str() == Some("always"));
    let late = table.take("late").as_ref().and_then(length);
    let mutes = table.take("mutes").and_then(|item| item.table(&mut said)?.take("tags")?.texts(&mut said));
    LimitsText {
        once_per_always: once_per.map(|item| item.place.span),
        late,
        mutes: mutes.unwrap_or_default(),
    }
}
