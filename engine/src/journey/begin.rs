//! A trigger is shown a record; where it holds now, a journey begins.

use super::enter::{Entry, count, enter};
use super::{exit, render};
use crate::effect::{Effects, NonEntryReason};
use crate::event::{Event, Place, SubjectKind};
use crate::policy::muted::Neighbours;
use crate::release::{Compiled, Hook, Release, Role};
use crate::rule::{EventMatch, Scope, Trigger, TriggerForm};
use crate::state::{Case, Occurrence, Person, Profile, Shard, released_at};
use crate::time::Timestamp;
use crate::trigger::{self, Found, Met, Noticed};
use std::sync::Arc;

/// A record that concerns a trigger.
pub(crate) struct Shown<'a> {
    pub compiled: &'a Arc<Compiled>,
    pub role: Role,
    pub key: Option<String>,
    /// What a journey calls the record that began it.
    pub event_name: Arc<str>,
}

/// Shows the event to the part of a trigger that a hook stands for; the number of the person, if something of them is
/// kept now.
pub(crate) fn set_off(
    release: &Release,
    shard: &mut Shard,
    person: Option<usize>,
    hook: Hook,
    place: Place,
    event: &Event<'_>,
    effects: &mut Effects,
) -> Option<usize> {
    let compiled = release.compiled(hook.rule);
    let profile = person.map(|index| &shard.people[index].profile);
    let (matched, key) = passes(compiled, hook.role, profile, event)?;
    let shown = Shown { compiled, role: hook.role, key, event_name: matched.event.clone() };
    Some(show(release, shard, person, shown, place, event, effects))
}

/// Shows the event to a trigger that it concerns; the number of the person, who is kept from now on.
pub(crate) fn show(
    release: &Release,
    shard: &mut Shard,
    person: Option<usize>,
    shown: Shown<'_>,
    place: Place,
    event: &Event<'_>,
    effects: &mut Effects,
) -> usize {
    let Shown { compiled, role, key, event_name } = shown;
    let occurrence = || Occurrence {
        message_id: event.message_id.as_ref().into(),
        at: event.occurred_at,
        place,
        captured: render::capture(compiled, event),
    };
    let at = event.occurred_at;
    let (rule, release_slot) = (shard.rule_slot(&compiled.rule.id), shard.release_slot(&release.id));
    let index = person.unwrap_or_else(|| shard.keep(event.subject));
    let since = released_at(&shard.released, rule, compiled);
    let Shard { people, rules, releases, .. } = &mut *shard;
    let neighbours = Neighbours { release, rules, releases };
    let is_of_trigger = |began: u32| {
        let began = releases.get_index(began as usize).expect("slots come from this table");
        release.rule_of(began, &compiled.rule.id).is_some_and(|own| own.first_hash == compiled.first_hash)
    };
    let met = Met {
        compiled,
        role,
        hash: xxhash_rust::xxh3::xxh3_64(event.message_id.as_bytes()),
        occurrence: &occurrence,
        order: (at, place),
        release: release_slot,
        is_of_trigger: &is_of_trigger,
        event_name: &event_name,
        may_begin: event.is_proven || compiled.rule.trigger.accepts_unproven,
        since,
    };
    let Some(case) = case_of(&mut people[index], compiled, rule, key.as_deref(), at, effects) else {
        return index;
    };
    match trigger::notice(case, &met) {
        Noticed::Nothing => {}
        Noticed::MayBeInactive(due_at, ready_at) => {
            people[index].change_watch(|watch| watch.look_at(due_at, ready_at));
        }
        Noticed::OnceEver(at) => {
            count(&compiled.rule.id, once_ever(compiled, &people[index], event), at, effects);
        }
        Noticed::Holds(occurrence) => {
            let (subject, person) = people.get_index_mut(index).expect("just kept");
            let (key, at, exited) = (key.map(Arc::from), occurrence.at, None);
            let entry = Entry {
                release,
                compiled,
                rule,
                release_slot,
                key,
                occurrence: *occurrence,
                event_name,
                at,
                neighbours,
                exited,
            };
            enter(entry, subject, person, effects);
        }
    }
    index
}

/// Why somebody who entered once for ever does not enter: the audience is asked first (rules.md, "Guard rails").
fn once_ever(compiled: &Compiled, person: &Person, event: &Event<'_>) -> NonEntryReason {
    let scope = Scope { history: person.history(), ..exit::scope(event, &person.profile) };
    let is_inside = compiled.rule.audience.as_ref().is_none_or(|audience| audience.holds(&scope));
    if is_inside { NonEntryReason::OncePer } else { NonEntryReason::Audience }
}

/// What the rule keeps for this key, with a word of what fell for it; nothing where no more keys are kept.
fn case_of<'p>(
    person: &'p mut Person,
    compiled: &Compiled,
    rule: u32,
    key: Option<&str>,
    at: Timestamp,
    effects: &mut Effects,
) -> Option<&'p mut Case> {
    let id = &compiled.rule.id;
    match trigger::case_of(person, rule, key, compiled.rule.limits.once_per, at) {
        Found::Case(case) => Some(case),
        Found::InsteadOf(case) => {
            count(id, NonEntryReason::KeysMax, at, effects);
            Some(case)
        }
        Found::Full => {
            count(id, NonEntryReason::KeysMax, at, effects);
            None
        }
    }
}

/// The part of a trigger that an event passes, and the key that it is for; nothing where it does not concern it.
fn passes<'r>(
    compiled: &'r Compiled,
    role: Role,
    profile: Option<&Profile>,
    event: &Event<'_>,
) -> Option<(&'r EventMatch, Option<String>)> {
    let trigger = &compiled.rule.trigger;
    let matched = part(&trigger.form, role)?;
    let is_heard = match role {
        Role::First | Role::Step { .. } => event.is_proven || trigger.accepts_unproven,
        Role::Activity { .. } => {
            may_end(event, trigger) && (event.is_proven || trigger.accepts_unproven || profile.is_some())
        }
        // What ends a wait that nobody can have is not kept for people whom nobody vouches for.
        Role::Without => may_end(event, trigger) && (event.is_proven || profile.is_some()),
    };
    if !is_heard {
        return None;
    }
    let nobody = Profile::default();
    let scope = exit::scope(event, profile.unwrap_or(&nobody));
    if !matched.condition.as_ref().is_none_or(|condition| condition.holds(&scope)) {
        return None;
    }
    let key = match &matched.key {
        Some(path) => Some(exit::key_of(&scope, path)?),
        None => None,
    };
    Some((matched, key))
}

/// Whether an event may end what a rule has under way: with a public key anybody can name a user.
pub(crate) fn may_end(event: &Event<'_>, trigger: &Trigger) -> bool {
    event.is_proven || trigger.accepts_unproven || event.subject.kind == SubjectKind::Anon
}

/// The part of a trigger that a hook stands for.
fn part(form: &TriggerForm, role: Role) -> Option<&EventMatch> {
    match role {
        Role::First => Some(form.first()?.event()),
        Role::Step { after } => form.first()?.events().iter().rev().nth(usize::from(after)),
        Role::Activity { number } => form.inactivity()?.events.get(usize::from(number)),
        Role::Without => form.without(),
    }
}
