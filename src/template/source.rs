//! One file of handlebars: its text and its syntax tree.

use super::problem::{Place, TemplateProblem};
use handlebars::template::{Template as Tree, TemplateElement};

pub(super) struct Source {
    pub file: String,
    pub text: String,
    pub tree: Tree,
}

/// Beyond this a file is no template but a mistake, and parsing it would take memory and time.
const TEXT_BYTES_MAX: usize = 512 * 1024;
/// The parser calls itself for each open block and bracket: bound it, for a stack overflow ends the process.
const NESTING_MAX: usize = 64;

impl Source {
    /// Parses `text`; a problem with its place where it is no handlebars.
    pub fn parse(file: &str, text: &str) -> Result<Source, TemplateProblem> {
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("expected at most {TEXT_BYTES_MAX} bytes, found {}", text.len());
            return Err(TemplateProblem::new(
                file,
                (1, 1),
                "template-too-large",
                message,
                "Make it smaller.",
            ));
        }
        if nesting(text) > NESTING_MAX {
            let message = format!("expected blocks and brackets at most {NESTING_MAX} deep, found more");
            return Err(TemplateProblem::new(
                file,
                (1, 1),
                "nested-too-deep",
                message,
                "Make the template simpler.",
            ));
        }
        let tree = Tree::compile_with_name(text, file.to_owned()).map_err(|error| {
            let at = error.pos().unwrap_or((1, 1));
            let message = error.reason().to_string();
            let help = "Close every block that is opened, in order: {{#if …}} … {{/if}}.";
            TemplateProblem::new(file, at, "template-syntax", message, help)
        })?;
        Ok(Source { file: file.to_owned(), text: text.to_owned(), tree })
    }
}

/// An upper bound of how deep blocks and brackets nest.
fn nesting(text: &str) -> usize {
    let (mut blocks, mut brackets, mut deepest) = (0usize, 0usize, 0usize);
    let bytes = text.as_bytes();
    let mut is_in_tag = false;
    for (at, byte) in bytes.iter().enumerate() {
        let next = &bytes[at + 1..];
        match byte {
            b'{' if next.starts_with(b"{") => {
                is_in_tag = true;
                let tag = next[1..].trim_ascii_start();
                let tag = tag.strip_prefix(b"~").unwrap_or(tag).trim_ascii_start();
                blocks += usize::from(tag.starts_with(b"#") || tag.starts_with(b"{{"));
                blocks = blocks.saturating_sub(usize::from(tag.starts_with(b"/")));
            }
            b'}' if next.starts_with(b"}") => (is_in_tag, brackets) = (false, 0),
            b'(' | b'[' | b'{' if is_in_tag => brackets += 1,
            b')' | b']' | b'}' if is_in_tag => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(blocks.max(brackets));
    }
    deepest
}

/// Calls `visit` with every element of the tree, blocks before what is in them, and its place.
pub(super) fn walk(tree: &Tree, visit: &mut dyn FnMut(Place, &TemplateElement)) {
    for (at, element) in elements(tree) {
        visit(at, element);
        match element {
            TemplateElement::HelperBlock(block) => {
                for inner in [&block.template, &block.inverse].into_iter().flatten() {
                    walk(inner, visit);
                }
            }
            TemplateElement::DecoratorBlock(block) | TemplateElement::PartialBlock(block) => {
                if let Some(inner) = &block.template {
                    walk(inner, visit);
                }
            }
            _ => {}
        }
    }
}

/// The elements of one level with their places.
pub(super) fn elements(tree: &Tree) -> impl Iterator<Item = (Place, &TemplateElement)> {
    tree.elements.iter().enumerate().map(|(index, element)| {
        let at = tree.mapping.get(index).map_or((1, 1), |mapping| (mapping.0, mapping.1));
        (at, element)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_has_its_place() {
        let problem = Source::parse("templates/x/text.hbs", "Hi\n{{#if a}}").err().unwrap();
        assert_eq!((problem.code, problem.line), ("template-syntax", 2));
    }

    #[test]
    fn nesting_is_bounded_before_the_parser_sees_it() {
        let open = |depth: usize| format!("{}x{}", "{{#if a}}".repeat(depth), "{{/if}}".repeat(depth));
        assert!(Source::parse("f", &open(20)).is_ok());
        for deep in [open(100_000), format!("{{{{a {}", "(b ".repeat(100_000)), "{{{{a}}}}".repeat(50_000)] {
            let code = Source::parse("f", &deep).err().unwrap().code;
            assert!(matches!(code, "nested-too-deep" | "template-too-large"), "{code}");
        }
        assert!(Source::parse("f", &"{{#if a}}x{{else}}y{{/if}}({ [".repeat(1000)).is_ok());
    }
}
