//! Languages: which a person is spoken to in, what `check` says of them, and that `docs/templates.md` is true.

use super::tests::{codes, files, mail, problems};
use super::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn subject(files: &BTreeMap<String, String>, home: &str, data: &Value) -> String {
    let home = Home { locale: home.into(), timezone: "Europe/Vienna".into() };
    let (templates, problems) = Templates::load_for(files, home);
    assert_eq!(problems, []);
    templates.render_email("t", &context(data, &Roots::default())).unwrap().subject
}

fn with_german() -> BTreeMap<String, String> {
    mail(&[
        ("t/subject.hbs", "{{number traits.n decimals=1}} in {{locale}}"),
        ("t/de/subject.hbs", "{{number traits.n decimals=1}} auf {{locale}}"),
        ("t/de/body.html", "<p>Hallo {{sender.address}} <a href=\"{{unsubscribe_url}}\">ab</a></p>"),
        ("t/sample.json", r#"{"traits": {"name": "Ada", "n": 1234.5}}"#),
    ])
}

#[test]
fn a_person_is_spoken_to_in_the_nearest_language_that_the_template_has() {
    let all = with_german();
    assert_eq!(problems(&all), []);
    let said = |locale: Value| {
        subject(&all, "en", &json!({ "traits": { "n": 1234.5, "name": "A", "locale": locale } }))
    };
    assert_eq!(said(json!("de")), "1.234,5 auf de");
    assert_eq!(said(json!("de_AT")), "1 234,5 auf de-AT");
    assert_eq!(said(json!("en-GB")), "1,234.5 in en-GB");
    for unknown in [json!("fr"), json!("klingonisch"), json!(7), json!(null)] {
        assert_eq!(said(unknown.clone()), "1,234.5 in en", "{unknown}");
    }
    let of_record = json!({ "traits": { "n": 1, "name": "A" }, "context": { "locale": "de-CH" } });
    assert_eq!(subject(&all, "en", &of_record), "1.0 auf de-CH");
}

#[test]
fn a_template_without_other_languages_speaks_the_projects_whatever_the_person_speaks() {
    let all = mail(&[("t/subject.hbs", "{{number traits.n}} {{traits.name}}")]);
    let data = json!({ "traits": { "n": 1234, "name": "A", "locale": "en-IN" } });
    assert_eq!(subject(&all, "de", &data), "1.234 A");
    let read = |all: &BTreeMap<String, String>| Templates::load(all).0.get("t").unwrap().reads().clone();
    assert!(!read(&all).contains("traits.locale"));
    assert!(
        read(&with_german()).contains("traits.locale") && read(&with_german()).contains("context.locale")
    );
}

#[test]
fn a_date_is_that_of_the_persons_clock() {
    let all = mail(&[("t/subject.hbs", "{{date traits.at \"%d %H:%M\"}} {{traits.name}}")]);
    let said = |traits: Value| subject(&all, "en", &json!({ "traits": traits }));
    let at = "2026-03-05T23:30:00Z";
    assert_eq!(said(json!({ "at": at, "name": "A" })), "06 00:30 A");
    assert_eq!(said(json!({ "at": at, "name": "A", "timezone": "America/New_York" })), "05 18:30 A");
    assert_eq!(
        said(json!({ "at": "2026-03-05", "name": "A", "timezone": "America/New_York" })),
        "05 00:00 A"
    );
    assert!(Templates::load(&all).0.get("t").unwrap().reads().contains("traits.timezone"));
}

#[test]
fn what_is_wrong_with_a_language_is_told_with_its_place() {
    let mut all = with_german();
    all.extend(files(&[
        ("t/german/subject.hbs", "x"),
        ("t/german/body.html", "x"),
        ("locales/de.toml", "a = \"A\""),
    ]));
    let found = problems(&all);
    assert!(codes(&found).contains(&"unknown-locale"), "{found:?}");

    let mut all = with_german();
    all.insert("templates/t/de/body.html".into(), "<p>{{t \"a\"}}{{traits.nobody}}</p>".into());
    all.insert("templates/locales/en.toml".into(), "a = \"A\"".into());
    let said: Vec<String> =
        problems(&all).iter().map(|found| format!("{} {}", found.code, found.file)).collect();
    for expected in ["missing-unsubscribe-link", "missing-sender-address", "missing-value"] {
        assert!(said.contains(&format!("{expected} templates/t/de/body.html")), "{expected} in {said:?}");
    }
    all.insert("templates/locales/fr.toml".into(), "b = \"B\"".into());
    let lacks = problems(&all).into_iter().find(|found| found.code == "missing-translation").unwrap();
    assert_eq!((lacks.file.as_str(), lacks.column), ("templates/t/de/body.html", 4));
    assert!(lacks.message.contains("`a` in fr"), "{lacks}");
}

#[test]
fn a_value_is_escaped_in_an_attribute_too_and_a_catalogue_adds_no_html() {
    let evil = "\"><script>'`=";
    let mjml = "<mjml><mj-body><mj-section><mj-column><mj-text>{{t \"hi\" name=traits.name}} {{sender.address}} {{unsubscribe_url}}</mj-text>\
        <mj-button href=\"https://x.example/?q={{traits.name}}\">go</mj-button></mj-column></mj-section></mj-body></mjml>";
    let all =
        mail(&[("t/body.html", "-"), ("t/body.mjml", mjml), ("locales/en.toml", "hi = \"<b>{name}</b>\"")]);
    let (templates, found) = Templates::load(&all);
    assert_eq!(found, []);
    let data = json!({ "traits": { "name": evil } });
    let html = templates.render_email("t", &context(&data, &Roots::default())).unwrap().html;
    assert!(
        !html.contains("<script") && !html.contains("<b>") && html.contains("q=&quot;&gt;&lt;script"),
        "{html}"
    );
}

/// The blocks of a page that name a file, and the rows of its tables that hold an expression and what it says.
#[test]
fn every_example_of_the_page_of_templates_is_true() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/templates.md")).unwrap();
    let mut all =
        mail(&[("t/text.hbs", "{{t \"greeting\" name=\"A\"}} {{sender.address}} {{unsubscribe_url}}")]);
    for block in page.split("```").skip(1).step_by(2) {
        let (head, text) = block.split_once('\n').unwrap();
        if let Some((_, path)) = head.split_once(' ') {
            all.insert(path.replace("welcome/", "t/"), text.to_owned());
        }
    }
    let sample: Value = serde_json::from_str(&all["templates/t/sample.json"]).unwrap();
    let mut run = 0;
    for row in page.lines().filter(|row| row.starts_with("| `{{")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [expression, english, german] = cells[..] else { panic!("three cells in {row}") };
        all.insert("templates/t/subject.hbs".into(), format!("x{}", expression.trim_matches('`')));
        for (locale, expected) in [("en", english), ("de", german)] {
            let mut data = sample.clone();
            data["traits"]["locale"] = locale.into();
            assert_eq!(subject(&all, "en", &data), format!("x{expected}"), "{row}");
            run += 1;
        }
    }
    assert!(run > 30, "{run}");
}
