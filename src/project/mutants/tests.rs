use super::mutants;
use crate::project::from_bundle;

const TOP: &str = "name = \"R\"\n";
const STEP: &str = "[[step]]\nin_product = \"card\"\n";

/// What is changed, each with its line.
fn changes(rule: &str) -> Vec<(usize, String)> {
    let files = serde_json::json!({ "outreach.toml": "", "rules/r.toml": rule });
    let (_, parts) = from_bundle(files.to_string().as_bytes()).expect("a good rule");
    mutants(&parts, "r").into_iter().map(|mutant| (mutant.line, mutant.change)).collect()
}

fn has(found: &[(usize, String)], line: usize, change: &str) -> bool {
    found.iter().any(|(at, text)| *at == line && text == change)
}

#[test]
fn windows_and_counts_are_a_little_longer_and_a_little_shorter() {
    let rule = format!("{TOP}[trigger]\nevent = \"Payment Failed\"\ncount = 3\nwithin = \"1 day\"\n{STEP}");
    let found = changes(&rule);
    for change in [
        "within \"1 day\" is \"1 day 1 second\"",
        "within \"1 day\" is \"23 hours 59 minutes 59 seconds\"",
        "within \"1 day\" is \"12 hours\"",
        "within \"1 day\" is \"2 days\"",
    ] {
        assert!(has(&found, 5, change), "{change} in {found:#?}");
    }
    assert!(has(&found, 4, "count 3 is 4") && has(&found, 4, "count 3 is 2"), "{found:#?}");
    assert!(has(&found, 3, "event \"Payment Failed\" is \"Payment Failed (never)\""), "{found:#?}");
}

#[test]
fn conditions_go_and_comparisons_turn() {
    let rule = format!(
        "{TOP}[trigger]\nevent = \"A\"\n[trigger.where]\n\"properties.plan\" = \"trial\"\n\"properties.seats\" = {{ gte = 10 }}\n{STEP}"
    );
    let found = changes(&rule);
    assert!(has(&found, 5, "properties.plan \"trial\" is gone"), "{found:#?}");
    assert!(has(&found, 5, "properties.plan \"trial\" is { not = \"trial\" }"), "{found:#?}");
    assert!(has(&found, 6, "gte 10 is gt") && has(&found, 6, "gte 10 is lte"), "{found:#?}");
    assert!(has(&found, 6, "gte 10 is 11") && has(&found, 6, "gte 10 is 9"), "{found:#?}");
}

#[test]
fn exits_audiences_absences_and_limits_go_as_a_whole() {
    let rule = format!(
        "{TOP}[trigger]\nevent = \"A\"\nwithout = \"B\"\nwithin = \"1 day\"\nrepeat = \"restart\"\n[audience]\nwhere = {{ \"traits.x\" = 1 }}\n[exit]\nevent = \"B\"\n[limits]\nonce_per = \"7 days\"\n{STEP}"
    );
    let found = changes(&rule);
    for (line, start) in [(4, "without "), (6, "repeat "), (7, "audience "), (9, "exit "), (12, "once_per ")]
    {
        let is_gone = |(at, text): &(usize, String)| {
            *at == line && text.starts_with(start) && text.ends_with(" is gone")
        };
        assert!(found.iter().any(is_gone), "{start} in {found:#?}");
    }
    assert!(has(&found, 12, "once_per \"7 days\" is \"always\""), "{found:#?}");
}

#[test]
fn steps_go_change_places_and_take_the_wrong_branch() {
    let rule = format!(
        "{TOP}[trigger]\nevent = \"A\"\n{STEP}[[step]]\nwait = \"1 day\"\n[[step]]\nif = {{ \"traits.x\" = 1 }}\nthen = [{{ in_product = \"b\" }}]\nelse = [{{ in_product = \"c\" }}]\n"
    );
    let found = changes(&rule);
    for change in
        ["steps 1 and 2 change places", "steps 2 and 3 change places", "then and else change places"]
    {
        assert!(found.iter().any(|(_, text)| text == change), "{change} in {found:#?}");
    }
    assert!(found.iter().any(|(_, text)| text.starts_with("step 2 is gone")), "{found:#?}");
    assert!(
        found.iter().any(|(_, text)| text.starts_with("else ") && text.ends_with("is gone")),
        "{found:#?}"
    );
}

#[test]
fn what_cannot_be_read_or_says_the_same_is_no_mutant() {
    // One step alone cannot go, and what is not live or has another name decides alike in a test.
    let rule = format!(
        "{TOP}owner = \"growth\"\nstatus = \"off\"\npriority = 3\n[trigger]\nevent = \"A\"\n[goal]\nevent = \"B\"\nwithin = \"1 day\"\n{STEP}"
    );
    let found = changes(&rule);
    assert_eq!(found, [(6, "event \"A\" is \"A (never)\"".to_owned())]);
}
