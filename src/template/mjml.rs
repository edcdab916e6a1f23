//! MJML to HTML, once, when a template is loaded: handlebars expressions pass through it as text.
//!
//! A partial that holds MJML (`<mj-…`) is put in before, so that sections can be shared; any other partial stays an
//! expression and is rendered with each message.

use super::partials::{self, Partials};
use super::problem::{Place, TemplateProblem, place};
use super::source::Source;
use super::text_part::one_line;
use mrml::prelude::parser::Error;
use mrml::prelude::render::RenderOptions;
use std::collections::{BTreeSet, HashMap};

/// Partials of MJML within one another; cycles were refused before.
const PARTIALS_DEEP_MAX: usize = 16;
/// Enough of a fault to recognise it.
const EXCERPT_CHARS_MAX: usize = 60;

/// The HTML of an MJML file, still with its expressions.
pub(super) fn compile(source: &Source, partials: &Partials) -> Result<String, Vec<TemplateProblem>> {
    let mut text = source.text.clone();
    for _ in 0..PARTIALS_DEEP_MAX {
        match put_in(&text, source, partials).map_err(|problem| vec![problem])? {
            Some(next) => text = next,
            None => break,
        }
    }
    let parsed = mrml::parse(&text).map_err(|error| vec![fault(source, &text, &error)])?;
    let warnings = parsed.warnings.iter().map(|warning| {
        let message =
            format!("expected attributes that MJML knows, found one it does not ({})", warning.kind);
        let at = place(&text, warning.span.start);
        TemplateProblem::new(&source.file, at, "mjml", message, "Remove it, or mend its name.")
    });
    let mut problems: Vec<TemplateProblem> = warnings.collect();
    // No fonts from elsewhere: a mail must not tell a third party that it was opened.
    let options = RenderOptions { disable_comments: true, social_icon_origin: None, fonts: HashMap::new() };
    let html = parsed.element.render(&options).unwrap_or_else(|error| {
        let help = "See the MJML documentation.";
        problems.push(TemplateProblem::new(&source.file, (1, 1), "mjml", error.to_string(), help));
        String::new()
    });
    problems.extend(left_over(&html).into_iter().map(|element| {
        let at = source.text.find(element).map_or((1, 1), |start| place(&source.text, start));
        let message = format!("expected an element that MJML knows, where it may stand; found `{element}>`");
        let help = "Mend its name, or put it where it belongs.";
        TemplateProblem::new(&source.file, at, "mjml", message, help)
    }));
    if problems.is_empty() { Ok(html) } else { Err(problems) }
}

/// Elements of MJML that were passed through as if they were HTML: a slip in a name would be seen by recipients.
fn left_over(html: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let starts = html.match_indices("<mj-").map(|(start, _)| &html[start..]);
    starts.map(|rest| &rest[..rest[1..].find(|c| !is_name(c)).map_or(rest.len(), |end| end + 1)]).collect()
}

/// A problem for each partial of MJML that is used where no MJML is.
pub(super) fn misplaced(source: &Source, all: &Partials) -> Vec<TemplateProblem> {
    if source.file.ends_with(".mjml") {
        return Vec::new();
    }
    let names = partials::closure(source, all);
    let misplaced = names.iter().filter(|name| all.get(*name).is_some_and(is_mjml));
    misplaced
        .map(|name| {
            let message = format!("expected a partial of text or HTML, found one of MJML (`{name}`)");
            let help = "Use it in body.mjml only, and write another for this file.";
            let included = partials::included(source);
            let at = included.iter().find(|(_, found)| found == name).map_or((1, 1), |(at, _)| *at);
            TemplateProblem::new(&source.file, at, "mjml-outside-mjml", message, help)
        })
        .collect()
}

fn is_mjml(partial: &Source) -> bool {
    partial.text.contains("<mj-")
}

/// The text with the partials of MJML that it names put in; nothing if it names none.
fn put_in(text: &str, source: &Source, partials: &Partials) -> Result<Option<String>, TemplateProblem> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut is_changed) = (text, false);
    while let Some(start) = rest.find("{{") {
        let (before, tag) = rest.split_at(start);
        out.push_str(before);
        let end = tag.find("}}").map_or(tag.len(), |end| end + 2);
        let words = tag[2..end].trim_end_matches('}').trim_matches(|c: char| c == '~' || c.is_whitespace());
        let name = words.strip_prefix('>').map(|name| name.split_whitespace().collect::<Vec<_>>());
        let partial = name.as_ref().and_then(|name| name.first()).and_then(|name| partials.get(*name));
        match partial.filter(|partial| is_mjml(partial)) {
            Some(partial) if name.is_some_and(|name| name.len() == 1) => {
                out.push_str(&partial.text);
                is_changed = true;
            }
            Some(_) => {
                let message = "expected no values for a partial of MJML, found some";
                let help = "It is put in before there are values: let it read traits and properties itself.";
                let at = super::problem::place_of(&source.text, &tag[..end]);
                return Err(TemplateProblem::new(&source.file, at, "mjml-partial-values", message, help));
            }
            None => out.push_str(&tag[..end]),
        }
        rest = &tag[end..];
    }
    out.push_str(rest);
    Ok(is_changed.then_some(out))
}

fn fault(source: &Source, text: &str, error: &Error) -> TemplateProblem {
    let (what, span) = match error {
        Error::UnexpectedElement { position, .. } => {
            ("an element that MJML does not allow here", Some(position))
        }
        Error::UnexpectedToken { position, .. } => ("text that is out of place", Some(position)),
        Error::MissingAttribute { position, .. } => {
            ("an element without an attribute it needs", Some(position))
        }
        Error::InvalidAttribute { position, .. } => ("an attribute that cannot be read", Some(position)),
        Error::InvalidFormat { position, .. } => ("something that is no MJML", Some(position)),
        Error::IncludeLoaderError { position, .. } => ("mj-include, which is not supported", Some(position)),
        Error::EndOfStream { .. } => ("the end of the file, with elements still open", None),
        Error::SizeLimit { .. } => ("too much of it", None),
        Error::ParserError { .. } => ("markup that cannot be read", None),
        Error::NoRootNode => ("no <mjml> element", None),
    };
    let at = match (span, error) {
        (Some(span), _) => place(text, span.start),
        (None, Error::ParserError { source, .. }) => place_in(&source.to_string()).unwrap_or((1, 1)),
        (None, _) => (1, 1),
    };
    let found = span
        .and_then(|span| text.get(span.start..span.end))
        .map_or(String::new(), |part| format!(": `{}`", one_line(part, EXCERPT_CHARS_MAX)));
    let help = "In attributes write texts in single quotes: href=\"{{default properties.url 'https://…'}}\". \
                Shared sections go into templates/partials/.";
    TemplateProblem::new(&source.file, at, "mjml", format!("expected MJML, found {what}{found}"), help)
}

/// The parser under mrml says `… at 3:14 cause …`.
fn place_in(message: &str) -> Option<Place> {
    let (line, rest) = message.split(" at ").nth(1)?.split_once(':')?;
    let column = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((line.parse().ok()?, column.parse().ok()?))
}
