//! Parquet: rows of the columns that are asked for, a page of each at a time.
//!
//! The crate's reader of records keeps pages, not row groups, so memory does not grow with the file. It knows some
//! kinds of columns only by a panic: a file with one of those is told as one that cannot be read.

use super::cell::{Cell, quote};
use super::mapping::Unit;
use super::plan::Cells;
use jiff::civil;
use outreach_engine::Timestamp;
use outreach_engine::event::{Malformed, malformed};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::types::{Type, TypePtr};
use std::fmt::Write;
use std::fs::File;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// What a file begins with.
pub const MAGIC: &[u8] = b"PAR1";

/// A file whose columns are known.
pub struct Table {
    reader: SerializedFileReader<File>,
    pub columns: Vec<String>,
    pub rows: u64,
}

/// Rows of some of the columns.
pub struct Rows {
    rows: RowIter<'static>,
    /// Of each column of the file, its place in a row and its type.
    places: Vec<Option<(usize, TypePtr)>>,
}

/// One row.
pub struct Values<'r> {
    fields: Vec<(String, Field)>,
    places: &'r [Option<(usize, TypePtr)>],
}

/// A number that says a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instants {
    unit: Unit,
    is_utc: bool,
}

impl Table {
    pub fn open(file: File) -> io::Result<Table> {
        let reader = guarded(|| SerializedFileReader::new(file))?.map_err(invalid)?;
        let about = reader.metadata().file_metadata();
        let columns = about.schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
        let rows = u64::try_from(about.num_rows()).unwrap_or(0);
        Ok(Table { reader, columns, rows })
    }

    /// Reads the columns of these numbers.
    pub fn rows(self, columns: &[usize]) -> io::Result<Rows> {
        let schema = self.reader.metadata().file_metadata().schema();
        let fields = schema.get_fields();
        let mut places = vec![None; fields.len()];
        for (place, column) in columns.iter().enumerate() {
            places[*column] = Some((place, fields[*column].clone()));
        }
        let wanted = columns.iter().map(|column| fields[*column].clone()).collect();
        let projection =
            Type::group_type_builder(schema.name()).with_fields(wanted).build().map_err(invalid)?;
        let rows =
            RowIter::from_file_into(Box::new(self.reader)).project(Some(projection)).map_err(invalid)?;
        Ok(Rows { rows, places })
    }
}

impl Rows {
    pub fn next(&mut self) -> io::Result<Option<Values<'_>>> {
        let row = guarded(|| self.rows.next())?.transpose().map_err(invalid)?;
        Ok(row.map(|row| Values { fields: row.into_columns(), places: &self.places }))
    }
}

fn invalid(error: parquet::errors::ParquetError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

thread_local! {
    /// Whether this thread runs the crate's code.
    static IS_GUARDED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs the crate's code, of which some kinds of columns and some damage make a panic. It becomes an error, and is told
/// as one alone.
fn guarded<T>(read: impl FnOnce() -> T) -> io::Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if !IS_GUARDED.get() {
                others(about);
            }
        }));
    });
    IS_GUARDED.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(read));
    IS_GUARDED.set(false);
    done.map_err(|_| {
        let words = "the file is damaged, or has a column of a kind that cannot be read";
        io::Error::new(io::ErrorKind::InvalidData, words)
    })
}

impl Cells for Values<'_> {
    fn cell(&self, column: usize, inside: &[String]) -> Result<Cell<'_>, Malformed> {
        let Some((place, of)) = &self.places[column] else { return Ok(Cell::Absent) };
        let (mut field, mut of) = (&self.fields[*place].1, of.as_ref());
        for name in inside {
            let Field::Group(row) = field else { return Ok(Cell::Absent) };
            let Some((inner, inner_of)) = member(row, of, name) else { return Ok(Cell::Absent) };
            (field, of) = (inner, inner_of);
        }
        if let Some(instants) = instants(of)
            && let Some(count) = count(field)
        {
            let at = instants.unit.instant(count).ok_or_else(|| {
                Malformed::expected(malformed::BAD_TIME, "a time before the year 10000", count)
            })?;
            return Ok(if instants.is_utc { Cell::Instant(at) } else { Cell::Local(at) });
        }
        match field {
            Field::Null => Ok(Cell::Absent),
            // What pandas writes where there is no number.
            Field::Float(number) if number.is_nan() => Ok(Cell::Absent),
            Field::Double(number) if number.is_nan() => Ok(Cell::Absent),
            Field::Str(text) => Ok(Cell::Text(text.into())),
            Field::Bytes(bytes) => text(bytes.data()).map(|text| Cell::Text(text.into())),
            field => {
                let mut json = String::new();
                write_json(field, of, &mut json)?;
                Ok(Cell::Json(json.into()))
            }
        }
    }
}

fn member<'a>(row: &'a Row, of: &'a Type, name: &str) -> Option<(&'a Field, &'a Type)> {
    let (_, field) = row.get_column_iter().find(|(found, _)| *found == name)?;
    let of = of.get_fields().iter().find(|of| of.name() == name)?;
    Some((field, of))
}

fn instants(of: &Type) -> Option<Instants> {
    if !of.is_primitive() {
        return None;
    }
    let about = of.get_basic_info();
    if let Some(LogicalType::Timestamp(about)) = about.logical_type_ref() {
        let unit = match about.unit {
            TimeUnit::MILLIS => Unit::Millis,
            TimeUnit::MICROS => Unit::Micros,
            TimeUnit::NANOS => Unit::Nanos,
        };
        return Some(Instants { unit, is_utc: about.is_adjusted_to_u_t_c });
    }
    // The older way to say it is of UTC by definition; INT96 is by custom, and comes in milliseconds.
    let unit = match (about.converted_type(), of.get_physical_type()) {
        (ConvertedType::TIMESTAMP_MICROS, _) => Unit::Micros,
        (ConvertedType::TIMESTAMP_MILLIS, _) | (_, Physical::INT96) => Unit::Millis,
        _ => return None,
    };
    Some(Instants { unit, is_utc: true })
}

fn count(field: &Field) -> Option<i64> {
    match field {
        Field::Long(count) | Field::TimestampMillis(count) | Field::TimestampMicros(count) => Some(*count),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|error| {
        let found = format_args!("another byte at {}", error.valid_up_to());
        Malformed::expected(malformed::INVALID_UTF8, "UTF-8", found)
    })
}

/// Appends a value as JSON; `of` is its type, as far as it has one of its own.
fn write_json(field: &Field, of: &Type, out: &mut String) -> Result<(), Malformed> {
    if let Some(instants) = instants(of)
        && let Some(count) = count(field)
    {
        return match instants.unit.instant(count) {
            Some(at) => write_instant(at, instants.is_utc, out),
            None => Err(Malformed::expected(malformed::BAD_TIME, "a time before the year 10000", count)),
        };
    }
    // Writing into a string never fails.
    let _ = match field {
        Field::Null => write!(out, "null"),
        Field::Bool(value) => write!(out, "{value}"),
        Field::Byte(number) => write!(out, "{number}"),
        Field::Short(number) => write!(out, "{number}"),
        Field::Int(number) => write!(out, "{number}"),
        Field::Long(number) => write!(out, "{number}"),
        Field::UByte(number) => write!(out, "{number}"),
        Field::UShort(number) => write!(out, "{number}"),
        Field::UInt(number) => write!(out, "{number}"),
        Field::ULong(number) => write!(out, "{number}"),
        Field::Float16(number) => return write_number(f64::from(*number), out),
        // By its own digits: 0.1 stays 0.1.
        Field::Float(number) => return write_number(number.to_string().parse().unwrap_or(f64::NAN), out),
        Field::Double(number) => return write_number(*number, out),
        Field::Decimal(_) => write!(out, "{field}"),
        Field::Str(text) => {
            quote(text, out);
            Ok(())
        }
        Field::Bytes(bytes) => {
            quote(text(bytes.data())?, out);
            Ok(())
        }
        Field::Date(days) => return write_date(*days, out),
        Field::TimeMillis(_) | Field::TimeMicros(_) => write!(out, "\"{field}\""),
        Field::TimestampMillis(count) => return write_since(Unit::Millis, *count, out),
        Field::TimestampMicros(count) => return write_since(Unit::Micros, *count, out),
        Field::Group(row) => return write_object(row, of, out),
        Field::ListInternal(list) => return write_list(list.elements(), of, out),
        Field::MapInternal(map) => return write_map(map.entries(), of, out),
    };
    Ok(())
}

fn write_instant(at: Timestamp, is_utc: bool, out: &mut String) -> Result<(), Malformed> {
    let text = at.to_string();
    quote(if is_utc { &text } else { text.trim_end_matches('Z') }, out);
    Ok(())
}

fn write_since(unit: Unit, count: i64, out: &mut String) -> Result<(), Malformed> {
    match unit.instant(count) {
        Some(at) => write_instant(at, true, out),
        None => Err(Malformed::expected(malformed::BAD_TIME, "a time before the year 10000", count)),
    }
}

fn write_number(number: f64, out: &mut String) -> Result<(), Malformed> {
    /// Up to here a float holds every whole number.
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    let _ = match number {
        number if number.is_nan() => write!(out, "null"),
        number if number.is_infinite() => {
            return Err(Malformed::expected(malformed::WRONG_TYPE, "a finite number", number));
        }
        // An id that went through a column of floats is still the id.
        number if number.fract() == 0.0 && number.abs() < WHOLE_MAX => write!(out, "{number:.0}"),
        number => write!(out, "{number:?}"),
    };
    Ok(())
}

fn write_date(days: i32, out: &mut String) -> Result<(), Malformed> {
    let span = jiff::Span::new().try_days(days);
    let date = span.and_then(|span| civil::date(1970, 1, 1).checked_add(span)).map_err(|_| {
        Malformed::expected(malformed::WRONG_TYPE, "a date before the year 10000", format_args!("day {days}"))
    })?;
    quote(&date.to_string(), out);
    Ok(())
}

fn write_object(row: &Row, of: &Type, out: &mut String) -> Result<(), Malformed> {
    out.push('{');
    let mut is_first = true;
    // A struct has all of its members in every row: what a row has none of is absent, as in JSON.
    for (name, field) in row.get_column_iter().filter(|(_, field)| !matches!(field, Field::Null)) {
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        quote(name, out);
        out.push(':');
        let inner = of.is_group().then(|| of.get_fields().iter().find(|of| of.name() == name)).flatten();
        write_json(field, inner.map_or(of, |of| of.as_ref()), out)?;
    }
    out.push('}');
    Ok(())
}

fn write_list(elements: &[Field], of: &Type, out: &mut String) -> Result<(), Malformed> {
    // list → repeated group → element, in the form of today.
    let element = inner(of).map_or(of, |repeated| inner(repeated).unwrap_or(repeated));
    out.push('[');
    for (at, field) in elements.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_json(field, element, out)?;
    }
    out.push(']');
    Ok(())
}

fn write_map(entries: &[(Field, Field)], of: &Type, out: &mut String) -> Result<(), Malformed> {
    let value_of = inner(of).filter(|pair| pair.is_group()).and_then(|pair| pair.get_fields().get(1));
    out.push('{');
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        match key {
            Field::Str(text) => quote(text, out),
            Field::Bytes(bytes) => quote(text(bytes.data())?, out),
            other => quote(&other.to_string(), out),
        }
        out.push(':');
        write_json(value, value_of.map_or(of, |of| of.as_ref()), out)?;
    }
    out.push('}');
    Ok(())
}

fn inner(of: &Type) -> Option<&Type> {
    if of.is_primitive() {
        return None;
    }
    of.get_fields().first().map(|of| of.as_ref())
}
