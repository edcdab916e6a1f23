//! Problems as people and as tools read them: drawn by miette, as JSON, as GitHub's workflow commands, as SARIF.

pub(super) mod github;
pub(super) mod sarif;

use crate::project::Environment;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use outreach_engine::rule::diagnostic::{Diagnostic, Severity, line_and_column};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Component, Path};

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

/// A problem's file as seen from where the command was started: with `/`, and nothing for what is no file.
fn path_from_here(problem: &Diagnostic, dir: &Path) -> Option<String> {
    if problem.file == Environment::FILE {
        return None;
    }
    let path = dir.join(&problem.file);
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let parts: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    Some(parts.join("/").replacen("//", "/", 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use outreach_engine::rule::{Known, parse};

    fn drawn(text: &str) -> String {
        let known =
            Known { topics: Some(["onboarding".into()].into()), transactional_rules: Some([].into()) };
        let problems = parse("stalled", "rules/stalled.toml", text, &known).expect_err("a bad rule");
        let texts = [("rules/stalled.toml".to_owned(), text.to_owned())].into();
        problems.iter().map(|problem| draw(problem, &texts, true)).collect()
    }

    #[test]
    fn all_problems_of_a_rule_are_drawn_with_place_reason_and_fix() {
        insta::assert_snapshot!(drawn(
            "name = \"Stalled\"\ntopic = \"onbording\"\n\n[trigger]\nevent = \"Signed Up\"\n\
             without = \"Project Created\"\nwitin = \"3 dayz\"\n\n[limits]\nlate = \"1 month\"\n\n\
             [[step]]\nemail = \"stalled\"\n[[step]]\nwait_until = { event = \"Login\" }\n"
        ));
    }

    #[test]
    fn what_is_missing_from_a_file_is_drawn_at_its_beginning() {
        insta::assert_snapshot!(drawn("topic = \"onboarding\"\n"));
    }

    #[test]
    fn an_empty_file_and_one_that_is_no_toml_are_drawn() {
        insta::assert_snapshot!(drawn(""));
        insta::assert_snapshot!(drawn("name = \"Stalled\ntopic = 1\n"));
    }

    #[test]
    fn a_file_nobody_could_read_is_drawn_without_its_text() {
        let problem = Diagnostic {
            code: outreach_engine::rule::Code::UnreadableFile,
            severity: Severity::Warning,
            file: "outreach.toml".to_owned(),
            span: 0..0,
            message: "outreach.toml cannot be read: it is not there".to_owned(),
            help: Some("make one".to_owned()),
        };
        insta::assert_snapshot!(draw(&problem, &BTreeMap::new(), true));
    }
}
