//! Which data a template reads, from its syntax tree: the engine keeps of an event only that.
//!
//! It may say too much, never too little: `{{#each properties.items}}` reads all of `properties.items`, a value handed
//! to a partial is read whole, and a name is followed into partials with all that is known there.

use super::partials::{self, Partials};
use super::problem::{Place, TemplateProblem};
use super::roots::{DATA_ROOTS, OUR_ROOTS};
use super::source::{Source, elements};
use handlebars::Path;
use handlebars::template::{
    BlockParam, DecoratorTemplate, HelperTemplate, Parameter, Template as Tree, TemplateElement,
};
use std::collections::BTreeSet;

/// Dotted paths under the data roots: `traits.first_name`, `properties`.
pub(super) fn reads(source: &Source, partials: &Partials) -> (BTreeSet<String>, Vec<TemplateProblem>) {
    let mut reader =
        Reader { partials, found: BTreeSet::new(), problems: BTreeSet::new(), seen: BTreeSet::new() };
    reader.tree(&source.file, &Scope::default(), &source.tree);
    (reader.found, reader.problems.into_iter().collect())
}

struct Reader<'a> {
    partials: &'a Partials,
    found: BTreeSet<String>,
    problems: BTreeSet<TemplateProblem>,
    /// Partials already read in a like scope: without it a chain of partials that each include the next twice would
    /// take for ever.
    seen: BTreeSet<(String, Scope)>,
}

/// What a name means at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Scope {
    /// `this` is something other than the whole context: a name is a field of a value that was read whole.
    is_inner: bool,
    /// Block parameters and values handed to a partial: what they stand for was read where they were made.
    locals: BTreeSet<String>,
}

impl Reader<'_> {
    fn tree(&mut self, file: &str, scope: &Scope, tree: &Tree) {
        for (at, element) in elements(tree) {
            let place = (file, at);
            match element {
                TemplateElement::Expression(expression) | TemplateElement::HtmlExpression(expression) => {
                    self.expression(place, scope, expression);
                }
                TemplateElement::HelperBlock(block) => self.block(place, scope, block),
                TemplateElement::PartialExpression(partial) | TemplateElement::PartialBlock(partial) => {
                    self.partial(place, scope, partial);
                }
                TemplateElement::DecoratorExpression(block) | TemplateElement::DecoratorBlock(block) => {
                    if let Some(inner) = &block.template {
                        self.tree(file, scope, inner);
                    }
                }
                // Text, comments, and what a later handlebars may add: `syntax` refuses that.
                _ => {}
            }
        }
    }

    fn expression(&mut self, place: (&str, Place), scope: &Scope, expression: &HelperTemplate) {
        let is_call = !expression.params.is_empty() || !expression.hash.is_empty();
        if !is_call {
            self.parameter(place, scope, &expression.name);
        }
        for parameter in expression.params.iter().chain(expression.hash.values()) {
            self.parameter(place, scope, parameter);
        }
    }

    fn block(&mut self, place: (&str, Place), scope: &Scope, block: &HelperTemplate) {
        for parameter in block.params.iter().chain(block.hash.values()) {
            self.parameter(place, scope, parameter);
        }
        let mut inner = scope.clone();
        inner.is_inner |= matches!(block.name.as_name(), Some("each" | "with"));
        match &block.block_param {
            Some(BlockParam::Single(one)) => inner.locals.extend(one.as_name().map(str::to_owned)),
            Some(BlockParam::Pair((one, two))) => {
                inner.locals.extend([one, two].into_iter().filter_map(|p| p.as_name()).map(str::to_owned));
            }
            _ => {}
        }
        if let Some(template) = &block.template {
            self.tree(place.0, &inner, template);
        }
        if let Some(inverse) = &block.inverse {
            self.tree(place.0, scope, inverse);
        }
    }

    fn partial(&mut self, place: (&str, Place), scope: &Scope, partial: &DecoratorTemplate) {
        for parameter in partial.params.iter().chain(partial.hash.values()) {
            self.parameter(place, scope, parameter);
        }
        let mut inner = scope.clone();
        inner.is_inner |= !partial.params.is_empty();
        inner.locals.extend(partial.hash.keys().cloned());
        if let Some(body) = &partial.template {
            self.tree(place.0, &inner, body);
        }
        let partials = self.partials;
        let Some((name, source)) = partials::name(partial).and_then(|name| partials.get_key_value(name))
        else {
            return;
        };
        if self.seen.insert((name.clone(), inner.clone())) {
            self.tree(&source.file, &inner, &source.tree);
        }
    }

    fn parameter(&mut self, place: (&str, Place), scope: &Scope, parameter: &Parameter) {
        match parameter {
            Parameter::Path(path) => self.path(place, scope, path),
            Parameter::Subexpression(inner) => {
                if let TemplateElement::Expression(inner) = inner.as_element() {
                    for parameter in inner.params.iter().chain(inner.hash.values()) {
                        self.parameter(place, scope, parameter);
                    }
                }
            }
            _ => {}
        }
    }

    fn path(&mut self, (file, at): (&str, Place), scope: &Scope, path: &Path) {
        let Path::Relative((segments, raw)) = path else {
            return; // `@index` and its like
        };
        let names: Vec<&str> = segments
            .iter()
            .filter_map(|segment| match segment {
                handlebars::PathSeg::Named(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let is_climbing = raw.starts_with("@root") || raw.contains("..");
        let Some(first) = names.first() else {
            if !scope.is_inner || is_climbing {
                let message = "expected the name of a value, found the whole context";
                let help = "Name what is read: {{traits.first_name}}.";
                self.problems.insert(TemplateProblem::new(file, at, "whole-context", message, help));
            }
            return;
        };
        if scope.locals.contains(*first) && !is_climbing || OUR_ROOTS.contains(first) {
            return;
        }
        if DATA_ROOTS.contains(first) {
            self.found.insert(names.join("."));
        } else if !scope.is_inner || raw.starts_with("@root") {
            let message = format!("expected a path that begins with a root, found `{raw}`");
            let roots: Vec<_> = DATA_ROOTS.into_iter().chain(OUR_ROOTS).collect();
            let help = format!("Perhaps traits.{raw} or properties.{raw}. The roots: {}.", roots.join(", "));
            self.problems.insert(TemplateProblem::new(file, at, "unknown-root", message, help));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<&'static str>) {
        let partials: Partials = [
            ("card", "{{title}} {{properties.from_partial}} {{label}}"),
            ("layout", "<div>{{> @partial-block}}{{traits.layout}}</div>"),
            ("twice", "{{> card properties.a}}{{> card properties.a}}"),
        ]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), Source::parse(name, text).ok().unwrap()))
        .collect();
        let (found, problems) = reads(&Source::parse("f", text).ok().unwrap(), &partials);
        (found.into_iter().collect(), problems.into_iter().map(|problem| problem.code).collect())
    }

    #[test]
    fn every_form_that_reads_is_found() {
        let table: [(&str, &[&str]); 14] = [
            ("{{traits.first_name}} {{sender.name}} {{reason}}", &["traits.first_name"]),
            (
                r#"{{default traits.a "x"}}{{#if properties.b}}{{context.c.d}}{{/if}}"#,
                &["context.c.d", "properties.b", "traits.a"],
            ),
            (
                r#"{{#if (eq properties.plan (default traits.plan "x"))}}{{/if}}"#,
                &["properties.plan", "traits.plan"],
            ),
            ("{{#if a}}{{else if properties.x}}{{else}}{{traits.y}}{{/if}}", &["properties.x", "traits.y"]),
            (
                "{{#each properties.items}}{{name}}{{this.price}}{{@index}}{{this}}{{/each}}",
                &["properties.items"],
            ),
            (
                "{{#each properties.items as |item i|}}{{item.name}}{{../traits.z}}{{i}}{{/each}}",
                &["properties.items", "traits.z"],
            ),
            (
                "{{#with properties.plan as |plan|}}{{plan.name}}{{@root.traits.q}}{{/with}}",
                &["properties.plan", "traits.q"],
            ),
            (r#"{{lookup properties "plan"}}"#, &["properties"]),
            ("{{properties.items.[0].name}}", &["properties.items.0.name"]),
            ("{{> card properties.a}}", &["properties.a", "properties.from_partial"]),
            (r#"{{> card title=traits.t label="x"}}"#, &["properties.from_partial", "traits.t"]),
            (r#"{{#> layout}}{{traits.body}}{{/layout}}"#, &["traits.body", "traits.layout"]),
            ("{{> twice}}", &["properties.a", "properties.from_partial"]),
            ("{{!-- {{traits.comment}} --}}{{event.name}}", &["event.name"]),
        ];
        for (text, wanted) in table {
            assert_eq!(read(text).0, wanted, "{text}");
        }
    }

    #[test]
    fn a_name_without_a_root_is_a_problem_where_it_cannot_be_a_field() {
        assert_eq!(read("{{first_name}}").1, ["unknown-root"]);
        assert_eq!(read("{{#if plan}}{{/if}}").1, ["unknown-root"]);
        assert_eq!(read("{{this}}").1, ["whole-context"]);
        assert_eq!(read("{{> card}}").1, ["unknown-root", "unknown-root"]);
        assert_eq!(read("{{#each properties.items}}{{name}}{{/each}}").1, Vec::<&str>::new());
        assert_eq!(read("{{#each properties.items}}{{@root.name}}{{/each}}").1, ["unknown-root"]);
    }

    #[test]
    fn partials_that_fan_out_are_read_once_each() {
        let partials: Partials = (0..60)
            .map(|n| {
                (format!("p{n}"), format!("{{{{> p{}}}}}{{{{> p{}}}}}{{{{traits.t{n}}}}}", n + 1, n + 1))
            })
            .map(|(name, text)| (name.clone(), Source::parse(&name, &text).ok().unwrap()))
            .collect();
        let (found, _) = reads(&Source::parse("f", "{{> p0}}").ok().unwrap(), &partials);
        assert_eq!(found.len(), 60);
    }
}
