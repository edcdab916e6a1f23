//! The pages of the rule language are true: every example in `language/*.md` runs.
//!
//! A page is prose and cases. A case begins with `## what it shows`; it has rules (a `toml` block each, its id behind the
//! word: `toml stalled`), perhaps settings (`toml outreach`), an `events` block and a `decisions` block: all that followed,
//! in order. A case without rules of its own takes those of the page's head.

mod world;

use rstest::rstest;
use world::{Driver, lines, project};

#[derive(Clone, Debug, Default)]
struct Case<'p> {
    title: &'p str,
    rules: Vec<(&'p str, String)>,
    settings: String,
    events: Option<String>,
    decisions: Option<String>,
}

#[rstest]
fn every_example_of_a_page_runs(
    #[files("tests/language/*.md")]
    #[mode = str]
    page: &str,
) {
    let cases = cases(page);
    assert!(!cases.is_empty(), "a page without an example");
    let failures: Vec<_> = cases.iter().filter_map(failure).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What a case gives that its page does not say, and the other way round.
fn failure(case: &Case<'_>) -> Option<String> {
    let rules = case.rules.iter().map(|(id, text)| project::rule(id, &whole(text))).collect();
    let mut driver = Driver::new(project::release("page", project::settings(&case.settings), rules));
    lines::run(&mut driver, &lines::read(case.events.as_deref().unwrap_or_default()));
    let found: Vec<_> = driver.effects.iter().map(|effect| lines::line_of(&driver, effect)).collect();
    let expected = case.decisions.as_deref().unwrap_or_default().lines().map(str::trim);
    let expected: Vec<_> = expected.filter(|line| !line.is_empty()).collect();
    let is_same =
        expected.len() == found.len() && expected.iter().zip(&found).all(|(one, two)| *one == two.as_str());
    let shown =
        |lines: &mut dyn Iterator<Item = &str>| lines.map(|line| format!("  {line}\n")).collect::<String>();
    (!is_same).then(|| {
        let (expected, found) =
            (shown(&mut expected.into_iter()), shown(&mut found.iter().map(String::as_str)));
        format!("{}\n expected\n{expected} found\n{found}", case.title)
    })
}

/// A page may leave out what every rule needs and the case is not about.
fn whole(text: &str) -> String {
    let mut whole = String::new();
    for (key, line) in [("name =", "name = \"R\"\n"), ("topic =", "topic = \"probe\"\n")] {
        let mut top = text.lines().take_while(|line| !line.starts_with('['));
        if !top.any(|line| line.starts_with(key)) {
            whole.push_str(line);
        }
    }
    whole.push_str(text);
    if !text.contains("[[step]]") {
        whole.push_str("[[step]]\nin_product = \"card\"\n");
    }
    whole
}

fn cases(page: &str) -> Vec<Case<'_>> {
    let mut head = Case::default();
    let mut cases: Vec<Case<'_>> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            cases.push(Case { title, ..Case::default() });
        } else if let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let case = cases.last_mut().unwrap_or(&mut head);
            take_block(case, info, block.join("\n") + "\n");
        }
    }
    for case in &mut cases {
        assert!(case.events.is_some() && case.decisions.is_some(), "{}: events and decisions", case.title);
        if case.rules.is_empty() {
            case.rules.clone_from(&head.rules);
        }
        if case.settings.is_empty() {
            case.settings.clone_from(&head.settings);
        }
    }
    cases
}

fn take_block<'p>(case: &mut Case<'p>, info: &'p str, block: String) {
    match info.split_once(' ').unwrap_or((info, "rule")) {
        ("toml", "outreach") => case.settings = block,
        ("toml", id) => case.rules.push((id, block)),
        ("events", _) => case.events = Some(block),
        ("decisions", _) => case.decisions = Some(block),
        (other, _) => panic!("no block: {other}"),
    }
}
