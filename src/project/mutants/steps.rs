//! Lists of steps: one gone, two in the other order, the wrong branch.

use super::draft::{Down, Drafts, below, element, shown};
use super::rule;
use toml::{Table, Value};

const GONE: &str = "a test that expects what this step does";
const ORDER: &str = "a test that goes through both steps, and expects their times";
const BRANCH: &str = "a test that takes this branch, and one that takes the other";

pub(super) fn change(drafts: &mut Drafts<'_>, place: &[Down], list: &[Value]) {
    for (at, step) in list.iter().enumerate() {
        let place = element(place, at);
        if list.len() > 1 {
            let change = format!("step {} is gone: {}", at + 1, shown(step));
            remove(drafts, &place, change);
        }
        if at > 0 {
            let change = format!("steps {at} and {} change places", at + 1);
            drafts.swap(&place, change, ORDER);
        }
        if let Value::Table(step) = step {
            branches(drafts, &place, step);
            rule::change_table(drafts, &place, step);
        }
    }
}

fn remove(drafts: &mut Drafts<'_>, place: &[Down], change: String) {
    let Some((Down::At(at), parent)) = place.split_last() else { return };
    drafts.add(place, parent, change, GONE, |value| {
        if let Value::Array(steps) = value {
            drop(steps.remove(*at));
        }
    });
}

/// `then` for `else`, and one of them gone.
fn branches(drafts: &mut Drafts<'_>, place: &[Down], step: &Table) {
    let lists = ["then", "else"];
    if !lists.iter().any(|key| step.contains_key(*key)) {
        return;
    }
    let change = "then and else change places".to_owned();
    drafts.add(place, place, change, BRANCH, |value| {
        let Value::Table(step) = value else { return };
        let [then, otherwise] = lists.map(|key| step.remove(key));
        for (key, list) in [("then", otherwise), ("else", then)] {
            step.extend(list.map(|list| (key.to_owned(), list)));
        }
    });
    for key in lists.into_iter().filter(|key| step.contains_key(*key)) {
        drafts.remove(&below(place, key), &[], BRANCH);
    }
}
