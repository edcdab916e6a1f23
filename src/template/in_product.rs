//! The in-product form of a message: a title, a body, one action.

use super::in_product_keys;
use super::problem::{TemplateProblem, place};
use super::source::Source;
use serde::Deserialize;
use toml::Spanned;

/// A rendered in-product message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InProduct {
    /// Plain text: whoever shows it escapes it.
    pub title: String,
    /// HTML as the template has it, with what events brought escaped. Not cleaned: whoever keeps it does.
    pub body: String,
    pub action: Option<Action>,
    pub kind: InProductKind,
}

/// What the person can do about it. The link is http(s), or a path of the product that begins with one `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub label: String,
    pub url: String,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InProductKind {
    #[default]
    Card,
    Banner,
    Modal,
}

/// The registered names of its texts.
pub(super) struct InProductForm {
    pub title: String,
    pub body: String,
    pub action: Option<(String, String)>,
    pub kind: InProductKind,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: Spanned<String>,
    body: Spanned<String>,
    action: Option<FileAction>,
    kind: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileAction {
    label: Spanned<String>,
    url: Spanned<String>,
}

impl InProductKind {
    pub fn as_str(self) -> &'static str {
        match self {
            InProductKind::Card => "card",
            InProductKind::Banner => "banner",
            InProductKind::Modal => "modal",
        }
    }

    pub fn parse(text: &str) -> Option<InProductKind> {
        match text {
            "card" => Some(InProductKind::Card),
            "banner" => Some(InProductKind::Banner),
            "modal" => Some(InProductKind::Modal),
            _ => None,
        }
    }
}

/// What ends in it is registered where values are escaped.
const HTML: &str = ".html";
const HELP: &str = "It holds title, body, action = { label = \"…\", url = \"…\" } and kind.";

/// The form, and its texts to be registered. The file of each is `in_product.toml#BYTE`, the byte where it begins; that
/// of the body, which is HTML, ends in `.html` too.
pub(super) fn read(file: &str, text: &str) -> Result<(InProductForm, Vec<Source>), Vec<TemplateProblem>> {
    let parsed: File = toml::from_str(text).map_err(|error| {
        let all = in_product_keys::problems(file, text, HELP);
        let at = place(text, error.span().map_or(0, |span| span.start));
        let first = || vec![TemplateProblem::new(file, at, "bad-in-product", error.message(), HELP)];
        if all.is_empty() { first() } else { all }
    })?;
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    let kind = match &parsed.kind {
        None => InProductKind::default(),
        Some(kind) => InProductKind::parse(kind.as_ref()).unwrap_or_else(|| {
            let message = format!("expected kind card, banner or modal, found `{}`", kind.as_ref());
            problems.push(TemplateProblem::new(
                file,
                place(text, kind.span().start),
                "bad-in-product",
                message,
                HELP,
            ));
            InProductKind::default()
        }),
    };
    let mut field = |value: &Spanned<String>, ending: &str| {
        let name = format!("{file}#{}{ending}", value.span().start);
        match Source::parse(&name, value.as_ref()) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
        name
    };
    let form = InProductForm {
        title: field(&parsed.title, ""),
        body: field(&parsed.body, HTML),
        action: parsed.action.as_ref().map(|action| (field(&action.label, ""), field(&action.url, ""))),
        kind,
    };
    move_places(Some(&text), &mut problems);
    if problems.is_empty() { Ok((form, sources)) } else { Err(problems) }
}

/// Problems within one of its texts become problems of the file, at that text's place.
pub(super) fn move_places(text: Option<&&str>, problems: &mut [TemplateProblem]) {
    let Some(text) = text else { return };
    for problem in problems {
        if let Some((file, start)) = problem.file.split_once("in_product.toml#") {
            let (line, column) = place(text, start.trim_end_matches(HTML).parse().unwrap_or(0));
            let is_first = problem.line == 1;
            problem.column += if is_first { column } else { 0 };
            problem.line += line - 1;
            problem.file = format!("{file}in_product.toml");
        }
    }
}
