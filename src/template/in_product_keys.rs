//! The keys of an `in_product.toml` that could not be read, so that all that is wrong with them is told at once.

use super::in_product::InProductKind;
use super::problem::{TemplateProblem, place};
use outreach_engine::rule::document::{Document, Problems};

/// All that is wrong with the keys and their values; nothing where they are as they should be.
pub(super) fn problems(file: &str, text: &str, help: &str) -> Vec<TemplateProblem> {
    let mut said = Problems::default();
    if let Some(document) = Document::parse(&mut said, file, text) {
        let mut top = document.top();
        for (key, help) in
            [("title", "add title = \"Make a project\""), ("body", "add body = \"It takes a minute.\"")]
        {
            top.require(&mut said, key, help).and_then(|item| item.text(&mut said));
        }
        if let Some(mut action) = top.take("action").and_then(|item| item.table(&mut said)) {
            for (key, help) in
                [("label", "add label = \"New project\""), ("url", "add url = \"/projects/new\"")]
            {
                action.require(&mut said, key, help).and_then(|item| item.text(&mut said));
            }
            action.finish(&mut said, &[]);
        }
        let kinds = [InProductKind::Card, InProductKind::Banner, InProductKind::Modal];
        top.take("kind").and_then(|item| item.choice(&mut said, &kinds.map(|kind| (kind.as_str(), kind))));
        top.finish(&mut said, &[]);
    }
    let as_ours = |problem: outreach_engine::rule::Diagnostic| {
        let help = problem.help.unwrap_or_else(|| help.to_owned());
        TemplateProblem::new(file, place(text, problem.span.start), "bad-in-product", problem.message, help)
    };
    said.into_sorted().into_iter().map(as_ours).collect()
}
