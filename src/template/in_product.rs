//! The in-product form of a message: a title, a body, one action.

/// A rendered in-product message: plain text, whoever shows it escapes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InProduct {
    pub title: String,
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
