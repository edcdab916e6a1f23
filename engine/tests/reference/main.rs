//! A second engine, slow and obvious: written from the language's contract, sharing no code with the first. It keeps
//! everything that a person ever did as a plain list, and at each tick looks at all of it again. Both are held against
//! each other on random rules and streams.

#[path = "../world/mod.rs"]
mod world;

mod case;
mod condition;
mod coverage;
mod interpreter;
mod journey;
mod person;
mod random;
mod rule;
mod settings;
mod shrink;
mod time;
mod trigger;

use case::Case;
use coverage::Coverage;

/// How many cases a run looks at; `REFERENCE_CASES` says otherwise, and `REFERENCE_FROM` where it begins.
const CASES: u64 = 20_000;

// Which cases a test looks at decides nothing.
#[allow(clippy::disallowed_methods)]
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn differs(case: &Case) -> bool {
    let outcome = case.run();
    outcome.engine != outcome.reference
}

/// A case as small as it fails, and what both say of it.
fn failure(seed: u64, case: Case) -> String {
    let small = shrink::shrunk(case, differs);
    let outcome = small.run();
    let lines = |lines: &[String]| lines.iter().map(|line| format!("  {line}\n")).collect::<String>();
    let (reference, engine) = (lines(&outcome.reference), lines(&outcome.engine));
    format!("seed {seed}\n{small}reference\n{reference}engine\n{engine}")
}

#[test]
fn the_engine_decides_what_the_language_says() {
    let (from, cases) = (number("REFERENCE_FROM", 0), number("REFERENCE_CASES", CASES));
    let (mut failures, mut coverage) = (Vec::new(), Coverage::default());
    for seed in from..from + cases {
        let case = random::case(seed);
        assert!(case.is_good(), "no rules: seed {seed}\n{case}");
        let outcome = case.run();
        coverage.take(&case, &outcome);
        if outcome.engine != outcome.reference {
            failures.push(failure(seed, case));
        }
        if failures.len() as u64 >= number("REFERENCE_FAILURES", 1) {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases < CASES || coverage.rare().is_empty(), "too rare: {:?}", coverage.rare());
}

/// That they would be found out, if one of them were wrong: bugs planted in the engine alone.
#[cfg(feature = "planted-bugs")]
mod bugs {
    use super::{differs, random};
    use outreach_engine::planted::{self, Bug};

    fn is_found(bug: Bug) {
        planted::plant(Some(bug));
        let found = (0..super::CASES).find(|seed| differs(&random::case(*seed)));
        planted::plant(None);
        assert!(found.is_some(), "{bug:?} is not found");
    }

    #[test]
    fn a_deadline_that_is_not_in_time_is_found() {
        is_found(Bug::DeadlineLeftOut);
    }

    #[test]
    fn a_cap_that_lets_one_more_through_is_found() {
        is_found(Bug::CapOneMore);
    }

    #[test]
    fn a_priority_that_nobody_asks_is_found() {
        is_found(Bug::PriorityIgnored);
    }
}
