//! A TOML document whose keys and values know their place, read so that nothing is ignored.
//!
//! A reader takes the keys it knows from a [`Table`]; what is left when it calls [`Table::finish`] is a problem each.
//! A value that cannot be read leaves an error in [`Problems`] and gives nothing; so whoever reads a document goes on
//! to the end, and makes nothing of it when [`Problems::has_errors`].

use super::diagnostic::{Code, Diagnostic, Severity};
use crate::time::Length;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use unicode_normalization::UnicodeNormalization;

/// Where a key or a value stands.
#[derive(Clone, Debug)]
pub struct Place<'d> {
    pub file: &'d str,
    pub span: Range<usize>,
}

/// All that was found wrong so far.
#[derive(Debug, Default)]
pub struct Problems {
    found: Vec<Diagnostic>,
}

impl Problems {
    pub fn error(&mut self, code: Code, place: &Place<'_>, message: impl Into<String>) -> &mut Diagnostic {
        self.add(code, Severity::Error, place, message.into())
    }

    pub fn warn(&mut self, code: Code, place: &Place<'_>, message: impl Into<String>) -> &mut Diagnostic {
        self.add(code, Severity::Warning, place, message.into())
    }

    fn add(&mut self, code: Code, severity: Severity, place: &Place<'_>, message: String) -> &mut Diagnostic {
        let (file, span) = (place.file.to_owned(), place.span.clone());
        self.found.push(Diagnostic { code, severity, file, span, message, help: None });
        self.found.last_mut().expect("one was just added")
    }

    pub fn has_errors(&self) -> bool {
        self.found.iter().any(Diagnostic::is_error)
    }

    /// Those that are no warnings, in the order in which they were found.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.found.iter().filter(|problem| problem.is_error())
    }

    /// Takes what another reading found.
    pub fn extend(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        self.found.extend(found);
    }

    /// All of them in the order of their places, file by file.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by(|a, b| {
            (&a.file, a.span.start, a.span.end, a.code).cmp(&(&b.file, b.span.start, b.span.end, b.code))
        });
        self.found
    }
}

/// A parsed document. Tables and items borrow from it.
pub struct Document<'d> {
    file: &'d str,
    root: Spanned<DeTable<'d>>,
}

impl<'d> Document<'d> {
    /// Nothing where the text is no TOML: then each syntax error is a problem, and no other, for what stands behind
    /// one may be read as part of the wrong table.
    pub fn parse(problems: &mut Problems, file: &'d str, text: &'d str) -> Option<Document<'d>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let is_sound = errors.is_empty();
        for error in errors {
            let place = Place { file, span: error.span().unwrap_or(0..0) };
            problems.error(Code::TomlSyntax, &place, error.message().trim_end());
        }
        is_sound.then_some(Document { file, root })
    }

    /// The document's own keys.
    pub fn top(&self) -> Table<'_> {
        Table::new(String::new(), Place { file: self.file, span: 0..0 }, self.root.get_ref())
    }
}

/// The keys of one table that nobody has taken yet.
pub struct Table<'d> {
    /// Dotted; empty at the top of the document.
    name: String,
    pub place: Place<'d>,
    entries: BTreeMap<&'d str, Item<'d>>,
    known: Vec<&'static str>,
}

/// One key with its value, or one element of an array.
#[derive(Clone, Debug)]
pub struct Item<'d> {
    pub key: &'d str,
    pub key_place: Place<'d>,
    /// Of the value.
    pub place: Place<'d>,
    pub value: &'d DeValue<'d>,
    /// The dotted name, for messages.
    name: String,
    /// Texts may stand for numbers, booleans and lists: variables of the environment have no types.
    is_untyped: bool,
    /// A table laid over this one.
    over: Option<Box<Item<'d>>>,
}

impl<'d> Table<'d> {
    fn new(name: String, place: Place<'d>, table: &'d DeTable<'d>) -> Table<'d> {
        let entries = table.iter().map(|(key, value)| {
            let full =
                if name.is_empty() { key.get_ref().to_string() } else { format!("{name}.{}", key.get_ref()) };
            let item = Item {
                key: key.get_ref(),
                key_place: Place { file: place.file, span: key.span() },
                place: Place { file: place.file, span: value.span() },
                value: value.get_ref(),
                name: full,
                is_untyped: false,
                over: None,
            };
            (item.key, item)
        });
        Table { entries: entries.collect(), name, place, known: Vec::new() }
    }

    /// The value of a key this table may have.
    pub fn take(&mut self, key: &'static str) -> Option<Item<'d>> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// The value of a key this table must have. `help` says how it is written.
    pub fn require(&mut self, problems: &mut Problems, key: &'static str, help: &str) -> Option<Item<'d>> {
        let item = self.take(key);
        if item.is_none() {
            let message = format!("missing key `{key}`{}", self.location());
            problems.error(Code::MissingKey, &self.place, message).with_help(help);
        }
        item
    }

    /// Whether no key is left.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every key that is left, for tables whose keys are the writer's own.
    pub fn take_all(&mut self) -> Vec<Item<'d>> {
        std::mem::take(&mut self.entries).into_values().collect()
    }

    /// Lays `other` over this table: its values win, and are untyped. Tables are laid over tables.
    pub fn overlay(&mut self, other: Table<'d>) {
        for (key, mut item) in other.entries {
            item.is_untyped = true;
            match self.entries.get_mut(key) {
                Some(under) if under.value.is_table() && item.value.is_table() => {
                    under.over = Some(Box::new(item))
                }
                Some(_) | None => {
                    self.entries.insert(key, item);
                }
            }
        }
    }

    /// What nobody took is a problem: `not_built` names what the language has and this version has not. Whether there
    /// was such a key.
    pub fn finish(self, problems: &mut Problems, not_built: &[&'static str]) -> bool {
        let location = self.location();
        let mut found_not_built = false;
        for item in self.entries.into_values() {
            if not_built.contains(&item.key) {
                problems.not_built(&item.key_place, &format!("`{}`", item.key));
                found_not_built = true;
                continue;
            }
            let message = format!("unknown key `{}`{location}", item.key);
            let known = self.known.iter().chain(not_built).copied();
            let help = match closest(item.key, known) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            problems.error(Code::UnknownKey, &item.key_place, message).with_help(help);
        }
        found_not_built
    }

    fn location(&self) -> String {
        if self.name.is_empty() { String::new() } else { format!(" in `{}`", self.name) }
    }
}

impl Problems {
    /// `what` belongs to the language, and this version cannot do it.
    pub fn not_built(&mut self, place: &Place<'_>, what: &str) {
        let message = format!("{what} is not built yet: this version cannot do it");
        self.error(Code::NotBuiltYet, place, message);
    }
}

impl<'d> Item<'d> {
    /// A text, as it stands.
    pub fn text(&self, problems: &mut Problems) -> Option<&'d str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong_type(problems, "a string");
        }
        text
    }

    /// A text of at least one character, in NFC.
    pub fn words(&self, problems: &mut Problems) -> Option<String> {
        let text = self.text(problems)?;
        if text.trim().is_empty() {
            problems.error(
                Code::BadValue,
                &self.place,
                format!("expected a text for `{}`, found none", self.name),
            );
            return None;
        }
        Some(nfc(text))
    }

    pub fn boolean(&self, problems: &mut Problems) -> Option<bool> {
        let value = match self.value {
            DeValue::Boolean(value) => Some(*value),
            DeValue::String(text) if self.is_untyped => text.parse().ok(),
            _ => None,
        };
        if value.is_none() {
            self.wrong_type(problems, "true or false");
        }
        value
    }

    /// A whole number within bounds.
    pub fn integer(&self, problems: &mut Problems, bounds: RangeInclusive<i64>) -> Option<i64> {
        let value = match self.value {
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok(),
            DeValue::String(text) if self.is_untyped => text.parse().ok(),
            _ => {
                self.wrong_type(problems, "a whole number");
                return None;
            }
        };
        let fitting = value.filter(|value| bounds.contains(value));
        if fitting.is_none() {
            let (from, to) = (bounds.start(), bounds.end());
            let message = format!("expected a whole number from {from} to {to} for `{}`", self.name);
            problems.error(Code::BadValue, &self.place, message);
        }
        fitting
    }

    /// A length of time longer than nothing.
    pub fn length(&self, problems: &mut Problems) -> Option<Length> {
        let length = self.length_or_zero(problems)?;
        if length == Length::ZERO {
            let message = format!("expected a length longer than nothing for `{}`", self.name);
            problems.error(Code::BadLength, &self.place, message);
            return None;
        }
        Some(length)
    }

    pub fn length_or_zero(&self, problems: &mut Problems) -> Option<Length> {
        let DeValue::String(text) = self.value else {
            let message = format!("expected a length such as \"3 days\", found {}", kind(self.value));
            problems.error(Code::BadLength, &self.place, message);
            return None;
        };
        Length::parse(text).map_err(|message| problems.error(Code::BadLength, &self.place, message)).ok()
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, problems: &mut Problems, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(problems)?;
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if chosen.is_none() {
            let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            let message = format!("expected {} for `{}`, found \"{text}\"", words.join(" or "), self.name);
            let suggestion = closest(text, choices.iter().map(|(word, _)| *word));
            let problem = problems.error(Code::BadValue, &self.place, message);
            if let Some(word) = suggestion {
                problem.with_help(format!("did you mean \"{word}\"?"));
            }
        }
        chosen
    }

    pub fn table(&self, problems: &mut Problems) -> Option<Table<'d>> {
        let DeValue::Table(table) = self.value else {
            self.wrong_type(problems, "a table");
            return None;
        };
        let mut table = Table::new(self.name.clone(), self.place.clone(), table);
        for item in table.entries.values_mut() {
            item.is_untyped = self.is_untyped;
        }
        if let Some(over) = self.over.as_ref().and_then(|over| over.table(problems)) {
            table.overlay(over);
        }
        Some(table)
    }

    /// The elements of an array.
    pub fn elements(&self, problems: &mut Problems) -> Option<Vec<Item<'d>>> {
        let DeValue::Array(array) = self.value else {
            self.wrong_type(problems, "an array");
            return None;
        };
        let element = |(index, value): (usize, &'d Spanned<DeValue<'d>>)| {
            let place = Place { file: self.place.file, span: value.span() };
            let name = format!("{}[{index}]", self.name);
            let (key_place, is_untyped) = (place.clone(), self.is_untyped);
            Item { key: self.key, key_place, place, value: value.get_ref(), name, is_untyped, over: None }
        };
        Some(array.iter().enumerate().map(element).collect())
    }

    /// An array of texts; from the environment, texts between commas.
    pub fn texts(&self, problems: &mut Problems) -> Option<Vec<String>> {
        if let (true, DeValue::String(list)) = (self.is_untyped, self.value) {
            let parts = list.split(',').map(|part| nfc(part.trim()));
            return Some(parts.filter(|part| !part.is_empty()).collect());
        }
        let elements = self.elements(problems)?;
        Some(elements.iter().filter_map(|element| element.words(problems)).collect())
    }

    /// Tells what is written here from anything else, whatever the order of keys and the space between: the same in every
    /// version.
    pub fn fingerprint(&self) -> u64 {
        let mut text = String::new();
        write_whole(self.value, &mut text);
        xxhash_rust::xxh3::xxh3_64(text.as_bytes())
    }

    pub fn wrong_type(&self, problems: &mut Problems, expected: &str) {
        let message = format!("expected {expected} for `{}`, found {}", self.name, kind(self.value));
        problems.error(Code::WrongType, &self.place, message);
    }
}

/// A value as text, keys in order. Lengths stand before texts, so that no two values have one text.
fn write_whole(value: &DeValue<'_>, out: &mut String) {
    let mut text = |kind: &str, text: &str| out.push_str(&format!("{kind}{}:{text}", text.len()));
    match value {
        DeValue::String(string) => text("s", string),
        DeValue::Integer(integer) => text("i", &format!("{} {}", integer.radix(), integer.as_str())),
        DeValue::Float(float) => text("f", float.as_str()),
        DeValue::Boolean(is) => text("b", if *is { "true" } else { "false" }),
        DeValue::Datetime(date) => text("d", &date.to_string()),
        DeValue::Array(items) => {
            text("a", &items.len().to_string());
            items.iter().for_each(|item| write_whole(item.get_ref(), out));
        }
        DeValue::Table(table) => {
            text("t", &table.len().to_string());
            let sorted: BTreeMap<&str, &DeValue<'_>> =
                table.iter().map(|(key, value)| (key.get_ref().as_ref(), value.get_ref())).collect();
            for (key, value) in sorted {
                out.push_str(&format!("k{}:{key}", key.len()));
                write_whole(value, out);
            }
        }
    }
}

/// What people call a kind of TOML value.
pub fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Texts are compared after NFC (rules.md, "Conditions").
pub fn nfc(text: &str) -> String {
    text.nfc().collect()
}

/// How many letters differ, are missing or stand in each other's place.
pub fn slips(found: &str, name: &str) -> usize {
    strsim::damerau_levenshtein(found, name)
}

/// The name that was probably meant: at most a third of its letters differ.
pub fn closest<'n>(found: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let distances = names.map(|name| (strsim::damerau_levenshtein(found, name), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= (name.chars().count() / 3).max(1)).then_some(name)
}
