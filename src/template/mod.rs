//! Handlebars and MJML: what a message says.
//!
//! A template is a folder: `subject.hbs`, `body.mjml` or `body.html`, optionally `text.hbs`; `in_product.toml`;
//! `sample.json`; a folder of a locale (`de/`) within it holds the same in that language, and `templates/locales/de.toml`
//! what `{{t "key"}}` says. Invariants:
//! - It is read from texts, never from disk while rendering: a release carries the texts of its templates.
//! - What events bring is data. In HTML it is escaped, and the ways around that (`{{{`, `{{&`) are problems; it cannot
//!   become a template, a link of ours, or a second line of a subject.
//! - Partials that lead back to themselves are refused on the syntax tree, before anything is rendered: rendering one
//!   would end the process.
//! - Loading gives all problems of all files at once, each with its place.

mod calls;
mod catalogue;
mod check;
mod codes;
mod folder;
mod guards;
mod in_product;
mod in_product_keys;
mod load;
mod local_form;
mod locale;
mod mjml;
mod partials;
mod problem;
mod reads;
mod render;
mod roots;
mod shared;
mod source;
mod syntax;
#[cfg(test)]
mod check_tests;
#[cfg(test)]
mod language_tests;
#[cfg(test)]
mod tests;
mod text_part;
mod words;

pub use codes::CODES;
pub use folder::read_folder;
pub use in_product::{Action, InProduct, InProductKind};
pub use load::{Template, Templates};
pub use locale::{Home, known_locale};
pub use problem::TemplateProblem;
pub use render::Rendered;
pub use roots::{Roots, context, reason};
pub use text_part::{one_line, text_of_html};
