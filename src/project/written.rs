//! A rule's file as it is written, read for what stands between files. Checked rules carry no places, and a rule with
//! an error is none at all: what else is wrong with it is told all the same, so its text is asked again.

use outreach_engine::effect::Channel;
use outreach_engine::rule::document::{Document, Item, Problems, Table};
use outreach_engine::rule::parse::is_id;
use std::ops::Range;

/// A message step.
#[derive(Clone, Debug)]
pub(super) struct WrittenMessage {
    pub channel: Channel,
    /// An id; what is none was told by the reader of the rule.
    pub template: String,
    /// Of the template's name.
    pub span: Range<usize>,
}

/// What a `where` is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The record that the templates are about too: the one that completed the trigger, or began its wait.
    OfTheTriggersRecord,
    /// Another one: of `without` or `[exit]`.
    OfAnotherRecord,
}

/// All message steps whose template has a name, in their order.
pub(super) fn messages(path: &str, text: &str) -> Vec<WrittenMessage> {
    let mut messages = Vec::new();
    each_step(path, text, &mut |step| {
        for (key, channel) in [("email", Channel::Email), ("in_product", Channel::InProduct)] {
            let named =
                step.take(key).and_then(|item| Some((item.value.as_str()?.to_owned(), item.place.span)));
            let named = named.filter(|(template, _)| is_id(template) && template != "partials");
            messages.extend(named.map(|(template, span)| WrittenMessage { channel, template, span }));
        }
    });
    messages
}

/// Shows every step in the order written, each before those inside it.
fn each_step(path: &str, text: &str, visit: &mut dyn FnMut(&mut Table<'_>)) {
    let mut said = Problems::default();
    let Some(document) = Document::parse(&mut said, path, text) else { return };
    let steps = document.top().take("step");
    each_of_list(steps, LISTS_MAX, visit);
}

/// Deeper the reader of the rule goes no more, either.
const LISTS_MAX: usize = 16;

fn each_of_list(list: Option<Item<'_>>, depth: usize, visit: &mut dyn FnMut(&mut Table<'_>)) {
    for mut step in tables(list.filter(|_| depth > 0)) {
        visit(&mut step);
        for key in ["then", "else"] {
            each_of_list(step.take(key), depth - 1, visit);
        }
        for mut part in tables(step.take("split")) {
            each_of_list(part.take("steps"), depth - 1, visit);
        }
    }
}

/// The tables of a list.
fn tables(list: Option<Item<'_>>) -> Vec<Table<'_>> {
    let mut said = Problems::default();
    let elements = list.and_then(|list| list.elements(&mut said)).unwrap_or_default();
    elements.iter().filter_map(|element| element.table(&mut said)).collect()
}

/// Shows every `where` of a rule.
pub(super) fn each_where(path: &str, text: &str, visit: &mut dyn FnMut(&Item<'_>, Asked)) {
    each_step(path, text, &mut |step| {
        step.take("if").iter().for_each(|tests| visit(tests, Asked::OfTheTriggersRecord));
        let waited = step.take("wait_until").and_then(|item| item.table(&mut Problems::default()));
        let tests = waited.and_then(|mut waited| waited.take("where"));
        tests.iter().for_each(|tests| visit(tests, Asked::OfAnotherRecord));
    });
    let mut said = Problems::default();
    let Some(document) = Document::parse(&mut said, path, text) else { return };
    let mut top = document.top();
    let mut take = |key| top.take(key).and_then(|item| item.table(&mut said));
    let (mut trigger, audience, exit) = (take("trigger"), take("audience"), take("exit"));
    // Of a segment traits alone can be asked, so whose record it is makes no difference.
    let mut segment = |form| trigger.as_mut().and_then(|trigger| trigger.take(form));
    let segments = [segment("enters"), segment("leaves")];
    segments.iter().flatten().for_each(|tests| visit(tests, Asked::OfAnotherRecord));
    let sequence = trigger.as_mut().and_then(|trigger| trigger.take("sequence"));
    let steps = sequence.and_then(|item| item.elements(&mut said)).unwrap_or_default();
    for (step, behind) in steps.iter().rev().zip(0..).filter(|(step, _)| step.value.is_table()) {
        let tests = step.table(&mut said).and_then(|mut step| step.take("where"));
        // The last step completes the trigger.
        let asked = if behind == 0 { Asked::OfTheTriggersRecord } else { Asked::OfAnotherRecord };
        tests.iter().for_each(|tests| visit(tests, asked));
    }
    let mut show = |table: Option<Table<'_>>, asked| {
        let tests = table.and_then(|mut table| table.take("where"));
        tests.iter().for_each(|tests| visit(tests, asked));
    };
    let without = trigger.and_then(|mut trigger| {
        let without = trigger.take("without");
        show(Some(trigger), Asked::OfTheTriggersRecord);
        without.and_then(|item| item.table(&mut said))
    });
    show(without, Asked::OfAnotherRecord);
    show(audience, Asked::OfTheTriggersRecord);
    let Some(mut exit) = exit else { return };
    let any = exit.take("any").and_then(|item| item.elements(&mut said)).unwrap_or_default();
    show(Some(exit), Asked::OfAnotherRecord);
    any.iter().for_each(|item| show(item.table(&mut said), Asked::OfAnotherRecord));
}
