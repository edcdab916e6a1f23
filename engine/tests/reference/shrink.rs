//! A case that fails made small: whatever line can go while it still fails, goes.

use super::case::Case;

/// The smallest case found that still fails.
pub fn shrunk(mut case: Case, fails: impl Fn(&Case) -> bool) -> Case {
    loop {
        let smaller = smaller(&case).into_iter().find(|smaller| smaller.is_good() && fails(smaller));
        match smaller {
            Some(smaller) => case = smaller,
            None => return case,
        }
    }
}

/// The case without one of its parts, the larger parts first.
fn smaller(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    if case.ends_in_all_ways {
        all.push(Case { ends_in_all_ways: false, ..case.clone() });
    }
    for rule in 0..case.rules.len() {
        let mut less = case.clone();
        less.rules.remove(rule);
        all.push(less);
    }
    for count in [8, 4, 2, 1] {
        for first in 0..case.events.len().saturating_sub(count - 1) {
            let mut less = case.clone();
            less.events.drain(first..first + count);
            all.push(less);
        }
    }
    for line in 0..case.settings.len() {
        let mut less = case.clone();
        less.settings.remove(line);
        all.push(less);
    }
    for (rule, lines) in case.rules.iter().enumerate() {
        for count in [3, 2, 1] {
            for first in 2..lines.len().saturating_sub(count - 1) {
                let mut less = case.clone();
                less.rules[rule].drain(first..first + count);
                all.push(less);
            }
        }
    }
    all.retain(|case| !case.rules.is_empty() && !case.events.is_empty());
    all
}
