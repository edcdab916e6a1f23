//! Whatever a file holds, reading it ends, and says why there is no rule at places that are in the file.

use super::known;
use crate::rule::parse;
use proptest::prelude::*;

const RULE: &str = "name = \"é\"\ntopic = \"probe\"\nstatus = \"live\"\n[trigger]\nevent = \"A\"\n\
    where = { \"properties.x\" = { gt = 1, in = [1, \"b\"] }, any = [{ \"traits.y\" = \"ü\" }] }\n\
    without = { event = \"B\", within = \"3 days\" }\n[audience]\nwhere = { \"traits.z\" = { matches = \"a+\" } }\n\
    [exit]\nany = [{ event = \"C\" }]\n[limits]\nonce_per = \"30 days\"\n[goal]\nholdout = \"10%\"\n\
    [[step]]\nemail = \"probe\"\non_cap = \"wait\"\n[[step]]\nwait = \"1 day\"\n\
    [[step]]\nif = { \"traits.z\" = 1 }\nthen = [ { exit = true } ]\nelse = [ { set = { a = \"ü\" } } ]\n\
    [[step]]\nwait_until = { event = \"B\", timeout = \"1 day\" }\nelse = []\n[[step]]\nwait_for = \"09:00\"\n\
    [[step]]\nsplit = [ { weight = 1, steps = [] }, { weight = 2, steps = [ { in_product = \"b\" } ] } ]\n";

fn check(text: &str) {
    if let Err(problems) = parse("rule", "rules/rule.toml", text, &known()) {
        assert!(problems.iter().any(|problem| problem.is_error()));
        for problem in problems {
            let span = problem.span.clone();
            assert!(
                text.get(span.clone()).is_some(),
                "{span:?} of {} bytes: {}",
                text.len(),
                problem.message
            );
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_a_rule_or_problems_inside_the_text(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn a_damaged_rule_is_a_rule_or_problems_inside_the_text(
        damages in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, "[a-zé\"\\[\\]{}=.,0-9 \n]{0,6}"), 1..4),
    ) {
        let mut text: Vec<char> = RULE.chars().collect();
        for (at, removed, put_in) in damages {
            let at = at.index(text.len() + 1);
            let end = (at + removed).min(text.len());
            text.splice(at..end, put_in.chars());
        }
        check(&text.into_iter().collect::<String>());
    }
}

#[test]
fn the_rule_that_is_damaged_is_sound_before() {
    super::good(RULE);
}

#[test]
fn a_file_that_nests_without_end_is_refused() {
    for (open, close) in [("a.", "a = 1"), ("[", "]")] {
        let text = format!("{}{close}", open.repeat(200_000));
        assert!(parse("rule", "rules/rule.toml", &text, &known()).is_err());
    }
}
