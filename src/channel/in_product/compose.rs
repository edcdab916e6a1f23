//! The form in which an in-product message is kept: JSON with sorted keys, the same bytes each time.
//!
//! Its body is cleaned here, once, before anybody can fetch it: what the product shows is a small piece of HTML without
//! scripts, styles, images or links that run.

use crate::template::{InProduct, one_line, text_of_html};
use ammonia::{Builder, UrlRelative};
use serde_json::json;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// A headline, not a text.
const TITLE_CHARS_MAX: usize = 200;

/// The message as the ledger keeps it: `title` and `body` (plain text), `body_html` (cleaned), `kind`, and `action`
/// (`label`, `url`) where there is one.
pub fn compose(message: &InProduct) -> String {
    let html = CLEANER.clean(&paragraphs(&message.body)).to_string();
    let mut kept = json!({
        "title": one_line(&message.title, TITLE_CHARS_MAX),
        "body": text_of_html(&html).unwrap_or_default(),
        "body_html": html,
        "kind": message.kind.as_str(),
    });
    if let Some(action) = &message.action {
        kept["action"] = json!({ "label": one_line(&action.label, TITLE_CHARS_MAX), "url": action.url });
    }
    kept.to_string()
}

/// What may stand in a body. `script` and `style` go with all that is in them, other tags leave their words.
static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let tags = ["a", "b", "blockquote", "br", "code", "em", "i", "li", "ol", "p", "s", "strong", "u", "ul"];
    let mut cleaner = Builder::empty();
    cleaner
        .tags(HashSet::from(tags))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .url_schemes(HashSet::from(["https", "mailto"]))
        .url_relative(UrlRelative::Custom(Box::new(path_of_the_product)))
        .link_rel(Some("noopener noreferrer"));
    cleaner
});

/// A link without a scheme leads into the product: `/projects`, and not `//elsewhere.example`.
fn path_of_the_product(url: &str) -> Option<Cow<'_, str>> {
    // Browsers leave tabs and line ends out: `/<tab>/elsewhere.example` is `//elsewhere.example` to them.
    let is_plain = !url.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\');
    let is_path = is_plain && url.starts_with('/') && !url.starts_with("//");
    is_path.then_some(Cow::Borrowed(url))
}

/// A body without a single tag is a text: its blank lines part paragraphs, its line ends stay.
fn paragraphs(body: &str) -> Cow<'_, str> {
    let body = body.trim();
    if body.contains('<') {
        return Cow::Borrowed(body);
    }
    let paragraphs = body.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    Cow::Owned(paragraphs.map(|paragraph| format!("<p>{}</p>", paragraph.replace('\n', "<br>"))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Action, InProductKind};
    use serde_json::Value;

    fn message(body: &str) -> InProduct {
        InProduct {
            title: "Two steps left".into(),
            body: body.into(),
            action: Some(Action { label: "Go on".into(), url: "/projects/new".into() }),
            kind: InProductKind::Card,
        }
    }

    fn html(body: &str) -> String {
        let kept: Value = serde_json::from_str(&compose(&message(body))).unwrap();
        kept["body_html"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_message_is_kept_with_all_that_a_product_shows() {
        let message = message("Name a &quot;project&quot; &amp; <b>go</b>");
        let kept = compose(&message);
        let read: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(read["title"], "Two steps left");
        assert_eq!(read["body"], "Name a \"project\" & go");
        assert_eq!(read["body_html"], "Name a \"project\" &amp; <b>go</b>");
        assert_eq!(read["action"]["url"], "/projects/new");
        assert_eq!(read["kind"], "card");
        assert_eq!(kept, compose(&message));
        let bare = compose(&InProduct { action: None, ..message });
        assert!(!bare.contains("action"));
    }

    #[test]
    fn a_body_without_tags_is_paragraphs() {
        assert_eq!(html("One\ntwo\n\nthree &lt;3"), "<p>One<br>two</p><p>three &lt;3</p>");
    }

    #[test]
    fn links_lead_into_the_product_or_by_https_and_mail_and_open_nothing_else() {
        let rel = "rel=\"noopener noreferrer\"";
        for href in ["https://acme.example/a?b=c", "mailto:ada@acme.example", "/projects/new?a=b#c"] {
            assert_eq!(html(&format!("<a href=\"{href}\">x</a>")), format!("<a href=\"{href}\" {rel}>x</a>"));
        }
        let bad = [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "http://acme.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "relative",
            "blob:x",
        ];
        for href in bad {
            assert_eq!(html(&format!("<a href=\"{href}\">x</a>")), format!("<a {rel}>x</a>"), "{href}");
        }
    }

    #[test]
    fn nothing_that_runs_loads_or_styles_is_kept() {
        let table = [
            ("<script>alert(1)</script>a", "a"),
            ("<img src=x onerror=alert(1)>a", "a"),
            ("<p onclick=\"alert(1)\" style=\"color:red\" id=x class=y>a</p>", "<p>a</p>"),
            ("<svg><script>alert(1)</script></svg>a", "a"),
            ("<style>p{}</style>a<iframe src=\"https://x\"></iframe>", "a"),
            ("<form action=/x><input name=a><button>b</button></form>", "b"),
            ("<b>a", "<b>a</b>"),
            ("<!-- <script> -->a", "a"),
            ("<math><mtext></p><script>alert(1)</script>a", ""),
            (
                "<a href=\"https://x.example\" target=_top onmouseover=alert(1)>a</a>",
                "<a href=\"https://x.example\" rel=\"noopener noreferrer\">a</a>",
            ),
        ];
        for (body, expected) in table {
            assert_eq!(html(body), expected, "{body}");
        }
    }
}
