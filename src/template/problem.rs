//! What is wrong with a template, as plain data: whoever shows it decides how.

use std::fmt;

/// Line and column, from 1, in characters.
pub(super) type Place = (usize, usize);

/// One problem: where, what, and what to do. Holds no event data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateProblem {
    /// Relative to the project's folder: `templates/welcome/subject.hbs`.
    pub file: String,
    /// From 1; 1 where the whole file is meant.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Stable: `missing-unsubscribe-link`.
    pub code: &'static str,
    /// What was expected and what was found.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl TemplateProblem {
    pub(super) fn new(
        file: &str,
        (line, column): Place,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> TemplateProblem {
        debug_assert!(super::codes::is_known(code), "a code without a page: {code}");
        TemplateProblem {
            file: file.to_owned(),
            line,
            column,
            code,
            message: message.into(),
            help: help.into(),
        }
    }
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{}:{})", self.message, self.file, self.line, self.column)
    }
}

impl std::error::Error for TemplateProblem {}

/// Line and column, from 1, of a byte offset.
pub(super) fn place(text: &str, offset: usize) -> Place {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The first place where `what` stands in `text`; the beginning where it does not.
pub(super) fn place_of(text: &str, what: &str) -> Place {
    text.find(what).map_or((1, 1), |offset| place(text, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_from_one_and_in_characters() {
        assert_eq!(place("äb\ncd", 0), (1, 1));
        assert_eq!(place("äb\ncd", 2), (1, 2));
        assert_eq!(place("äb\ncd", 5), (2, 2));
        assert_eq!(place("ä", 99), (1, 2));
        assert_eq!(place_of("a\n {{x}}", "{{x"), (2, 2));
    }
}
