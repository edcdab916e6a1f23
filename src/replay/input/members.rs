//! NDJSON whose keys are not Segment's: the members of a line's object are its columns.
//!
//! Which columns there are is known only when all is read: each new key that is asked for is bound when it comes.

use super::cell::Cell;
use super::mapping::{From, Mapping};
use super::plan::{Cells, Plan, Shape, no_column};
use outreach_engine::event::members::{EVENT_BYTES_MAX, check_json, type_of};
use outreach_engine::event::{Malformed, malformed};
use std::borrow::Cow;
use std::collections::HashMap;

const OBJECTS: Shape = Shape { is_nested: true, is_closed: false };

/// Keys that one file may have: names of columns, not data.
const KEYS_MAX: usize = 1_000;

/// Reads objects by a mapping.
pub struct Members<'m> {
    mapping: &'m Mapping,
    /// Every key that was seen: for the words, and for `*`.
    columns: Vec<String>,
    numbers: HashMap<String, usize>,
    plan: Plan,
}

/// One object: the raw JSON of each column that it has.
struct Object<'a>(Vec<Option<Cow<'a, str>>>);

impl<'m> Members<'m> {
    pub fn new(mapping: &'m Mapping) -> Result<Members<'m>, String> {
        let plan = Plan::bind(mapping, &[], OBJECTS)?;
        Ok(Members { mapping, columns: Vec::new(), numbers: HashMap::new(), plan })
    }

    /// Writes the event of one line over `out`.
    pub fn write(&mut self, line: &[u8], out: &mut String) -> Result<(), Malformed> {
        if line.len() > EVENT_BYTES_MAX {
            let expected = format_args!("at most {EVENT_BYTES_MAX} bytes");
            return Err(Malformed::expected(malformed::TOO_LARGE, expected, line.len()));
        }
        let text = check_json(line)?;
        if !text.trim_ascii_start().starts_with('{') {
            return Err(Malformed::expected(malformed::WRONG_TYPE, "a JSON object", type_of(text)));
        }
        let mut object = Object(vec![None; self.columns.len()]);
        let mut is_new = false;
        for (key, value) in sonic_rs::to_object_iter(text).map_while(Result::ok) {
            let column = match self.numbers.get(&*key) {
                Some(column) => *column,
                None => {
                    is_new = true;
                    self.add(&key)?
                }
            };
            object.0.resize(self.columns.len(), None);
            if object.0[column].replace(value.as_raw_cow()).is_some() {
                let found = format_args!("`{key}` twice");
                return Err(Malformed::expected(malformed::DUPLICATE_KEY, "each key once", found));
            }
        }
        if is_new {
            let clash = |words| Malformed::new(malformed::DUPLICATE_KEY, words);
            self.plan = Plan::bind(self.mapping, &self.columns, OBJECTS).map_err(clash)?;
        }
        self.plan.write(&object, out)
    }

    fn add(&mut self, key: &str) -> Result<usize, Malformed> {
        let column = self.columns.len();
        if column >= KEYS_MAX {
            let expected = format_args!("at most {KEYS_MAX} keys in a file");
            return Err(Malformed::expected(malformed::TOO_LARGE, expected, "more"));
        }
        self.columns.push(key.to_owned());
        self.numbers.insert(key.to_owned(), column);
        Ok(column)
    }

    pub fn name_column(&self, malformed: Malformed) -> Malformed {
        self.plan.name_column(malformed)
    }

    /// In words, which column of the mapping no line had.
    pub fn finish(self) -> Result<(), String> {
        for entry in &self.mapping.0 {
            let From::Column { name, .. } = &entry.from else { continue };
            let outer = name.split('.').next().unwrap_or(name);
            let is_there = self.numbers.contains_key(name) || self.numbers.contains_key(outer);
            if !is_there && !self.columns.is_empty() {
                return Err(no_column(&entry.field.join("."), name, &self.columns));
            }
        }
        Ok(())
    }
}

impl Cells for Object<'_> {
    fn cell(&self, column: usize, inside: &[String]) -> Result<Cell<'_>, Malformed> {
        let Some(raw) = self.0.get(column).and_then(Option::as_deref) else { return Ok(Cell::Absent) };
        let segments: Vec<Box<str>> = inside.iter().map(|name| name.as_str().into()).collect();
        Ok(match outreach_engine::json::find(raw, &segments) {
            None | Some("null") => Cell::Absent,
            Some(raw) => Cell::Json(raw.into()),
        })
    }
}
