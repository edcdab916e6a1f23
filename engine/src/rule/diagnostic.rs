//! What is wrong with a file, as plain data: whoever reads it decides how to show it. Nothing is rendered here.

use std::fmt;
use std::ops::Range;

/// One problem of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    /// The file's path as its reader named it, relative to the project.
    pub file: String,
    /// Bytes of the file's text.
    pub span: Range<usize>,
    /// What was expected and what was found.
    pub message: String,
    /// The likely fix.
    pub help: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
}

/// The name of a kind of problem. Its text is stable: people search for it, tools filter by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The text is no TOML.
    TomlSyntax,
    UnknownKey,
    MissingKey,
    /// A string where a number belongs, and the like.
    WrongType,
    /// The right type, and no value that means anything here.
    BadValue,
    BadLength,
    BadPath,
    BadRegex,
    /// A rule's file name is no id.
    BadId,
    /// Keys that do not go together, or one that needs another.
    ContradictoryForm,
    DuplicateStepName,
    DuplicateRule,
    UnknownTopic,
    UnknownRule,
    TopicRequired,
    TransactionalNotAllowed,
    UnknownTemplate,
    MissingTemplatePart,
    /// A template that cannot be read or rendered: the code that its reader gave it.
    Template(&'static str),
    /// A rule that may enter once, ever, and whose only message a cap may skip.
    OnceEverWithCap,
    /// A test whose type is never that of the value it looks at, by what a template's sample shows.
    TypeNeverMatches,
    /// A rule of nothing but waits.
    SendsNothing,
    /// Rules send mail, and outreach.toml does not say by whom, how or with which key links are signed.
    MailNotConfigured,
    /// A test's `given` is not in order of `at`.
    GivenOutOfOrder,
    /// A test ends before what is given in it.
    UntilBeforeGiven,
    /// What librdkafka does not take, or what is set for it always.
    KafkaProperty,
    UnreadableFile,
    /// Everybody in the audience meets an exit.
    ExitMeetsAudience,
    /// A condition that no value passes.
    NeverTrue,
    /// A condition that every value passes.
    AlwaysTrue,
    /// A step that nobody comes to.
    UnreachableStep,
    /// A wait for an event that ends the journey.
    WaitForExit,
    /// A message that is too late before the quiet hours are over.
    LateInQuietHours,
    /// A goal that is over before the last message comes.
    GoalBeforeLastStep,
    /// A rule that mails every time, and no cap counts it.
    NoLimit,
    /// Two rules that mail one person within one hour.
    SameHour,
    /// Rules that set each other off without end.
    RuleCycle,
    /// A name one slip away from one that tests or samples show.
    LikelySlip,
    /// A file or folder that nobody reads.
    FilePassedOver,
    /// None of the events that rules are held against has this name.
    EventNeverSeen,
    /// None of them has this value.
    PathNeverSeen,
    /// None of them has it in this type.
    TypeNeverSeen,
    /// A template says of everybody what some of them lack.
    ValueSometimesMissing,
    /// The language has it, this version does not.
    NotBuiltYet,
}

impl Code {
    /// All but those of templates.
    pub const ALL: [Code; 43] = [
        Code::TomlSyntax,
        Code::UnknownKey,
        Code::MissingKey,
        Code::WrongType,
        Code::BadValue,
        Code::BadLength,
        Code::BadPath,
        Code::BadRegex,
        Code::BadId,
        Code::ContradictoryForm,
        Code::DuplicateStepName,
        Code::DuplicateRule,
        Code::UnknownTopic,
        Code::UnknownRule,
        Code::TopicRequired,
        Code::TransactionalNotAllowed,
        Code::UnknownTemplate,
        Code::MissingTemplatePart,
        Code::OnceEverWithCap,
        Code::TypeNeverMatches,
        Code::SendsNothing,
        Code::MailNotConfigured,
        Code::GivenOutOfOrder,
        Code::UntilBeforeGiven,
        Code::KafkaProperty,
        Code::UnreadableFile,
        Code::ExitMeetsAudience,
        Code::NeverTrue,
        Code::AlwaysTrue,
        Code::UnreachableStep,
        Code::WaitForExit,
        Code::LateInQuietHours,
        Code::GoalBeforeLastStep,
        Code::NoLimit,
        Code::SameHour,
        Code::RuleCycle,
        Code::LikelySlip,
        Code::FilePassedOver,
        Code::EventNeverSeen,
        Code::PathNeverSeen,
        Code::TypeNeverSeen,
        Code::ValueSometimesMissing,
        Code::NotBuiltYet,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Code::TomlSyntax => "toml-syntax",
            Code::UnknownKey => "unknown-key",
            Code::MissingKey => "missing-key",
            Code::WrongType => "wrong-type",
            Code::BadValue => "bad-value",
            Code::BadLength => "bad-length",
            Code::BadPath => "bad-path",
            Code::BadRegex => "bad-regex",
            Code::BadId => "bad-id",
            Code::ContradictoryForm => "contradictory-form",
            Code::DuplicateStepName => "duplicate-step-name",
            Code::DuplicateRule => "duplicate-rule",
            Code::UnknownTopic => "unknown-topic",
            Code::UnknownRule => "unknown-rule",
            Code::TopicRequired => "topic-required",
            Code::TransactionalNotAllowed => "transactional-not-allowed",
            Code::UnknownTemplate => "unknown-template",
            Code::MissingTemplatePart => "missing-template-part",
            Code::Template(code) => code,
            Code::OnceEverWithCap => "once-ever-with-cap",
            Code::TypeNeverMatches => "type-never-matches",
            Code::SendsNothing => "sends-nothing",
            Code::MailNotConfigured => "mail-not-configured",
            Code::GivenOutOfOrder => "given-out-of-order",
            Code::UntilBeforeGiven => "until-before-given",
            Code::KafkaProperty => "kafka-property",
            Code::UnreadableFile => "unreadable-file",
            Code::ExitMeetsAudience => "exit-meets-audience",
            Code::NeverTrue => "never-true",
            Code::AlwaysTrue => "always-true",
            Code::UnreachableStep => "unreachable-step",
            Code::WaitForExit => "wait-for-exit",
            Code::LateInQuietHours => "late-in-quiet-hours",
            Code::GoalBeforeLastStep => "goal-before-last-step",
            Code::NoLimit => "no-limit",
            Code::SameHour => "same-hour",
            Code::RuleCycle => "rule-cycle",
            Code::LikelySlip => "likely-slip",
            Code::FilePassedOver => "file-passed-over",
            Code::EventNeverSeen => "event-never-seen",
            Code::PathNeverSeen => "path-never-seen",
            Code::TypeNeverSeen => "type-never-seen",
            Code::ValueSometimesMissing => "value-sometimes-missing",
            Code::NotBuiltYet => "not-built-yet",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Diagnostic {
    /// Says the likely fix.
    pub fn with_help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Line and column of a byte of `text`, both from 1; columns count characters.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        assert_eq!(line_and_column("", 0), (1, 1));
        assert_eq!(line_and_column("é = 1\nb", 3), (1, 3));
        assert_eq!(line_and_column("a\nb", 2), (2, 1));
        assert_eq!(line_and_column("a\n", 99), (2, 1));
    }

    #[test]
    fn every_code_has_a_text_of_its_own() {
        let texts: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
