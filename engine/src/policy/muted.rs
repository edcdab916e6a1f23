//! Muted: another rule's journey runs, or its last message is not long enough ago, and what it mutes are rules with a tag
//! of this one. Who is held out hears nothing of that other rule, and a shadow sends nothing: neither mutes.

use super::{Judged, Stop, refuse_because};
use crate::effect::Refusal;
use crate::release::Release;
use crate::rule::Rule;
use crate::state::{Arm, FixedHasher, Journey, Mute, Person};
use crate::time::Timestamp;
use indexmap::IndexSet;
use std::sync::Arc;

/// What the numbers in people's state name.
type Ids = IndexSet<Arc<str>, FixedHasher>;

/// The rules of a shard, by which people have journeys.
#[derive(Clone, Copy)]
pub(crate) struct Neighbours<'a> {
    pub release: &'a Release,
    pub rules: &'a Ids,
    pub releases: &'a Ids,
}

impl<'a> Neighbours<'a> {
    /// The rule that mutes `rule`, which has the number `own`, for this person now.
    pub fn muting(self, person: &Person, rule: &Rule, own: u32, now: Timestamp) -> Option<&'a Arc<str>> {
        if rule.tags.is_empty() {
            return None;
        }
        let running = |journey: &&Journey| journey.arm == Arm::Treated && !journey.is_shadow;
        let running = person.journeys.iter().filter(running).map(|journey| (journey.release, journey.rule));
        let after = person.mutes().iter().filter(|mute| now < mute.until);
        let mut all = running.chain(after.map(|mute| (mute.release, mute.rule)));
        let (_, other) = all.find(|(release, other)| *other != own && self.mutes(*release, *other, rule))?;
        self.rules.get_index(other as usize)
    }

    fn mutes(self, release: u32, other: u32, rule: &Rule) -> bool {
        let (entered, id) = (&self.releases[release as usize], &self.rules[other as usize]);
        let compiled = self.release.rule_of(entered, id).filter(|_| !self.release.is_shadow(id));
        let mutes = compiled.and_then(|compiled| compiled.rule.limits.mutes.as_ref());
        mutes.is_some_and(|mutes| mutes.tags.iter().any(|tag| rule.tags.contains(tag)))
    }
}

/// A message of a rule left at this time: it mutes others until then.
pub(crate) fn note(person: &mut Person, mute: Mute) {
    person.change_aside(|aside| {
        let known = aside.mutes.iter_mut().find(|known| known.rule == mute.rule);
        match known {
            Some(known) => *known = Mute { until: known.until.max(mute.until), ..mute },
            None => crate::state::push_exactly(&mut aside.mutes, mute),
        }
    });
}

/// Forgets what mutes no more.
pub(crate) fn forget(person: &mut Person, now: Timestamp) {
    if person.mutes().iter().any(|mute| mute.until <= now) {
        person.change_aside(|aside| aside.mutes.retain(|mute| mute.until > now));
    }
}

pub(super) fn stops(judged: &Judged<'_>) -> Option<Stop> {
    let (rule, own) = (&judged.compiled.rule, judged.journey.rule);
    let other = judged.neighbours.muting(judged.person, rule, own, judged.now)?;
    refuse_because(Refusal::Muted, "muted", format!("by {other}"), None)
}
