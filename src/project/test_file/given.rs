//! A line of `given`: an event in the words of a test, made into Segment's form for the one parser of all doors.

use super::{one_of, time};
use outreach_engine::Timestamp;
use outreach_engine::event::{Arrival, Envelope, Event, Malformed, MissingTime};
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Item, Problems, Table};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// An event that is given.
#[derive(Clone, Debug)]
pub struct Given {
    /// When it happened.
    pub at: Timestamp,
    /// When it came; `at` unless it is late.
    pub arrives_at: Timestamp,
    /// In Segment's form, as JSON. It was read once, and is an event.
    envelope: String,
    /// For an event without an id: file and line.
    message_id: String,
}

/// The calls a line may make; a line of traits alone is an identify.
const CALLS: [&str; 6] = ["identify", "track", "page", "screen", "group", "alias"];
const BAGS: [&str; 3] = ["traits", "properties", "context"];

impl Given {
    /// Shows the event.
    pub fn with_event<T>(&self, see: impl FnOnce(Event<'_>) -> T) -> Result<T, Malformed> {
        let envelope = Envelope::parse(self.envelope.as_bytes())?;
        let arrival = Arrival {
            received_at: self.arrives_at,
            batch_sent_at: None,
            default_kind: None,
            is_proven: true,
            corrects_clock: false,
            default_message_id: &self.message_id,
            origin: None,
            missing_time: MissingTime::Refuse,
        };
        envelope.resolve(&arrival).map(see)
    }
}

/// Reads one line, which stands in `line` of `path`.
pub(super) fn read(problems: &mut Problems, item: &Item<'_>, path: &str, line: usize) -> Option<Given> {
    let mut table = item.table(problems)?;
    let at = table
        .require(problems, "at", "add at = \"2026-03-02T10:00Z\": when it happened")
        .and_then(|item| time(problems, &item));
    let arrives = table.take("arrives").map(|item| (time(problems, &item), item));
    let envelope = envelope(problems, item, &mut table);
    table.finish(problems, &[]);
    let at = at?;
    let arrives_at = match arrives {
        Some((arrives_at, item)) => {
            let arrives_at = arrives_at?;
            if arrives_at < at {
                let message = "expected an event to arrive when it happened or later";
                problems.error(Code::BadValue, &item.place, message);
                return None;
            }
            arrives_at
        }
        None => at,
    };
    let mut envelope = envelope?;
    envelope.insert("timestamp".to_owned(), at.to_string().into());
    let given = Given {
        at,
        arrives_at,
        envelope: Value::Object(envelope).to_string(),
        message_id: format!("{path}:{line}"),
    };
    if let Err(malformed) = given.with_event(|_| ()) {
        problems.error(Code::BadValue, &item.place, malformed.message);
        return None;
    }
    Some(given)
}

/// Who did what, in Segment's form.
fn envelope(problems: &mut Problems, line: &Item<'_>, table: &mut Table<'_>) -> Option<Map<String, Value>> {
    let call = one_of(problems, table, &CALLS);
    let mut envelope = Map::new();
    let mut put = |name: &str, item: Option<Item<'_>>| {
        if let Some(item) = item {
            envelope.insert(name.to_owned(), json(item.value));
        }
    };
    put("userId", table.take("user"));
    put("anonymousId", table.take("anonymous"));
    put("previousId", table.take("previous"));
    put("messageId", table.take("id"));
    put("category", table.take("category"));
    let mut has_traits = false;
    for bag in BAGS {
        let item = table.take(bag);
        has_traits |= bag == "traits" && item.is_some();
        put(bag, item);
    }
    let (call, item) = match call {
        Some((call, item)) => (call, Some(item)),
        None if has_traits => ("identify", None),
        // What is left may be the call, misspelt.
        None if !table.is_empty() => return None,
        None => {
            let message = format!("expected one of `{}` in `given`, found none", CALLS.join("`, `"));
            problems
                .error(Code::MissingKey, &line.place, message)
                .with_help("add track = \"Signed Up\": what the person did");
            return None;
        }
    };
    let field = match call {
        "identify" | "alias" => "userId",
        "track" => "event",
        "group" => "groupId",
        // A page or a screen.
        _ => "name",
    };
    if let Some(item) = item {
        if envelope.contains_key(field) {
            let message = format!("expected one user in a line, found `user` beside `{call}`");
            problems.error(Code::ContradictoryForm, &item.key_place, message);
            return None;
        }
        envelope.insert(field.to_owned(), json(item.value));
    }
    envelope.insert("type".to_owned(), call.into());
    Some(envelope)
}

/// A value of TOML as JSON; a date is its text, a number that JSON has not is null.
fn json(value: &DeValue<'_>) -> Value {
    let object = |table: &DeTable<'_>| {
        let members = table.iter().map(|(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            (key.get_ref().to_string(), json(value.get_ref()))
        });
        Value::Object(members.collect())
    };
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().into(),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok().into(),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(date) => date.to_string().into(),
        DeValue::Array(elements) => elements.iter().map(|element| json(element.get_ref())).collect(),
        DeValue::Table(table) => object(table),
    }
}
