//! What is told of a project in one run: no problem hides another, and none keeps what does not need it from running.

use super::tests::{found, read, whole};
use super::{Environment, Project};
use outreach_engine::rule::diagnostic::Code;

const TEST_PATH: &str = "rules/third-failed-payment.test.toml";

fn with_test(test: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut files = whole();
    files.push((TEST_PATH, test));
    files
}

fn places(test: &'static str) -> Vec<String> {
    let (_dir, reading) = read(&with_test(test), &[]);
    found(&reading).into_iter().map(|line| line.replace(&format!("{TEST_PATH}:"), "")).collect()
}

#[test]
fn misspelt_keys_of_a_rule_test_are_all_told_with_what_was_meant() {
    let test = "[[test]]\nnam = \"x\"\ngiven = [ { at = \"2026-03-02T10:00Z\", usr = \"ada\", track = \"A\" } ]\n\
                untill = \"2026-03-06T00:00Z\"\nexpct = []\n\
                [[tst]]\n";
    let (_dir, reading) = read(&with_test(test), &[]);
    let unknown = reading.problems.iter().filter(|problem| problem.code == Code::UnknownKey);
    let helps: Vec<&str> = unknown.filter_map(|problem| problem.help.as_deref()).collect();
    let meant = ["name", "user", "until", "expect", "test"].map(|key| format!("did you mean `{key}`?"));
    assert_eq!(helps, meant, "{:#?}", reading.problems);
    let missing = reading.problems.iter().filter(|problem| problem.code == Code::MissingKey);
    assert!(missing.clone().count() == 2 && missing.into_iter().all(|problem| problem.help.is_some()));
}

#[test]
fn a_reason_that_is_none_hides_nothing_beside_it() {
    let test = "[[test]]\nname = \"x\"\ngiven = []\nexpect = [\n\
                { at = \"2026-03-05T10:00Z\", reason = \"capp\", verdict = \"refuze\" },\n]\n";
    assert_eq!(places(test), ["bad-value 5:38", "bad-value 5:56"]);
}

#[test]
fn an_end_before_what_is_given_is_a_warning() {
    let test = |until: &str| {
        let given = "{ at = \"2026-03-02T10:00Z\", user = \"a\", track = \"A\" }, \
                     { at = \"2026-03-03T10:00Z\", arrives = \"2026-03-04T10:00Z\", user = \"a\", track = \"A\" }";
        let text = format!("[[test]]\nname = \"x\"\ngiven = [ {given} ]\nuntil = \"{until}\"\nexpect = []\n");
        let mut files = whole();
        files.push((TEST_PATH, &text));
        let (_dir, reading) = read(&files, &[]);
        assert_eq!(reading.problems.iter().filter(|problem| problem.is_error()).count(), 0);
        let told = reading.problems.into_iter();
        told.map(|problem| format!("{} {}", problem.code, problem.message)).collect::<Vec<_>>()
    };
    assert_eq!(test("2026-03-04T10:00Z"), Vec::<String>::new(), "what comes at the very end is seen");
    let [some] = &test("2026-03-04T09:00Z")[..] else { panic!("one warning") };
    assert!(some.starts_with("until-before-given") && some.contains("before 1 of 2 lines"), "{some}");
    let [all] = &test("2026-03-01T00:00Z")[..] else { panic!("one warning") };
    assert!(all.contains("before all of it (the last at 2026-03-04T10:00:00"), "{all}");
}

#[test]
fn a_broken_rule_test_keeps_only_check_and_test_from_running() {
    let (_dir, reading) = read(&with_test("[[test]\n"), &[]);
    assert!(reading.project.is_some(), "{:#?}", reading.problems);
    let counts = (
        reading.errors_for_running().count(),
        reading.errors_for_replay().count(),
        reading.errors_for_tests().count(),
    );
    assert_eq!(counts, (0, 0, 1));
}

#[test]
fn a_rule_with_an_error_is_looked_at_for_all_else() {
    let rule = "nam = \"x\"\ntopic = \"billing\"\n[trigger]\nevent = \"A\"\n\
                [audience]\nwhere = { \"traits.seats\" = \"10\" }\n\
                [[step]]\nemail = \"payment-faild\"\n[[step]]\nin_product = \"payment-failed\"\n";
    let mut files = whole();
    files.retain(|(path, _)| !path.ends_with("sample.json") && !path.starts_with("rules/"));
    files.extend([
        ("templates/payment-failed/sample.json", "{\"traits\": {\"seats\": 10}}"),
        ("rules/a.toml", rule),
    ]);
    let (_dir, reading) = read(&files, &[]);
    let expected = [
        "unknown-rule outreach.toml:5:24",
        "missing-key rules/a.toml:1:1",
        "unknown-key rules/a.toml:1:1",
        "type-never-matches rules/a.toml:6:28",
        "unknown-template rules/a.toml:8:9",
        "missing-template-part rules/a.toml:10:14",
    ];
    assert_eq!(found(&reading), expected, "{:#?}", reading.problems);
}

#[test]
fn a_property_is_refused_where_it_is_written() {
    let variables = [("OUTREACH__KAFKA__PROPERTIES__FETCH_QUUE", "hunter2")];
    let (dir, mut reading) = read(&whole(), &variables);
    for name in [Some("fetch.wait.max.ms"), Some("fetch.quue"), None] {
        reading.refuse_property(name, "no good", "mend it");
    }
    let places = found(&reading);
    let line =
        |part: &str| super::tests::SETTINGS.lines().position(|line| line.contains(part)).expect("a line") + 1;
    let expected = [
        "kafka-property environment:1:22".to_owned(),
        format!("kafka-property outreach.toml:{}:8", line("[kafka.properties]")),
        format!("kafka-property outreach.toml:{}:1", line("fetch.wait.max.ms")),
    ];
    assert_eq!(places, expected);
    let shown = &reading.texts["environment"];
    assert!(shown.contains("\"fetch.quue\" = \"*******\" # OUTREACH__"), "it may be a password: {shown}");
    let mut plain = Project::read(dir.path(), &Environment::default());
    plain.refuse_property(Some("nobody.wrote.it"), "no good", "mend it");
    assert_eq!(found(&plain), ["kafka-property outreach.toml:1:1"]);
}
