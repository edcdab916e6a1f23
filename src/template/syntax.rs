//! What is refused on the syntax tree of one file.

use super::partials::{self, Partials};
use super::problem::TemplateProblem;
use super::source::{Source, walk};
use super::words;
use handlebars::template::{DecoratorTemplate, HelperTemplate, Parameter, TemplateElement};

/// All problems of one file that need no data to be seen.
pub(super) fn problems(source: &Source, all: &Partials) -> Vec<TemplateProblem> {
    let mut found = Vec::new();
    let mut report = |at, code, message: String, help: String| {
        found.push(TemplateProblem::new(&source.file, at, code, message, help));
    };
    walk(&source.tree, &mut |at, element| match element {
        TemplateElement::HtmlExpression(expression) => {
            let what = expression.name.as_name().unwrap_or("…");
            let message =
                format!("expected an escaped value, found an unescaped one (`{what}` in {{{{{{ or {{{{&)");
            report(
                at,
                "unescaped-value",
                message,
                format!("Write {{{{{what}}}}}: what events bring may hold HTML."),
            );
        }
        TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => {
            let message = "expected partials in files, found a decorator or an inline partial".into();
            report(at, "inline-partial", message, "Put it into templates/partials/NAME.hbs.".into());
        }
        TemplateElement::PartialExpression(partial) | TemplateElement::PartialBlock(partial) => {
            if let Some((code, message, help)) = partial_fault(partial, all) {
                report(at, code, message, help);
            }
        }
        TemplateElement::Expression(expression) | TemplateElement::HelperBlock(expression) => {
            let is_block = matches!(element, TemplateElement::HelperBlock(_));
            for name in unknown_words(expression, is_block) {
                let message = format!("expected a word that is known, found `{name}`");
                report(at, "unknown-word", message, format!("There are: {}.", words::names()));
            }
        }
        TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
        _ => {
            let message = "expected an expression that is known, found another".into();
            report(at, "template-syntax", message, "Remove it.".into());
        }
    });
    found
}

fn partial_fault(partial: &DecoratorTemplate, all: &Partials) -> Option<(&'static str, String, String)> {
    let Some(name) = partials::name(partial) else {
        let message = "expected the name of a partial, found one that is computed".into();
        return Some((
            "computed-partial",
            message,
            "Write the name, and choose between two by {{#if}}.".into(),
        ));
    };
    let is_known = name == "@partial-block" || all.contains_key(name);
    (!is_known).then(|| {
        let message = format!("expected a partial that exists, found `{name}`");
        let names: Vec<_> = all.keys().map(String::as_str).collect();
        let there = if names.is_empty() { "none".into() } else { names.join(", ") };
        (
            "unknown-partial",
            message,
            format!("It would be templates/partials/{name}.hbs. There are: {there}."),
        )
    })
}

/// Words that nobody defined: of the expression itself and of those in brackets.
fn unknown_words(expression: &HelperTemplate, is_block: bool) -> Vec<String> {
    let mut unknown = Vec::new();
    let is_call = is_block || !expression.params.is_empty() || !expression.hash.is_empty();
    if is_call
        && let Some(name) = expression.name.as_name()
        && !words::is_known(name)
    {
        unknown.push(name.to_owned());
    }
    let names = std::iter::once(&expression.name);
    for parameter in names.chain(&expression.params).chain(expression.hash.values()) {
        if let Parameter::Subexpression(inner) = parameter
            && let TemplateElement::Expression(inner) = inner.as_element()
        {
            // `(x)` without values is a call too.
            unknown.extend(unknown_words(inner, true));
        }
    }
    unknown
}
