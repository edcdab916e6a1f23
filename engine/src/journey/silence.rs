//! What people do, for the rules that ask whether they are inactive: the last of it is kept, once for all rules that name
//! no events; a tick finds the silences that are over.

use super::enter::{Entry, count, enter};
use super::exit::{self, Seen};
use super::judge::Moment;
use crate::effect::{Effects, NonEntryReason};
use crate::event::{Event, Place, SubjectKind};
use crate::policy::muted::Neighbours;
use crate::release::{Compiled, Group, Release, is_activity};
use crate::rule::Status;
use crate::state::{Began, Occurrence, Person, Quiet, Shard, Silence, Spell, released_at};
use crate::time::Timestamp;
use crate::trigger::inactivity::{self, Asking, Moves};
use crate::trigger::{self, Found};
use std::sync::Arc;
use thin_vec::ThinVec;

/// Takes a record in; the number of the person, if something of them is kept now.
pub(crate) fn hear(
    release: &Release,
    shard: &mut Shard,
    person: Option<usize>,
    place: Place,
    event: &Event<'_>,
) -> Option<usize> {
    let mut person = begin_never(release, shard, person, place, event).or(person);
    if is_activity(event.kind) {
        for group in release.inactivities().groups() {
            person = hear_group(release, shard, group, person, place, event).or(person);
        }
    }
    person
}

/// Who never did what a rule with `or_never` asks for is counted from their first record since it was released.
fn begin_never(
    release: &Release,
    shard: &mut Shard,
    person: Option<usize>,
    place: Place,
    event: &Event<'_>,
) -> Option<usize> {
    let rules = release.inactivities().or_never().iter().map(|rule| release.compiled(*rule));
    let heard: Vec<_> =
        rules.filter(|compiled| event.is_proven || compiled.rule.trigger.accepts_unproven).collect();
    if heard.is_empty() {
        return None;
    }
    let release_slot = shard.release_slot(&release.id);
    let watch = person.and_then(|index| shard.people[index].watch());
    if watch.is_some_and(|watch| watch.began_in == Some(release_slot)) {
        return None;
    }
    let index = person.unwrap_or_else(|| shard.keep(event.subject));
    let name = if event.name.is_empty() { event.kind.as_str() } else { &event.name };
    for compiled in heard {
        let quiet = quiet_of(event, place, name.into(), Began::FirstRecord);
        begin_from(shard, index, compiled, quiet, release_slot);
    }
    if event.is_proven {
        shard.people[index].change_watch(|watch| watch.began_in = Some(release_slot));
    }
    Some(index)
}

/// Where a rule knows of nothing that the person did, it counts from here.
fn begin_from(shard: &mut Shard, index: usize, compiled: &Arc<Compiled>, quiet: Quiet, release_slot: u32) {
    let rule = shard.rule_slot(&compiled.rule.id);
    let since = released_at(&shard.released, rule, compiled);
    let Some(asking) = Asking::of(compiled, since, release_slot) else { return };
    let person = &mut shard.people[index];
    let due_at = quiet.last.at + asking.after;
    let accepts_unproven = compiled.rule.trigger.accepts_unproven;
    if names_none(compiled) {
        if person.watch().is_some_and(|watch| watch.activity(accepts_unproven).is_some()) {
            return;
        }
        person.change_watch(|watch| watch.set_activity(accepts_unproven, Some(quiet)));
    } else {
        let Some(silence) = silence_of(person, rule, compiled, quiet.last.at) else { return };
        if silence.quiet.is_some() || !silence.over.is_empty() || silence.judged_until.get().is_some() {
            return;
        }
        (silence.quiet, silence.release) = (Some(quiet), release_slot);
    }
    person.change_watch(|watch| watch.look_at(due_at, due_at + asking.grace));
}

fn names_none(compiled: &Compiled) -> bool {
    compiled.rule.trigger.form.inactivity().is_some_and(|inactivity| inactivity.events.is_empty())
}

fn quiet_of(event: &Event<'_>, place: Place, event_name: Arc<str>, began: Began) -> Quiet {
    // The rules share it, and each would read something else of it: nothing is captured.
    let last = Occurrence {
        message_id: event.message_id.as_ref().into(),
        at: event.occurred_at,
        place,
        captured: None,
    };
    Quiet { last, event_name, began, exits: ThinVec::new() }
}

/// What a rule without a key keeps of a person, made where it is not there.
fn silence_of<'p>(
    person: &'p mut Person,
    rule: u32,
    compiled: &Compiled,
    at: Timestamp,
) -> Option<&'p mut Silence> {
    match trigger::case_of(person, rule, None, compiled.rule.limits.once_per, at) {
        Found::Case(case) | Found::InsteadOf(case) => Some(case.make_silence()),
        Found::Full => None,
    }
}

/// Something was done: for all rules of a group at once.
fn hear_group(
    release: &Release,
    shard: &mut Shard,
    group: &Group,
    person: Option<usize>,
    place: Place,
    event: &Event<'_>,
) -> Option<usize> {
    let is_heard = event.is_proven || group.accepts_unproven;
    // What nobody vouches for ends an anonymous person's silence, and begins none.
    if !is_heard && (event.subject.kind != SubjectKind::Anon || person.is_none()) {
        return None;
    }
    let index = person.unwrap_or_else(|| shard.keep(event.subject));
    let order = (event.occurred_at, place);
    let hash = xxhash_rust::xxh3::xxh3_64(event.message_id.as_bytes());
    let known = shard.people[index].watch().and_then(|watch| watch.activity(group.accepts_unproven));
    // Most do one thing again and again.
    let name = known.map(|quiet| &quiet.event_name).filter(|name| ***name == *event.name);
    let quiet =
        quiet_of(event, place, name.cloned().unwrap_or_else(|| event.name.as_ref().into()), Began::Done);
    match inactivity::moves(known, order, hash) {
        Moves::No => {
            let next_at = known.filter(|_| is_heard).map(|known| known.last.at);
            come_late(release, shard, group, index, (&quiet, hash), next_at);
        }
        Moves::On => {
            let over = known.filter(|known| known.last.at + group.shortest < event.occurred_at).cloned();
            if let Some(over) = over {
                for (rule, compiled, asking) in askings(release, shard, group) {
                    let person = &mut shard.people[index];
                    let silence = person.case(rule, None).and_then(|case| case.silence());
                    if asking.over(&over, silence).is_some_and(|(due_at, _)| due_at < event.occurred_at)
                        && let Some(silence) = silence_of(person, rule, compiled, event.occurred_at)
                    {
                        inactivity::end(&over, silence, event.occurred_at, asking);
                    }
                }
            }
            let (due_at, ready_at) =
                (event.occurred_at + group.shortest, event.occurred_at + group.shortest_with_grace);
            shard.people[index].change_watch(|watch| {
                watch.set_activity(group.accepts_unproven, is_heard.then_some(quiet));
                watch.look_at(due_at, ready_at);
            });
        }
    }
    Some(index)
}

/// What comes late stands inside of silences that are over and not judged: it began one of its own, which what was done
/// next may have ended too late.
fn come_late(
    release: &Release,
    shard: &mut Shard,
    group: &Group,
    index: usize,
    (quiet, hash): (&Quiet, u64),
    next_at: Option<Timestamp>,
) {
    let is_over = |case: &crate::state::Case| case.silence().is_some_and(|silence| !silence.over.is_empty());
    if !shard.people[index].cases.iter().any(is_over) {
        return;
    }
    for (rule, _, asking) in askings(release, shard, group) {
        let case = shard.people[index].case_mut(rule, None);
        let Some(silence) = case.and_then(|case| case.silence_mut()) else { continue };
        if inactivity::undo(&mut silence.over, quiet.last.order(), hash)
            && let Some(next_at) = next_at
        {
            inactivity::end(quiet, silence, next_at, asking);
        }
    }
}

/// The rules of a group, and what each asks.
fn askings<'r>(
    release: &'r Release,
    shard: &mut Shard,
    group: &Group,
) -> Vec<(u32, &'r Arc<Compiled>, Asking)> {
    let release_slot = shard.release_slot(&release.id);
    let mut asking = |rule: &u32| {
        let compiled = release.compiled(*rule);
        let slot = shard.rule_slot(&compiled.rule.id);
        let since = released_at(&shard.released, slot, compiled);
        Some((slot, compiled, Asking::of(compiled, since, release_slot)?))
    };
    group.rules.iter().filter_map(&mut asking).collect()
}

/// A silence of one rule and key that is over.
struct Over {
    rule: u32,
    key: Option<Arc<str>>,
    spell: Spell,
}

/// Silences whose deadline and grace are over: the person is inactive, at the deadline. When they are to be looked at again
/// is told anew.
pub(crate) fn end_all_over(
    release: &Release,
    shard: &mut Shard,
    index: usize,
    moment: Moment,
    effects: &mut Effects,
) {
    let ready_at = shard.people[index].watch().and_then(|watch| watch.ready_at.get());
    if ready_at.is_none_or(|ready_at| ready_at > moment.now) {
        return;
    }
    shard.people[index].change_watch(|watch| {
        (watch.due_at, watch.ready_at) = (None.into(), None.into());
    });
    let mut over = of_cases(release, shard, index, moment, effects);
    over.extend(of_all_that_was_done(release, shard, index, moment));
    over.sort_by(|a, b| {
        let place = |over: &Over| (over.spell.deadline, over.spell.quiet.last.order());
        (place(a), shard.rule_id(a.rule)).cmp(&(place(b), shard.rule_id(b.rule)))
    });
    for Over { rule, key, spell } in over {
        let (at, release_slot) = (spell.deadline, spell.release);
        enter_inactive(release, shard, index, (rule, key), spell.quiet, (at, release_slot), effects);
    }
}

/// By rules that name their events, and all that was ended by something done after its deadline.
fn of_cases(
    release: &Release,
    shard: &mut Shard,
    index: usize,
    moment: Moment,
    effects: &mut Effects,
) -> Vec<Over> {
    let release_slot = shard.release_slot(&release.id);
    let Shard { people, rules, released, .. } = shard;
    let person = &mut people[index];
    let (mut found, mut next) = (Vec::new(), Vec::new());
    for case in &mut person.cases {
        let (rule, key) = (case.rule, case.key.clone());
        let Some(silence) = case.silence_mut() else { continue };
        let id = rules.get_index(rule as usize).expect("slots come from this table");
        let compiled = release.rule(id).filter(|compiled| compiled.rule.status != Status::Off);
        let asking = compiled
            .and_then(|compiled| Asking::of(compiled, released_at(released, rule, compiled), release_slot));
        let Some(asking) = asking else {
            silence.quiet = None;
            for spell in std::mem::take(&mut silence.over) {
                count(id, NonEntryReason::RuleOff, spell.deadline, effects);
            }
            continue;
        };
        let (over, rest): (Vec<Spell>, Vec<Spell>) = std::mem::take(&mut silence.over)
            .into_iter()
            .partition(|spell| moment.is_over(spell.deadline, spell.ready_at));
        next.extend(rest.iter().map(|spell| (spell.deadline, spell.ready_at)));
        silence.over = rest.into_iter().collect();
        for spell in over {
            silence.judged_until = silence.judged_until.get().max(Some(spell.deadline)).into();
            found.push(Over { rule, key: key.clone(), spell });
        }
        let quiet = silence.quiet.as_ref();
        if let Some((quiet, (due_at, ready_at))) =
            quiet.and_then(|quiet| Some((quiet, asking.over(quiet, Some(silence))?)))
        {
            if moment.is_over(due_at, ready_at) {
                let (quiet, release) = (quiet.clone(), release_slot);
                found.push(Over { rule, key, spell: Spell { quiet, deadline: due_at, ready_at, release } });
                silence.judged_until = Some(due_at).into();
            } else {
                next.push((due_at, ready_at));
            }
        }
    }
    look_again(person, next);
    found
}

/// By rules that name no events.
fn of_all_that_was_done(release: &Release, shard: &mut Shard, index: usize, moment: Moment) -> Vec<Over> {
    let (mut found, mut next) = (Vec::new(), Vec::new());
    for group in release.inactivities().groups() {
        let watch = shard.people[index].watch();
        let Some(quiet) = watch.and_then(|watch| watch.activity(group.accepts_unproven)).cloned() else {
            continue;
        };
        for (rule, compiled, asking) in askings(release, shard, group) {
            let person = &mut shard.people[index];
            let silence = person.case(rule, None).and_then(|case| case.silence());
            let Some((due_at, ready_at)) = asking.over(&quiet, silence) else { continue };
            if !moment.is_over(due_at, ready_at) {
                next.push((due_at, ready_at));
            } else if let Some(silence) = silence_of(person, rule, compiled, due_at) {
                silence.judged_until = Some(due_at).into();
                let (quiet, release) = (quiet.clone(), asking.release);
                found.push(Over {
                    rule,
                    key: None,
                    spell: Spell { quiet, deadline: due_at, ready_at, release },
                });
            }
        }
    }
    look_again(&mut shard.people[index], next);
    found
}

fn look_again(person: &mut Person, next: Vec<(Timestamp, Timestamp)>) {
    if !next.is_empty() {
        person.change_watch(|watch| {
            next.iter().for_each(|(due_at, ready_at)| watch.look_at(*due_at, *ready_at))
        });
    }
}

impl Moment {
    fn is_over(&self, due_at: Timestamp, ready_at: Timestamp) -> bool {
        ready_at <= self.now && self.until.is_none_or(|until| due_at <= until)
    }
}

/// A silence holds `at` its deadline, or at the release, by the rule of the release that it was over in.
fn enter_inactive(
    release: &Release,
    shard: &mut Shard,
    index: usize,
    (rule, key): (u32, Option<Arc<str>>),
    quiet: Quiet,
    (at, release_slot): (Timestamp, u32),
    effects: &mut Effects,
) {
    let id = shard.rule_id(rule).clone();
    let own = release.rule_of(shard.release_id(release_slot), &id);
    let Some(compiled) = own else { return count(&id, NonEntryReason::RuleOff, at, effects) };
    let exited = quiet.exits.iter().find(|(other, _)| *other == rule).map(|(_, exited)| (**exited).clone());
    let Quiet { last: occurrence, event_name, .. } = quiet;
    let Shard { people, rules, releases, .. } = &mut *shard;
    let neighbours = Neighbours { release, rules, releases };
    let entry =
        Entry { release, compiled, rule, release_slot, key, occurrence, event_name, at, neighbours, exited };
    let (subject, person) = people.get_index_mut(index).expect("a number of somebody kept");
    enter(entry, subject, person, effects);
}

/// A rule was released: whom it would find over by then it finds with `backfill`, and is no silence to it without.
pub(crate) fn show(
    release: &Release,
    shard: &mut Shard,
    index: usize,
    compiled: &Arc<Compiled>,
    announced: super::backfill::Announced,
    effects: &mut Effects,
) {
    let rule = shard.rule_slot(&compiled.rule.id);
    let release_slot = shard.release_slot(&release.id);
    let Some(asking) = Asking::of(compiled, announced.at, release_slot) else { return };
    forget_others(release, shard, index, rule, compiled);
    let person = &mut shard.people[index];
    let mut known: Vec<(Option<Arc<str>>, Quiet)> = Vec::new();
    if names_none(compiled) {
        let watch = person.watch();
        let quiet = watch.and_then(|watch| watch.activity(compiled.rule.trigger.accepts_unproven));
        known.extend(quiet.map(|quiet| (None, quiet.clone())));
    } else {
        let of_rule = person.cases.iter().filter(|case| case.rule == rule);
        known.extend(of_rule.filter_map(|case| Some((case.key.clone(), case.silence()?.quiet.clone()?))));
    }
    let may_begin = names_none(compiled) || asking.or_never;
    if known.is_empty() && asking.backfills && may_begin {
        let message_id = format!("release {} at {}", release.id, announced.at).as_str().into();
        let last = Occurrence { message_id, at: announced.at, place: announced.place, captured: None };
        let event_name = Arc::from(super::backfill::RELEASED);
        let quiet = Quiet { last, event_name, began: Began::Release, exits: ThinVec::new() };
        begin_from(shard, index, compiled, quiet, release_slot);
    }
    for (key, quiet) in known {
        let person = &mut shard.people[index];
        let due_at = quiet.last.at + asking.after;
        if due_at > announced.at {
            person.change_watch(|watch| watch.look_at(due_at, due_at + asking.grace));
            continue;
        }
        let once_per = compiled.rule.limits.once_per;
        if let (true, Found::Case(case) | Found::InsteadOf(case)) = (
            asking.backfills && asking.counts(&quiet),
            trigger::case_of(person, rule, key.as_deref(), once_per, announced.at),
        ) {
            case.make_silence().judged_until = Some(announced.at).into();
            enter_inactive(release, shard, index, (rule, key), quiet, (announced.at, release_slot), effects);
        }
    }
    shard.refile(index);
}

/// What was done of other events, that the rule named before, is nothing to it now.
fn forget_others(release: &Release, shard: &mut Shard, index: usize, rule: u32, compiled: &Compiled) {
    let Shard { people, releases, .. } = shard;
    let is_other = |silence: &Silence| {
        let began = releases.get_index(silence.release as usize);
        let own = began.and_then(|began| release.rule_of(began, &compiled.rule.id));
        own.is_none_or(|own| own.first_hash != compiled.first_hash)
    };
    let is_stale = |case: &crate::state::Case| {
        case.rule == rule
            && case.silence().is_some_and(|silence| silence.quiet.is_some() && is_other(silence))
    };
    if people[index].cases.iter().any(is_stale) {
        let cases = people[index].cases.iter_mut().filter(|case| is_stale(case));
        cases.filter_map(|case| case.silence_mut()).for_each(|silence| silence.quiet = None);
    }
}

/// Exits: the event ends the journey that a silence would begin.
pub(crate) fn notice_exits(
    release: &Release,
    shard: &mut Shard,
    index: usize,
    place: Place,
    event: &Event<'_>,
) {
    let may_end = |compiled: &&Arc<Compiled>| {
        !compiled.rule.exits.is_empty() && super::begin::may_end(event, &compiled.rule.trigger)
    };
    let mut shared: Vec<(bool, u32, &Arc<Compiled>)> = Vec::new();
    for group in release.inactivities().groups() {
        for compiled in group.rules.iter().map(|rule| release.compiled(*rule)).filter(may_end) {
            shared.push((group.accepts_unproven, shard.rule_slot(&compiled.rule.id), compiled));
        }
    }
    let Shard { people, rules, .. } = shard;
    let is_silent = |person: &Person| {
        person.watch().is_some() || person.cases.iter().any(|case| case.silence().is_some())
    };
    if !is_silent(&people[index]) {
        return;
    }
    let person = &mut people[index];
    let (history, watch) = match person.aside.as_deref_mut() {
        Some(aside) => (Some(&aside.history), aside.watch.as_deref_mut()),
        None => (None, None),
    };
    let seen = Seen { event, place, profile: &person.profile, history };
    for case in &mut person.cases {
        let (rule, key) = (case.rule, case.key.clone());
        let Some(silence) = case.silence_mut() else { continue };
        let id = rules.get_index(rule as usize).expect("slots come from this table");
        let Some(compiled) = release.rule(id).filter(may_end) else { continue };
        let spells = silence.over.iter_mut().map(|spell| &mut spell.quiet);
        spells
            .chain(&mut silence.quiet)
            .for_each(|quiet| exit::notice_quiet(quiet, rule, key.as_deref(), compiled, seen));
    }
    let Some(watch) = watch else { return };
    for activity in &mut watch.activities {
        for (_, rule, compiled) in shared.iter().filter(|(group, ..)| *group == activity.accepts_unproven) {
            exit::notice_quiet(&mut activity.quiet, *rule, None, compiled, seen);
        }
    }
}
