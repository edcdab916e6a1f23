//! Folders as teams make them, and what is read from them.

use super::{
    AddressPattern, Environment, IdentityAlgorithm, Project, Reading, SmtpTls, SourceFormat, SourceStart,
    WriteKeyKind, from_bundle,
};
use outreach_engine::Length;
use outreach_engine::effect::Channel;
use outreach_engine::release::{Cap, QuietHours, Window};
use outreach_engine::rule::Share;
use outreach_engine::rule::diagnostic::line_and_column;
use std::fs;
use std::path::Path;

/// The shape of outreach.toml: every section once.
pub(super) const SETTINGS: &str = r#"
timezone = "europe/paris"
quiet_hours = "21:00-08:00"
holdout = "2%"
transactional_rules = ["third-failed-payment"]
[caps]
email = ["1 per day", "3 per 7 days"]
all = ["5 per calendar day"]
[topics.onboarding]
name = "Getting started"
[topics.billing]
name = "Billing"

[sender]
name = "Acme"
address = "1 Acme Street, Paris"
[data]
dir = "state"
partitions = 4
[http]
listen = "127.0.0.1:9080"
admin_listen = "127.0.0.1:9081"
public_url = "https://mail.acme.example/"
[[write_keys]]
name = "backend"
kind = "server"
key_file = "secrets/backend.key"
events_per_second_max = 100
[[write_keys]]
name = "web-site"
kind = "browser"
[unsubscribe]
secret_file = "secrets/unsubscribe.key"
[email]
from = "Ada at Acme <hello@acme.example>"
return_path_domain = "bounce.acme.example"
smtp = { host = "127.0.0.1", port = 1025, tls = "none", user = "", password_file = "" }
connections_max = 2
[delivery]
deliver_only_to = ["*@acme.example", "ada@example.com"]
redirect_all_to = "team@acme.example"
[kafka.properties]
"bootstrap.servers" = "127.0.0.1:9092"
"fetch.wait.max.ms" = 50
[[sources]]
name = "product"
topic = "product-events"
format = "segment"
start = "latest"
required = false
[[sources]]
name = "billing"
topic = "billing"
format = "json"
fields = { user = "/customer/id", event = "/kind", time = "/at", properties = "/data", message_id = "/id" }
[dispatch]
leaving_seconds_max = 30
"#;

const RULE: &str = r#"
name = "Third failed payment"
topic = "billing"
[trigger]
event = "Payment Failed"
count = 3
within = "1 day"
[limits]
once_per = "always"
[[step]]
email = "payment-failed"
transactional = true
"#;

const TEMPLATE: [(&str, &str); 3] = [
    ("templates/payment-failed/subject.hbs", "Your payment failed"),
    (
        "templates/payment-failed/body.html",
        "<p>Hi.</p><p>{{sender.address}} <a href=\"{{unsubscribe_url}}\">Stop</a></p>",
    ),
    ("templates/payment-failed/sample.json", "{}"),
];

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}

pub(super) fn read(files: &[(&str, &str)], variables: &[(&str, &str)]) -> (tempfile::TempDir, Reading) {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), files);
    let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let reading = Project::read(dir.path(), &Environment::new(variables));
    (dir, reading)
}

/// `code file:line:column`, one each.
pub(super) fn found(reading: &Reading) -> Vec<String> {
    let print = |problem: &outreach_engine::rule::Diagnostic| {
        let text = reading.texts.get(&problem.file).map(String::as_str).unwrap_or_default();
        let (line, column) = line_and_column(text, problem.span.start);
        format!("{} {}:{line}:{column}", problem.code, problem.file)
    };
    reading.problems.iter().map(print).collect()
}

fn good(files: &[(&str, &str)], variables: &[(&str, &str)]) -> (tempfile::TempDir, Project) {
    let (dir, reading) = read(files, variables);
    assert!(reading.problems.is_empty(), "{:#?}", reading.problems);
    (dir, reading.project.expect("a project"))
}

pub(super) fn whole() -> Vec<(&'static str, &'static str)> {
    let mut files = vec![("outreach.toml", SETTINGS), ("rules/third-failed-payment.toml", RULE)];
    files.extend(TEMPLATE);
    files
}

#[test]
fn a_whole_project_is_read_with_its_release_part() {
    let (_dir, project) = good(&whole(), &[]);
    let settings = &project.release.settings;
    assert_eq!(&*settings.timezone, "Europe/Paris");
    assert_eq!(settings.quiet_hours, Some(QuietHours { from: 21 * 60, until: 8 * 60 }));
    assert_eq!(settings.holdout, Some(Share(20_000)));
    let rolling = |count, days| Cap { count, window: Window::Rolling(Length::days(days)) };
    assert_eq!(settings.caps.by_channel[&Channel::Email], [rolling(1, 1), rolling(3, 7)]);
    assert_eq!(settings.caps.all, [Cap { count: 5, window: Window::CalendarDay }]);
    assert_eq!(settings.topics["onboarding"].name, "Getting started");
    assert_eq!(
        project.release.rules.iter().map(|rule| &*rule.id).collect::<Vec<_>>(),
        ["third-failed-payment"]
    );
}

#[test]
fn a_whole_project_is_read_with_its_process_part() {
    let (dir, project) = good(&whole(), &[]);
    let process = &project.process;
    assert_eq!((process.data.dir.clone(), process.data.partitions), (dir.path().join("state"), 4));
    assert_eq!(process.http.listen.to_string(), "127.0.0.1:9080");
    assert_eq!(process.http.public_url, "https://mail.acme.example");
    let [backend, web] = &process.write_keys[..] else { panic!("two keys") };
    assert_eq!((backend.kind, backend.events_per_second_max.get()), (WriteKeyKind::Server, 100));
    assert_eq!(backend.bytes_per_second_max.get(), 409_600);
    assert_eq!(
        (web.kind, web.key.variable.as_str()),
        (WriteKeyKind::Browser, "OUTREACH__WRITE_KEYS__WEB_SITE")
    );
    let email = process.email.as_ref().expect("email");
    assert_eq!((email.smtp.port, email.smtp.tls, email.smtp.user.as_deref()), (1025, SmtpTls::None, None));
    assert!(email.smtp.password.file.is_none());
    assert_eq!(email.return_path_domain, "bounce.acme.example");
    assert!(process.delivery.allows("Bob@ACME.example") && process.delivery.allows("ada@example.com"));
    assert!(!process.delivery.allows("bob@example.com") && !process.delivery.allows("x@not-acme.example"));
    assert_eq!(process.kafka["fetch.wait.max.ms"], "50");
    let [product, billing] = &process.sources[..] else { panic!("two sources") };
    assert_eq!((product.start, product.is_required), (SourceStart::Latest, false));
    assert!(matches!(&billing.format, SourceFormat::Json { fields } if fields["user"] == "/customer/id"));
    assert_eq!((billing.start, billing.is_required), (SourceStart::Earliest, true));
    assert_eq!(process.dispatch.leaving_seconds_max, 30);
}

#[test]
fn an_empty_outreach_toml_has_the_defaults() {
    let (dir, project) = good(&[("outreach.toml", "")], &[]);
    assert_eq!(&*project.release.settings.timezone, "UTC");
    assert_eq!(project.process.data.dir, dir.path().join("data"));
    assert_eq!(project.process.data.partitions, 8);
    assert_eq!(project.process.http.public_url, "http://127.0.0.1:8080");
    assert_eq!(project.process.dispatch.leaving_seconds_max, 600);
    assert!(!project.process.delivery.allows("ada@example.com"), "absent: nobody");
    assert!(!project.process.unsubscribe_secret.is_named());
}

#[test]
fn a_variable_overrides_the_process_part() {
    let variables = [
        ("OUTREACH__HTTP__LISTEN", "0.0.0.0:80"),
        ("OUTREACH__DATA__PARTITIONS", "16"),
        ("OUTREACH__EMAIL__SMTP__HOST", "relay.acme.example"),
        ("OUTREACH__DELIVERY__DELIVER_ONLY_TO", "*@acme.example, bob@example.com"),
        ("OUTREACH__KAFKA__PROPERTIES__BOOTSTRAP_SERVERS", "kafka:9092"),
        ("PATH", "/bin"),
    ];
    let (_dir, project) = good(&whole(), &variables);
    let process = project.process;
    assert_eq!(process.http.listen.to_string(), "0.0.0.0:80");
    assert_eq!(process.http.admin_listen.to_string(), "127.0.0.1:9081", "the file's stays");
    assert_eq!(process.data.partitions, 16);
    let smtp = process.email.expect("email").smtp;
    assert_eq!((smtp.host.as_str(), smtp.port), ("relay.acme.example", 1025));
    assert_eq!(process.delivery.deliver_only_to[1], AddressPattern::Address("bob@example.com".to_owned()));
    assert_eq!(process.kafka["bootstrap.servers"], "kafka:9092");
}

#[test]
fn a_bad_variable_is_a_problem_with_its_own_place() {
    let variables = [
        ("OUTREACH__DATA__PARTITIONS", "many"),
        ("OUTREACH__HTTP__LISTN", "127.0.0.1:1"),
        ("OUTREACH__TIMEZONE", "UTC"),
    ];
    let (_dir, reading) = read(&[("outreach.toml", "")], &variables);
    let expected = ["bad-value environment:1:23", "unknown-key environment:2:8", "bad-value environment:3:1"];
    assert_eq!(found(&reading), expected, "{:#?}", reading.problems);
    assert!(reading.texts["environment"].contains("# OUTREACH__HTTP__LISTN"));
}

#[test]
fn a_secret_comes_from_its_variable_before_its_file_and_never_prints() {
    let (dir, project) = good(&whole(), &[("OUTREACH__UNSUBSCRIBE__SECRET", " from-variable ")]);
    let secret = project.process.unsubscribe_secret.read().expect("a secret");
    assert_eq!(secret.reveal(), "from-variable");
    let key = &project.process.write_keys[0].key;
    assert!(key.read().unwrap_err().to_string().contains("backend.key"));
    write(dir.path(), &[("secrets/backend.key", "from-file\n")]);
    assert_eq!(key.read().expect("a secret").reveal(), "from-file");
    let nowhere = project.process.write_keys[1].key.read().unwrap_err();
    assert!(nowhere.to_string().contains("OUTREACH__WRITE_KEYS__WEB_SITE"), "{nowhere}");
    assert!(!format!("{project:?}").contains("from-variable"));
}

#[test]
fn a_secrets_variable_is_no_override_and_stands_in_no_text() {
    let (_dir, reading) = read(&whole(), &[("OUTREACH__EMAIL__SMTP__PASSWORD", "hush")]);
    assert!(reading.project.is_some() && reading.texts.values().all(|text| !text.contains("hush")));
}

#[test]
fn bad_settings_are_all_said_with_their_places() {
    let text = "timezone = \"Mars/Olympus\"\nquiet_hours = \"00:00-24:00\"\nholdout = \"100%\"\nquiet_hour = 1\n\
                [caps]\nemail = [\"0 per day\", \"1 per month\"]\n[topics.Big]\nname = \"x\"\n[http]\nlisten = \"8080\"\n\
                [[write_keys]]\nname = \"a\"\nkind = \"servr\"\n[email]\nfrom = \"nobody\"\n\
                [[sources]]\nname = \"s\"\nformat = \"json\"\n[delivery]\ndeliver_only_to = [\"acme\"]\n";
    let (_dir, reading) = read(&[("outreach.toml", text)], &[]);
    let expected = [
        "bad-value outreach.toml:1:12",
        "bad-value outreach.toml:2:15",
        "bad-value outreach.toml:3:11",
        "unknown-key outreach.toml:4:1",
        "bad-value outreach.toml:6:10",
        "bad-value outreach.toml:6:23",
        "bad-id outreach.toml:7:9",
        "bad-value outreach.toml:10:10",
        "bad-value outreach.toml:13:8",
        "missing-key outreach.toml:14:1",
        "bad-value outreach.toml:15:8",
        "missing-key outreach.toml:16:1",
        "missing-key outreach.toml:16:1",
        "bad-value outreach.toml:20:19",
    ];
    assert_eq!(found(&reading), expected, "{:#?}", reading.problems);
    assert!(reading.project.is_none());
}

#[test]
fn an_identity_key_has_one_algorithm_and_what_belongs_to_it() {
    let key = |lines: &str| {
        let text = format!("[identity]\naudience = \"acme\"\n[[identity.keys]]\nname = \"app-1\"\n{lines}");
        read(&[("outreach.toml", &text)], &[("OUTREACH__IDENTITY__KEYS__APP_1", "hush")]).1
    };
    let identity = |reading: Reading| reading.project.unwrap().process.identity.unwrap();
    let hmac = identity(key("algorithm = \"HS256\"\nsecret_file = \"s\""));
    assert_eq!((hmac.audience.as_str(), hmac.keys[0].name.as_str()), ("acme", "app-1"));
    let IdentityAlgorithm::Hs256(secret) = &hmac.keys[0].algorithm else { panic!("{hmac:?}") };
    assert_eq!(secret.read().unwrap().reveal(), "hush", "the variable goes before the file");
    let public = identity(key("algorithm = \"EdDSA\"\npublic_key_file = \"id.pem\""));
    let algorithm = &public.keys[0].algorithm;
    assert!(
        matches!(algorithm, IdentityAlgorithm::EdDsa { public_key_file } if public_key_file.ends_with("id.pem"))
    );
    for (lines, expected) in [
        ("algorithm = \"none\"", "bad-value outreach.toml:5:13"),
        ("algorithm = \"RS256\"", "bad-value outreach.toml:5:13"),
        ("secret_file = \"s\"", "missing-key outreach.toml:3:1"),
        ("algorithm = \"EdDSA\"", "missing-key outreach.toml:3:1"),
        ("algorithm = \"HS256\"\npublic_key_file = \"id.pem\"", "contradictory-form outreach.toml:6:1"),
        (
            "algorithm = \"EdDSA\"\npublic_key_file = \"a\"\nsecret_file = \"b\"",
            "contradictory-form outreach.toml:7:1",
        ),
    ] {
        let reading = key(lines);
        assert_eq!(found(&reading), [expected], "{lines}");
        assert!(reading.texts.values().all(|text| !text.contains("hush")));
    }
}

#[test]
fn a_folder_without_outreach_toml_says_so() {
    let (_dir, reading) = read(&[("rules/third-failed-payment.toml", RULE)], &[]);
    assert_eq!(found(&reading)[0], "unreadable-file outreach.toml:1:1");
    assert!(reading.project.is_none());
}

#[test]
fn what_is_wrong_between_files_is_found() {
    let rule = |more: &str| {
        format!("name = \"x\"\ntopic = \"billing\"\n[trigger]\nevent = \"A\"\n[[step]]\n{more}\n")
    };
    let (missing, no_mail, unknown) = (
        rule("email = \"payment-faild\""),
        rule("in_product = \"payment-failed\""),
        rule("email = \"payment-failed\"\ntopic = \"x\""),
    );
    let mut files = whole();
    files.extend([
        ("rules/a.toml", missing.as_str()),
        ("rules/b.toml", &no_mail),
        ("rules/c.toml", &unknown),
        ("rules/more/third-failed-payment.toml", RULE),
    ]);
    let (_dir, reading) = read(&files, &[]);
    let expected = [
        "once-ever-with-cap rules/a.toml:6:9",
        "unknown-template rules/a.toml:6:9",
        "missing-template-part rules/b.toml:6:14",
        "unknown-topic rules/c.toml:7:9",
        "duplicate-rule rules/third-failed-payment.toml:1:1",
    ];
    let mut found = found(&reading);
    found.sort();
    let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(found, expected, "{:#?}", reading.problems);
    let suggestion = reading.problems.iter().find_map(|problem| problem.help.as_deref());
    assert!(suggestion.is_some());
}

#[test]
fn a_project_whose_templates_alone_are_wrong_can_still_be_replayed() {
    let (_dir, reading) =
        read(&[("outreach.toml", SETTINGS), ("rules/third-failed-payment.toml", RULE)], &[]);
    assert_eq!(found(&reading), ["unknown-template rules/third-failed-payment.toml:11:9"]);
    assert_eq!((reading.errors_for_running().count(), reading.errors_for_replay().count()), (1, 0));
    assert!(reading.project.is_some());
}

#[test]
fn a_templates_own_problems_have_their_code_and_place() {
    let mut files = whole();
    files.push((
        "templates/payment-failed/text.hbs",
        "Hi\n {{{traits.name}}} {{sender.address}} {{unsubscribe_url}}",
    ));
    let (_dir, reading) = read(&files, &[]);
    let first = found(&reading);
    // The value that is not escaped, and that the sample has none.
    let both = [
        "missing-value templates/payment-failed/text.hbs:2:2",
        "unescaped-value templates/payment-failed/text.hbs:2:2",
    ];
    assert_eq!(first, both);
    assert_eq!((reading.errors_for_running().count(), reading.errors_for_replay().count()), (2, 0));
}

#[test]
fn a_permission_for_a_rule_that_is_not_there_is_a_warning() {
    let files = [("outreach.toml", "transactional_rules = [\"gone\"]\n")];
    let (_dir, reading) = read(&files, &[]);
    assert_eq!(found(&reading), ["unknown-rule outreach.toml:1:24"]);
    assert!(!reading.has_errors() && reading.project.is_some());
}

#[test]
fn mail_that_nobody_is_named_to_send_is_a_warning() {
    let mut files = whole();
    files[0].1 = "[topics.billing]\nname = \"B\"\n";
    let rule = RULE.replace("transactional = true", "").replace("\"always\"", "\"7 days\"");
    files[1].1 = &rule;
    let (_dir, reading) = read(&files, &[]);
    assert_eq!(found(&reading), ["mail-not-configured outreach.toml:1:1"]);
    assert!(reading.problems[0].message.contains("[sender] and [email] and [unsubscribe]"));
}

#[test]
fn rule_tests_are_read_and_their_order_is_looked_at() {
    let test = r#"
[[test]]
name = "late"
given = [
  { at = "2026-03-02T10:00Z", identify = "ada", traits = { email = "ada@example.com" } },
  { at = "2026-03-01T10:00Z", user = "ada", track = "Payment Failed" },
  { at = "2026-03-03", user = "ada", trak = "Payment Failed" },
]
until = 2026-03-06T00:00:00Z
expect = [ { at = "2026-03-05T10:00Z", user = "ada", email = "payment-failed" } ]
"#;
    let mut files = whole();
    files.push(("rules/third-failed-payment.test.toml", test));
    files.push(("rules/gone.test.toml", "[[test]]\nname = \"x\"\ngiven = []\nexpect = []\n"));
    let (_dir, reading) = read(&files, &[]);
    let expected = [
        "unknown-rule rules/gone.test.toml:1:1",
        "given-out-of-order rules/third-failed-payment.test.toml:6:3",
        "bad-value rules/third-failed-payment.test.toml:7:10",
        "unknown-key rules/third-failed-payment.test.toml:7:38",
    ];
    assert_eq!(found(&reading), expected, "{:#?}", reading.problems);
}

#[test]
fn a_bundle_is_the_same_for_the_same_release_and_reads_back() {
    let (_one, project) = good(&whole(), &[]);
    let other_process =
        SETTINGS.replace("partitions = 4", "partitions = 5").replace("[caps]", "# a comment\n[caps]");
    let mut files = whole();
    files[0].1 = &other_process;
    let (_two, same) = good(&files, &[("OUTREACH__HTTP__LISTEN", "0.0.0.0:80")]);
    assert_eq!(project.bundle(), same.bundle());
    assert_eq!(project.release_id(), same.release_id());
    assert_eq!(project.release_id().len(), 16);
    let (id, parts) = from_bundle(&project.bundle()).expect("a release");
    assert_eq!(id, project.release_id());
    assert_eq!(parts.bundle(), project.bundle());
    assert_eq!(parts.settings.topics, project.release.settings.topics);
    assert_eq!(parts.settings.caps, project.release.settings.caps);
    assert_eq!(parts.rules.len(), 1);
    let release = parts.release();
    assert_eq!((&*release.id, release.rules().len()), (id.as_str(), 1));
    let quieter = SETTINGS.replace("21:00-08:00", "20:00-08:00");
    let mut files = whole();
    files[0].1 = &quieter;
    let (_three, changed) = good(&files, &[]);
    assert_ne!(project.release_id(), changed.release_id());
}

#[test]
fn bytes_that_are_no_release_are_refused() {
    assert!(from_bundle(b"{").unwrap_err().to_string().contains("JSON"));
    assert!(from_bundle(b"{}").unwrap_err().to_string().contains("outreach.toml"));
    assert!(
        from_bundle(br#"{"outreach.toml":"","secrets/x":""}"#).unwrap_err().to_string().contains("secrets/x")
    );
    assert!(
        from_bundle(br#"{"outreach.toml":"","rules/a.toml":""}"#)
            .unwrap_err()
            .to_string()
            .contains("rules/a.toml")
    );
}
