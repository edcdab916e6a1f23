//! Templates from texts to messages: what is refused, and what comes out.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Files put in place of a sound mail's own; `-` takes one away.
type Changed<'a> = &'a [(&'a str, &'a str)];

const FOOTER: &str = "{{sender.address}} {{unsubscribe_url}}";

pub(super) fn files(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(path, text)| (format!("templates/{path}"), (*text).to_owned())).collect()
}

/// A sound mail named `t` with these files in place of its own.
pub(super) fn mail(changed: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut all = files(&[
        ("t/subject.hbs", "Hi {{traits.name}}"),
        (
            "t/body.html",
            "<p>Hi {{traits.name}}</p><p>{{sender.address}} <a href=\"{{unsubscribe_url}}\">off</a></p>",
        ),
        ("t/sample.json", r#"{"traits": {"name": "Ada"}}"#),
    ]);
    all.extend(files(changed));
    all.retain(|_, text| text != "-");
    all
}

pub(super) fn codes(problems: &[TemplateProblem]) -> Vec<&'static str> {
    problems.iter().map(|problem| problem.code).collect()
}

pub(super) fn problems(files: &BTreeMap<String, String>) -> Vec<TemplateProblem> {
    let (templates, mut problems) = Templates::load(files);
    problems.extend(templates.check());
    problems
}

fn ours() -> Roots {
    Roots {
        sender_name: "Acme".into(),
        sender_address: "1 Main Street, Springfield".into(),
        unsubscribe_url: "https://acme.example/u/TOKEN".into(),
        preferences_url: "https://acme.example/p/TOKEN".into(),
        reason: "You get this because you signed up.".into(),
    }
}

fn render(files: &BTreeMap<String, String>, data: &Value) -> Result<Rendered, TemplateProblem> {
    let (templates, problems) = Templates::load(files);
    assert_eq!(problems, []);
    templates.render_email("t", &context(data, &ours()))
}

/// mrml passes it through as HTML.
const MISSPELT_MJML: &str =
    "<mjml><mj-body><mj-section><mj-column>\n<mj-txt>x</mj-txt></mj-column></mj-section></mj-body></mjml>";

#[test]
fn a_sound_mail_has_no_problems_and_says_what_it_should() {
    assert_eq!(problems(&mail(&[])), []);
    let rendered = render(&mail(&[]), &json!({ "traits": { "name": "Grace" } })).unwrap();
    assert_eq!(rendered.subject, "Hi Grace");
    assert!(rendered.html.contains("<p>Hi Grace</p>"));
    assert!(rendered.text.contains("Hi Grace") && rendered.text.contains("https://acme.example/u/TOKEN"));
}

#[test]
fn what_events_bring_is_escaped_in_html_and_plain_in_text() {
    let evil = "<script>alert(\"x\")</script>&'";
    let all = mail(&[("t/text.hbs", "{{traits.name}} {{sender.address}} {{unsubscribe_url}}")]);
    let rendered = render(&all, &json!({ "traits": { "name": evil } })).unwrap();
    assert!(!rendered.html.contains("<script"), "{}", rendered.html);
    assert!(rendered.text.contains(evil));
    assert_eq!(rendered.subject, format!("Hi {evil}"));
}

#[test]
fn handlebars_in_a_value_stays_a_value() {
    let rendered =
        render(&mail(&[]), &json!({ "traits": { "name": "{{sender.name}}{{{{raw}}}}{{> x}}" } })).unwrap();
    assert_eq!(rendered.subject, "Hi {{sender.name}}{{{{raw}}}}{{> x}}");
}

#[test]
fn no_value_makes_a_second_line_of_a_subject() {
    for evil in ["a\r\nBcc: b@example.com", "a\nb", "a\rb", "a\0b", "a\u{85}b", "a\u{2028}b", "a\u{1b}[31mb"]
    {
        let rendered = render(&mail(&[]), &json!({ "traits": { "name": evil } })).unwrap();
        assert!(
            !rendered.subject.chars().any(|c| c.is_control() || c == '\u{2028}'),
            "{:?}",
            rendered.subject
        );
    }
}

#[test]
fn a_missing_value_is_a_problem_with_its_place_and_not_an_empty_word() {
    let problem = render(&mail(&[("t/subject.hbs", "Hi\n  {{traits.name}}")]), &json!({})).unwrap_err();
    assert_eq!((problem.code, problem.line, problem.column), ("missing-value", 2, 3));
    assert!(problem.message.contains("traits.name") && problem.file == "templates/t/subject.hbs");
    let with_default = mail(&[
        ("t/subject.hbs", r#"Hi {{default traits.name "there"}}"#),
        ("t/body.html", "{{#if traits.name}}x{{else}}y{{/if}} {{sender.address}} {{unsubscribe_url}}"),
    ]);
    assert_eq!(render(&with_default, &json!({})).unwrap().subject, "Hi there");
    let deep = mail(&[("t/subject.hbs", r#"Hi {{default traits.name.first.x "there"}}"#)]);
    assert_eq!(render(&deep, &json!({ "traits": { "name": "Ada" } })).unwrap().subject, "Hi there");
}

#[test]
fn a_missing_value_in_mjml_is_found_in_the_mjml() {
    let body = "<mjml><mj-body><mj-section><mj-column>\n<mj-text>{{traits.other}}</mj-text>\n</mj-column></mj-section></mj-body></mjml>";
    let all = mail(&[("t/body.html", "-"), ("t/body.mjml", body)]);
    let problem = render(&all, &json!({ "traits": { "name": "x" } })).unwrap_err();
    assert_eq!((problem.code, problem.line, problem.column), ("missing-value", 2, 12));
    assert_eq!(problem.file, "templates/t/body.mjml");
}

#[test]
fn recursion_is_refused_before_anything_is_rendered() {
    let cases: [&[(&str, &str)]; 6] = [
        &[("partials/a.hbs", "{{> a}}")],
        &[("partials/a.hbs", "{{#> a}}{{/a}}")],
        &[("partials/a.hbs", "{{> b}}"), ("partials/b.hbs", "{{#if traits.x}}{{> a}}{{/if}}")],
        &[("partials/a.hbs", "{{#> b}}{{> a}}{{/b}}"), ("partials/b.hbs", "{{> @partial-block}}")],
        &[("partials/a.hbs", "{{#each traits.x}}{{else}}{{> 'a'}}{{/each}}")],
        &[("partials/a.hbs", "<mj-text>{{> a}}</mj-text>")],
    ];
    for case in cases {
        let mut all = mail(case);
        all.extend(files(&[("t/text.hbs", "{{> a}}")]));
        let (templates, found) = Templates::load(&all);
        assert!(codes(&found).contains(&"partial-recursion"), "{case:?}: {found:?}");
        assert!(templates.get("t").is_none());
        assert_eq!(templates.check(), []);
    }
}

#[test]
fn every_fault_has_its_code_and_its_place() {
    let footer = FOOTER;
    let cases: [(Changed<'_>, &str, problem::Place); 33] = [
        (&[("t/body.html", "x\n {{{traits.name}}}")], "unescaped-value", (2, 2)),
        (&[("t/body.html", "x {{&traits.name}}")], "unescaped-value", (1, 3)),
        (&[("t/text.hbs", "{{#if traits.x}}{{{traits.name}}}{{/if}}")], "unescaped-value", (1, 17)),
        (&[("partials/p.hbs", "\n{{{traits.name}}}")], "unescaped-value", (2, 1)),
        (&[("t/text.hbs", "{{#*inline \"a\"}}{{/inline}}")], "inline-partial", (1, 1)),
        (&[("t/text.hbs", "{{> (lookup traits \"x\")}}")], "computed-partial", (1, 1)),
        (&[("t/text.hbs", "{{> nobody}}")], "unknown-partial", (1, 1)),
        (&[("t/text.hbs", "{{#> nobody}}x{{/nobody}}")], "unknown-partial", (1, 1)),
        (&[("t/text.hbs", "{{shout traits.name}}")], "unknown-word", (1, 1)),
        (&[("t/text.hbs", "{{#shout}}x{{/shout}}")], "unknown-word", (1, 1)),
        (&[("t/text.hbs", "{{default (shout traits.name) \"x\"}}")], "unknown-word", (1, 1)),
        (&[("t/text.hbs", "{{log traits.name}}")], "unknown-word", (1, 1)),
        (&[("t/text.hbs", "\n{{name}}")], "unknown-root", (2, 1)),
        (&[("t/text.hbs", "{{#if traits.x}}")], "template-syntax", (1, 17)),
        (&[("t/sample.json", "{\n\"traits\": }")], "bad-sample", (2, 11)),
        (&[("t/sample.json", "[]")], "bad-sample", (1, 1)),
        (&[("t/sample.json", "{\"trait\": {}}")], "unknown-root", (1, 2)),
        (&[("t/sample.json", "-")], "missing-sample", (1, 1)),
        (&[("t/body.html", "-")], "missing-body", (1, 1)),
        (&[("t/subject.hbs", "-")], "missing-subject", (1, 1)),
        (&[("t/body.mjml", "<mjml><mj-body></mj-body></mjml>")], "two-bodies", (1, 1)),
        (&[("t/subject.txt", "x")], "unknown-file", (1, 1)),
        (&[("t/a/b.hbs", "x")], "unknown-file", (1, 1)),
        (&[("loose.hbs", "x")], "unknown-file", (1, 1)),
        (&[("Bad Name/subject.hbs", "x")], "bad-template-name", (1, 1)),
        (&[("t/body.html", "-"), ("t/body.mjml", "<mjml>\n<mj-bod/></mjml>")], "mjml", (2, 1)),
        (&[("t/body.html", "-"), ("t/body.mjml", MISSPELT_MJML)], "mjml", (2, 1)),
        (
            &[("t/body.html", "-"), ("t/body.mjml", "<mjml>\n<mj-body a=\"{{x \"y\"}}\"/></mjml>")],
            "mjml",
            (2, 18),
        ),
        (&[("t/text.hbs", "{{sender.address}}")], "missing-unsubscribe-link", (1, 1)),
        (&[("t/text.hbs", "{{unsubscribe_url}}")], "missing-sender-address", (1, 1)),
        (&[("t/subject.hbs", "{{traits}}")], "object-printed", (1, 1)),
        (&[("t/subject.hbs", " ")], "empty-subject", (1, 1)),
        (
            &[("partials/m.hbs", "<mj-text>x</mj-text>"), ("t/text.hbs", "{{> m}}")],
            "mjml-outside-mjml",
            (1, 1),
        ),
    ];
    for (changed, code, at) in cases {
        let found = problems(&mail(changed));
        let is_there =
            found.iter().any(|problem| problem.code == code && (problem.line, problem.column) == at);
        assert!(is_there, "{changed:?} should give {code} at {at:?}: {found:#?}");
        assert!(found.iter().all(|problem| !problem.help.is_empty() && !problem.message.is_empty()));
    }
    assert_eq!(codes(&problems(&mail(&[("t/body.html", footer)]))), Vec::<&str>::new());
}

#[test]
fn all_problems_of_all_files_come_at_once() {
    let all = mail(&[
        ("t/subject.hbs", "{{{traits.a}}} {{name}}"),
        ("t/text.hbs", "{{> nobody}}"),
        ("u/in_product.toml", "titel = 1"),
    ]);
    let found = codes(&problems(&all));
    for code in ["unescaped-value", "unknown-root", "unknown-partial", "bad-in-product", "missing-sample"] {
        assert!(found.contains(&code), "{code} in {found:?}");
    }
}

#[test]
fn sections_of_mjml_can_be_shared_and_partials_of_html_stay_expressions() {
    let all = mail(&[
        ("t/body.html", "-"),
        ("t/body.mjml", "<mjml><mj-body>{{> foot}}</mj-body></mjml>"),
        (
            "partials/foot.hbs",
            "<mj-section><mj-column><mj-text>{{> line}} {{traits.name}}</mj-text></mj-column></mj-section>",
        ),
        ("partials/line.hbs", "<b>{{sender.address}}</b> <a href=\"{{unsubscribe_url}}\">off</a>"),
    ]);
    let rendered = render(&all, &json!({ "traits": { "name": "<i>" } })).unwrap();
    assert!(rendered.html.contains("<b>1 Main Street, Springfield</b>"), "{}", rendered.html);
    assert!(rendered.html.contains("&lt;i&gt;") && !rendered.html.contains("<mj-"));
    let given = mail(&[
        ("t/body.html", "-"),
        ("t/body.mjml", "<mjml><mj-body>{{> foot label=\"x\"}}</mj-body></mjml>"),
        ("partials/foot.hbs", "<mj-section></mj-section>"),
    ]);
    assert!(codes(&problems(&given)).contains(&"mjml-partial-values"));
}

#[test]
fn styles_of_plain_html_are_written_into_its_elements() {
    let body = "<style>p { color: red } @media (max-width: 400px) { p { color: blue } }</style><p>x</p>{{sender.address}} {{unsubscribe_url}}";
    let rendered = render(&mail(&[("t/body.html", body)]), &json!({ "traits": { "name": "x" } })).unwrap();
    assert!(rendered.html.contains("style=\"color: red"), "{}", rendered.html);
    assert!(rendered.html.contains("@media"), "{}", rendered.html);
}

#[test]
fn an_in_product_message_is_read_rendered_and_its_link_kept_safe() {
    let with = |url: &str| {
        files(&[
            (
                "c/in_product.toml",
                &format!(
                    "title = \"Hi {{{{traits.name}}}}\"\nbody = \"<p>Dear {{{{traits.name}}}}</p>\"\nkind = \"banner\"\naction = {{ label = \"Go\", url = \"{url}\" }}"
                ),
            ),
            ("c/sample.json", r#"{"traits": {"name": "Ada", "url": "/x"}}"#),
        ])
    };
    let (templates, found) = Templates::load(&with("/projects/{{url traits.name}}"));
    assert_eq!((found, templates.check()), (vec![], vec![]));
    let data = json!({ "traits": { "name": "<A b>" } });
    let message = templates.render_in_product("c", &context(&data, &ours())).unwrap();
    assert_eq!((message.title.as_str(), message.kind), ("Hi <A b>", InProductKind::Banner));
    assert_eq!(
        message.body, "<p>Dear &lt;A b&gt;</p>",
        "the body is HTML, and what events bring is text in it"
    );
    assert_eq!(message.action.unwrap().url, "/projects/%3CA%20b%3E");

    let (templates, _) = Templates::load(&with("{{traits.url}}"));
    for url in [
        "javascript:alert(1)",
        "//evil.example",
        "/\\evil.example",
        "data:text/html,x",
        "https://a b",
        "x",
        "",
    ] {
        let context = context(&json!({ "traits": { "name": "x", "url": url } }), &ours());
        assert_eq!(
            templates.render_in_product("c", &context).unwrap_err().code,
            "unsafe-action-url",
            "{url}"
        );
    }
    assert_eq!(templates.render_email("c", &json!({})).unwrap_err().code, "wrong-channel");
    assert_eq!(templates.render_email("d", &json!({})).unwrap_err().code, "unknown-template");
}

#[test]
fn faults_of_in_product_toml_have_their_place() {
    let cases = [
        ("title = \"x\"\nbody = \"{{{traits.x}}}\"", "unescaped-value", (2, 9)),
        ("title = \"x\"\nbody = \"b\"\nkind = \"toast\"", "bad-in-product", (3, 8)),
        ("title = \"x\"\nbodi = \"b\"", "bad-in-product", (2, 1)),
        ("title = \"x\"\nbody = \"{{#if traits.x}}\"", "template-syntax", (2, 25)),
        ("title = \" \"\nbody = \"b\"", "empty-text", (1, 1)),
        ("title = \"{{traits.x}}\"\nbody = \"b\"", "missing-value", (1, 12)),
    ];
    for (text, code, at) in cases {
        let found = problems(&files(&[("c/in_product.toml", text), ("c/sample.json", "{}")]));
        let is_there =
            found.iter().any(|problem| problem.code == code && (problem.line, problem.column) == at);
        assert!(is_there, "{text} should give {code} at {at:?}: {found:#?}");
        assert!(found.iter().all(|problem| problem.file == "templates/c/in_product.toml"), "{found:?}");
    }
}

#[test]
fn a_template_says_what_it_reads() {
    let (templates, _) = Templates::load(&mail(&[
        ("t/text.hbs", "{{properties.plan}} {{> foot}}"),
        ("partials/foot.hbs", "{{sender.name}}{{context.locale}}"),
    ]));
    let reads: Vec<_> = templates.get("t").unwrap().reads().iter().map(String::as_str).collect();
    assert_eq!(reads, ["context.locale", "properties.plan", "traits.name"]);
}

#[test]
fn rendering_is_the_same_each_time() {
    let (templates, _) = Templates::load(&mail(&[]));
    let context = context(&json!({ "traits": { "name": "x" } }), &ours());
    assert_eq!(templates.render_email("t", &context), templates.render_email("t", &context));
}

#[test]
fn the_templates_of_this_repository_are_sound_and_say_what_they_should() {
    let files = read_folder(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (templates, mut found) = Templates::load(&files);
    found.extend(templates.check());
    assert_eq!(found, []);
    for template in templates.iter().filter(|template| template.is_email()) {
        let name = template.name();
        for data in [template.sample().clone(), json!({})] {
            let mail = templates.render_email(name, &context(&data, &ours())).unwrap();
            for said in [&mail.subject, &mail.html, &mail.text] {
                assert!(!said.contains("{{") && !said.trim().is_empty(), "{name}: {said}");
            }
            assert!(
                mail.html.contains("https://acme.example/u/TOKEN") && mail.text.contains("1 Main Street")
            );
        }
    }
    let checklist =
        templates.render_in_product("onboarding-checklist", &context(&json!({}), &ours())).unwrap();
    assert_eq!(checklist.kind, InProductKind::Card);
}
#[test]
fn blocks_may_stand_around_sections_and_comparisons_within_text() {
    let body = "<mjml><mj-body>{{#if (gt traits.n 1)}}<mj-section><mj-column><mj-text>many > one</mj-text></mj-column>\
                </mj-section>{{/if}}<mj-section><mj-column><mj-text>{{sender.address}} {{unsubscribe_url}}</mj-text>\
                </mj-column></mj-section></mj-body></mjml>";
    let all = mail(&[("t/body.html", "-"), ("t/body.mjml", body), ("t/subject.hbs", "x")]);
    for (n, is_shown) in [(2, true), (1, false)] {
        let rendered = render(&all, &json!({ "traits": { "n": n } })).unwrap();
        assert_eq!(rendered.html.contains("many > one"), is_shown, "{}", rendered.html);
        assert!(!rendered.html.contains("{{") && !rendered.html.contains("fonts.googleapis"));
    }
}

#[test]
fn templates_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Templates>();
}

/// Pieces of handlebars in any order: most of it is nonsense.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{{",
        "}}",
        "{{{",
        "}}}",
        "{{#",
        "{{/",
        "{{>",
        "{{#>",
        "{{#*inline",
        "{{!--",
        "--}}",
        "{{{{raw}}}}",
        "{{{{/raw}}}}",
        "{{else}}",
        "{{^}}",
        "{{~",
        "~}}",
        "\\{{",
        "if",
        "each",
        "with",
        " ",
        "\n",
        "(",
        ")",
        "\"",
        "'",
        "traits.name",
        "traits",
        "this",
        "../",
        "@root.",
        "@index",
        "@partial-block",
        ".",
        "[0]",
        "[",
        "]",
        "as |a b|",
        "|",
        "=",
        "x=1",
        "lookup",
        "default",
        "date",
        "truncate",
        "1",
        "null",
        "foot",
        "é",
        "&",
        "%",
        "<mj-text>",
        "{{#if traits.name}}",
        "{{/if}}",
        "{{traits.name}}",
        "{{> foot}}",
        "{{unsubscribe_url}}",
    ]);
    prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_value_changes_the_markup(name in ".*") {
        let html = |name: &str| render(&mail(&[]), &json!({ "traits": { "name": name } })).unwrap().html;
        let marks = |html: &str| html.matches(['<', '>', '"', '\'']).count();
        prop_assert_eq!(marks(&html(&name)), marks(&html("x")));
    }

    #[test]
    fn nonsense_gives_problems_and_no_panic(text in soup(), partial in soup(), field in soup()) {
        let toml = format!("title = '''\n{field}'''\nbody = 'b'");
        for body in ["t/body.html", "t/body.mjml"] {
            let all = mail(&[
                ("t/body.html", "-"),
                (body, &format!("<mjml><mj-body><mj-raw>{text}</mj-raw></mj-body></mjml>")),
                ("t/text.hbs", &text),
                ("partials/foot.hbs", &partial),
                ("t/in_product.toml", &toml),
            ]);
            for problem in problems(&all) {
                let lines = all.get(&problem.file).map_or(1, |text| text.lines().count() + 1);
                prop_assert!(problem.line >= 1 && problem.column >= 1 && problem.line <= lines, "{problem:?}");
            }
        }
    }
}
