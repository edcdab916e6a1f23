//! What each word says, and what it refuses.

use super::*;
use serde_json::json;

fn catalogues() -> Arc<Catalogues> {
    let files = [
        ("en.toml", "n = { one = \"{count} project\", other = \"{count} projects\" }\nhi = \"Hi {name}\""),
        ("de.toml", "n = { one = \"{count} Projekt\", other = \"{count} Projekte\" }"),
    ];
    Arc::new(Catalogues::load("", Some(&files.into()), &mut Vec::new()))
}

fn say(template: &str) -> Result<String, String> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    register(&mut registry, &Arc::default(), &catalogues());
    let data = json!({
        "name": "<Ada>", "null": null, "empty": "", "n": 1234567.891, "text": "1234.5", "one": 1, "two": 2,
        "at": "2026-03-05T23:30:00Z", "day": "2026-03-05", "cents": 4900, "minus": -3, "list": [1],
        "link": "https://x.example/a b?c=1", "script": "javascript:alert(1)",
    });
    registry.render_template(template, &data).map_err(|error| error.to_string())
}

#[test]
fn each_word_says_what_it_should() {
    let table = [
        (r#"{{default missing "there"}}"#, "there"),
        (r#"{{default null "there"}}{{default empty "!"}}"#, "there!"),
        (r#"{{default name "there"}}"#, "&lt;Ada&gt;"),
        (r#"{{date at}} {{date day "full"}}"#, "March 5, 2026 Thursday, March 5, 2026"),
        (r#"{{date at "time" zone="Europe/Paris"}}"#, "12:30\u{202f}AM"),
        (r#"{{date at "%-d %b, %H:%M" zone="Europe/Paris"}}"#, "6 Mar, 00:30"),
        (r#"{{date day "%A"}}"#, "Thursday"),
        ("{{number n}} {{number n decimals=2}} {{number text decimals=1}}", "1,234,568 1,234,567.89 1,234.5"),
        ("{{number minus}} {{number one}}", "-3 1"),
        (r#"{{currency n "eur"}} {{currency cents "USD" minor=true}}"#, "€1,234,567.89 $49.00"),
        (r#"{{currency cents "JPY" minor=true}} {{currency minus "CHF"}}"#, "¥4,900 -CHF\u{a0}3.00"),
        (r#"{{plural one "day" "days"}} {{plural two "day" "days"}}"#, "day days"),
        (r#"{{truncate "Grüße an alle" 6}} {{truncate "kurz" 6}}"#, "Grüße… kurz"),
        (r#"{{url link whole=true}}"#, "https://x.example/a%20b?c&#x3D;1"),
        (r#"{{plural two one="day" other="days"}}"#, "days"),
        (
            r#"{{t "n" count=1}}, {{t "n" count=n}}; {{t "hi" name=name}}"#,
            "1 project, 1,234,567.891 projects; Hi &lt;Ada&gt;",
        ),
        (r#"{{url "a b/ü?&=<"}} {{url one}}"#, "a%20b%2F%C3%BC%3F%26%3D%3C 1"),
        (r#"{{truncate (default missing "<b>bold</b>") 5}}"#, "&lt;b&gt;b…"),
    ];
    for (template, said) in table {
        assert_eq!(say(template).as_deref(), Ok(said), "{template}");
    }
}

#[test]
fn a_missing_or_unfit_value_is_an_error_that_names_no_data() {
    for template in [
        "{{date missing}}",
        "{{number missing}}",
        "{{date name}}",
        "{{number name}}",
        r#"{{currency one "euros"}}"#,
        r#"{{currency one name}}"#,
        r#"{{date at "%!"}}"#,
        r#"{{date at zone="Mars/Olympus"}}"#,
        "{{truncate name}}",
        "{{truncate name 0}}",
        "{{url list}}",
        "{{url script whole=true}}",
        r#"{{t "hi"}}"#,
        r#"{{t "hi" name=missing}}"#,
        r#"{{t "no such key"}}"#,
        r#"{{plural one}}"#,
        "{{default name}}",
        "{{log name}}",
    ] {
        let error = say(template).expect_err(template);
        assert!(!error.contains("Ada"), "{template}: {error}");
    }
    assert!(say("{{number traits.seats}}").unwrap_err().contains("traits.seats"));
}
