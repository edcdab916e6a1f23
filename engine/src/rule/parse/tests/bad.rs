//! Bad rules: the code of each problem and its place.

use super::{known, parse, printed, problems, with_more, with_trigger, with_where};
use crate::rule::diagnostic::Code;

/// Each row is a rule and all its problems, as `code line:column`.
fn check_rows(rows: &[(&str, String, &[&str])]) {
    for (id, text, expected) in rows {
        let found = problems(id, text);
        let printed = printed(text, &found);
        let found: Vec<_> =
            printed.lines().map(|line| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(&found, expected, "{text}\n{printed}");
    }
}

#[test]
fn a_file_that_is_no_toml_or_no_id_says_where() {
    check_rows(&[
        (
            "rule",
            "name = \"R\ntopic = \"x\"\n[trigger\n".to_owned(),
            &["toml-syntax 1:10", "toml-syntax 3:9"],
        ),
        ("Rule_1", with_more(""), &["bad-id 1:1"]),
        ("", with_more(""), &["bad-id 1:1"]),
    ]);
}

#[test]
fn missing_and_unknown_keys_and_wrong_types_are_all_said_at_once() {
    check_rows(&[
        (
            "rule",
            "nam = \"R\"\n".to_owned(),
            &["missing-key 1:1", "missing-key 1:1", "missing-key 1:1", "unknown-key 1:1"],
        ),
        (
            "rule",
            "name = 1\ntags = \"a\"\npriority = \"high\"\n[trigger]\nevent = 3\n[[step]]\nwait = 5\n"
                .to_owned(),
            &["wrong-type 1:8", "wrong-type 2:8", "wrong-type 3:12", "wrong-type 5:9", "bad-length 7:8"],
        ),
        (
            "rule",
            with_trigger("event = \"A\"\nwithout = \"B\"\nwitin = \"1 day\""),
            &["contradictory-form 5:1", "unknown-key 6:1"],
        ),
        ("rule", with_trigger("where = { \"properties.x\" = 1 }"), &["missing-key 3:1"]),
        ("rule", with_more("[audience]\n"), &["missing-key 7:1"]),
        ("rule", with_more("[exit]\n"), &["missing-key 7:1"]),
        ("rule", with_more("[[step]]\nname = \"x\"\n"), &["missing-key 7:1"]),
    ]);
}

#[test]
fn every_missing_key_is_told_with_how_it_is_written() {
    let texts = [
        "".to_owned(),
        with_trigger("where = { \"properties.x\" = 1 }"),
        with_trigger("event = \"A\"\nwithin = \"1 day\"\nwithout = { where = { \"properties.x\" = 1 } }"),
        with_more("[audience]\n"),
        with_more("[exit]\n"),
        with_more("[[step]]\nname = \"x\"\n"),
    ];
    let found: Vec<_> = texts.iter().flat_map(|text| problems("rule", text)).collect();
    let missing: Vec<_> = found.iter().filter(|problem| problem.code == Code::MissingKey).collect();
    assert_eq!(missing.len(), 8, "{found:#?}");
    for problem in missing {
        assert!(problem.help.as_ref().is_some_and(|help| help.starts_with("add ")), "{problem:#?}");
    }
}

#[test]
fn a_rule_of_waits_alone_is_a_warning() {
    let with_steps = |steps: &str| {
        let text = format!("name = \"R\"\n[trigger]\nevent = \"A\"\n{steps}");
        let (_, warnings) = parse("rule", "rules/rule.toml", &text, &known()).expect("a sound rule");
        printed(&text, &warnings)
    };
    let waits = with_steps("[[step]]\nwait = \"1 day\"\n[[step]]\nwait = \"2 days\"\n");
    assert!(waits.starts_with("sends-nothing 6:1 "), "{waits}");
    assert_eq!(with_steps("[[step]]\nwait = \"1 day\"\n[[step]]\nin_product = \"card\"\n"), "");
    let test = "[[step]]\nif = { \"traits.x\" = 1 }\n";
    let none = with_steps(&format!("{test}then = [ {{ wait = \"1 day\" }}, {{ exit = true }} ]\n"));
    assert!(none.starts_with("sends-nothing 4:1 "), "{none}");
    assert_eq!(with_steps(&format!("{test}then = [ {{ in_product = \"card\" }} ]\n")), "");
    assert_eq!(with_steps("[[step]]\nset = { x = 1 }\n"), "", "another rule may look at it");
}

#[test]
fn a_misspelt_key_has_a_suggestion() {
    let found = problems("rule", &with_trigger("event = \"A\"\nwithout = \"B\"\nwitin = \"1 day\""));
    let unknown = found.iter().find(|problem| problem.code == Code::UnknownKey).expect("an unknown key");
    assert_eq!(unknown.message, "unknown key `witin` in `trigger`");
    assert_eq!(unknown.help.as_deref(), Some("did you mean `within`?"));
}

#[test]
fn after_a_count_the_short_form_of_without_is_told_the_long_one() {
    let trigger = "event = \"A\"\ncount = 3\nwithin = \"1 h\"\nwithout = \"B\"";
    let found = problems("rule", &with_trigger(trigger));
    assert_eq!(found[0].message, "with `count`, `within` is the count's: `without` needs one of its own");
    assert_eq!(found[0].help.as_deref(), Some("write without = { event = \"B\", within = \"3 days\" }"));
}

#[test]
fn a_key_in_the_wrong_table_is_told_where_it_stands() {
    let help = |text: &str| problems("rule", text)[0].help.clone().unwrap_or_default();
    assert_eq!(
        help(&with_more("[limits]\nstatus = \"off\"\n")),
        "`status` stands at the top, above the first [table]"
    );
    assert_eq!(help(&with_trigger("event = \"A\"\nlate = \"1 day\"")), "`late` stands in [limits]");
}

#[test]
fn values_that_mean_nothing_are_refused() {
    check_rows(&[
        (
            "rule",
            "name = \" \"\nstatus = \"on\"\n[trigger]\nevent = \"A\"\n[[step]]\nin_product = \"../x\"\n"
                .to_owned(),
            &["bad-value 1:8", "bad-value 2:10", "bad-value 6:14"],
        ),
        (
            "rule",
            with_trigger("event = \"A\"\ncount = 0\nwithin = \"1 month\""),
            &["bad-value 5:9", "bad-length 6:10"],
        ),
        (
            "rule",
            with_more("[goal]\nevent = \"B\"\nwithin = \"0 days\"\nholdout = \"100%\"\n"),
            &["bad-length 9:10", "bad-value 10:11"],
        ),
        ("rule", with_more("[goal]\nholdout = \"0%\"\n"), &["bad-value 8:11"]),
        (
            "rule",
            with_more("[limits]\nonce_per = \"3 dayz\"\nlate = \"soon\"\ngrace = \"-1 min\"\n"),
            &["bad-length 8:12", "bad-length 9:8", "bad-length 10:9"],
        ),
        ("rule", with_more("[limits]\nlate = \"7 days\"\ngrace = \"2 days\"\n"), &["bad-length 9:9"]),
        ("rule", "name = \"R\"\nstep = []\n[trigger]\nevent = \"A\"\n".to_owned(), &["bad-value 2:8"]),
    ]);
    let found = problems("rule", &with_trigger("event = \"A\"\ncount = 3\nwithin = \"3 dayz\""));
    assert_eq!(found[0].message, "expected a length such as \"3 days\", found \"3 dayz\"");
}

#[test]
fn bad_tests_of_a_condition_are_refused_where_they_stand() {
    let row = |tests: &str, expected: &'static [&'static str]| ("rule", with_where(tests), expected);
    check_rows(&[
        row("", &["bad-value 5:9"]),
        row("plan = 1", &["bad-path 5:11"]),
        row("\"properties.\" = 1", &["bad-path 5:11"]),
        row("properties.plan = 1", &["bad-path 5:11"]),
        row("\"properties.x\" = {}", &["bad-value 5:28"]),
        row("\"properties.x\" = { gtee = 1 }", &["unknown-key 5:30"]),
        row("\"properties.x\" = { gt = true }", &["wrong-type 5:35"]),
        row("\"properties.x\" = { gt = \"10\" }", &["bad-value 5:35"]),
        row("\"properties.x\" = { gt = 2026-03-02 }", &["bad-value 5:35"]),
        row("\"properties.x\" = { gt = \"2026-03-02T10:00:00\" }", &["bad-value 5:35"]),
        row("\"properties.x\" = { gt = \"now 7 days\" }", &["bad-value 5:35"]),
        row("\"properties.x\" = { gt = \"now - 1 month\" }", &["bad-length 5:35"]),
        row("\"properties.x\" = { gt = nan }", &["bad-value 5:35"]),
        row("\"properties.x\" = 2026-03-02T10:00:00Z", &["wrong-type 5:28"]),
        row("\"properties.x\" = { between = [2, 1] }", &["bad-value 5:40"]),
        row("\"properties.x\" = { between = [1, \"now\"] }", &["bad-value 5:40"]),
        row("\"properties.x\" = { between = [1] }", &["bad-value 5:40"]),
        row("\"properties.x\" = { in = [] }", &["bad-value 5:35"]),
        row("\"properties.x\" = { in = 3 }", &["wrong-type 5:35"]),
        row("\"properties.x\" = { starts_with = 3 }", &["wrong-type 5:44"]),
        row("\"properties.x\" = { exists = \"yes\" }", &["wrong-type 5:39"]),
        row("\"properties.x\" = { matches = \"(\" }", &["bad-regex 5:40"]),
        row("\"properties.x\" = { matches = '(a)\\1' }", &["bad-regex 5:40"]),
        row("any = []", &["bad-value 5:17"]),
        row("any = [{ x = 1 }, { \"properties.y\" = { gt = [] } }]", &["bad-path 5:20", "wrong-type 5:55"]),
    ]);
    let long = "x".repeat(513);
    check_rows(&[(
        "rule",
        with_where(&format!("\"properties.x\" = {{ matches = \"{long}\" }}")),
        &["bad-regex 5:40"],
    )]);
}

#[test]
fn bad_questions_about_the_past_are_refused_where_they_stand() {
    let row = |did: &str, expected: &'static [&'static str]| {
        ("rule", with_more(&format!("[audience]\nwhere = {{ did = {did} }}\n")), expected)
    };
    check_rows(&[
        row("\"A\"", &["wrong-type 8:17"]),
        row("{ where = { \"properties.x\" = 1 } }", &["missing-key 8:17"]),
        row("{ event = \"A\", witin = \"1 day\" }", &["unknown-key 8:32"]),
        row("{ event = \"A\", within = \"1 month\" }", &["bad-length 8:41"]),
        row("{ event = \"A\", count = -1 }", &["bad-value 8:40"]),
        row("{ event = \"A\", count = { gte = 1001 } }", &["bad-value 8:48"]),
        row("{ event = \"A\", count = {} }", &["bad-value 8:40"]),
        row("{ event = \"A\", count = { gte = 0 } }", &["bad-value 8:40"]),
        row("{ event = \"A\", count = { lt = 0 } }", &["bad-value 8:40"]),
        row("{ event = \"A\", count = { gt = 3, lt = 4 } }", &["bad-value 8:40"]),
        row("{ event = \"A\", count = { between = [3] } }", &["bad-value 8:52"]),
        row("{ event = \"A\", where = { did = { event = \"B\" } } }", &["contradictory-form 8:42"]),
    ]);
    check_rows(&[
        (
            "rule",
            with_trigger("event = \"A\"\nwhere = { did_not = { event = \"B\" } }"),
            &["contradictory-form 5:11"],
        ),
        (
            "rule",
            with_more("[goal]\nevent = \"B\"\nwhere = { did = { event = \"B\" } }\n"),
            &["contradictory-form 9:11"],
        ),
    ]);
}

#[test]
fn what_a_rule_expects_of_itself_is_checked() {
    check_rows(&[
        ("rule", with_more("[expect]\n"), &["missing-key 7:1"]),
        ("rule", with_more("[expect]\nper_day = {}\n"), &["missing-key 8:11"]),
        ("rule", with_more("[expect]\nper_day = { min = 5, max = 4 }\n"), &["bad-value 8:11"]),
        ("rule", with_more("[limits]\nmax_per_hour = 0\n"), &["bad-value 8:16"]),
        ("rule", with_more("[goal]\nwhere = { \"properties.x\" = 1 }\n"), &["contradictory-form 8:1"]),
    ]);
}

#[test]
fn an_exit_about_the_person_reads_traits_alone() {
    check_rows(&[
        ("rule", with_more("[exit]\nwhere = { \"event.name\" = \"B\" }\n"), &["bad-path 8:11"]),
        ("rule", with_more("[exit]\nany = [{ where = { \"properties.x\" = 1 } }]\n"), &["bad-path 8:20"]),
    ]);
}

#[test]
fn keys_that_do_not_go_together_are_contradictory() {
    let row = |trigger: &str, expected: &'static [&'static str]| ("rule", with_trigger(trigger), expected);
    check_rows(&[
        row("event = \"A\"\ncount = 3", &["contradictory-form 5:1"]),
        row("event = \"A\"\nwithin = \"1 day\"", &["contradictory-form 5:1"]),
        row("event = \"A\"\nwithout = \"B\"", &["contradictory-form 5:1"]),
        row("event = \"A\"\nwithout = { event = \"B\" }", &["contradictory-form 5:1"]),
        row("event = \"A\"\nrepeat = \"restart\"", &["contradictory-form 5:1"]),
        row(
            "event = \"A\"\nwithin = \"1 h\"\nwithout = { event = \"B\", within = \"1 h\" }",
            &["contradictory-form 6:26"],
        ),
        row(
            "event = \"A\"\nwithin = \"1 h\"\nwithout = { event = \"B\", key = \"properties.x\" }",
            &["contradictory-form 6:26"],
        ),
        row("event = \"A\"\ncount = 3\nwithin = \"1 h\"\nwithout = \"B\"", &["contradictory-form 7:1"]),
        row(
            "event = \"A\"\ncount = 3\nwithin = \"1 h\"\nwithout = { event = \"B\" }",
            &["contradictory-form 7:1"],
        ),
        row(
            "event = \"A\"\ncount = 3\nwithout = { event = \"B\", within = \"1 h\" }",
            &["contradictory-form 5:1"],
        ),
    ]);
    check_rows(&[
        (
            "rule",
            with_more("[exit]\nevent = \"B\"\nany = [{ event = \"C\" }]\n"),
            &["contradictory-form 8:1"],
        ),
        (
            "rule",
            with_more("[exit]\nwhere = { \"traits.x\" = 1 }\nkey = \"properties.x\"\n"),
            &["contradictory-form 9:1"],
        ),
        ("rule", with_more("[goal]\nwithin = \"1 day\"\n"), &["contradictory-form 8:1"]),
        ("rule", with_more("[limits]\nlate = \"1 hour\"\ngrace = \"1 hour\"\n"), &["contradictory-form 9:9"]),
        ("rule", with_more("[[step]]\nwait = \"1 day\"\nemail = \"x\"\n"), &["contradictory-form 8:1"]),
        ("rule", with_more("[[step]]\nwait = \"1 day\"\ntopic = \"probe\"\n"), &["contradictory-form 9:1"]),
    ]);
}

#[test]
fn a_trigger_has_one_form_and_keys_of_that_form_alone() {
    let row = |trigger: &str, expected: &'static [&'static str]| ("rule", with_trigger(trigger), expected);
    check_rows(&[
        row("event = \"A\"\nenters = { \"traits.x\" = 1 }", &["contradictory-form 5:1"]),
        row("enters = { \"traits.x\" = 1 }\nleaves = { \"traits.x\" = 1 }", &["contradictory-form 5:1"]),
        row(
            "enters = { \"traits.x\" = 1 }\ncount = 3\nkey = \"properties.x\"",
            &["contradictory-form 5:1", "contradictory-form 6:1"],
        ),
        row("leaves = { \"traits.x\" = 1 }\nbackfill = true", &["contradictory-form 5:1"]),
        row("event = \"A\"\nbackfill = true", &["contradictory-form 5:1"]),
    ]);
    let found = problems("rule", &with_trigger("event = \"A\"\nbackfill = true"));
    assert_eq!(
        found[0].message,
        "`backfill` does not go with `event`: it belongs to `inactive_for` or `enters`"
    );
}

#[test]
fn a_sequence_has_several_events_and_a_window_of_its_own() {
    let row = |trigger: &str, expected: &'static [&'static str]| ("rule", with_trigger(trigger), expected);
    let many = vec!["\"A\""; 17].join(", ");
    check_rows(&[
        row("sequence = [\"A\", \"B\"]", &["contradictory-form 4:1"]),
        row("sequence = [\"A\"]\nwithin = \"1 h\"", &["bad-value 4:12"]),
        row(&format!("sequence = [{many}]\nwithin = \"1 h\""), &["bad-value 4:12"]),
        row("sequence = [\"A\", 3]\nwithin = \"1 h\"", &["wrong-type 4:18"]),
        row("sequence = \"A\"\nwithin = \"1 h\"", &["wrong-type 4:12"]),
        row(
            "sequence = [\"A\", { evnt = \"B\" }]\nwithin = \"1 h\"",
            &["missing-key 4:18", "unknown-key 4:20"],
        ),
        row(
            "sequence = [\"A\", { event = \"B\", key = \"properties.x\" }]\nwithin = \"1 h\"",
            &["contradictory-form 4:33"],
        ),
        row("sequence = [\"A\", \"B\"]\nwithin = \"1 h\"\nwithout = \"C\"", &["contradictory-form 6:1"]),
        row("sequence = [\"A\", \"B\"]\nwithin = \"1 h\"\ncount = 2", &["contradictory-form 6:1"]),
    ]);
    let short = with_trigger("sequence = [\"A\", \"B\"]\nwithin = \"1 h\"\nwithout = \"C\"");
    assert_eq!(
        problems("rule", &short)[0].message,
        "with `sequence`, `within` is the sequence's: `without` needs one of its own"
    );
}

#[test]
fn an_inactivity_names_events_or_none_and_a_key_needs_them() {
    let row = |trigger: &str, expected: &'static [&'static str]| ("rule", with_trigger(trigger), expected);
    check_rows(&[
        row("inactive_for = \"soon\"", &["bad-length 4:16"]),
        row("inactive_for = \"0 days\"", &["bad-length 4:16"]),
        row("inactive_for = \"1 day\"\nevents = []", &["bad-value 5:10"]),
        row("inactive_for = \"1 day\"\nevents = \"A\"", &["wrong-type 5:10"]),
        row("inactive_for = \"1 day\"\nor_never = 1", &["wrong-type 5:12"]),
        row("inactive_for = \"1 day\"\nkey = \"properties.x\"", &["contradictory-form 5:1"]),
        row(
            "inactive_for = \"1 day\"\nevents = [\"A\"]\nkey = \"properties.x\"\nor_never = true",
            &["contradictory-form 7:1"],
        ),
        row("inactive_for = \"1 day\"\nwithin = \"1 day\"", &["contradictory-form 5:1"]),
        row("event = \"A\"\nevents = [\"B\"]", &["contradictory-form 5:1"]),
    ]);
}

#[test]
fn a_segment_is_about_the_person_and_no_clock() {
    let row = |trigger: &str, expected: &'static [&'static str]| ("rule", with_trigger(trigger), expected);
    check_rows(&[
        row("enters = { \"properties.x\" = 1 }", &["bad-path 4:12"]),
        row("enters = {}", &["bad-value 4:10"]),
        row("enters = { \"traits.at\" = { lt = \"now - 7 days\" } }", &["contradictory-form 4:10"]),
        row(
            "leaves = { any = [{ \"traits.at\" = { between = [\"now - 7 days\", \"now\"] } }] }",
            &["contradictory-form 4:10"],
        ),
    ]);
    let found = problems("rule", &with_trigger("enters = { \"traits.at\" = { lt = \"now\" } }"));
    let help = found[0].help.as_deref().unwrap_or_default();
    assert!(help.starts_with("say the date with date = "), "{help}");
}

#[test]
fn names_topics_and_permissions_are_checked() {
    check_rows(&[
        ("rule", with_more("[[step]]\nwait = \"1 day\"\nname = \"probe\"\n"), &["duplicate-step-name 9:8"]),
        ("rule", with_more("[[step]]\nemail = \"x\"\ntopic = \"onbording\"\n"), &["unknown-topic 9:9"]),
        (
            "rule",
            with_more("[[step]]\nemail = \"x\"\ntransactional = true\n"),
            &["transactional-not-allowed 9:17"],
        ),
        (
            "rule",
            "name = \"R\"\n[trigger]\nevent = \"A\"\n[[step]]\nemail = \"x\"\n".to_owned(),
            &["topic-required 5:1"],
        ),
    ]);
}

#[test]
fn what_the_language_has_and_this_version_has_not_is_not_built_yet() {
    check_rows(&[("rule", with_more("[[step]]\nwebhook = \"crm\"\n"), &["not-built-yet 8:1"])]);
}

#[test]
fn what_a_rule_says_of_its_neighbours_and_its_past_is_checked() {
    check_rows(&[
        ("rule", with_more("[limits]\nmutes = { tags = [], for = \"1 day\" }\n"), &["bad-value 8:18"]),
        ("rule", with_more("[limits]\nmutes = { tags = [\"x\"] }\n"), &["missing-key 8:9"]),
        ("rule", format!("formerly = \"Old\"\n{}", with_more("")), &["bad-id 1:12"]),
        ("rule", format!("formerly = \"rule\"\n{}", with_more("")), &["contradictory-form 1:12"]),
        ("rule", format!("on_change = \"stay\"\n{}", with_more("")), &["bad-value 1:13"]),
    ]);
}

#[test]
fn steps_that_hold_lists_are_one_thing_and_whole() {
    let row = |steps: &str, expected: &'static [&'static str]| {
        ("rule", with_more(&format!("[[step]]\n{steps}\n")), expected)
    };
    let test = "if = { \"traits.x\" = 1 }";
    check_rows(&[
        row("wait = \"1 day\"\nthen = []", &["contradictory-form 9:1"]),
        row("email = \"x\"\nelse = []", &["contradictory-form 9:1"]),
        row(test, &["contradictory-form 8:1"]),
        row(&format!("{test}\nthen = {{ exit = true }}"), &["wrong-type 9:8"]),
        row(&format!("{test}\nthen = []\ntopic = \"probe\""), &["contradictory-form 10:1"]),
        row(
            &format!("{test}\nthen = [ {{ wait = \"soon\" }}, {{ emial = \"x\" }} ]"),
            &["bad-length 9:19", "missing-key 9:29", "unknown-key 9:31"],
        ),
        row(
            &format!("{test}\nthen = [ {{ in_product = \"a\", name = \"probe\" }} ]"),
            &["duplicate-step-name 9:37"],
        ),
        row("if = { \"trait.x\" = 1 }\nthen = []", &["bad-path 8:8"]),
        row("split = []", &["bad-value 8:9"]),
        row(
            "split = [ { weight = 0, steps = [] }, { steps = [] } ]",
            &["bad-value 8:22", "missing-key 8:39"],
        ),
        row(
            "split = [ { weight = 1 }, { weight = 1, steps = [], wieght = 2 } ]",
            &["missing-key 8:11", "unknown-key 8:53"],
        ),
        row("set = {}", &["bad-value 8:7"]),
        row("set = { \"a b\" = 1, x = { y = 1 } }", &["bad-path 8:9", "wrong-type 8:24"]),
        row("wait_until = { event = \"B\" }", &["missing-key 8:14"]),
        row(
            "wait_until = { timeout = \"1 day\", key = \"properties.x\" }",
            &["missing-key 8:14", "contradictory-form 8:35"],
        ),
        row(
            "wait_until = { event = \"B\", timeout = \"0 days\", wehre = {} }\ntopic = \"probe\"",
            &["bad-length 8:39", "unknown-key 8:49", "contradictory-form 9:1"],
        ),
        row("wait_for = \"9:00\"", &["bad-value 8:12"]),
        row("wait_for = \"09:00\"\nthen = []", &["contradictory-form 9:1"]),
        row("exit = false", &["bad-value 8:8"]),
        row("exit = true\nset = { x = 1 }", &["contradictory-form 8:1"]),
    ]);
}

#[test]
fn lists_nest_eight_deep_and_a_rule_has_two_hundred_steps_at_most() {
    let nested = |depth: usize| {
        let open = "{ if = { \"traits.x\" = 1 }, then = [ ".repeat(depth);
        let steps =
            format!("[[step]]\nif = {{ \"traits.x\" = 1 }}\nthen = [ {open}{} ]\n", " ] }".repeat(depth));
        parse("rule", "rules/rule.toml", &with_more(&steps), &known()).is_ok()
    };
    assert!(nested(7) && !nested(8));
    let many = |count: usize| {
        let text = with_more(&"[[step]]\nwait = \"1 day\"\n".repeat(count));
        parse("rule", "rules/rule.toml", &text, &known()).is_ok()
    };
    assert!(many(199) && !many(200));
}
