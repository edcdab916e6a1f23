//! `outreach preview`, and what the mails of this repository are as their recipients get them.

use super::world::service::Project;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

/// In the order in which a customer gets them.
const MAILS: [&str; 5] =
    ["welcome", "stalled-onboarding", "trial-ending", "third-failed-payment", "inactive-user"];
const IN_PRODUCT: [(&str, &str); 4] = [
    ("welcome-tour", "modal"),
    ("onboarding-checklist", "card"),
    ("trial-last-day", "banner"),
    ("payment-reminder", "banner"),
];
/// Gmail cuts what is longer, and with it the unsubscribe link.
const HTML_BYTES_MAX: usize = 102_000;
/// Mail programs that are read on a phone show about so much behind the subject.
const PREHEADER_CHARS: std::ops::RangeInclusive<usize> = 35..=100;
const TEXT_LINE_CHARS_MAX: usize = 76;

/// A project with the rules and templates of this repository, which a test may change.
fn project() -> Project {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = Project::new(&std::fs::read_to_string(root.join("outreach.toml")).unwrap());
    project.copy("rules");
    project.copy("templates");
    project
}

fn preview(project: &Project, template: &str) -> Value {
    let output = project.run(&["preview", template, "--format", "json"]);
    assert!(output.status.success(), "{template}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

/// The parts of `html` between `start` and the next `end`.
fn between<'h>(html: &'h str, start: &str, end: &str) -> Vec<&'h str> {
    html.split(start).skip(1).map(|rest| &rest[..rest.find(end).unwrap_or(rest.len())]).collect()
}

#[test]
fn each_mail_is_one_that_a_recipient_can_read_anywhere() {
    let project = project();
    for name in MAILS {
        let mail = preview(&project, name);
        let html = text(&mail, "/email/html");
        assert!(html.len() < HTML_BYTES_MAX, "{name}: {}", html.len());
        assert!(html.starts_with("<!doctype html><html lang=\"en\""), "{name}: its language");
        assert!(html.contains("<meta name=\"color-scheme\" content=\"light dark\""), "{name}");
        assert!(html.contains("@media (prefers-color-scheme: dark)"), "{name}: dark colours are there");
        for table in between(html, "<table", ">") {
            assert!(table.contains("role=\"presentation\""), "{name}: a table for the look: {table}");
        }
        assert!(between(html, "<img", ">").iter().all(|image| image.contains(" alt=\"")), "{name}");
        assert!(!html.contains("src=\"http") && !html.contains("url("), "{name}: asks for nothing");
        assert_eq!(between(html, "class=\"button\"", "</table>").len(), 1, "{name}: one action");
        let preheader = between(html, "overflow:hidden;\">", "&#847;")[0].trim();
        assert!(PREHEADER_CHARS.contains(&preheader.chars().count()), "{name}: {preheader}");
        for part in [html, text(&mail, "/email/text")] {
            assert!(part.contains("12 Harbour Street, 75010 Paris"), "{name}: a postal address");
            assert!(part.contains("/u/preview") && part.to_lowercase().contains("unsubscribe"), "{name}");
        }
    }
}

#[test]
fn the_text_part_has_the_same_action_and_lines_that_fit() {
    let project = project();
    for name in MAILS {
        let mail = preview(&project, name);
        let (html, said) = (text(&mail, "/email/html"), text(&mail, "/email/text"));
        let button = between(html, "class=\"button\"", "</table>")[0];
        let (href, label) = (between(button, "href=\"", "\"")[0], between(button, "none\">", "<")[0]);
        assert!(said.contains(&format!("{label}:\n{href}\n")), "{name}: {label} at {href} in\n{said}");
        for line in said.lines().filter(|line| !line.contains("://")) {
            assert!(line.chars().count() <= TEXT_LINE_CHARS_MAX, "{name}: {line}");
        }
        assert!(!said.contains('<') && !said.contains("\n\n\n"), "{name}:\n{said}");
    }
}

#[test]
fn every_message_reads_well_when_nothing_is_known_of_the_person() {
    let project = project();
    for name in MAILS.into_iter().chain(IN_PRODUCT.map(|(name, _)| name)) {
        for traits in [json!({}), json!({ "first_name": "" }), json!({ "first_name": null })] {
            let sample = json!({ "traits": traits, "properties": {} });
            project.write(&format!("templates/{name}/sample.json"), &sample.to_string());
            let message = preview(&project, name);
            let said = match MAILS.contains(&name) {
                true => format!("{}\n{}", text(&message, "/email/subject"), text(&message, "/email/text")),
                false => {
                    format!("{}\n{}", text(&message, "/in_product/title"), text(&message, "/in_product/body"))
                }
            };
            assert!(said.starts_with(|c: char| c.is_uppercase()), "{name}: {said}");
            for slip in ["  ?", " ,", " .", ",,", ", \n", ",.", "Ada", "null", "{{"] {
                assert!(!said.contains(slip), "{name}: {slip:?} in\n{said}");
            }
            assert!(!MAILS.contains(&name) || said.contains("\nHi there,\n"), "{name}:\n{said}");
        }
    }
}

#[test]
fn what_is_shown_in_the_product_is_of_its_kind_and_leads_into_it() {
    let project = project();
    for (name, kind) in IN_PRODUCT {
        let message = preview(&project, name);
        assert_eq!((text(&message, "/in_product/kind"), &message["email"]), (kind, &Value::Null));
        assert!(text(&message, "/in_product/action/url").starts_with('/'), "{message}");
    }
}

#[test]
fn a_part_alone_is_printed_as_it_is() {
    let project = project();
    let part = |template: &str, part: &str| project.run(&["preview", template, "--part", part]);
    let said = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(said(&part("welcome", "subject")), "Welcome to Acme, Ada\n");
    assert!(said(&part("welcome", "html")).starts_with("<!doctype html>"));
    let text = said(&part("welcome", "text"));
    assert!(text.starts_with("Hi Ada,\n") && text.contains("Its topic is “Getting started”."), "{text}");
    assert!(said(&part("onboarding-checklist", "in-product")).starts_with("card: Three steps"));
    let none = part("welcome", "in-product");
    assert_eq!(none.status.code(), Some(3));
    assert!(stderr(&none).contains("`welcome` has no such part"), "{}", stderr(&none));
}

#[test]
fn a_template_that_is_not_there_or_cannot_be_said_is_told_with_the_reason() {
    let project = project();
    let output = project.run(&["preview", "wellcome"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("found `wellcome`; there are: "), "{}", stderr(&output));
    project.write("templates/welcome/text.hbs", "{{traits.nickname}} {{unsubscribe_url}} {{sender.address}}");
    let output = project.run(&["preview", "welcome"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("expected a value at `traits.nickname`"), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
}

#[test]
fn every_mail_has_its_pictures_and_they_are_small() {
    const BYTES_MAX: u64 = 80_000;
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    for name in MAILS {
        for (width, scheme) in [(360, "light"), (360, "dark"), (800, "light"), (800, "dark")] {
            let path = images.join(format!("mail-{name}-{width}-{scheme}.png"));
            let size = std::fs::metadata(&path).unwrap_or_else(|_| panic!("{}", path.display())).len();
            assert!(size < BYTES_MAX, "{}: {size}", path.display());
        }
    }
}
