//! `status = "off"` ends a rule's journeys and waits, where the release that says so is announced: who was inside stays out
//! when the rule comes back. What products show of it is taken back; mail on its way is the gate's to stop.

use super::enter::count;
use super::shown;
use crate::effect::{Cancel, CancelReason, Effect, Effects, NonEntryReason};
use crate::release::Release;
use crate::state::{Person, Shard};
use crate::trigger::absence;
use std::collections::BTreeSet;

/// Ends what people have under way by rules that are off. All of them are looked at, once a release with such a rule.
pub(crate) fn end_all(release: &Release, shard: &mut Shard, effects: &mut Effects) {
    let slots = shard.rules.iter().enumerate().filter(|(_, id)| release.is_off(id));
    let off: BTreeSet<u32> = slots.map(|(slot, _)| slot as u32).collect();
    if off.is_empty() {
        return;
    }
    for index in 0..shard.people.len() {
        // Looked at without a change: whoever may change is copied first where a snapshot is under way.
        if !is_inside(&shard.people[index], &off) {
            continue;
        }
        let person = &mut shard.people[index];
        let mut ended = Vec::new();
        for case in person.cases.iter_mut().filter(|case| off.contains(&case.rule)) {
            let rule = case.rule;
            ended.extend(absence::end_all(case).into_iter().map(|wait| (rule, wait.deadline)));
        }
        person.journeys.retain(|journey| {
            let is_over = off.contains(&journey.rule);
            ended.extend(is_over.then_some((journey.rule, journey.entered_at)));
            !is_over
        });
        let taken_back = shown::take_out(person, |shown| off.contains(&shown.rule));
        person.shrink();
        shard.refile(index);
        for (rule, at) in ended {
            count(shard.rule_id(rule), NonEntryReason::RuleOff, at, effects);
        }
        let reason = CancelReason::RuleOff;
        let cancel = |decision| Effect::Cancel(Cancel { decision, reason, at: shard.now });
        effects.extend(taken_back.into_iter().map(cancel));
    }
}

fn is_inside(person: &Person, off: &BTreeSet<u32>) -> bool {
    person.journeys.iter().any(|journey| off.contains(&journey.rule))
        || person.shown().iter().any(|shown| off.contains(&shown.rule))
        || person.cases.iter().any(|case| off.contains(&case.rule) && !case.waits().is_empty())
}
