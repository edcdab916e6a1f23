//! What each check tells, and what it lets be.

use crate::project::tests::{found, read, whole};

/// A rule with these lines between its name and its step, as `code line:column`.
fn told(lines: &str) -> Vec<String> {
    told_of(&format!("name = \"R\"\n{lines}\n[[step]]\nin_product = \"card\"\n"))
}

fn told_of(rule: &str) -> Vec<String> {
    let mut files = whole();
    files.extend([
        ("rules/r.toml", rule),
        ("templates/card/in_product.toml", "title = \"Hi\"\nbody = \"There\"\n"),
        ("templates/card/sample.json", "{}"),
    ]);
    let (_dir, reading) = read(&files, &[]);
    let of_rule = found(&reading).into_iter().filter(|line| line.contains("rules/r.toml"));
    of_rule.map(|line| line.replace("rules/r.toml:", "")).collect()
}

fn told_of_where(tests: &str) -> Vec<String> {
    let told = told(&format!("[trigger]\nevent = \"A\"\nwhere = {{ {tests} }}"));
    told.into_iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn tests_that_no_value_passes_are_told() {
    for tests in [
        "\"properties.n\" = { gt = 10, lt = 5 }",
        "\"properties.n\" = { gt = 10, lte = 10 }",
        "\"properties.n\" = { gte = 10, lte = 10, not = 10 }",
        "\"properties.n\" = { in = [1, 2], gt = 2 }",
        "\"properties.n\" = { between = [1, 5], gt = 5 }",
        "\"properties.p\" = { in = [\"a\", \"b\"], not_in = [\"a\", \"b\"] }",
        "\"properties.p\" = { not = \"a\", in = [\"a\"] }",
        "\"properties.p\" = { exists = false, starts_with = \"a\" }",
        "\"properties.p\" = { starts_with = \"a\", contains = \"b\", in = [\"ac\", \"b\"] }",
        "\"properties.p\" = { matches = \"^[0-9]+$\", in = [\"a\"] }",
        "\"properties.at\" = { gt = \"2026-03-02T10:00:00Z\", lt = \"2026-03-01T10:00:00Z\" }",
        "\"properties.at\" = { lt = \"now - 7 days\", gt = \"now\" }",
        "\"properties.p\" = \"a\", none = [ { \"properties.p\" = \"a\" } ]",
        "\"properties.p\" = \"a\", all = [ { \"properties.p\" = \"b\" } ]",
        "\"properties.p\" = \"a\", any = [ { \"properties.p\" = \"b\" }, { \"properties.p\" = \"c\" } ]",
        "\"event.name\" = \"B\"",
        "\"properties.p\" = true, any = [ { \"properties.p\" = false } ]",
    ] {
        assert_eq!(told_of_where(tests), ["never-true"], "{tests}");
    }
}

#[test]
fn tests_that_some_value_passes_are_let_be() {
    for tests in [
        "\"properties.n\" = { gte = 10, lte = 10 }",
        "\"properties.n\" = { gt = 5, lt = 10, not = 7 }",
        "\"properties.p\" = { not = \"a\", exists = false }",
        "\"properties.p\" = { starts_with = \"a\", ends_with = \"b\", contains = \"c\" }",
        "\"properties.p\" = { starts_with = \"ab\", matches = \"^a\" }",
        "\"properties.at\" = { gt = \"now - 7 days\", lt = \"now\" }",
        "\"properties.at\" = { gt = \"2026-03-02T10:00:00Z\", starts_with = \"2026\" }",
        "\"properties.p\" = { in = [\"a\", \"b\"], not = \"a\" }",
        "any = [ { \"properties.p\" = \"a\" }, { \"properties.q\" = { not = \"b\" } } ]",
        "none = [ { \"properties.p\" = \"a\", \"properties.q\" = \"b\" } ], \"properties.p\" = \"a\"",
        "\"event.name\" = \"A\"",
        "\"properties.list\" = { contains = \"a\" }, all = [ { \"properties.list\" = { contains = \"b\" } } ]",
    ] {
        assert_eq!(told_of_where(tests), [""; 0], "{tests}");
    }
}

#[test]
fn one_branch_that_never_holds_is_told_at_its_value_and_a_group_that_always_does_at_its_key() {
    let trigger = |tests: &str| told(&format!("[trigger]\nevent = \"A\"\nwhere = {{ {tests} }}"));
    assert_eq!(
        trigger("\"properties.p\" = \"a\", any = [ { \"properties.p\" = \"b\" }, { \"properties.q\" = 1 } ]"),
        ["never-true 4:60"]
    );
    assert_eq!(
        trigger("any = [ { \"properties.p\" = { not = \"a\" } }, { \"properties.p\" = { not = \"b\" } } ]"),
        ["always-true 4:11"]
    );
    assert_eq!(
        trigger(
            "any = [ { \"properties.p\" = { exists = true } }, { \"properties.p\" = { exists = false } } ]"
        ),
        ["always-true 4:11"]
    );
}

#[test]
fn the_audience_is_held_against_the_trigger_as_long_as_nothing_can_have_changed() {
    let audience = "[audience]\nwhere = { \"traits.plan\" = \"b\", \"properties.p\" = \"y\" }";
    let at_event = "[trigger]\nevent = \"A\"\nwhere = { \"traits.plan\" = \"a\" }\n";
    let waiting = "without = \"B\"\nwithin = \"3 days\"\n";
    assert_eq!(told(&format!("{at_event}{audience}")), ["never-true 6:27"]);
    assert_eq!(told(&format!("{at_event}{waiting}{audience}")), [""; 0], "who waits may change");
    let of_record = "[trigger]\nevent = \"A\"\nwhere = { \"properties.p\" = \"x\" }\n";
    assert_eq!(told(&format!("{of_record}{waiting}{audience}")), ["never-true 8:49"], "the record does not");
}

#[test]
fn what_is_asked_of_the_past_is_looked_at_too() {
    let audience = |did: &str| told(&format!("[trigger]\nevent = \"A\"\n[audience]\nwhere = {{ {did} }}"));
    assert_eq!(
        audience("did = { event = \"B\", where = { \"properties.n\" = { gt = 5, lt = 2 } } }"),
        ["never-true 5:74"]
    );
    // The record that is judged is another one.
    assert_eq!(
        audience("\"properties.n\" = 1, did = { event = \"B\", where = { \"properties.n\" = 2 } }"),
        [""; 0]
    );
}

#[test]
fn a_length_that_is_too_short_for_what_stands_beside_it_is_told() {
    let trigger = "[trigger]\nevent = \"A\"\n";
    // The quiet hours are 21:00 to 08:00.
    assert_eq!(told(&format!("{trigger}[limits]\nlate = \"10 hours\"")), ["late-in-quiet-hours 5:8"]);
    assert_eq!(told(&format!("{trigger}[limits]\nlate = \"11 hours\"")), [""; 0]);
    let steps = "[[step]]\nwait = \"3 days\"\n[[step]]\nwait = \"5 days\"\n[[step]]\nin_product = \"card\"\n";
    let goal = |within: &str| {
        told_of(&format!("name = \"R\"\n{trigger}[goal]\nevent = \"B\"\nwithin = \"{within}\"\n{steps}"))
    };
    assert_eq!(goal("7 days"), ["goal-before-last-step 6:10"]);
    assert_eq!(goal("8 days"), [""; 0]);
}

#[test]
fn slips_are_told_where_tests_or_samples_know_better() {
    let test = "[[test]]\nname = \"x\"\nexpect = []\ngiven = [ { at = \"2026-03-02T10:00Z\", user = \"a\", \
                track = \"Signed Up\", properties = { plan = \"trial\", seats = 1 } } ]\n";
    let told = |event: &str, tests: &str| {
        let rule = format!(
            "name = \"R\"\n[trigger]\nevent = \"{event}\"\nwhere = {{ {tests} }}\n[[step]]\nin_product = \"card\"\n"
        );
        let mut files = whole();
        files.extend([
            ("rules/r.toml", rule.as_str()),
            ("rules/r.test.toml", test),
            ("templates/card/in_product.toml", "title = \"Hi\"\nbody = \"There\"\n"),
            ("templates/card/sample.json", "{}"),
        ]);
        found(&read(&files, &[]).1)
    };
    let slip = |column: &str| vec![format!("likely-slip rules/r.toml:{column}")];
    assert_eq!(told("Signed Up", "\"properties.plan\" = \"trial\""), [""; 0]);
    assert_eq!(told("SignedUp", "\"properties.plan\" = \"trial\""), slip("3:9"));
    assert_eq!(told("Singed Up", "\"properties.plan\" = \"trial\""), slip("3:9"));
    assert_eq!(told("Signed Up", "\"properties.paln\" = \"trial\""), slip("4:31"));
    assert_eq!(told("Signed Up", "\"properties.plan\" = { in = [\"trail\", \"team\"] }"), slip("4:38"));
    assert_eq!(told("Signed Out", "\"properties.plan\" = \"team\""), [""; 0], "other words are other things");
    assert_eq!(
        told("Signed Up", "\"properties.country\" = \"FR\""),
        [""; 0],
        "what no test shows may be there"
    );
}
