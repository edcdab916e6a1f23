//! Rows as Parquet: all columns are text, as in the other formats; zstd.

use super::{COLUMNS, Row};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use std::io::{self, Write};
use std::sync::Arc;

/// Rows that are held before they are written: some ten megabytes.
const GROUP_ROWS: usize = 1 << 16;

/// Columns that may be empty.
const OPTIONAL: [&str; 2] = ["key", "reason"];

/// Writes row groups.
pub struct RowGroups<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: [Column; COLUMNS],
    rows: usize,
}

#[derive(Default)]
struct Column {
    values: Vec<ByteArray>,
    /// Whether each row has a value: 1 or 0.
    is_there: Vec<i16>,
}

impl<W: Write + Send> RowGroups<W> {
    pub fn new(out: W) -> io::Result<RowGroups<W>> {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
        let schema = schema().map_err(failed)?;
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties.build())).map_err(failed)?;
        Ok(RowGroups { writer, columns: Default::default(), rows: 0 })
    }

    pub fn push(&mut self, values: [Option<&str>; COLUMNS]) -> io::Result<()> {
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.is_there.push(i16::from(value.is_some()));
            column.values.extend(value.map(ByteArray::from));
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS { self.write_group().map_err(failed) } else { Ok(()) }
    }

    /// Writes what is held and the end of the file.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_group().and_then(|()| self.writer.into_inner()).map_err(failed)
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (column, name) in self.columns.iter_mut().zip(Row::NAMES) {
            let Column { values, is_there } = std::mem::take(column);
            let Some(mut writer) = group.next_column()? else { break };
            let levels = OPTIONAL.contains(&name).then_some(is_there.as_slice());
            writer.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
            writer.close()?;
        }
        group.close().map(|_| ())
    }
}

fn schema() -> Result<TypePtr, ParquetError> {
    let column = |name: &&str| {
        let is_optional = OPTIONAL.contains(name);
        let repetition = if is_optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let text = Type::primitive_type_builder(name, Physical::BYTE_ARRAY).with_repetition(repetition);
        text.with_logical_type(Some(LogicalType::String)).build().map(Arc::new)
    };
    let columns = Row::NAMES.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("decisions").with_fields(columns).build().map(Arc::new)
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(source) => io::Error::other(source),
        },
        error => io::Error::other(error),
    }
}
