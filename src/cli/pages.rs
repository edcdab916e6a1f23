//! The pages of codes, `docs/diagnostics/CODE.md`, carried in the binary.
//!
//! A page is its code as heading, a paragraph on what it means, one on why that is a problem, an example and the same one
//! mended. `src/cli/check/page_tests.rs` runs both: the first raises just this code, the second nothing.

macro_rules! pages {
    ($($code:literal,)*) => {
        &[$(($code, include_str!(concat!("../../docs/diagnostics/", $code, ".md")))),*]
    };
}

/// By code, in order.
const PAGES: &[(&str, &str)] = pages![
    "always-true",
    "bad-catalogue",
    "bad-id",
    "bad-in-product",
    "bad-length",
    "bad-path",
    "bad-regex",
    "bad-sample",
    "bad-template-name",
    "bad-value",
    "computed-partial",
    "contradictory-form",
    "duplicate-rule",
    "duplicate-step-name",
    "empty-subject",
    "empty-template",
    "empty-text",
    "event-never-seen",
    "exit-meets-audience",
    "file-passed-over",
    "given-out-of-order",
    "goal-before-last-step",
    "inline-partial",
    "kafka-property",
    "late-in-quiet-hours",
    "likely-slip",
    "mail-not-configured",
    "mail-too-large",
    "missing-body",
    "missing-key",
    "missing-sample",
    "missing-sender-address",
    "missing-subject",
    "missing-template-part",
    "missing-translation",
    "missing-unsubscribe-link",
    "missing-value",
    "mjml",
    "mjml-outside-mjml",
    "mjml-partial-values",
    "nested-too-deep",
    "never-true",
    "no-limit",
    "not-built-yet",
    "object-printed",
    "once-ever-with-cap",
    "partial-recursion",
    "path-never-seen",
    "render-failed",
    "rule-cycle",
    "same-hour",
    "sends-nothing",
    "template-syntax",
    "template-too-large",
    "toml-syntax",
    "topic-required",
    "transactional-not-allowed",
    "two-bodies",
    "type-never-matches",
    "type-never-seen",
    "unescaped-value",
    "unknown-file",
    "unknown-key",
    "unknown-locale",
    "unknown-partial",
    "unknown-root",
    "unknown-rule",
    "unknown-template",
    "unknown-topic",
    "unknown-word",
    "unreachable-step",
    "unreadable-file",
    "unsafe-action-url",
    "until-before-given",
    "value-sometimes-missing",
    "wait-for-exit",
    "whole-context",
    "word-arguments",
    "wrong-type",
];

/// The page of a code; nothing where there is no such code.
pub(super) fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page)
}

pub(super) fn codes() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(code, _)| *code)
}

/// The first paragraph of a page: what the code means.
pub(super) fn meaning(page: &str) -> &str {
    page.split("\n\n").nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template;
    use outreach_engine::rule::Code;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let of_rules = Code::ALL.iter().map(|code| code.as_str());
        let wanted: BTreeSet<&str> = of_rules.chain(template::CODES).collect();
        assert_eq!(codes().collect::<BTreeSet<_>>(), wanted);
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diagnostics");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        let files: BTreeSet<String> = files.map(|name| name.to_string_lossy().replace(".md", "")).collect();
        assert_eq!(files, wanted.iter().map(|code| (*code).to_owned()).collect());
    }

    #[test]
    fn a_page_begins_with_its_code_and_says_what_it_means_and_why() {
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# {code}\n\n")), "{code}");
            let parts: Vec<&str> = page.split("\n\n").collect();
            assert!(
                meaning(page).ends_with('.') && parts[2].ends_with('.') && parts[3] == "## Example",
                "{code}"
            );
        }
    }
}
