//! What a rule file may say, and what it may not.

mod any_text;
mod bad;
mod good;

use super::{Known, parse};
use crate::rule::Rule;
use crate::rule::diagnostic::{Diagnostic, line_and_column};
use std::sync::Arc;

fn known() -> Known {
    let set = |names: &[&str]| Some(names.iter().map(|name| Arc::from(*name)).collect());
    Known { topics: set(&["probe", "onboarding", "billing"]), transactional_rules: set(&["trusted"]) }
}

fn good(text: &str) -> Rule {
    match parse("rule", "rules/rule.toml", text, &known()) {
        Ok((rule, warnings)) if warnings.is_empty() => rule,
        Ok((_, problems)) | Err(problems) => panic!("{text}\n{}", printed(text, &problems)),
    }
}

fn problems(id: &str, text: &str) -> Vec<Diagnostic> {
    parse(id, "rules/rule.toml", text, &known()).expect_err("the rule is bad")
}

/// `code line:column`, one a line.
fn printed(text: &str, problems: &[Diagnostic]) -> String {
    let line = |problem: &Diagnostic| {
        let (line, column) = line_and_column(text, problem.span.start);
        format!("{} {line}:{column} {}\n", problem.code, problem.message)
    };
    problems.iter().map(line).collect()
}

/// A rule around a trigger: what stands in `[trigger]`, in one line each.
fn with_trigger(trigger: &str) -> String {
    format!("name = \"R\"\ntopic = \"probe\"\n[trigger]\n{trigger}\n[[step]]\nin_product = \"probe\"\n")
}

/// A rule around a `where`.
fn with_where(tests: &str) -> String {
    with_trigger(&format!("event = \"A\"\nwhere = {{ {tests} }}"))
}

/// A good rule and more at its end.
fn with_more(more: &str) -> String {
    format!("{}{more}", with_trigger("event = \"A\""))
}
