//! `[[step]]` as it is written, with the steps in `then`, `else` and the branches of a `split`.

use super::{EventText, event_of, length};
use outreach_engine::Length;
use outreach_engine::effect::Channel;
use outreach_engine::rule::document::{Item, Problems, Table};
use outreach_engine::rule::parse::Placed;
use outreach_engine::value::Value;
use std::ops::Range;
use toml::de::DeValue;

#[derive(Debug)]
pub(in crate::project) struct StepText {
    /// Of what the step does: its first key.
    pub span: Range<usize>,
    pub kind: StepTextKind,
    pub then: Vec<StepText>,
    pub otherwise: Vec<StepText>,
    /// Of a `split`.
    pub branches: Vec<Vec<StepText>>,
}

#[derive(Debug)]
pub(in crate::project) enum StepTextKind {
    Message(MessageText),
    /// Nothing where the length cannot be read.
    Wait(Option<Length>),
    WaitUntil {
        event: Option<EventText>,
    },
    If(Placed),
    Split,
    /// Traits below `traits.outreach.` and what they become; nothing where that is no plain value.
    Set(Vec<(String, Option<Value>)>),
    Exit,
    /// Webhooks, `wait_for`, and what this cannot read.
    Other,
}

#[derive(Debug)]
pub(in crate::project) struct MessageText {
    pub channel: Channel,
    pub template: String,
    /// Of the template's name.
    pub span: Range<usize>,
    pub expires: Option<(Length, Range<usize>)>,
    pub is_transactional: bool,
}

/// The steps of an array.
pub(super) fn read(item: &Item<'_>) -> Vec<StepText> {
    let elements = item.elements(&mut Problems::default()).unwrap_or_default();
    elements.iter().filter_map(step).collect()
}

/// Shows every step, those in others after them.
pub(super) fn each<'s>(steps: &'s [StepText], visit: &mut dyn FnMut(&'s StepText)) {
    for step in steps {
        visit(step);
        [&step.then, &step.otherwise].into_iter().chain(&step.branches).for_each(|inner| each(inner, visit));
    }
}

fn step(item: &Item<'_>) -> Option<StepText> {
    let mut said = Problems::default();
    let mut table = item.table(&mut said)?;
    let mut inner = |key| table.take(key).map(|item| read(&item)).unwrap_or_default();
    let (then, otherwise) = (inner("then"), inner("else"));
    let (kind, span, branches) =
        kind(&mut table).unwrap_or_else(|| (StepTextKind::Other, item.place.span.clone(), Vec::new()));
    Some(StepText { span, kind, then, otherwise, branches })
}

type Kind = (StepTextKind, Range<usize>, Vec<Vec<StepText>>);

fn kind(table: &mut Table<'_>) -> Option<Kind> {
    let mut said = Problems::default();
    for (key, channel) in [("email", Channel::Email), ("in_product", Channel::InProduct)] {
        if let Some(item) = table.take(key) {
            let span = item.key_place.span.clone();
            return Some((StepTextKind::Message(message(table, &item, channel)?), span, Vec::new()));
        }
    }
    for key in ["wait", "wait_until", "if", "set", "split", "exit"] {
        let Some(item) = table.take(key) else { continue };
        let span = item.key_place.span.clone();
        let kind = match key {
            "wait" => StepTextKind::Wait(length(&item).map(|(length, _)| length)),
            "wait_until" => {
                let event = item.table(&mut said).and_then(|mut table| event_of(&mut table));
                StepTextKind::WaitUntil { event }
            }
            "if" => StepTextKind::If(Placed::read(&item)),
            "set" => StepTextKind::Set(traits(&item)),
            "split" => return Some((StepTextKind::Split, span, branches(&item))),
            _ if item.boolean(&mut said) == Some(true) => StepTextKind::Exit,
            _ => StepTextKind::Other,
        };
        return Some((kind, span, Vec::new()));
    }
    None
}

fn message(table: &mut Table<'_>, item: &Item<'_>, channel: Channel) -> Option<MessageText> {
    let mut said = Problems::default();
    let transactional = table.take("transactional").and_then(|item| item.boolean(&mut said));
    Some(MessageText {
        channel,
        template: item.value.as_str()?.to_owned(),
        span: item.place.span.clone(),
        expires: table.take("expires").as_ref().and_then(length),
        is_transactional: transactional == Some(true),
    })
}

fn branches(item: &Item<'_>) -> Vec<Vec<StepText>> {
    let mut said = Problems::default();
    let elements = item.elements(&mut said).unwrap_or_default();
    let steps = |element: &Item<'_>| {
        let steps = element.table(&mut Problems::default())?.take("steps")?;
        Some(read(&steps))
    };
    elements.iter().map(|element| steps(element).unwrap_or_default()).collect()
}

fn traits(item: &Item<'_>) -> Vec<(String, Option<Value>)> {
    let set = item.table(&mut Problems::default()).map(|mut table| table.take_all()).unwrap_or_default();
    set.iter().map(|item| (item.key.to_owned(), plain(item))).collect()
}

fn plain(item: &Item<'_>) -> Option<Value> {
    match item.value {
        DeValue::String(text) => Some(Value::Text((&**text).into())),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::Integer(_) => item.integer(&mut Problems::default(), i64::MIN..=i64::MAX).map(Value::Int),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
