//! `--map FIELD=COLUMN,…`: which column of a file is which field of an event, as a person writes it.
//!
//! A field is one of Segment's, in camel or snake case, or a path into `properties`, `traits` or `context`. What it is
//! read from is a column, with how its values are to be read behind a colon where they do not say it themselves; or a
//! constant in quotes; or `*`, all columns that nothing else names.

use outreach_engine::rule::document::closest;
use std::str::FromStr;

/// All that `--map` says, in the order in which it stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping(pub Vec<Entry>);

/// One `FIELD=…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The field in camel case; behind a bag the names inside it.
    pub field: Vec<String>,
    pub from: From,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    Column {
        name: String,
        read_as: Option<ReadAs>,
    },
    Constant(String),
    /// All columns that nothing else names.
    Rest,
}

/// How values of a column are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAs {
    Text,
    Number,
    Boolean,
    Json,
    /// A time as a whole number of these, since 1970; in microseconds of a thousandth.
    Since1970(Unit),
    /// A time without an offset, in UTC.
    Utc,
}

/// What a time is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

/// Fields of an event that have one value, in Segment's two spellings.
pub const FIELDS: [(&str, &str); 13] = [
    ("type", "type"),
    ("event", "event"),
    ("userId", "user_id"),
    ("anonymousId", "anonymous_id"),
    ("previousId", "previous_id"),
    ("groupId", "group_id"),
    ("messageId", "message_id"),
    ("timestamp", "timestamp"),
    ("originalTimestamp", "original_timestamp"),
    ("sentAt", "sent_at"),
    ("receivedAt", "received_at"),
    ("name", "name"),
    ("category", "category"),
];

/// Fields that are objects.
pub const BAGS: [&str; 3] = ["properties", "traits", "context"];

const READ_AS: [(&str, ReadAs); 9] = [
    ("text", ReadAs::Text),
    ("number", ReadAs::Number),
    ("boolean", ReadAs::Boolean),
    ("json", ReadAs::Json),
    ("s", ReadAs::Since1970(Unit::Seconds)),
    ("ms", ReadAs::Since1970(Unit::Millis)),
    ("us", ReadAs::Since1970(Unit::Micros)),
    ("ns", ReadAs::Since1970(Unit::Nanos)),
    ("utc", ReadAs::Utc),
];

impl Mapping {
    /// Puts several together; a field may stand there once.
    pub fn union(all: impl IntoIterator<Item = Mapping>) -> Result<Mapping, String> {
        let entries: Vec<Entry> = all.into_iter().flat_map(|mapping| mapping.0).collect();
        for (at, entry) in entries.iter().enumerate() {
            let clash = entries[..at].iter().find(|before| {
                let shorter = before.field.len().min(entry.field.len());
                let is_same = before.field == entry.field;
                // Inside a bag a value cannot be an object as well; a bag as a whole can be added to.
                is_same || (shorter > 1 && before.field[..shorter] == entry.field[..shorter])
            });
            if let Some(before) = clash {
                let [one, other] = [before, entry].map(|entry| entry.field.join("."));
                return Err(format!("expected each field once, found `{one}` and `{other}`"));
            }
        }
        Ok(Mapping(entries))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Mapping, String> {
        let mut entries = Vec::new();
        for part in parts(text)? {
            let expected = || {
                let found = part.text.trim();
                format!("expected FIELD=COLUMN such as `userId=customer_id`, found `{found}`")
            };
            let (field, from) = part.text.split_once('=').ok_or_else(expected)?;
            if from.trim().is_empty() && !part.is_constant {
                return Err(expected());
            }
            entries.push(Entry { field: self::field(field.trim())?, from: part.from(from) });
        }
        Mapping::union([Mapping(entries)])
    }
}

/// What stands between two commas, without its quotes and backslashes.
struct Part {
    text: String,
    is_constant: bool,
}

impl Part {
    fn from(&self, text: &str) -> From {
        if self.is_constant {
            return From::Constant(text.to_owned());
        }
        let text = text.trim();
        if text == "*" {
            return From::Rest;
        }
        let word = |word: &str| READ_AS.iter().find(|(name, _)| *name == word).map(|(_, read_as)| *read_as);
        match text.rsplit_once(':').and_then(|(name, last)| Some((name, word(last)?))) {
            Some((name, read_as)) => From::Column { name: name.to_owned(), read_as: Some(read_as) },
            None => From::Column { name: text.to_owned(), read_as: None },
        }
    }
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let empty = || Part { text: String::new(), is_constant: false };
    let mut parts = vec![empty()];
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let part = parts.last_mut().expect("never empty");
        match character {
            '\\' => part.text.extend(characters.next()),
            _ if quote == Some(character) => quote = None,
            _ if quote.is_some() => part.text.push(character),
            // Only a value that begins with a quote is a constant: a column's name may hold one.
            '"' | '\'' if part.text.ends_with('=') && !part.is_constant => {
                quote = Some(character);
                part.is_constant = true;
            }
            ',' => parts.push(empty()),
            _ if part.is_constant && !character.is_whitespace() => {
                return Err(format!(
                    "expected a comma behind the constant of `{}`, found `{character}`",
                    part.text
                ));
            }
            _ if part.is_constant => {}
            _ => part.text.push(character),
        }
    }
    match quote {
        Some(quote) => Err(format!("expected the end of a constant, found no second {quote}")),
        None => Ok(parts),
    }
}

/// The names of a field, the first in camel case.
fn field(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<&str> = text.split('.').collect();
    let is_whole = names.iter().all(|name| !name.is_empty());
    if is_whole && BAGS.contains(&names[0]) {
        return Ok(names.into_iter().map(str::to_owned).collect());
    }
    if let Some((camel, _)) = FIELDS.iter().find(|(camel, snake)| text == *camel || text == *snake) {
        return Ok(vec![(*camel).to_owned()]);
    }
    let known = || FIELDS.iter().map(|(camel, _)| *camel).chain(BAGS);
    let near = known().find(|name| name.eq_ignore_ascii_case(text)).or_else(|| closest(text, known()));
    Err(match near {
        Some(near) => format!("`{text}` is no field of an event; did you mean `{near}`?"),
        None => format!(
            "`{text}` is no field of an event: expected one of {}; or a name inside, such as `properties.{text}`",
            known().collect::<Vec<_>>().join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, From)> {
        let mapping: Mapping = text.parse().unwrap();
        mapping.0.into_iter().map(|entry| (entry.field.join("/"), entry.from)).collect()
    }

    fn column(name: &str, read_as: Option<ReadAs>) -> From {
        From::Column { name: name.into(), read_as }
    }

    #[test]
    fn columns_constants_and_how_values_are_read_stand_side_by_side() {
        let text = r#"userId=customer_id, timestamp=at:ms,event="Order, Completed" ,properties.a.b=x:number,traits=*,message_id='a"b'"#;
        let expected = [
            ("userId", column("customer_id", None)),
            ("timestamp", column("at", Some(ReadAs::Since1970(Unit::Millis)))),
            ("event", From::Constant("Order, Completed".into())),
            ("properties/a/b", column("x", Some(ReadAs::Number))),
            ("traits", From::Rest),
            ("messageId", From::Constant("a\"b".into())),
        ];
        assert_eq!(read(text), expected.map(|(field, from)| (field.to_owned(), from)));
        assert_eq!(read(r"userId=a\,b:c"), [("userId".to_owned(), column("a,b:c", None))]);
    }

    #[test]
    fn what_cannot_be_understood_is_told_with_what_was_meant() {
        let table = [
            ("userid=x", "did you mean `userId`?"),
            ("timestmp=x", "did you mean `timestamp`?"),
            ("amount=x", "such as `properties.amount`"),
            ("userId", "expected FIELD=COLUMN"),
            ("userId=", "expected FIELD=COLUMN"),
            ("event=\"Order", "found no second \""),
            ("event=\"Order\"x", "expected a comma"),
            ("userId=a,user_id=b", "found `userId` and `userId`"),
            ("properties.a=x,properties.a.b=y", "found `properties.a` and `properties.a.b`"),
            ("properties..a=x", "is no field"),
        ];
        for (text, expected) in table {
            let told = text.parse::<Mapping>().unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
