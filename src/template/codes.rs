//! The codes of what reading and checking a template may find. Stable: people search for them, tools filter by them.

/// All that `check` may say of templates; each has a page in `docs/diagnostics/`.
pub const CODES: [&str; 36] = [
    "bad-catalogue",
    "bad-in-product",
    "bad-sample",
    "bad-template-name",
    "computed-partial",
    "empty-subject",
    "empty-template",
    "empty-text",
    "inline-partial",
    "mail-too-large",
    "missing-body",
    "missing-sample",
    "missing-sender-address",
    "missing-subject",
    "missing-translation",
    "missing-unsubscribe-link",
    "missing-value",
    "mjml",
    "mjml-outside-mjml",
    "mjml-partial-values",
    "nested-too-deep",
    "object-printed",
    "partial-recursion",
    "render-failed",
    "template-syntax",
    "template-too-large",
    "two-bodies",
    "unescaped-value",
    "unknown-file",
    "unknown-locale",
    "unknown-partial",
    "unknown-root",
    "unknown-word",
    "unsafe-action-url",
    "whole-context",
    "word-arguments",
];

/// Said while a message is made, never by `check`, which sees that rules name templates that are there; and of CSS, of which
/// the library that inlines it takes all that we could think of.
pub(super) const WITHOUT_PAGE: [&str; 3] = ["css", "unknown-template", "wrong-channel"];

/// Whether a code has a page, or is of those that need none.
pub(super) fn is_known(code: &str) -> bool {
    CODES.contains(&code) || WITHOUT_PAGE.contains(&code)
}
