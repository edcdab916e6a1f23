//! The layout, by examples and over texts at random.

use super::*;
use proptest::prelude::*;

fn rule(text: &str) -> String {
    laid_out("rules/r.toml", text).expect("TOML")
}

#[test]
fn a_rule_is_laid_out_as_the_language_writes_it_and_comments_stay_with_what_they_are_about() {
    let untidy = "#:schema ../schema/rule.json\n# Growth owns this.\n\n\ntopic='onboarding'   # what they opt out of\nname=\"Stalled\"\n\
                  [[step]]\nemail=\"stalled\"\n  # Waits\n  [[step]]\nwait = \"2 days\"\n# When\n[trigger]\n\
                  within=\"3 days\"\nwithout = \"Project Created\"\nwhere={\"properties.plan\"=\"trial\",\"traits.n\"={in=[1,2,]}}\n\
                  # First\nevent=\"Signed Up\"\n\n\n# The end\n";
    let tidy = "#:schema ../schema/rule.json\n# Growth owns this.\n\nname = \"Stalled\"\ntopic = \"onboarding\"   # what they opt out of\n\n\
                # When\n[trigger]\n# First\nevent = \"Signed Up\"\n\
                where = { \"properties.plan\" = \"trial\", \"traits.n\" = { in = [1, 2] } }\nwithout = \"Project Created\"\n\
                within = \"3 days\"\n\n[[step]]\nemail = \"stalled\"\n\n# Waits\n[[step]]\nwait = \"2 days\"\n\n# The end\n";
    assert_eq!(rule(untidy), tidy);
    assert_eq!(rule(tidy), tidy);
}

#[test]
fn lists_over_several_lines_stay_so_an_element_a_line() {
    let untidy = "[[test]]\nexpect=[]\ngiven=[{at=\"x\"},   # one\n\n\n # two\n{ at = \"y\",user=\"a\" }\n# three\n]\nname='x'\n";
    let tidy = "[[test]]\nname = \"x\"\ngiven = [\n  { at = \"x\" },   # one\n\n  # two\n  { at = \"y\", user = \"a\" },\n  # three\n]\n\
                expect = []\n";
    let laid = |text: &str| laid_out("rules/r.test.toml", text).expect("TOML");
    assert_eq!(laid(untidy), tidy);
    assert_eq!(laid(tidy), tidy);
}

#[test]
fn settings_keep_their_order_and_a_comment_that_was_lined_up_its_place() {
    let text = "quiet_hours = \"21:00-08:00\"   # a\ntimezone = \"UTC\"            # b\n\n[caps]\nemail = [\"1 per day\"]\n";
    assert_eq!(laid_out("outreach.toml", text).expect("TOML"), text);
}

#[test]
fn what_is_no_toml_is_refused() {
    assert!(matches!(laid_out("rules/r.toml", "name = \"x\n"), Err(LayoutError::Syntax)));
}

#[test]
fn the_files_of_this_repository_are_laid_out() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for project in ["", "tests/data/mistakes/base/"] {
        let rules = std::fs::read_dir(root.join(project).join("rules")).expect("rules");
        let names =
            rules.map(|entry| format!("rules/{}", entry.expect("an entry").file_name().to_string_lossy()));
        for path in names.chain(["outreach.toml".to_owned()]) {
            let text = std::fs::read_to_string(root.join(project).join(&path)).expect("a text");
            assert_eq!(laid_out(&path, &text).expect("TOML"), text, "{project}{path}: run outreach fmt");
        }
    }
}

/// Space, comments and line ends that TOML allows between two lines.
fn between() -> impl Strategy<Value = String> {
    let line =
        prop_oneof![Just("\n"), Just("   \n"), Just("# a comment\n"), Just("\t# another  \n"), Just("#\n")];
    prop::collection::vec(line, 0..4).prop_map(|lines| lines.concat())
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1".to_owned()),
        Just("true".to_owned()),
        Just("2026-03-02T10:00:00Z".to_owned()),
        "'[a-z ]{0,6}'",
        "\"[a-z \\\\u00e9]{0,3}\"".prop_map(|_| "\"é \\\" x\"".to_owned()),
        Just("\"\"\"\nmany\nlines\"\"\"".to_owned()),
        Just("1_000.5".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let gap = || prop_oneof![Just(""), Just(" "), Just("  ")];
        let line = || prop_oneof![Just(""), Just(" "), Just("\n"), Just(" # note\n  "), Just("\n\n # x\n")];
        let list = (prop::collection::vec((line(), inner.clone()), 0..4), line(), any::<bool>());
        let list = list.prop_map(|(items, end, has_comma)| {
            let items: Vec<String> = items.iter().map(|(gap, item)| format!("{gap}{item}")).collect();
            let comma = if has_comma && !items.is_empty() { "," } else { "" };
            format!("[{}{comma}{end}]", items.join(","))
        });
        let table = prop::collection::vec((gap(), inner), 0..3).prop_map(|items| {
            let keys = ["a", "\"b.c\"", "'d'"];
            let items: Vec<String> = items
                .iter()
                .zip(keys)
                .map(|((gap, item), key)| format!("{gap}{key}{gap}={gap}{item}{gap}"))
                .collect();
            format!("{{{}}}", items.join(","))
        });
        prop_oneof![list, table]
    })
}

fn table(keys: &'static [&'static str]) -> impl Strategy<Value = String> {
    let line = (between(), value(), prop_oneof![Just(""), Just("  # behind"), Just(" ")]);
    let lines = prop::collection::vec(line, keys.len());
    (lines, Just(keys).prop_shuffle_keys(), between()).prop_map(|(lines, keys, end)| {
        let lines = lines
            .iter()
            .zip(keys)
            .map(|((before, value, behind), key)| format!("{before}{key}={value}{behind}\n"));
        lines.collect::<String>() + &end
    })
}

/// The keys in any order.
trait ShuffleKeys {
    fn prop_shuffle_keys(self) -> BoxedStrategy<Vec<&'static str>>;
}

impl ShuffleKeys for Just<&'static [&'static str]> {
    fn prop_shuffle_keys(self) -> BoxedStrategy<Vec<&'static str>> {
        Just(self.0.to_vec()).prop_shuffle().boxed()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_text_reads_as_before_keeps_its_comments_and_is_laid_out_once(
        top in table(&["topic", "name", "tags", "odd.key"]),
        trigger in table(&["within", "event", "where", "without"]),
        steps in prop::collection::vec(table(&["expires", "email"]), 0..3),
        sub in table(&["else", "event"]),
        is_test in any::<bool>(),
    ) {
        let steps: String = steps.iter().map(|step| format!("[[step]] # a step\n{step}")).collect();
        let text = format!("{top}{steps}[limits.mutes]\n{sub}[trigger]\n{trigger}");
        prop_assume!(toml::from_str::<toml::Table>(&text).is_ok());
        let path = if is_test { "rules/r.test.toml" } else { "rules/r.toml" };
        let once = laid_out(path, &text).expect("it reads as before");
        prop_assert_eq!(laid_out(path, &once).expect("it reads as before"), once.clone());
        let comments = |text: &str| {
            let mut found: Vec<String> = ["comment", "another", "behind", "note", "# x", "a step"].iter()
                .map(|word| format!("{word} {}", text.matches(word).count())).collect();
            found.sort();
            found
        };
        prop_assert_eq!(comments(&once), comments(&text));
    }
}
