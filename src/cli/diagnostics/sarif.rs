//! Problems as SARIF 2.1.0 (OASIS, with errata 01), as code scanning reads them: each code is a rule with its page, each
//! problem a result. Columns count characters (`unicodeCodePoints`).

use super::{path_from_here, record};
use crate::cli::pages;
use crate::project::Reading;
use outreach_engine::rule::diagnostic::{Diagnostic, Severity};
use serde_json::{Value, json};
use std::path::Path;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Where relative names begin: the folder in which the command was started.
const BASE: &str = "%SRCROOT%";

/// The log, with one run. `dir` is the project's folder, as seen from the repository's.
pub(in crate::cli) fn log(reading: &Reading, dir: &Path) -> anyhow::Result<String> {
    let mut codes: Vec<&str> = reading.problems.iter().map(|problem| problem.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let result = |problem: &Diagnostic| {
        let index = codes.iter().position(|code| *code == problem.code.as_str());
        result(problem, index.unwrap_or_default(), reading, dir)
    };
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "outreach",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": codes.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": reading.problems.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    Ok(serde_json::to_string_pretty(&log)? + "\n")
}

fn rule(code: &str) -> Value {
    match pages::page(code) {
        Some(page) => json!({
            "id": code,
            "shortDescription": { "text": pages::meaning(page) },
            "help": { "text": page, "markdown": page },
        }),
        None => json!({ "id": code }),
    }
}

fn result(problem: &Diagnostic, index: usize, reading: &Reading, dir: &Path) -> Value {
    let record = record(problem, &reading.texts);
    let level = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = match record.help {
        Some(help) => format!("{}\n{help}", record.message),
        None => record.message.to_owned(),
    };
    let mut result = json!({
        "ruleId": record.code,
        "ruleIndex": index,
        "level": level,
        "message": { "text": text },
    });
    if let Some(path) = path_from_here(problem, dir) {
        let mut artifact = json!({ "uri": uri(&path) });
        // An absolute name needs no base.
        if !path.starts_with('/') {
            artifact["uriBaseId"] = BASE.into();
        }
        result["locations"] = json!([{ "physicalLocation": {
            "artifactLocation": artifact,
            "region": {
                "startLine": record.line,
                "startColumn": record.column,
                "endLine": record.end_line,
                "endColumn": record.end_column,
            },
        } }]);
    }
    result
}

/// A path as a reference (RFC 3986, 4.2): `file://` before an absolute one.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_reference_that_nothing_else_can_be_read_into() {
        assert_eq!(uri("rules/a b:é?.toml"), "rules/a%20b%3A%C3%A9%3F.toml");
        assert_eq!(uri("/srv/rules/r.toml"), "file:///srv/rules/r.toml");
    }
}
