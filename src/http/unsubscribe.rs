//! The unsubscribe pages, as pure functions: HTML out, nothing done.
//!
//! - A GET shows [`ask_page`] and never acts: scanners and mail programs open every link.
//! - A POST acts, then shows [`done_page`]. A mail program's one-click POST (RFC 8058) is [`Scope::Topic`].
//! - No script, no cookie, nothing from elsewhere; the style is in the page and allowed by its hash, so [`POLICY`] can
//!   forbid all else. A page holds a token in its address: [`REFERRER_POLICY`] keeps it from leaking.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// What a person wants to hear no more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The topic of the mail that carried the link.
    Topic,
    /// Everything but what the service must say.
    All,
}

/// What a page says.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Who writes to the person: `[sender]` of outreach.toml.
    pub sender: &'a str,
    /// The topic as people know it: "Getting started". Empty where the mail had none.
    pub topic: &'a str,
    /// The address it is about: the person may have several.
    pub address: &'a str,
}

/// The `Content-Security-Policy` of these pages.
pub static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// The `Referrer-Policy` of these pages.
pub const REFERRER_POLICY: &str = "no-referrer";

/// The longest form body that is looked at: a mail program sends 26 bytes.
pub const FORM_BYTES_MAX: usize = 1024;

/// The field that says what to end; a form of ours sends it.
const FIELD: &str = "scope";
const TOPIC: &str = "topic";
const ALL: &str = "all";

impl Scope {
    /// What a POST asks for, from its body. Only our own form can ask for all; whatever a mail program sends
    /// (`List-Unsubscribe=One-Click`, as form or multipart) means the topic.
    pub fn of_form(body: &[u8]) -> Scope {
        let wanted = format!("{FIELD}={ALL}");
        let asks_all = body.len() <= FORM_BYTES_MAX
            && body.split(|byte| *byte == b'&').any(|pair| pair.trim_ascii() == wanted.as_bytes());
        if asks_all { Scope::All } else { Scope::Topic }
    }
}

/// The answer to a GET: asks, and has a button for each scope. The forms go to the page's own address.
pub fn ask_page(page: &Page<'_>) -> Markup {
    let has_topic = !page.topic.is_empty();
    layout(
        "Unsubscribe",
        html! {
            h1 { "Unsubscribe?" }
            @if has_topic {
                p { "We would stop writing to " (about(page)) " about " strong { (page.topic) } ", save for what concerns your account." }
                (button(TOPIC, html! { "Unsubscribe from " (page.topic) }, true))
                p.more { "Or hear nothing more from " (sender(page)) " but what concerns your account:" }
                (button(ALL, html! { "Unsubscribe from everything" }, false))
            } @else {
                p { "We would stop writing to " (about(page)) ", save for what concerns your account." }
                (button(ALL, html! { "Unsubscribe" }, true))
            }
            p.quiet { "If you did not mean to, close this page. Nothing has changed." }
        },
    )
}

/// The answer to a POST that has acted. After a topic it still offers the rest.
pub fn done_page(page: &Page<'_>, scope: Scope) -> Markup {
    let is_topic = scope == Scope::Topic && !page.topic.is_empty();
    layout(
        "Unsubscribed",
        html! {
            h1 { "You are unsubscribed" }
            @if is_topic {
                p role="status" { "We will not write to " (about(page)) " about " strong { (page.topic) } " any more, save for what concerns your account." }
                p.more { "Or hear nothing more from " (sender(page)) " but what concerns your account:" }
                (button(ALL, html! { "Unsubscribe from everything" }, false))
            } @else {
                p role="status" { "We will not write to " (about(page)) " any more, save for what concerns your account." }
            }
            p.quiet { "A mail that was already on its way may still arrive." }
        },
    )
}

/// The answer to a link that we did not sign, or that was cut on its way. Says nothing about anybody.
pub fn invalid_page() -> Markup {
    layout(
        "Link not valid",
        html! {
            h1 { "This link does not work" }
            p { "It may have been cut in two by a mail program. Please open it from the mail once more, or copy all of it." }
            p.quiet { "If it still does not work, answer the mail and ask us to stop: we will." }
        },
    )
}

fn button(scope: &str, label: Markup, is_main: bool) -> Markup {
    html! {
        form method="post" {
            input type="hidden" name=(FIELD) value=(scope);
            button type="submit" class=(if is_main { "main" } else { "second" }) { (label) }
        }
    }
}

fn about(page: &Page<'_>) -> Markup {
    html! { @if page.address.is_empty() { "you" } @else { span.address { (page.address) } } }
}

fn sender<'a>(page: &Page<'a>) -> &'a str {
    if page.sender.is_empty() { "us" } else { page.sender }
}

fn layout(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex, nofollow";
                meta name="referrer" content=(REFERRER_POLICY);
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    }
}

/// Contrast is at least 4.5:1 for text in both schemes, targets are at least 44 px high.
const STYLE: &str = "\
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--text:#1f2933;--quiet:#52606d;--main:#1d4ed8;--on-main:#fff;--line:#7b8794}\
@media (prefers-color-scheme:dark){:root{--page:#10151c;--card:#1b232d;--text:#e8ecf1;--quiet:#aab5c2;--main:#8ab4ff;--on-main:#0b1220;--line:#6b7a8c}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.6 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\
main{max-width:32rem;margin:0 auto;padding:2rem 1.25rem;background:var(--card);min-height:100vh}\
@media (min-width:36rem){main{margin:4rem auto;padding:2.5rem;min-height:0;border-radius:12px}}\
h1{font-size:1.5rem;line-height:1.3;margin:0 0 1rem}\
p{margin:0 0 1rem}\
.address,strong{overflow-wrap:anywhere}\
.address{font-weight:600}\
.more{margin-top:2rem}\
.quiet{color:var(--quiet);font-size:.9375rem;margin:2rem 0 0}\
button{width:100%;min-height:3rem;padding:.625rem 1rem;font:inherit;font-weight:600;border-radius:8px;cursor:pointer;overflow-wrap:anywhere}\
.main{background:var(--main);color:var(--on-main);border:2px solid var(--main)}\
.second{background:transparent;color:var(--text);border:2px solid var(--line)}\
button:focus-visible{outline:3px solid var(--main);outline-offset:3px}";

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page<'static> {
        Page { sender: "Acme", topic: "Getting started", address: "ada@example.com" }
    }

    fn all_pages() -> [String; 5] {
        [
            ask_page(&page()).into_string(),
            ask_page(&Page { topic: "", ..page() }).into_string(),
            done_page(&page(), Scope::Topic).into_string(),
            done_page(&page(), Scope::All).into_string(),
            invalid_page().into_string(),
        ]
    }

    #[test]
    fn a_get_asks_for_a_post_for_the_topic_or_for_all() {
        let ask = ask_page(&page()).into_string();
        assert_eq!(ask.matches("<form method=\"post\">").count(), 2);
        assert!(ask.contains("Unsubscribe from Getting started") && ask.contains("ada@example.com"));
        assert!(!ask.contains("<a ") && !ask.contains("method=\"get\""), "no link acts");
        let without = ask_page(&Page { topic: "", ..page() }).into_string();
        assert_eq!(without.matches("<form").count(), 1);
        assert!(without.contains("value=\"all\""));
    }

    #[test]
    fn after_a_topic_the_rest_is_offered_and_after_all_nothing() {
        let topic = done_page(&page(), Scope::Topic).into_string();
        assert!(topic.contains("value=\"all\"") && topic.contains("role=\"status\""));
        assert!(!done_page(&page(), Scope::All).into_string().contains("<form"));
    }

    #[test]
    fn what_a_form_sends_is_read_and_one_click_means_the_topic() {
        let table: [(&[u8], Scope); 8] = [
            (b"List-Unsubscribe=One-Click", Scope::Topic),
            (b"", Scope::Topic),
            (b"scope=topic", Scope::Topic),
            (b"scope=all", Scope::All),
            (b"a=b&scope=all\r\n", Scope::All),
            (b"scope=all-of-it", Scope::Topic),
            (b"notscope=all", Scope::Topic),
            (b"\xff\xfe", Scope::Topic),
        ];
        for (body, scope) in table {
            assert_eq!(Scope::of_form(body), scope, "{body:?}");
        }
        assert_eq!(Scope::of_form(&[b"scope=all&".as_slice(), &[b'x'; 2000]].concat()), Scope::Topic);
    }

    #[test]
    fn texts_are_escaped() {
        let evil = "<script>alert(1)</script>\"'";
        for html in [
            ask_page(&Page { sender: evil, topic: evil, address: evil }).into_string(),
            done_page(&Page { sender: evil, topic: evil, address: evil }, Scope::Topic).into_string(),
        ] {
            assert!(!html.contains("<script"), "{html}");
        }
    }

    #[test]
    fn nothing_but_the_style_of_the_page_is_allowed_or_needed() {
        let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        assert!(POLICY.contains(&hash) && POLICY.starts_with("default-src 'none'"));
        for html in all_pages() {
            let style = html.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next());
            assert_eq!(style, Some(STYLE), "the bytes that the hash is of");
            for needed in [
                "<!DOCTYPE html>",
                "lang=\"en\"",
                "name=\"viewport\"",
                "<title>",
                "<h1>",
                "<main>",
                "noindex",
            ] {
                assert!(html.contains(needed), "{needed} in {html}");
            }
            for unwanted in ["<script", " style=", "onclick", "http://", "https://", "<img", "<link"] {
                assert!(!html.contains(unwanted), "{unwanted} in {html}");
            }
        }
    }

    #[test]
    fn an_invalid_link_says_nothing_about_anybody() {
        let html = invalid_page().into_string();
        assert!(!html.contains('@') || !html.contains("example"));
        assert!(!html.contains("<form"));
    }
}
