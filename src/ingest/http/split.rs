//! Cuts a request's body into the raw JSON of its parts, by brackets and strings alone: no recursion, no tree.
//!
//! A cut says nothing of what is inside a part, so that one event that nests too deep does not spoil its batch. Whoever
//! takes a part checks it; if all parts are JSON, the body is.

/// The members of an object: raw keys and raw values. Nothing when `body` is no object as far as one can see from
/// outside.
pub fn members(body: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut cursor = Cursor { bytes: body, place: 0 };
    let mut members = Vec::new();
    cursor.eat(b'{')?;
    if cursor.peek()? == b'}' {
        cursor.place += 1;
        return cursor.is_at_end().then_some(members);
    }
    loop {
        let key = (cursor.peek()? == b'"').then(|| cursor.value())??;
        cursor.eat(b':')?;
        members.push((key, cursor.value()?));
        match cursor.next()? {
            b',' => {}
            b'}' => return cursor.is_at_end().then_some(members),
            _ => return None,
        }
    }
}

/// The items of an array; at most `count_max` and one more, so that the caller sees that there are too many.
pub fn items(array: &[u8], count_max: usize) -> Option<Vec<&[u8]>> {
    let mut cursor = Cursor { bytes: array, place: 0 };
    let mut items = Vec::new();
    cursor.eat(b'[')?;
    if cursor.peek()? == b']' {
        cursor.place += 1;
        return cursor.is_at_end().then_some(items);
    }
    loop {
        items.push(cursor.value()?);
        if items.len() > count_max {
            return Some(items);
        }
        match cursor.next()? {
            b',' => {}
            b']' => return cursor.is_at_end().then_some(items),
            _ => return None,
        }
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Cursor<'a> {
    /// The next byte that is no white space; stays before it.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.place) {
            self.place += 1;
        }
        self.bytes.get(self.place).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.place += 1;
        Some(byte)
    }

    fn eat(&mut self, expected: u8) -> Option<()> {
        (self.next()? == expected).then_some(())
    }

    fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// The next value, which is at least one byte long.
    fn value(&mut self) -> Option<&'a [u8]> {
        let first = self.peek()?;
        let start = self.place;
        match first {
            b'"' => self.skip_string()?,
            b'{' | b'[' => self.skip_container()?,
            _ => {
                let is_end =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r');
                let rest = &self.bytes[start..];
                self.place += rest.iter().position(is_end).unwrap_or(rest.len());
            }
        }
        (self.place > start).then(|| &self.bytes[start..self.place])
    }

    /// Moves behind the string that begins here.
    fn skip_string(&mut self) -> Option<()> {
        self.place += 1;
        loop {
            let rest = &self.bytes[self.place.min(self.bytes.len())..];
            let ahead = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            self.place += ahead + 1;
            if rest[ahead] == b'"' {
                return Some(());
            }
            self.place += 1;
        }
    }

    /// Moves behind the object or array that begins here.
    fn skip_container(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            let rest = &self.bytes[self.place..];
            let ahead = rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))?;
            self.place += ahead;
            match rest[ahead] {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                _ => depth -= 1,
            }
            self.place += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn texts(parts: Option<Vec<&[u8]>>) -> Option<Vec<&str>> {
        parts.map(|parts| parts.into_iter().map(|part| std::str::from_utf8(part).unwrap()).collect())
    }

    #[test]
    fn a_body_is_cut_where_its_parts_end() {
        let body = br#" { "a" : [1,{"x":"]}\""}] , "b":null,"c":"\\"} "#;
        let members = members(body).unwrap();
        let keys = texts(Some(members.iter().map(|(key, _)| *key).collect())).unwrap();
        let values = texts(Some(members.iter().map(|(_, value)| *value).collect())).unwrap();
        assert_eq!(keys, ["\"a\"", "\"b\"", "\"c\""]);
        assert_eq!(values, [r#"[1,{"x":"]}\""}]"#, "null", r#""\\""#]);
        assert_eq!(texts(items(values[0].as_bytes(), 9)), Some(vec!["1", r#"{"x":"]}\""}"#]));
        assert_eq!(texts(items(b" [ ] ", 9)), Some(vec![]));
    }

    #[test]
    fn what_has_no_end_or_more_than_one_is_no_body() {
        for body in [
            "",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{}x",
            "{\"a\":\"\\",
            "[]",
            "{1:2}",
        ] {
            assert_eq!(members(body.as_bytes()), None, "{body}");
        }
        for array in ["", "[", "[1", "[1,", "[,]", "[1,]", "[]]", "[\"", "{}"] {
            assert_eq!(items(array.as_bytes(), 9), None, "{array}");
        }
    }

    #[test]
    fn counting_stops_one_above_the_most() {
        let array = format!("[{}1]", "1,".repeat(1_000));
        assert_eq!(items(array.as_bytes(), 10).unwrap().len(), 11);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in "[\\[\\]{}\",:\\\\ a1]{0,60}") {
            let _ = members(bytes.as_bytes());
            let _ = items(bytes.as_bytes(), 3);
        }

        #[test]
        fn arrays_are_cut_as_serde_json_cuts_them(
            parts in prop::collection::vec(
                prop::sample::select(vec!["1", "\"a,]\"", "{\"x\":[{}]}", "[\"\\\\\",\"\\\"\"]", "null", " [ ] "]), 0..6)
        ) {
            let array = format!("[{}]", parts.join(","));
            let ours = items(array.as_bytes(), 9).unwrap();
            let ours: Vec<Value> = ours.into_iter().map(|item| serde_json::from_slice(item).unwrap()).collect();
            prop_assert_eq!(Value::Array(ours), serde_json::from_str::<Value>(&array).unwrap());
        }
    }
}
