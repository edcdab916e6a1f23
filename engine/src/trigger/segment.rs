//! `enters` / `leaves`: a condition about the person turns by a record. It is compared before and after that record, so
//! nothing is kept of it, and who was inside before the rule was released does not set it off.
//!
//! A condition can turn only where a trait is said that it reads: by those the rules are found.

use crate::event::{Event, EventKind};
use crate::release::Release;
use crate::rule::{Condition, Scope, TriggerForm, Turn};
use crate::state::Profile;
use crate::time::Timestamp;

/// What some rules' conditions said of a person before a change.
pub(crate) struct Before(Vec<(u32, bool)>);

/// Asks those rules that a record's traits may concern.
pub(crate) fn before_record(release: &Release, event: &Event<'_>, profile: Option<&Profile>) -> Before {
    if release.segments().is_empty() {
        return Before(Vec::new());
    }
    match event.kind {
        EventKind::Group => before(release, ["group"], profile),
        EventKind::Track | EventKind::Identify | EventKind::Page | EventKind::Screen | EventKind::Alias => {
            let said = sonic_rs::to_object_iter(event.traits.as_ref()).map_while(Result::ok);
            before(release, said.map(|(key, _)| key), profile)
        }
    }
}

/// Asks those rules that read one of these traits, by the first segments of their paths.
pub(crate) fn before(
    release: &Release,
    traits: impl IntoIterator<Item = impl AsRef<str>>,
    profile: Option<&Profile>,
) -> Before {
    let nobody = Profile::default();
    let profile = profile.unwrap_or(&nobody);
    let rules = release.segments().find(traits).into_iter();
    Before(rules.filter_map(|rule| Some((rule, holds(condition(release, rule)?.0, profile)))).collect())
}

impl Before {
    /// The rules whose condition has turned their way.
    pub fn turned(self, release: &Release, profile: &Profile) -> Vec<u32> {
        let has_turned = |(rule, was): (u32, bool)| {
            let (condition, to) = condition(release, rule)?;
            let is = holds(condition, profile);
            let turned = match to {
                Turn::Enters => !was && is,
                Turn::Leaves => was && !is,
            };
            turned.then_some(rule)
        };
        self.0.into_iter().filter_map(has_turned).collect()
    }
}

fn condition(release: &Release, rule: u32) -> Option<(&Condition, Turn)> {
    match &release.compiled(rule).rule.trigger.form {
        TriggerForm::Segment { condition, to } => Some((condition, *to)),
        TriggerForm::Happens(_) | TriggerForm::Absence { .. } | TriggerForm::Inactive(_) => None,
    }
}

/// It reads traits alone.
pub(crate) fn holds(condition: &Condition, profile: &Profile) -> bool {
    condition.holds(&Scope {
        properties: "{}",
        context: "{}",
        event_name: "",
        profile,
        history: None,
        now: Timestamp::EPOCH,
    })
}
