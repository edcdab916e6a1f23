//! Looking into JSON text that the envelope's parser has accepted, without building a tree.

use crate::value::{Value, normalized};
use std::borrow::Cow;

/// A value as it stands in a text: what conditions compare.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<'a> {
    Null,
    Bool(bool),
    /// `Value::Int` or `Value::Float`.
    Number(Value),
    Text(Cow<'a, str>),
    List(Vec<Value>),
    Object,
}

/// How deep lists and objects are looked into.
const DEPTH_MAX: usize = 16;

/// The text of the value that `segments` lead to; a number is an index where it meets an array.
pub fn find<'a>(json: &'a str, segments: &[Box<str>]) -> Option<&'a str> {
    let mut at = json;
    for segment in segments {
        at = match at.as_bytes().first()? {
            b'{' => raw(sonic_rs::get_from_str(at, [segment.as_ref()]).ok()?)?,
            b'[' => raw(sonic_rs::get_from_str(at, [segment.parse::<usize>().ok()?]).ok()?)?,
            _ => return None,
        };
    }
    Some(at)
}

/// A lazy value's text as long-lived as what it was found in.
fn raw(value: sonic_rs::LazyValue<'_>) -> Option<&str> {
    match value.as_raw_cow() {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}

/// Reads one value.
pub fn read(text: &str) -> Seen<'_> {
    match text.as_bytes().first() {
        Some(b'"') => read_text(text),
        Some(b't') => Seen::Bool(true),
        Some(b'f') => Seen::Bool(false),
        Some(b'{') => Seen::Object,
        Some(b'[') => Seen::List(read_list(text, DEPTH_MAX)),
        Some(b'-' | b'0'..=b'9') => read_number(text).map_or(Seen::Null, Seen::Number),
        Some(_) | None => Seen::Null,
    }
}

fn read_text(text: &str) -> Seen<'_> {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
    if inner.is_ascii() && !inner.as_bytes().contains(&b'\\') {
        return Seen::Text(Cow::Borrowed(inner));
    }
    match sonic_rs::from_str::<String>(text) {
        Ok(text) => Seen::Text(Cow::Owned(normalized(&text).into_owned())),
        Err(_) => Seen::Null,
    }
}

fn read_number(text: &str) -> Option<Value> {
    match text.parse::<i64>() {
        Ok(int) => Some(Value::Int(int)),
        Err(_) => text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Value::Float),
    }
}

fn read_list(text: &str, depth: usize) -> Vec<Value> {
    if depth == 0 {
        return Vec::new();
    }
    sonic_rs::to_array_iter(text)
        .map_while(Result::ok)
        .filter_map(|item| match read(item.as_raw_str()) {
            Seen::Object => None,
            Seen::List(_) => Some(Value::List(read_list(item.as_raw_str(), depth - 1))),
            other => other.into_value(),
        })
        .collect()
}

impl Seen<'_> {
    /// The value to keep; nothing for objects.
    pub fn into_value(self) -> Option<Value> {
        Some(match self {
            Seen::Null => Value::Null,
            Seen::Bool(is) => Value::Bool(is),
            Seen::Number(number) => number,
            Seen::Text(text) => Value::Text(text.into()),
            Seen::List(items) => Value::List(items),
            Seen::Object => return None,
        })
    }
}

/// The scalars and lists of a JSON object by dotted path, in the order of the text; nested objects are walked.
pub fn flatten(json: &str, prefix: &str, into: &mut Vec<(String, Value)>) {
    flatten_to(json, prefix, into, DEPTH_MAX);
}

fn flatten_to(json: &str, prefix: &str, into: &mut Vec<(String, Value)>, depth: usize) {
    if depth == 0 {
        return;
    }
    for (key, item) in sonic_rs::to_object_iter(json).map_while(Result::ok) {
        let path = if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
        match read(item.as_raw_str()) {
            Seen::Object => flatten_to(item.as_raw_str(), &path, into, depth - 1),
            other => into.extend(other.into_value().map(|value| (path, value))),
        }
    }
}

/// Appends `text` as a JSON string.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends a value as JSON.
pub fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(is) => out.push_str(if *is { "true" } else { "false" }),
        Value::Int(int) => out.push_str(&int.to_string()),
        Value::Float(float) => out.push_str(&format!("{float:?}")),
        Value::Text(text) => quote(text, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(json: &str, path: &str) -> Option<Seen<'static>> {
        let segments: Vec<Box<str>> = path.split('.').map(Box::from).collect();
        find(json, &segments).map(|text| match read(text) {
            Seen::Text(text) => Seen::Text(Cow::Owned(text.into_owned())),
            Seen::Null => Seen::Null,
            Seen::Bool(is) => Seen::Bool(is),
            Seen::Number(number) => Seen::Number(number),
            Seen::List(items) => Seen::List(items),
            Seen::Object => Seen::Object,
        })
    }

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let json =
            r#"{"a":{"b":[{"c":1},{"c":2.5}]},"0":"zero","e":"x\"\u00e9","n":null,"l":[1,"a",{"x":1}]}"#;
        assert_eq!(at(json, "a.b.1.c"), Some(Seen::Number(Value::Float(2.5))));
        assert_eq!(at(json, "0"), Some(Seen::Text("zero".into())));
        assert_eq!(at(json, "e"), Some(Seen::Text("x\"é".into())));
        assert_eq!(at(json, "n"), Some(Seen::Null));
        assert_eq!(at(json, "a"), Some(Seen::Object));
        assert_eq!(at(json, "l"), Some(Seen::List(vec![Value::Int(1), Value::Text("a".into())])));
        assert_eq!(at(json, "a.b.7.c"), None);
        assert_eq!(at(json, "a.b.c"), None);
        assert_eq!(at(json, "missing"), None);
    }

    #[test]
    fn what_is_written_reads_back() {
        let value = Value::List(vec![
            Value::Text("a\"\\\n\u{1}é".into()),
            Value::Float(1e300),
            Value::Float(2.0),
            Value::Int(-3),
            Value::Bool(true),
            Value::Null,
        ]);
        let mut json = String::new();
        write(&value, &mut json);
        assert_eq!(
            read(&json),
            Seen::List(match value {
                Value::List(items) => items,
                _ => unreachable!(),
            })
        );
    }

    #[test]
    fn nested_objects_are_flattened_by_dotted_path() {
        let mut into = Vec::new();
        flatten(r#"{"a":1,"b":{"c":"x","d":{}},"e":[1]}"#, "", &mut into);
        let paths: Vec<_> = into.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["a", "b.c", "e"]);
    }
}
