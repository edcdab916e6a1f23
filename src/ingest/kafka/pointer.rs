//! Where fields stand in a JSON object: JSON pointers (RFC 6901), all followed in one go.
//!
//! An object on the way to a field is read strictly: each of its keys once. What no pointer leads through is skipped,
//! but must be JSON. The raw text of a field is borrowed from the input.

use outreach_engine::event::malformed::{self, Malformed};
use outreach_engine::event::members::{check_json, type_of};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sonic_rs::LazyValue;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// Pointers as a tree: those that begin alike share their beginning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pointers {
    /// The fields that stand just here.
    fields: Vec<usize>,
    children: Vec<(String, Pointers)>,
}

/// Other keys than those on the way are compared one by one up to so many, and by a tree above.
const COMPARED_ONE_BY_ONE_MAX: usize = 16;

impl Pointers {
    /// Adds the pointer of `field`, a number of the caller's. `""` is the whole object; `/a/b` is `b` in `a`.
    pub fn add(&mut self, pointer: &str, field: usize) -> Result<(), String> {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!("expected a JSON pointer such as \"/customer/id\", found \"{pointer}\""));
        }
        let mut node = self;
        for token in pointer.split('/').skip(1) {
            let key = token.replace("~1", "/").replace("~0", "~");
            let index = node.children.iter().position(|(name, _)| *name == key).unwrap_or_else(|| {
                node.children.push((key, Pointers::default()));
                node.children.len() - 1
            });
            node = &mut node.children[index].1;
        }
        node.fields.push(field);
        Ok(())
    }

    /// Reads `json`, which must be one JSON object, and hands each field that is there, and not `null`, to `found`.
    pub fn follow<'a>(
        &self,
        json: &'a [u8],
        found: &mut impl FnMut(usize, &'a str),
    ) -> Result<(), Malformed> {
        let text = check_json(json)?.trim_matches(WHITE);
        if !text.starts_with('{') {
            return Err(Malformed::expected(malformed::WRONG_TYPE, "a JSON object", type_of(text)));
        }
        self.visit(text, found)
    }

    /// The depth is bounded by that of the pointers.
    fn visit<'a>(&self, raw: &'a str, found: &mut impl FnMut(usize, &'a str)) -> Result<(), Malformed> {
        if raw == "null" {
            return Ok(());
        }
        if !self.children.is_empty() && raw.starts_with(['{', '[']) {
            let mut deserializer = sonic_rs::Deserializer::from_str(raw);
            let read = Level(&self.children).deserialize(&mut deserializer).map_err(syntax)?;
            deserializer.end().map_err(syntax)?;
            if let Some(key) = read.twice {
                let found = format_args!("{key:?} twice");
                return Err(Malformed::expected(malformed::DUPLICATE_KEY, "each key once", found));
            }
            for (child, raw) in read.members {
                self.children[child].1.visit(raw, found)?;
            }
        }
        self.fields.iter().for_each(|field| found(*field, raw));
        Ok(())
    }
}

const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

fn syntax(error: sonic_rs::Error) -> Malformed {
    let found = format_args!("an error at byte {}", error.offset());
    Malformed::expected(malformed::MALFORMED_JSON, "a JSON object", found)
}

/// One object or array on the way.
struct Level<'p>(&'p [(String, Pointers)]);

/// What was found in it: the children's raw texts, and a key that stands there twice.
#[derive(Default)]
struct Read<'a> {
    members: Vec<(usize, &'a str)>,
    twice: Option<String>,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Read<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Read<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read<'de>, A::Error> {
        let mut read = Read::default();
        let mut seen = Seen::default();
        while let Some(key) = map.next_key_seed(Key)? {
            match self.0.iter().position(|(name, _)| *name == key) {
                Some(child) => read.members.push((child, borrowed(map.next_value()?)?)),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
            if read.twice.is_none() && !seen.insert(key.clone()) {
                read.twice = Some(key.into_owned());
            }
        }
        Ok(read)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Read<'de>, A::Error> {
        let mut read = Read::default();
        let mut index = 0usize;
        while let Some(value) = items.next_element::<LazyValue<'de>>()? {
            let wanted = self.0.iter().position(|(name, _)| name.parse() == Ok(index));
            if let Some(child) = wanted {
                read.members.push((child, borrowed(value)?));
            }
            index += 1;
        }
        Ok(read)
    }
}

fn borrowed<'de, E: Error>(value: LazyValue<'de>) -> Result<&'de str, E> {
    match value.as_raw_cow() {
        Cow::Borrowed(raw) => Ok(raw),
        Cow::Owned(_) => Err(E::custom("expected a value that is borrowed from the input")),
    }
}

/// The keys of one object.
#[derive(Default)]
struct Seen<'a> {
    few: Vec<Cow<'a, str>>,
    many: BTreeSet<Cow<'a, str>>,
}

impl<'a> Seen<'a> {
    /// Whether `key` is new.
    fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() < COMPARED_ONE_BY_ONE_MAX {
            self.few.push(key);
            return true;
        }
        self.many.insert(key)
    }
}

/// A key, borrowed where it has no escapes (serde's own `Cow` is always owned).
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(pointers: &[&str], json: &str) -> Result<Vec<(usize, String)>, Malformed> {
        let mut tree = Pointers::default();
        for (field, pointer) in pointers.iter().enumerate() {
            tree.add(pointer, field).unwrap();
        }
        let mut all = Vec::new();
        tree.follow(json.as_bytes(), &mut |field, raw: &str| all.push((field, raw.to_owned())))?;
        all.sort();
        Ok(all)
    }

    #[test]
    fn pointers_lead_through_objects_and_arrays() {
        let json = r#" {"a": {"b": "x", "c/d": 2}, "list": [1, {"e": null, "f": {"g": []}}], "": 3} "#;
        let found = follow(&["/a/b", "/a/c~1d", "/list/0", "/list/1/e", "/list/1/f", "/", "/none"], json);
        let expected = [(0, "\"x\""), (1, "2"), (2, "1"), (4, "{\"g\": []}"), (5, "3")];
        assert_eq!(found.unwrap(), expected.map(|(field, raw)| (field, raw.to_owned())));
    }

    #[test]
    fn a_field_may_lie_within_another() {
        let found = follow(&["", "/data", "/data/user"], r#"{"data":{"user":7}}"#).unwrap();
        let texts: Vec<&str> = found.iter().map(|(_, raw)| raw.as_str()).collect();
        assert_eq!(texts, [r#"{"data":{"user":7}}"#, r#"{"user":7}"#, "7"]);
    }

    #[test]
    fn a_key_that_stands_twice_on_the_way_is_refused_however_it_is_spelt() {
        for json in [
            r#"{"a":{"b":1},"a":{"b":2}}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":{},"x":1,"x":2}"#,
            r#"{"a":{"b":1},"\u0061":3}"#,
        ] {
            assert_eq!(follow(&["/a/b"], json).unwrap_err().code, malformed::DUPLICATE_KEY, "{json}");
        }
        assert!(follow(&["/a/b"], r#"{"a":{"b":1},"c":{"x":1,"x":2}}"#).is_ok(), "not on the way");
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        for json in
            ["", "{", "{\"a\":1}x", "{\"a\":1,}", "nul", "{\"a\":{\"b\":tru}}", "{\"c\":[1,]}", "{'a':1}"]
        {
            let error = follow(&["/a/b"], json).unwrap_err();
            assert_eq!(error.code, malformed::MALFORMED_JSON, "{json}: {error}");
        }
        for json in ["null", "7", "[{}]", "\"a\""] {
            assert_eq!(follow(&["/a/b"], json).unwrap_err().code, malformed::WRONG_TYPE, "{json}");
        }
    }

    #[test]
    fn a_pointer_begins_with_a_slash() {
        let error = Pointers::default().add("customer/id", 0).unwrap_err();
        assert!(error.contains("found \"customer/id\""), "{error}");
    }
}
