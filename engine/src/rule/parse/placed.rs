//! A `where` as it is written: its tests in their groups, each with its place, for those who reason about it. What cannot
//! be read was told by the reader of the rule, and is left open here.

use super::condition::{OPERATORS, value};
use crate::rule::condition::{Operator, Path, Test};
use crate::rule::document::{Item, Place, Problems, nfc};
use std::ops::Range;

/// A part of a condition. A group's span is that of its key: `any`.
#[derive(Clone, Debug)]
pub enum Placed {
    All(Vec<Placed>),
    Any(Vec<Placed>, Range<usize>),
    None(Vec<Placed>, Range<usize>),
    /// The span is that of the value.
    Test(Test, Range<usize>),
    /// `did` or `did_not`, with the span of the event's name and what is asked of such events: it may hold or not.
    Past {
        event: String,
        span: Range<usize>,
        tests: Box<Placed>,
    },
    /// What cannot be read: it may hold or not.
    Open,
}

impl Placed {
    /// The tests of a `where`.
    pub fn read(item: &Item<'_>) -> Placed {
        let mut said = Problems::default();
        let tests = item.table(&mut said).map(|mut table| table.take_all()).unwrap_or_default();
        // Groups come last: what single tests say of a value is known then.
        let (mut parts, mut groups) = (Vec::new(), Vec::new());
        for test in tests {
            let span = test.key_place.span.clone();
            match test.key {
                "any" => groups.push(Placed::Any(group(&test), span)),
                "none" => groups.push(Placed::None(group(&test), span)),
                "all" => groups.push(Placed::All(group(&test))),
                "did" | "did_not" => groups.push(past(&test)),
                _ => of_path(&test, &mut parts),
            }
        }
        parts.extend(groups);
        Placed::All(parts)
    }

    /// Shows every test of what is judged, with the span of its value: of the past none.
    pub fn each_test(&self, visit: &mut dyn FnMut(&Test, &Range<usize>)) {
        match self {
            Placed::All(parts) | Placed::Any(parts, _) | Placed::None(parts, _) => {
                parts.iter().for_each(|part| part.each_test(visit));
            }
            Placed::Test(test, span) => visit(test, span),
            Placed::Past { .. } | Placed::Open => {}
        }
    }
}

/// Shows every test of a `where` that can be read, with the place of its value.
pub fn each_test(item: &Item<'_>, visit: &mut dyn FnMut(&Path, &Operator, &Place<'_>)) {
    let file = item.place.file;
    Placed::read(item).each_test(&mut |test, span| {
        visit(&test.path, &test.operator, &Place { file, span: span.clone() });
    });
}

fn past(item: &Item<'_>) -> Placed {
    let Some(mut table) = item.table(&mut Problems::default()) else { return Placed::Open };
    let event = table.take("event").and_then(|event| Some((nfc(event.value.as_str()?), event.place.span)));
    let Some((event, span)) = event else { return Placed::Open };
    let tests = table.take("where").as_ref().map_or(Placed::All(Vec::new()), Placed::read);
    Placed::Past { event, span, tests: Box::new(tests) }
}

fn group(item: &Item<'_>) -> Vec<Placed> {
    let elements = item.elements(&mut Problems::default()).unwrap_or_default();
    elements.iter().map(Placed::read).collect()
}

fn of_path(item: &Item<'_>, parts: &mut Vec<Placed>) {
    let mut said = Problems::default();
    let Ok(path) = Path::parse(&nfc(item.key)) else {
        parts.push(Placed::Open);
        return;
    };
    let mut add = |operator: Option<Operator>, place: &Place<'_>| {
        let test =
            operator.map(|operator| Placed::Test(Test::new(path.clone(), operator), place.span.clone()));
        parts.push(test.unwrap_or(Placed::Open));
    };
    if !item.value.is_table() {
        add(value(&mut said, item).map(Operator::Equal), &item.place);
        return;
    }
    let Some(mut table) = item.table(&mut said) else { return };
    for (name, read) in OPERATORS {
        if let Some(item) = table.take(name) {
            add(read(&mut said, &item), &item.place);
        }
    }
}
