//! Events from one kind of file into another, by the parquet crate and serde_json alone.

use flate2::write::GzEncoder;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::types::{Type, TypePtr};
use serde_json::{Map, Value, json};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

type Event = Map<String, Value>;

const BAGS: [&str; 2] = ["properties", "traits"];

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The lines of each date, in order of the text: one date stands in one piece.
pub fn days(text: &[u8]) -> Vec<&[u8]> {
    let date = |line: &[u8]| {
        let line = std::str::from_utf8(line).unwrap();
        let at = line.find(r#""timestamp": ""#).unwrap() + 14;
        line[at..at + 10].to_owned()
    };
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut days = Vec::new();
    let mut start = 0;
    for same in lines.chunk_by(|a, b| date(a) == date(b)) {
        let end = start + same.iter().map(|line| line.len()).sum::<usize>();
        days.push(&text[start..end]);
        start = end;
    }
    days
}

pub fn of_ndjson(text: &[u8]) -> Vec<Event> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Rows whose columns are texts, and times in microseconds.
pub fn of_parquet(path: &Path) -> Vec<Event> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let mut events = Vec::new();
    for row in reader.get_row_iter(None).unwrap() {
        let mut event = Event::new();
        for (name, field) in row.unwrap().into_columns() {
            let value = match field {
                Field::Null => continue,
                Field::Str(text) if BAGS.contains(&name.as_str()) => serde_json::from_str(&text).unwrap(),
                Field::Str(text) => json!(text),
                Field::TimestampMicros(at) => {
                    json!(jiff::Timestamp::from_microsecond(at).unwrap().to_string())
                }
                other => panic!("{name}: {other}"),
            };
            event.insert(name, value);
        }
        events.push(event);
    }
    events
}

/// Columns, and rows of texts; null is empty.
pub fn texts_of_parquet(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let columns = reader.metadata().file_metadata().schema().get_fields();
    let columns = columns.iter().map(|column| column.name().to_owned()).collect();
    let text = |field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text,
        other => panic!("{other}"),
    };
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let columns = row.unwrap().into_columns();
        columns.into_iter().map(|(_, field)| text(field)).collect()
    });
    (columns, rows.collect())
}

pub fn write_ndjson(path: &Path, events: &[Event], is_text: bool) {
    let mut out = String::new();
    for event in events {
        let mut event = event.clone();
        for bag in event.iter_mut().filter(|(name, _)| is_text && BAGS.contains(&name.as_str())) {
            *bag.1 = json!(bag.1.to_string());
        }
        out += &(Value::Object(event).to_string() + "\n");
    }
    fs::write(path, out).unwrap();
}

/// In columns of other names, with times that say no offset.
pub fn write_csv(path: &Path, events: &[Event]) {
    let mut out = "household,at,kind,what,id,properties,traits,nothing\n".to_owned();
    for event in events {
        let text = |name: &str| match event.get(name) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let quoted = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
        let at = text("timestamp").replace('T', " ").trim_end_matches('Z').to_owned();
        let plain = ["userId", "type", "event", "messageId"].map(text);
        let [user, kind, what, id] = plain;
        let [properties, traits] = BAGS.map(|bag| quoted(text(bag)));
        out += &format!("{user},{at},{kind},{what},{id},{properties},{traits},\n");
    }
    fs::write(path, gzip(out.as_bytes())).unwrap();
}

/// In snake case, snappy, with times in nanoseconds, and 5,000 rows a group.
pub fn write_parquet(path: &Path, events: &[Event]) {
    const TEXTS: [(&str, &str); 5] = [
        ("type", "type"),
        ("event", "event"),
        ("user_id", "userId"),
        ("message_id", "messageId"),
        ("properties", "properties"),
    ];
    let mut columns: Vec<_> = TEXTS.iter().map(|(name, _)| optional(name, Physical::BYTE_ARRAY)).collect();
    columns.push(optional("timestamp", Physical::INT64));
    columns.push(optional("traits", Physical::BYTE_ARRAY));
    let schema = Type::group_type_builder("events").with_fields(columns).build().unwrap();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).unwrap();
    for some in events.chunks(5_000) {
        let mut group = writer.next_row_group().unwrap();
        let texts = |name: &str| {
            let text = |event: &Event| match event.get(name)? {
                Value::Null => None,
                Value::String(text) => Some(ByteArray::from(text.as_str())),
                other => Some(ByteArray::from(other.to_string().as_str())),
            };
            some.iter().map(text).collect::<Vec<_>>()
        };
        for (_, name) in TEXTS {
            write_column::<ByteArrayType, _>(&mut group, texts(name));
        }
        let nanos = |event: &Event| {
            let at: jiff::Timestamp = event["timestamp"].as_str().unwrap().parse().unwrap();
            Some(at.as_microsecond() * 1_000 + 999)
        };
        write_column::<Int64Type, _>(&mut group, some.iter().map(nanos).collect());
        write_column::<ByteArrayType, _>(&mut group, texts("traits"));
        group.close().unwrap();
    }
    writer.close().unwrap();
}

fn optional(name: &str, of: Physical) -> TypePtr {
    let logical = match of {
        Physical::INT64 => LogicalType::timestamp(true, TimeUnit::NANOS),
        _ => LogicalType::String,
    };
    let builder = Type::primitive_type_builder(name, of).with_repetition(Repetition::OPTIONAL);
    Arc::new(builder.with_logical_type(Some(logical)).build().unwrap())
}

fn write_column<T: parquet::data_type::DataType, W: Write + Send>(
    group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, W>,
    values: Vec<Option<T::T>>,
) {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(&values, Some(&levels), None).unwrap();
    column.close().unwrap();
}
