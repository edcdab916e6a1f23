//! Changes of a document: each leaves one copy of it in which one thing is another.

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// One way down from a table or an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Down {
    Key(String),
    At(usize),
}

/// From the top of the document.
pub(super) type Place = Vec<Down>;

/// The document after one change.
pub(super) struct Draft {
    pub place: Place,
    pub table: Table,
    pub change: String,
    pub hint: &'static str,
}

/// All changes so far.
pub(super) struct Drafts<'t> {
    original: &'t Table,
    all: Vec<Draft>,
}

impl<'t> Drafts<'t> {
    pub fn new(original: &'t Table) -> Drafts<'t> {
        Drafts { original, all: Vec::new() }
    }

    pub fn original(&self) -> &'t Table {
        self.original
    }

    pub fn into_all(self) -> Vec<Draft> {
        self.all
    }

    /// One more draft: `edit` is shown the value at `place` (its parent's for [`Drafts::remove`] and the like).
    pub fn add(
        &mut self,
        place: &[Down],
        at: &[Down],
        change: String,
        hint: &'static str,
        edit: impl FnOnce(&mut Value),
    ) {
        let mut root = Value::Table(self.original.clone());
        if let Some(value) = find(&mut root, at) {
            edit(value);
        }
        if let Value::Table(table) = root {
            self.all.push(Draft { place: place.to_vec(), table, change, hint });
        }
    }

    /// Another value at `place`.
    pub fn set(&mut self, place: &[Down], to: Value, hint: &'static str) {
        let was = self.at(place).map(shown).unwrap_or_default();
        let change = format!("{}{was} is {}", named(place), shown(&to));
        self.add(place, place, change, hint, |value| *value = to);
    }

    /// Nothing at `place`, nor under the keys beside it that mean nothing without it.
    pub fn remove(&mut self, place: &[Down], with: &[&str], hint: &'static str) {
        let was = self.at(place).map(shown).unwrap_or_default();
        let change = format!("{}{was} is gone", named(place));
        let Some((last, parent)) = place.split_last() else { return };
        self.add(place, parent, change, hint, |value| match (last, value) {
            (Down::Key(key), Value::Table(table)) => {
                table.remove(key);
                with.iter().for_each(|key| drop(table.remove(*key)));
            }
            (Down::At(at), Value::Array(elements)) => drop(elements.remove(*at)),
            _ => {}
        });
    }

    /// Another key for the value at `place`.
    pub fn rename(&mut self, place: &[Down], to: &str, hint: &'static str) {
        let Some((Down::Key(key), parent)) = place.split_last() else { return };
        let was = self.at(place).map(shown).unwrap_or_default();
        let change = format!("{}{was} is {to}", named(place));
        self.add(place, parent, change, hint, |value| {
            if let Value::Table(table) = value
                && let Some(moved) = table.remove(key)
            {
                table.insert(to.to_owned(), moved);
            }
        });
    }

    /// Two neighbours of an array change places: the one at `place`, and the one before it.
    pub fn swap(&mut self, place: &[Down], change: String, hint: &'static str) {
        let Some((Down::At(at), parent)) = place.split_last() else { return };
        self.add(place, parent, change, hint, |value| {
            if let Value::Array(elements) = value {
                elements.swap(at - 1, *at);
            }
        });
    }

    fn at(&self, place: &[Down]) -> Option<&'t Value> {
        let (first, rest) = place.split_first()?;
        let Down::Key(key) = first else { return None };
        rest.iter().try_fold(self.original.get(key)?, |value, down| match down {
            Down::Key(key) => value.get(key),
            Down::At(at) => value.get(at),
        })
    }
}

/// The place below.
pub(super) fn below(place: &[Down], key: &str) -> Place {
    [place, &[Down::Key(key.to_owned())]].concat()
}

/// The place of an element.
pub(super) fn element(place: &[Down], at: usize) -> Place {
    [place, &[Down::At(at)]].concat()
}

fn find<'v>(root: &'v mut Value, place: &[Down]) -> Option<&'v mut Value> {
    place.iter().try_fold(root, |value, down| match down {
        Down::Key(key) => value.get_mut(key),
        Down::At(at) => value.get_mut(*at),
    })
}

/// The key at the end of a place, for a change's words.
fn named(place: &[Down]) -> String {
    let key = place.iter().rev().find_map(|down| match down {
        Down::Key(key) => Some(key.as_str()),
        Down::At(_) => None,
    });
    key.map_or_else(String::new, |key| format!("{key} "))
}

/// Longer ones are cut: a step with all that is inside it.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// A value as it stands in one line.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string().replace('\n', " ");
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// Where `place` stands in the document's text, in bytes; of what is inside of something that cannot be found, that.
pub(super) fn offset(text: &str, place: &[Down]) -> usize {
    let (root, _) = DeTable::parse_recoverable(text);
    let Some((Down::Key(first), rest)) = place.split_first() else { return 0 };
    let Some((key, value)) = root.get_ref().get_key_value(first.as_str()) else { return 0 };
    let (mut offset, mut value) = (key.span().start, value.get_ref());
    for down in rest {
        let found = match (down, value) {
            (Down::Key(name), DeValue::Table(table)) => {
                table.get_key_value(name.as_str()).map(|(key, value)| (key.span().start, value.get_ref()))
            }
            (Down::At(at), DeValue::Array(elements)) => {
                elements.get(*at).map(|element| (element.span().start, element.get_ref()))
            }
            _ => None,
        };
        let Some((found, inside)) = found else { return offset };
        (offset, value) = (found, inside);
    }
    offset
}
