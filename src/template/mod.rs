//! Handlebars and MJML: what a message says.

mod in_product;

pub use in_product::{Action, InProduct, InProductKind};
