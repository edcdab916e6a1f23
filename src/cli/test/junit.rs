//! Results as JUnit's XML, which CI servers read: a suite for each file, a case for each test.

use super::{Run, rule_of, surprise};
use std::fmt::Write as _;

/// The whole document.
pub(super) fn document(runs: &[Run<'_>]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let failed = |runs: &[Run<'_>]| runs.iter().filter(|run| !run.trial.is_passed()).count();
    let seconds = |runs: &[Run<'_>]| runs.iter().map(|run| run.took.as_secs_f64()).sum::<f64>();
    let mut write = || -> std::fmt::Result {
        let (all, failures, time) = (runs.len(), failed(runs), seconds(runs));
        writeln!(
            text,
            "<testsuites name=\"outreach test\" tests=\"{all}\" failures=\"{failures}\" errors=\"0\" time=\"{time:.6}\">"
        )?;
        for suite in runs.chunk_by(|a, b| a.path == b.path) {
            let (name, all, failures) = (escaped(suite[0].path), suite.len(), failed(suite));
            writeln!(
                text,
                "  <testsuite name=\"{name}\" tests=\"{all}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\" time=\"{:.6}\">",
                seconds(suite)
            )?;
            suite.iter().try_for_each(|run| case(&mut text, run))?;
            writeln!(text, "  </testsuite>")?;
        }
        writeln!(text, "</testsuites>")
    };
    write().expect("a text takes all that is written");
    text
}

fn case(text: &mut String, run: &Run<'_>) -> std::fmt::Result {
    let Run { path, test, trial, took } = run;
    write!(
        text,
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.6}\"",
        escaped(rule_of(path)),
        escaped(&test.name),
        escaped(path),
        test.line,
        took.as_secs_f64()
    )?;
    if trial.is_passed() {
        return writeln!(text, "/>");
    }
    let (missing, unexpected) = (trial.missing.len(), trial.unexpected.len());
    writeln!(
        text,
        ">\n      <failure type=\"surprise\" message=\"{missing} expected and not decided, {unexpected} decided and not expected\">{}</failure>\n    </testcase>",
        escaped(&surprise::told(trial))
    )
}

/// For a value of an attribute and for a text alike. What XML 1.0 cannot hold becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            '\t' | '\r' => write!(out, "&#{};", char as u32).expect("a text takes all that is written"),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_xml_means_something_by_or_cannot_hold_is_escaped() {
        assert_eq!(
            escaped("a<b> & \"c\"\tä\u{1}\u{ffff}"),
            "a&lt;b&gt; &amp; &quot;c&quot;&#9;ä\u{fffd}\u{fffd}"
        );
    }
}
