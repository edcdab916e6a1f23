//! Partials: who includes whom, and that nobody includes itself.

use super::problem::{Place, TemplateProblem};
use super::source::{Source, walk};
use handlebars::template::{DecoratorTemplate, TemplateElement};
use std::collections::{BTreeMap, BTreeSet};

pub(super) type Partials = BTreeMap<String, Source>;

/// Each partial with those it includes, and where.
type Graph<'a> = BTreeMap<&'a str, Vec<(Place, String)>>;

/// What a partial expression names: `None` where it is computed while rendering.
pub(super) fn name(partial: &DecoratorTemplate) -> Option<&str> {
    let name = partial.name.as_name()?;
    Some(name.trim_matches(['\'', '"', '[', ']']))
}

/// The names of all partials that a file includes, with the place of each.
pub(super) fn included(source: &Source) -> Vec<(Place, String)> {
    let mut names = Vec::new();
    walk(&source.tree, &mut |at, element| {
        if let TemplateElement::PartialExpression(partial) | TemplateElement::PartialBlock(partial) = element
            && let Some(name) = name(partial)
        {
            names.push((at, name.to_owned()));
        }
    });
    names
}

/// A problem for each partial that can reach itself: handlebars would call itself until the process dies.
pub(super) fn recursion(partials: &Partials) -> Vec<TemplateProblem> {
    let graph: Graph<'_> = partials.iter().map(|(name, source)| (name.as_str(), included(source))).collect();
    let mut problems = Vec::new();
    for (start, includes) in &graph {
        for (at, next) in includes {
            if reaches(&graph, next, start) {
                let message = format!("the partial `{start}` includes itself, by way of `{next}`");
                let help = "Partials cannot repeat themselves: use {{#each}} over a list.";
                problems.push(TemplateProblem::new(
                    &partials[*start].file,
                    *at,
                    "partial-recursion",
                    message,
                    help,
                ));
            }
        }
    }
    problems
}

/// The names of `source`'s partials and of theirs.
pub(super) fn closure(source: &Source, partials: &Partials) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = included(source).into_iter().map(|(_, name)| name).collect();
    while let Some(name) = open.pop() {
        if let Some(partial) = partials.get(&name)
            && found.insert(name)
        {
            open.extend(included(partial).into_iter().map(|(_, name)| name));
        }
    }
    found
}

fn reaches(graph: &Graph<'_>, from: &str, goal: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        if name == goal {
            return true;
        }
        if seen.insert(name) {
            open.extend(graph.get(name).into_iter().flatten().map(|(_, next)| next.as_str()));
        }
    }
    false
}
