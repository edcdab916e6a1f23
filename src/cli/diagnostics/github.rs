//! Problems as commands of a GitHub workflow: each becomes a note at its line of a pull request.
//!
//! What a command may hold is GitHub's: `%`, line ends, and in a property `:` and `,` are written in percents. A column is
//! said only where the problem ends on the line it begins on: GitHub refuses columns over several lines.

use super::{Record, path_from_here, record};
use crate::project::Reading;
use std::path::Path;

/// A command a line, in the order of the problems. `dir` is the project's folder, as seen from the repository's.
pub(in crate::cli) fn commands(reading: &Reading, dir: &Path) -> String {
    let command = |problem| {
        let record = record(problem, &reading.texts);
        let place = path_from_here(problem, dir).map(|file| place(&file, &record)).unwrap_or_default();
        let message = match record.help {
            Some(help) => format!("{}\n{help}", record.message),
            None => record.message.to_owned(),
        };
        let (severity, title) = (record.severity, property(record.code));
        format!("::{severity} {place}title={title}::{}\n", data(&message))
    };
    reading.problems.iter().map(command).collect()
}

fn place(file: &str, record: &Record<'_>) -> String {
    let (line, end_line) = (record.line, record.end_line);
    let mut place = format!("file={},line={line},endLine={end_line},", property(file));
    if line == end_line {
        // GitHub's end is the last column, ours the one behind it.
        let end = record.end_column.saturating_sub(1).max(record.column);
        place.push_str(&format!("col={},endColumn={end},", record.column));
    }
    place
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use outreach_engine::rule::{Code, Diagnostic, Severity};

    fn written(file: &str, text: &str, span: std::ops::Range<usize>, message: &str, dir: &str) -> String {
        let problem = Diagnostic {
            code: Code::BadLength,
            severity: Severity::Error,
            file: file.to_owned(),
            span,
            message: message.to_owned(),
            help: Some("write 30,5% less".to_owned()),
        };
        let texts = [(file.to_owned(), text.to_owned())].into();
        let reading = Reading { project: None, process: None, problems: vec![problem], texts };
        commands(&reading, Path::new(dir))
    }

    #[test]
    fn nothing_in_a_message_or_a_name_ends_the_command_or_its_properties() {
        assert_eq!(
            written("rules/a,b:c%.toml", "x = 1\nlate = \"1\"\n", 13..16, "a: b, c\r\n::error::d", "."),
            "::error file=rules/a%2Cb%3Ac%25.toml,line=2,endLine=2,col=8,endColumn=10,title=bad-length::\
             a: b, c%0D%0A::error::d%0Awrite 30,5%25 less\n"
        );
    }

    #[test]
    fn a_problem_over_several_lines_has_no_columns_and_the_file_is_named_from_where_one_stands() {
        assert_eq!(
            written("rules/r.toml", "a\nb\nc", 2..5, "m", "./teams/growth"),
            "::error file=teams/growth/rules/r.toml,line=2,endLine=3,title=bad-length::m%0Awrite 30,5%25 less\n"
        );
    }

    #[test]
    fn what_a_variable_says_has_no_file() {
        assert_eq!(
            written("environment", "", 0..0, "m", "."),
            "::error title=bad-length::m%0Awrite 30,5%25 less\n"
        );
    }
}
