//! What `check` says of templates in one run: no problem hides another.

use super::Templates;
use super::tests::{codes, files, mail, problems};

#[test]
fn a_partial_that_includes_itself_keeps_no_other_template_from_being_looked_at() {
    let mut all = mail(&[("partials/a.hbs", "{{> a}}"), ("t/text.hbs", "{{traits.nobody}} {{> a}}")]);
    all.extend(files(&[
        ("u/subject.hbs", "Hi {{traits.nobody}}"),
        ("u/body.html", "<p>{{properties.nothing}} {{sender.address}} {{traits.nowhere}}</p>"),
        ("u/sample.json", "{}"),
    ]));
    let found: Vec<String> = problems(&all)
        .iter()
        .map(|problem| format!("{} {}:{}", problem.code, problem.file, problem.column))
        .collect();
    let expected = [
        "partial-recursion templates/partials/a.hbs:1",
        "missing-unsubscribe-link templates/u/body.html:1",
        "missing-unsubscribe-link templates/u/body.html:1",
        "missing-value templates/u/body.html:4",
        "missing-value templates/u/body.html:46",
        "missing-value templates/u/subject.hbs:4",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_template_with_a_problem_is_looked_at_to_the_end() {
    let all = mail(&[
        ("t/notes.txt", "x"),
        ("t/subject.hbs", "{{name}} {{traits.nobody}}"),
        ("t/body.html", "{{{traits.name}}} {{unsubscribe_url}}"),
        ("t/in_product.toml", "title = \"{{#if\"\nbody = \"{{traits.nothing}}\"\n"),
    ]);
    let found = problems(&all);
    let found: Vec<String> =
        found.iter().map(|problem| format!("{} {}", problem.code, problem.file)).collect();
    for expected in [
        "unknown-file templates/t/notes.txt",
        "unknown-root templates/t/subject.hbs",
        "missing-value templates/t/subject.hbs",
        "unescaped-value templates/t/body.html",
        "missing-sender-address templates/t/body.html",
        "template-syntax templates/t/in_product.toml",
    ] {
        assert!(found.iter().any(|found| found == expected), "{expected} in {found:#?}");
    }
    assert_eq!(Templates::load(&all).0.iter().count(), 0);
}

#[test]
fn what_stands_in_a_comment_is_not_said() {
    let text = ("t/text.hbs", "{{sender.address}} {{unsubscribe_url}}");
    let codes_of = |body: &str| codes(&problems(&mail(&[("t/body.html", body), text])));
    let hidden = [
        "<p>{{sender.address}}</p><!-- <a href=\"{{unsubscribe_url}}\">off</a> -->",
        "{{sender.address}}<!--{{unsubscribe_url}}",
    ];
    for body in hidden {
        assert_eq!(codes_of(body), ["missing-unsubscribe-link"], "{body}");
    }
    let shown = "<!--[if !mso]><!--><p>{{sender.address}}</p><!--<![endif]--><!-- a --><p>{{unsubscribe_url}}</p><!-- b -->";
    assert_eq!(codes_of(shown), [""; 0]);
}

#[test]
fn a_partial_that_cannot_be_read_is_not_told_to_be_missing() {
    let all = mail(&[("partials/footer.hbs", "{{#if"), ("t/text.hbs", "{{> footer}}")]);
    assert_eq!(codes(&problems(&all)), ["template-syntax"]);
}

#[test]
fn a_partial_made_while_rendering_is_never_rendered() {
    for partial in ["{{#*inline \"x\"}}{{> x}}{{/inline}}{{> x}}", "{{> (default traits.a \"a\")}}"] {
        let all = mail(&[("partials/a.hbs", partial), ("t/text.hbs", "{{> a}}")]);
        let found = problems(&all);
        assert!(
            !found.is_empty() && found.iter().all(|problem| problem.file.contains("partials/a.hbs")),
            "{found:?}"
        );
        assert!(Templates::load(&all).0.get("t").is_none());
    }
}

#[test]
fn all_that_mjml_does_not_know_is_told_at_once() {
    let body = "<mjml><mj-body><mj-section><mj-column><mj-text>\n<mj-buton>x</mj-buton>\n<mj-imag/></mj-text>\
                </mj-column></mj-section></mj-body></mjml>";
    let all = mail(&[("t/body.html", "-"), ("t/body.mjml", body)]);
    let places: Vec<_> = problems(&all).iter().map(|problem| (problem.code, problem.line)).collect();
    assert_eq!(places, [("mjml", 2), ("mjml", 3)]);
}

#[test]
fn all_keys_of_an_in_product_message_are_looked_at_at_once() {
    let text = "titel = 1\nbody = 2\nkind = \"toast\"\naction = { label = \"x\", link = \"y\" }\n";
    let found = problems(&files(&[("c/in_product.toml", text), ("c/sample.json", "{}")]));
    let places: Vec<_> = found.iter().map(|problem| (problem.line, problem.column)).collect();
    assert_eq!(places, [(1, 1), (1, 1), (2, 8), (3, 8), (4, 10), (4, 25)], "{found:#?}");
    assert!(found.iter().any(|problem| problem.help == "did you mean `title`?"), "{found:#?}");
}
