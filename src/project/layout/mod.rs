//! The one layout of a project's files, as rules.md writes them: the order of keys, one blank line before a table, single
//! spaces, texts in double quotes. Comments stay with what they stand above or behind.
//!
//! Invariants: what is laid out reads as before, value for value, or it is refused; laying it out again changes nothing.

mod around;
mod order;
#[cfg(test)]
mod tests;
mod value;

use super::files;
use toml_edit::{DocumentMut, Item, Table};

/// What a file is, by its path in the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Settings,
    Rule,
    RuleTest,
}

/// Why a file was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error("it is no TOML: `outreach check` says where")]
    Syntax,
    #[error("laid out it would read otherwise: this is a fault of outreach, please report it")]
    Changed,
}

/// The text in its layout. `path` is relative to the project: `rules/stalled.toml`.
pub fn laid_out(path: &str, text: &str) -> Result<String, LayoutError> {
    let kind = match path {
        _ if path.ends_with(files::TEST_ENDING) => Kind::RuleTest,
        files::SETTINGS => Kind::Settings,
        _ => Kind::Rule,
    };
    let before: toml::Table = toml::from_str(text).map_err(|_| LayoutError::Syntax)?;
    let unified = text.replace("\r\n", "\n");
    let (head, body) = around::split_head(&unified);
    let mut document: DocumentMut = body.parse().map_err(|_| LayoutError::Syntax)?;
    let mut next = 0;
    let top = order::keys(kind, "");
    place(document.as_table_mut(), &top, &mut next);
    lay_out(document.as_table_mut(), kind, "");
    let trailing = around::lines(document.trailing().as_str().unwrap_or_default(), true);
    document.set_trailing(trailing);
    let body = document.to_string();
    let whole = head + body.trim_start_matches('\n');
    let laid_out = whole.trim_end().to_owned() + "\n";
    let after: toml::Table = toml::from_str(&laid_out).map_err(|_| LayoutError::Changed)?;
    if after == before { Ok(laid_out) } else { Err(LayoutError::Changed) }
}

/// Gives every table its place in the file: parents before children, each in the order of the language.
fn place(table: &mut Table, order: &[&str], next: &mut isize) {
    let mut keys: Vec<(usize, isize, String)> = Vec::new();
    for (key, item) in table.iter() {
        let first = first_position(item);
        keys.extend(first.map(|position| (order::rank(order, key), position, key.to_owned())));
    }
    keys.sort();
    for (_, _, key) in keys {
        match table.get_mut(&key) {
            Some(Item::Table(table)) => place_one(table, next),
            Some(Item::ArrayOfTables(tables)) => tables.iter_mut().for_each(|table| place_one(table, next)),
            Some(Item::Value(_) | Item::None) | None => {}
        }
    }
}

fn place_one(table: &mut Table, next: &mut isize) {
    table.set_position(Some(*next));
    *next += 1;
    place(table, &[], next);
}

/// Where a table was written first, or one within it.
fn first_position(item: &Item) -> Option<isize> {
    let of_table = |table: &Table| {
        let inner = table.iter().filter_map(|(_, item)| first_position(item));
        table.position().into_iter().chain(inner).min()
    };
    match item {
        Item::Table(table) => of_table(table),
        Item::ArrayOfTables(tables) => tables.iter().filter_map(of_table).min(),
        Item::Value(_) | Item::None => None,
    }
}

/// The keys of a table and of those within it; `name` is its own.
fn lay_out(table: &mut Table, kind: Kind, name: &str) {
    let order = order::keys_beside(kind, name, table);
    table
        .sort_values_by(|one, _, two, _| order::rank(&order, one.get()).cmp(&order::rank(&order, two.get())));
    let mut is_first = true;
    for (mut key, item) in table.iter_mut() {
        let key_name = key.get().to_owned();
        match item {
            Item::Value(value) => {
                let decor = key.leaf_decor_mut();
                let prefix = decor.prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
                decor.set_prefix(around::lines(prefix, !is_first));
                decor.set_suffix(" ");
                value::lay_out_behind_key(value);
                is_first = false;
            }
            Item::Table(inner) => {
                head_of(inner);
                lay_out(inner, kind, &key_name);
                // The keys of `a.b = 1` stand among those of the table above.
                is_first &= !inner.is_dotted();
            }
            Item::ArrayOfTables(tables) => {
                for inner in tables.iter_mut() {
                    head_of(inner);
                    lay_out(inner, kind, &key_name);
                }
            }
            Item::None => {}
        }
    }
}

/// One blank line before a table, then its comments.
fn head_of(table: &mut Table) {
    if table.is_implicit() || table.is_dotted() {
        return;
    }
    let decor = table.decor_mut();
    let prefix = decor.prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
    let lines = around::lines(prefix, false);
    let suffix = around::behind(decor.suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default());
    decor.set_prefix(format!("\n{lines}"));
    decor.set_suffix(suffix);
}
