//! Which values a template says without anything that stands in where they are missing: not the first of `default`, and
//! not within an `{{#if}}` of the same value. Unlike the trial with the sample it sees the branches that the sample does
//! not come to.

use super::partials::{self, Partials};
use super::problem::Place;
use super::roots::DATA_ROOTS;
use super::source::{Source, elements};
use handlebars::template::{DecoratorTemplate, HelperTemplate, Parameter, Template as Tree, TemplateElement};
use handlebars::{Path, PathSeg};
use std::collections::BTreeSet;

/// A value that must be there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unguarded {
    /// Dotted: `traits.first_name`.
    pub path: String,
    pub file: String,
    pub at: Place,
}

pub(super) fn unguarded(source: &Source, partials: &Partials) -> BTreeSet<Unguarded> {
    let mut reader = Reader { partials, found: BTreeSet::new(), seen: BTreeSet::new() };
    reader.tree(&source.file, &Scope::default(), &source.tree);
    reader.found
}

struct Reader<'a> {
    partials: &'a Partials,
    found: BTreeSet<Unguarded>,
    /// Partials already read in a like scope.
    seen: BTreeSet<(String, Scope)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Scope {
    /// `this` is something other than the whole context.
    is_inner: bool,
    guarded: BTreeSet<String>,
}

impl Reader<'_> {
    fn tree(&mut self, file: &str, scope: &Scope, tree: &Tree) {
        for (at, element) in elements(tree) {
            match element {
                TemplateElement::Expression(expression) | TemplateElement::HtmlExpression(expression) => {
                    self.expression((file, at), scope, expression);
                }
                TemplateElement::HelperBlock(block) => self.block(file, scope, block),
                TemplateElement::PartialExpression(partial) | TemplateElement::PartialBlock(partial) => {
                    self.partial(file, scope, partial);
                }
                // Text and comments; the rest is refused.
                _ => {}
            }
        }
    }

    fn expression(&mut self, place: (&str, Place), scope: &Scope, expression: &HelperTemplate) {
        if expression.params.is_empty() && expression.hash.is_empty() {
            self.parameter(place, scope, &expression.name);
            return;
        }
        // What may be missing is the first value of `default`; of the words that compare any may be.
        let skipped = match expression.name.as_name() {
            Some("default") => 1,
            Some("date" | "number" | "currency" | "plural" | "truncate" | "url" | "t") => 0,
            _ => return,
        };
        for parameter in expression.params.iter().skip(skipped).chain(expression.hash.values()) {
            self.parameter(place, scope, parameter);
        }
    }

    fn parameter(&mut self, (file, at): (&str, Place), scope: &Scope, parameter: &Parameter) {
        if let Parameter::Subexpression(inner) = parameter {
            if let TemplateElement::Expression(inner) = inner.as_element() {
                self.expression((file, at), scope, inner);
            }
            return;
        }
        let Some(path) = path_of(parameter, scope.is_inner) else { return };
        let is_guarded = scope.guarded.iter().any(|guard| is_within(&path, guard) || is_within(guard, &path));
        if !is_guarded {
            self.found.insert(Unguarded { path, file: file.to_owned(), at });
        }
    }

    fn block(&mut self, file: &str, scope: &Scope, block: &HelperTemplate) {
        let name = block.name.as_name();
        let (mut inside, mut otherwise) = (scope.clone(), scope.clone());
        let asked = block.params.iter().flat_map(|parameter| asked(parameter, scope.is_inner));
        match name {
            Some("unless") => otherwise.guarded.extend(asked),
            Some("each" | "with") => {
                inside.guarded.extend(asked);
                inside.is_inner = true;
            }
            _ => inside.guarded.extend(asked),
        }
        for (scope, tree) in [(inside, &block.template), (otherwise, &block.inverse)] {
            if let Some(tree) = tree {
                self.tree(file, &scope, tree);
            }
        }
    }

    fn partial(&mut self, file: &str, scope: &Scope, partial: &DecoratorTemplate) {
        let mut inner = scope.clone();
        inner.is_inner |= !partial.params.is_empty();
        if let Some(body) = &partial.template {
            self.tree(file, &inner, body);
        }
        let partials = self.partials;
        let named = partials::name(partial).and_then(|name| partials.get_key_value(name));
        let Some((name, source)) = named else { return };
        if self.seen.insert((name.clone(), inner.clone())) {
            self.tree(&source.file, &inner, &source.tree);
        }
    }
}

/// The values that a block's condition asks for: of `{{#if (and a b)}}` both.
fn asked(parameter: &Parameter, is_inner: bool) -> Vec<String> {
    if let Parameter::Subexpression(inner) = parameter {
        let TemplateElement::Expression(inner) = inner.as_element() else { return Vec::new() };
        return inner.params.iter().flat_map(|parameter| asked(parameter, is_inner)).collect();
    }
    path_of(parameter, is_inner).into_iter().collect()
}

/// The dotted path of a value of a data root.
fn path_of(parameter: &Parameter, is_inner: bool) -> Option<String> {
    let Parameter::Path(Path::Relative((segments, raw))) = parameter else { return None };
    let names: Vec<&str> = segments
        .iter()
        .filter_map(|segment| if let PathSeg::Named(name) = segment { Some(name.as_str()) } else { None })
        .collect();
    let is_of_root = !is_inner || raw.starts_with("@root") || raw.contains("..");
    let first = names.first().filter(|first| is_of_root && DATA_ROOTS.contains(first))?;
    (names.len() > 1 || *first != "person").then(|| names.join("."))
}

fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let partials: Partials =
            [("footer".to_owned(), Source::parse("footer", "{{properties.in_footer}}").ok().unwrap())].into();
        let source = Source::parse("f", text).ok().unwrap();
        unguarded(&source, &partials).into_iter().map(|found| found.path).collect()
    }

    #[test]
    fn what_stands_alone_must_be_there_whatever_branch_it_is_in() {
        let table: [(&str, &[&str]); 8] = [
            ("{{traits.a}} {{sender.name}} {{unsubscribe_url}}", &["traits.a"]),
            ("{{#if traits.vip}}{{traits.a}}{{else}}{{traits.b}}{{/if}}", &["traits.a", "traits.b"]),
            (r#"{{date properties.at}} {{truncate (default traits.a "x") 5}}"#, &["properties.at"]),
            (r#"{{default traits.a traits.b}}"#, &["traits.b"]),
            ("{{#unless traits.a}}{{traits.a}}{{/unless}}", &["traits.a"]),
            ("{{> footer}}", &["properties.in_footer"]),
            ("{{#each properties.items}}{{name}}{{@root.traits.a}}{{/each}}", &["traits.a"]),
            ("{{#if traits.a}}x{{/if}}{{traits.a}}", &["traits.a"]),
        ];
        for (text, expected) in table {
            assert_eq!(paths(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_asked_for_first_is_guarded() {
        for text in [
            r#"{{default traits.a "there"}}"#,
            "{{#if traits.a}}{{traits.a}}{{/if}}",
            "{{#if traits.address}}{{traits.address.city}}{{/if}}",
            "{{#if (and traits.a properties.b)}}{{traits.a}} {{properties.b}}{{/if}}",
            "{{#unless traits.a}}x{{else}}{{traits.a}}{{/unless}}",
            "{{#if traits.a}}{{#if properties.b}}{{traits.a}}{{/if}}{{/if}}",
            "{{#with traits.plan}}{{name}}{{/with}}",
            "{{#if properties.in_footer}}{{> footer}}{{/if}}",
        ] {
            assert_eq!(paths(text), [""; 0], "{text}");
        }
    }
}
