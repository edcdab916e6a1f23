//! Problems as people and as tools read them: drawn by miette, or as JSON.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use outreach_engine::rule::diagnostic::{Diagnostic, Severity, line_and_column};
use serde::Serialize;
use std::collections::BTreeMap;

/// A terminal of ordinary width: the same text everywhere, so that it can be compared.
const WIDTH: usize = 100;

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub errors: usize,
    pub warnings: usize,
}

impl Count {
    pub fn of(problems: &[Diagnostic]) -> Count {
        let errors = problems.iter().filter(|problem| problem.is_error()).count();
        Count { errors, warnings: problems.len() - errors }
    }
}

/// One problem with the lines it is about, ending in an empty line.
pub(super) fn draw(problem: &Diagnostic, texts: &BTreeMap<String, String>, is_plain: bool) -> String {
    let mut drawn = MietteDiagnostic::new(&problem.message).with_code(problem.code.as_str());
    drawn = drawn.with_severity(match problem.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    });
    if let Some(help) = &problem.help {
        drawn = drawn.with_help(help);
    }
    let text = texts.get(&problem.file).map(String::as_str).unwrap_or_default();
    // A span past the end, or of an empty file, cannot be drawn.
    let (start, end) = (problem.span.start.min(text.len()), problem.span.end.min(text.len()));
    let drawn = drawn.with_label(LabeledSpan::underline(start..end.max(start)));
    let report = Report::new(drawn).with_source_code(NamedSource::new(&problem.file, text.to_owned()));
    let theme = if is_plain { GraphicalTheme::unicode_nocolor() } else { GraphicalTheme::unicode() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false);
    let mut out = String::new();
    // A report that miette cannot draw is still said in one line.
    if handler.render_report(&mut out, report.as_ref()).is_err() {
        let (line, column) = line_and_column(text, start);
        out = format!("{} {}:{line}:{column} {}\n", problem.code, problem.file, problem.message);
    }
    out + "\n"
}

/// One problem for tools. Lines and columns count from 1, columns in characters.
#[derive(Debug, Serialize)]
pub(super) struct Record<'r> {
    code: &'static str,
    severity: &'static str,
    file: &'r str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    message: &'r str,
    help: Option<&'r str>,
}

pub(super) fn record<'r>(problem: &'r Diagnostic, texts: &BTreeMap<String, String>) -> Record<'r> {
    let text = texts.get(&problem.file).map(String::as_str).unwrap_or_default();
    let (line, column) = line_and_column(text, problem.span.start);
    let (end_line, end_column) = line_and_column(text, problem.span.end);
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    Record {
        code: problem.code.as_str(),
        severity,
        file: &problem.file,
        line,
        column,
        end_line,
        end_column,
        message: &problem.message,
        help: problem.help.as_deref(),
    }
}
