//! Values: spaces within tables and lists, lists over several lines, quotes.

use super::around;
use toml_edit::{Array, Decor, InlineTable, Value};

const INDENT: &str = "  ";

/// The value of a key, with the comment behind it.
pub(super) fn lay_out_behind_key(value: &mut Value) {
    let suffix =
        around::behind(value.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default());
    lay_out(value, 0);
    *value.decor_mut() = Decor::new(" ", suffix);
}

/// All but what stands around it.
fn lay_out(value: &mut Value, depth: usize) {
    match value {
        Value::Array(array) if has_lines(array) => over_lines(array, depth + 1),
        Value::Array(array) => in_a_line(array, depth),
        Value::InlineTable(table) => inline_table(table, depth),
        Value::String(text) => {
            let quoted = text.display_repr().into_owned();
            let inner = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            let is_plain = |inner: &str| {
                !inner.starts_with('\'')
                    && !inner.contains(['\\', '"'])
                    && !inner.chars().any(char::is_control)
            };
            if inner.is_some_and(is_plain) {
                text.fmt();
            }
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

fn of(decor: Option<&toml_edit::RawString>) -> &str {
    decor.and_then(|text| text.as_str()).unwrap_or_default()
}

/// Whether the list is written over several lines; such a one stays so.
fn has_lines(array: &Array) -> bool {
    let around = |value: &Value| {
        of(value.decor().prefix()).contains('\n') || of(value.decor().suffix()).contains('\n')
    };
    of(Some(array.trailing())).contains('\n') || array.iter().any(around)
}

fn in_a_line(array: &mut Array, depth: usize) {
    let holds_tables = array.iter().any(Value::is_inline_table);
    let edge = if holds_tables { " " } else { "" };
    array.iter_mut().for_each(|value| lay_out(value, depth));
    for (index, value) in array.iter_mut().enumerate() {
        *value.decor_mut() = Decor::new(if index == 0 { edge } else { " " }, "");
    }
    array.set_trailing(if array.is_empty() { "" } else { edge });
    array.set_trailing_comma(false);
}

/// An element a line, a comma behind each. A comment between an element and its comma cannot be kept there: such a list is
/// left as it is.
fn over_lines(array: &mut Array, depth: usize) {
    let mut suffixes: Vec<String> = array.iter().map(|value| of(value.decor().suffix()).to_owned()).collect();
    // Without a comma behind the last element, what follows it stands before the end.
    let before_end = if array.trailing_comma() { None } else { suffixes.pop() };
    if suffixes.iter().any(|suffix| suffix.contains('#')) {
        return;
    }
    let before_end = before_end.unwrap_or_default() + of(Some(array.trailing()));
    let indent = INDENT.repeat(depth);
    for value in array.iter_mut() {
        lay_out(value, depth);
        let prefix = within(of(value.decor().prefix()), &indent, &indent);
        *value.decor_mut() = Decor::new(prefix, "");
    }
    let trailing = within(&before_end, &indent, &INDENT.repeat(depth - 1));
    array.set_trailing(trailing);
    array.set_trailing_comma(!array.is_empty());
}

/// What stands before an element, or the end, of a list over several lines: the comment behind the element before it, then
/// comments on lines of their own, then the indent.
fn within(text: &str, indent: &str, last_indent: &str) -> String {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut out = around::behind(first);
    let mut is_blank_due = false;
    for line in rest.split('\n').map(str::trim) {
        if line.is_empty() {
            is_blank_due = true;
            continue;
        }
        // The last line is the indent before the element: no blank line.
        if std::mem::take(&mut is_blank_due) {
            out.push('\n');
        }
        out.push_str(&format!("\n{indent}{line}"));
    }
    out + "\n" + last_indent
}

fn inline_table(table: &mut InlineTable, depth: usize) {
    // TOML 1.1 lets a table have lines and comments of its own: such a one is left as it is.
    let is_odd = |decor: &Decor| {
        [decor.prefix(), decor.suffix()].into_iter().any(|text| of(text).contains(['\n', '#']))
    };
    let of_key = |key: &str| table.key(key).is_some_and(|key| is_odd(key.leaf_decor()));
    let has_lines = table.iter().any(|(key, value)| of_key(key) || is_odd(value.decor()));
    if has_lines || of(Some(table.trailing())).contains(['\n', '#']) {
        return;
    }
    let count = table.len();
    for (index, (mut key, value)) in table.iter_mut().enumerate() {
        lay_out(value, depth);
        let is_last = index + 1 == count;
        *key.leaf_decor_mut() = Decor::new(" ", " ");
        *value.decor_mut() = Decor::new(" ", if is_last { " " } else { "" });
    }
    table.set_trailing("");
    table.set_trailing_comma(false);
}
