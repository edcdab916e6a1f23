//! `formerly`: a renamed rule takes over what the shard knows by its old id: cases, marks, journeys, waits, messages.
//!
//! A rule is a number in people's state, so it is the table that changes: the number of the old id is that of the new one.
//! Where the new id has a number already, it was another rule before: it keeps its own, and takes the old one's marks.

use crate::release::Release;
use crate::state::Shard;
use std::sync::Arc;

/// Carries out the renames of a release that is announced, and takes back those that it no longer says.
pub(super) fn take_over(release: &Release, shard: &mut Shard) {
    let said = release.rules().filter_map(|compiled| {
        let (new, old) = (&compiled.rule.id, compiled.rule.formerly.as_ref()?);
        release.rule(old).is_none().then(|| (new.clone(), old.clone()))
    });
    for (new, old) in said.collect::<Vec<_>>() {
        rename(shard, &old, &new);
    }
    for (new, old) in shard.turnover.renamed.clone().into_iter().rev() {
        let is_back = release.rule(&old).is_some() && release.rule(&new).is_none();
        if is_back && !shard.rules.contains(&old) {
            rename(shard, &new, &old);
        }
    }
}

fn rename(shard: &mut Shard, from: &Arc<str>, to: &Arc<str>) {
    let Some(slot) = shard.rules.get_index_of(from) else { return };
    match shard.rules.get_index_of(to) {
        Some(own) => unite_marks(shard, slot as u32, own as u32),
        None => {
            let name = |id: &Arc<str>| if id == from { to.clone() } else { id.clone() };
            shard.rules = shard.rules.iter().map(name).collect();
            shard.turnover.renamed.retain(|(new, old)| !(new == from && old == to));
            shard.turnover.renamed.push((to.clone(), from.clone()));
        }
    }
}

/// Whoever entered by the old id has entered by the new one.
fn unite_marks(shard: &mut Shard, from: u32, to: u32) {
    for index in 0..shard.people.len() {
        let has_mark = |case: &crate::state::Case| case.rule == from && case.entered_at.get().is_some();
        if !shard.people[index].cases.iter().any(has_mark) {
            continue;
        }
        let person = &mut shard.people[index];
        let marks: Vec<_> = person.cases.iter().filter(|case| has_mark(case)).cloned().collect();
        for mark in marks {
            let key = mark.key.as_deref();
            match person.case_mut(to, key) {
                Some(case) => case.entered_at = case.entered_at.get().max(mark.entered_at.get()).into(),
                None => {
                    let (key, entered_at, is_shadow) = (mark.key.clone(), mark.entered_at, mark.is_shadow);
                    let case =
                        crate::state::Case { rule: to, key, entered_at, is_shadow, ..Default::default() };
                    crate::state::push_exactly(&mut person.cases, case);
                }
            }
        }
    }
}
