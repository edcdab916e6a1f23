//! What one value may still be, while tests of it are taken to hold or not. It may say too much, never too little: where
//! it is empty no value passes.

use outreach_engine::Timestamp;
use outreach_engine::rule::condition::Regex;
use outreach_engine::rule::{Bound, Operator};
use outreach_engine::value::Value;
use std::cmp::Ordering;

/// By type; a type that is ruled out has nothing.
#[derive(Clone, Debug)]
pub(super) struct Domain {
    /// It is not there, or null.
    missing: bool,
    no: bool,
    yes: bool,
    numbers: Option<Numbers>,
    texts: Option<Texts>,
    /// An array or an object.
    other: bool,
}

#[derive(Clone, Debug, Default)]
struct Numbers {
    low: Option<Limit<Value>>,
    high: Option<Limit<Value>>,
    only: Option<Vec<Value>>,
    never: Vec<Value>,
}

#[derive(Clone, Debug, Default)]
struct Texts {
    only: Option<Vec<Box<str>>>,
    never: Vec<Box<str>>,
    /// Each with whether it holds.
    tests: Vec<(TextTest, bool)>,
    dates: [Option<Limit<Timestamp>>; 2],
    /// From now, in microseconds.
    relative: [Option<Limit<i64>>; 2],
}

#[derive(Clone, Debug)]
enum TextTest {
    Contains(Box<str>),
    Starts(Box<str>),
    Ends(Box<str>),
    Matches(Regex),
}

#[derive(Clone, Debug)]
struct Limit<T> {
    at: T,
    is_inside: bool,
}

const LOW: usize = 0;
const HIGH: usize = 1;

impl Domain {
    pub fn any() -> Domain {
        let (numbers, texts) = (Some(Numbers::default()), Some(Texts::default()));
        Domain { missing: true, no: true, yes: true, numbers, texts, other: true }
    }

    pub fn is_empty(&self) -> bool {
        let has_number = self.numbers.as_ref().is_some_and(|numbers| !numbers.is_empty());
        let has_text = self.texts.as_ref().is_some_and(|texts| !texts.is_empty());
        !(self.missing || self.no || self.yes || self.other || has_number || has_text)
    }

    /// Keeps what passes the test, or what does not.
    pub fn keep(&mut self, operator: &Operator, holds: bool) {
        match operator {
            Operator::Equal(value) => self.among(std::slice::from_ref(value), holds),
            Operator::Not(value) => self.among(std::slice::from_ref(value), !holds),
            Operator::In(values) => self.among(values, holds),
            Operator::NotIn(values) => self.among(values, !holds),
            Operator::Exists(exists) if *exists == holds => self.missing = false,
            Operator::Exists(_) => *self = Domain { missing: self.missing, ..Domain::nothing() },
            Operator::Greater(bound) if holds => self.bounded(LOW, bound, false),
            Operator::GreaterOrEqual(bound) if holds => self.bounded(LOW, bound, true),
            Operator::Less(bound) if holds => self.bounded(HIGH, bound, false),
            Operator::LessOrEqual(bound) if holds => self.bounded(HIGH, bound, true),
            Operator::Between(low, high) if holds => {
                self.bounded(LOW, low, true);
                self.bounded(HIGH, high, true);
            }
            Operator::Greater(bound) => self.bounded_numbers(HIGH, bound, true),
            Operator::GreaterOrEqual(bound) => self.bounded_numbers(HIGH, bound, false),
            Operator::Less(bound) => self.bounded_numbers(LOW, bound, true),
            Operator::LessOrEqual(bound) => self.bounded_numbers(LOW, bound, false),
            Operator::Between(..) => {}
            Operator::Contains(Value::Text(part)) => {
                self.of_text(TextTest::Contains(part.clone()), true, holds)
            }
            Operator::Contains(_) if holds => *self = Domain { other: self.other, ..Domain::nothing() },
            Operator::Contains(_) => {}
            Operator::StartsWith(start) => self.of_text(TextTest::Starts(start.clone()), false, holds),
            Operator::EndsWith(end) => self.of_text(TextTest::Ends(end.clone()), false, holds),
            Operator::Matches(pattern) => self.of_text(TextTest::Matches(pattern.clone()), false, holds),
        }
    }

    fn nothing() -> Domain {
        Domain { missing: false, no: false, yes: false, numbers: None, texts: None, other: false }
    }

    fn among(&mut self, values: &[Value], is_one: bool) {
        let numbers =
            || values.iter().filter(|value| matches!(value, Value::Int(_) | Value::Float(_))).cloned();
        let texts = || {
            values
                .iter()
                .filter_map(|value| if let Value::Text(text) = value { Some(text.clone()) } else { None })
        };
        let has = |wanted: bool| values.contains(&Value::Bool(wanted));
        if !is_one {
            (self.no, self.yes) = (self.no && !has(false), self.yes && !has(true));
            self.numbers.iter_mut().for_each(|of| of.never.extend(numbers()));
            self.texts.iter_mut().for_each(|of| of.never.extend(texts()));
            return;
        }
        self.missing = false;
        (self.no, self.yes) = (self.no && has(false), self.yes && has(true));
        self.other = self.other && values.iter().any(|value| matches!(value, Value::List(_)));
        if let Some(of) = &mut self.numbers {
            let is_left =
                |value: &Value| of.only.as_ref().is_none_or(|only| only.iter().any(|one| one.equals(value)));
            of.only = Some(numbers().filter(is_left).collect());
        }
        if let Some(of) = &mut self.texts {
            let old = of.only.take();
            let is_left = |text: &str| old.as_ref().is_none_or(|old| old.iter().any(|one| **one == *text));
            of.only = Some(texts().filter(|text| is_left(text)).collect());
        }
    }

    /// A comparison that holds: nothing but values of its kind.
    fn bounded(&mut self, side: usize, bound: &Bound, is_inside: bool) {
        let (numbers, texts) = (self.numbers.take(), self.texts.take());
        *self = Domain::nothing();
        match bound {
            Bound::Number(_) => {
                self.numbers = numbers;
                self.bounded_numbers(side, bound, is_inside);
            }
            Bound::Date(at) => {
                self.texts = texts;
                self.texts.iter_mut().for_each(|texts| tighten(side, &mut texts.dates[side], *at, is_inside));
            }
            Bound::Now { is_before, by } => {
                self.texts = texts;
                let from_now = if *is_before { -by.0 } else { by.0 };
                self.texts
                    .iter_mut()
                    .for_each(|texts| tighten(side, &mut texts.relative[side], from_now, is_inside));
            }
        }
    }

    fn bounded_numbers(&mut self, side: usize, bound: &Bound, is_inside: bool) {
        let (Bound::Number(at), Some(numbers)) = (bound, &mut self.numbers) else { return };
        let slot = if side == LOW { &mut numbers.low } else { &mut numbers.high };
        let is_tighter = slot.as_ref().is_none_or(|old| match at.compare_number(&old.at) {
            Some(Ordering::Equal) => old.is_inside && !is_inside,
            Some(Ordering::Greater) => side == LOW,
            Some(Ordering::Less) => side == HIGH,
            None => false,
        });
        if is_tighter {
            *slot = Some(Limit { at: at.clone(), is_inside });
        }
    }

    /// `is_of_lists` too: a member of an array.
    fn of_text(&mut self, test: TextTest, is_of_lists: bool, holds: bool) {
        if holds {
            *self =
                Domain { texts: self.texts.take(), other: self.other && is_of_lists, ..Domain::nothing() };
        }
        self.texts.iter_mut().for_each(|texts| texts.tests.push((test.clone(), holds)));
    }
}

fn tighten<T: Ord>(side: usize, slot: &mut Option<Limit<T>>, at: T, is_inside: bool) {
    let is_tighter = slot.as_ref().is_none_or(|old| match at.cmp(&old.at) {
        Ordering::Equal => old.is_inside && !is_inside,
        Ordering::Greater => side == LOW,
        Ordering::Less => side == HIGH,
    });
    if is_tighter {
        *slot = Some(Limit { at, is_inside });
    }
}

impl Numbers {
    fn is_empty(&self) -> bool {
        match &self.only {
            Some(only) => !only.iter().any(|value| self.has(value)),
            None => {
                let (Some(low), Some(high)) = (&self.low, &self.high) else { return false };
                match low.at.compare_number(&high.at) {
                    Some(Ordering::Greater) => true,
                    Some(Ordering::Equal) => !low.is_inside || !high.is_inside || !self.has(&low.at),
                    Some(Ordering::Less) | None => false,
                }
            }
        }
    }

    fn has(&self, value: &Value) -> bool {
        let is_past = |limit: &Limit<Value>, out| match value.compare_number(&limit.at) {
            Some(Ordering::Equal) => !limit.is_inside,
            order => order == Some(out),
        };
        !self.never.iter().any(|never| never.equals(value))
            && !self.low.as_ref().is_some_and(|limit| is_past(limit, Ordering::Less))
            && !self.high.as_ref().is_some_and(|limit| is_past(limit, Ordering::Greater))
    }
}

impl Texts {
    fn is_empty(&self) -> bool {
        if crosses(&self.dates) || crosses(&self.relative) {
            return true;
        }
        match &self.only {
            Some(only) => !only.iter().any(|text| self.has(text)),
            None => self.excludes_itself(),
        }
    }

    fn has(&self, text: &str) -> bool {
        let needs_date = self.dates.iter().any(Option::is_some) || self.relative.iter().any(Option::is_some);
        let date = Timestamp::parse(text);
        let is_in_time = match date {
            None => !needs_date,
            Some(at) => {
                let after =
                    self.dates[LOW].as_ref().is_none_or(|low| at > low.at || at == low.at && low.is_inside);
                after
                    && self.dates[HIGH]
                        .as_ref()
                        .is_none_or(|high| at < high.at || at == high.at && high.is_inside)
            }
        };
        let passes = |(test, holds): &(TextTest, bool)| test.passes(text) == *holds;
        is_in_time && !self.never.iter().any(|never| **never == *text) && self.tests.iter().all(passes)
    }

    /// Beginnings, or ends, that no one text has; a part that must be there and must not.
    fn excludes_itself(&self) -> bool {
        let of =
            |wanted: bool| self.tests.iter().filter(move |(_, holds)| *holds == wanted).map(|(test, _)| test);
        let is_apart = |one: &TextTest| of(true).any(|two| one.excludes(two));
        of(true).any(is_apart) || of(false).any(|denied| of(true).any(|held| held.brings(denied)))
    }
}

impl TextTest {
    fn passes(&self, text: &str) -> bool {
        match self {
            TextTest::Contains(part) => text.contains(&**part),
            TextTest::Starts(start) => text.starts_with(&**start),
            TextTest::Ends(end) => text.ends_with(&**end),
            TextTest::Matches(pattern) => pattern.is_match(text),
        }
    }

    /// Whether no text passes both.
    fn excludes(&self, other: &TextTest) -> bool {
        match (self, other) {
            (TextTest::Starts(one), TextTest::Starts(two)) => {
                !one.starts_with(&**two) && !two.starts_with(&**one)
            }
            (TextTest::Ends(one), TextTest::Ends(two)) => !one.ends_with(&**two) && !two.ends_with(&**one),
            (TextTest::Contains(_) | TextTest::Starts(_) | TextTest::Ends(_) | TextTest::Matches(_), _) => {
                false
            }
        }
    }

    /// Whether every text that passes this one passes the other.
    fn brings(&self, other: &TextTest) -> bool {
        match (self, other) {
            (TextTest::Starts(held), TextTest::Starts(denied)) => held.starts_with(&**denied),
            (TextTest::Ends(held), TextTest::Ends(denied)) => held.ends_with(&**denied),
            (
                TextTest::Contains(held) | TextTest::Starts(held) | TextTest::Ends(held),
                TextTest::Contains(denied),
            ) => held.contains(&**denied),
            (TextTest::Contains(_) | TextTest::Starts(_) | TextTest::Ends(_) | TextTest::Matches(_), _) => {
                false
            }
        }
    }
}

fn crosses<T: Ord>([low, high]: &[Option<Limit<T>>; 2]) -> bool {
    let (Some(low), Some(high)) = (low, high) else { return false };
    low.at > high.at || low.at == high.at && !(low.is_inside && high.is_inside)
}
