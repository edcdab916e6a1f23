//! A person at a tick: waits that are over begin journeys, messages in flight may be taken back, and all steps that are
//! due are judged together, by (priority descending, `due_at`, log order, rule id).

use super::advance::{From, advance, op_of};
use super::decide::{Draft, decide};
use super::enter::{Entry, count, enter, zone_of};
use super::render::Captured;
use super::set::{self, CASCADES_MAX, Setter, Turned};
use super::shown;
use super::silence;
use super::split;
use super::wake;
use crate::effect::{Cancel, Decision, Effect, Effects, NonEntryReason, Refusal, Verdict};
use crate::event::{SubjectId, SubjectKind};
use crate::planted::{self, Bug};
use crate::policy::muted::Neighbours;
use crate::policy::{self, Judged, Standing, Stop};
use crate::release::{Compiled, END, Op, OpKind, Release};
use crate::rule::{MessageStep, Status, TriggerForm};
use crate::state::{
    ANON_QUIET_MAX, Arm, Counted, FixedHasher, Journey, JourneyState, Person, Shard, Shown, Wait,
    push_exactly,
};
use crate::time::Timestamp;
use crate::trigger::absence;
use indexmap::IndexSet;
use std::cmp::Reverse;
use std::sync::Arc;

/// A tick that judges.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub now: Timestamp,
    pub until: Option<Timestamp>,
}

/// Judges one person. Returns false when they are to be forgotten.
pub(crate) fn person(
    release: &Release,
    shard: &mut Shard,
    index: usize,
    moment: Moment,
    effects: &mut Effects,
) -> bool {
    end_waits(release, shard, index, moment, effects);
    silence::end_all_over(release, shard, index, moment, effects);
    // What steps set may set off other rules, whose first steps are judged in the same tick.
    for cascade in 0..=CASCADES_MAX {
        let turned = steps(release, shard, index, moment, effects);
        if turned.is_empty() || cascade == CASCADES_MAX {
            break;
        }
        set::enter_turned(release, shard, index, turned, moment.now, effects);
    }
    let (subject, person) = shard.people.get_index_mut(index).expect("an index of somebody kept");
    policy::cap::forget(person, &release.settings.caps, moment.now);
    policy::muted::forget(person, moment.now);
    person.shrink();
    !is_forgotten(subject, person, moment.now)
}

/// Judges all steps that are due; the segments that they turned.
fn steps(
    release: &Release,
    shard: &mut Shard,
    index: usize,
    moment: Moment,
    effects: &mut Effects,
) -> Vec<Turned> {
    let Shard { people, rules, releases, .. } = shard;
    let (subject, person) = people.get_index_mut(index).expect("an index of somebody kept");
    let mut judge = Judge { release, rules, releases, subject, moment, effects, turned: Vec::new() };
    shown::expire(person, moment.now);
    judge.recheck(person);
    while let Some(at) = judge.next_due(person) {
        judge.step(person, at);
    }
    // A step may have set what ends the audience of a message in flight.
    judge.recheck(person);
    wake::forget(person);
    judge.turned
}

/// Anonymous people are forgotten when quiet, unless something of theirs is still to come.
fn is_forgotten(subject: &SubjectId, person: &mut Person, now: Timestamp) -> bool {
    let is_quiet = person.active_at().is_some_and(|at| at + ANON_QUIET_MAX <= now);
    if subject.kind != SubjectKind::Anon || !is_quiet {
        return false;
    }
    let is_busy = !person.journeys.is_empty()
        || person.cases.iter().any(|case| !case.waits().is_empty())
        || person.watch().is_some_and(|watch| watch.ready_at.get().is_some())
        || person.messages.iter().any(|counted| counted.is_in_flight);
    if is_busy {
        person.change_aside(|aside| aside.active_at = Some(now));
    }
    !is_busy
}

/// Waits whose deadline and grace are over: the absence holds, at its deadline.
fn end_waits(release: &Release, shard: &mut Shard, index: usize, moment: Moment, effects: &mut Effects) {
    let mut over: Vec<(u32, Option<Arc<str>>, Wait)> = Vec::new();
    for case in &mut shard.people[index].cases {
        let taken = absence::take_over(case, moment.now, moment.until);
        over.extend(taken.into_iter().map(|wait| (case.rule, case.key.clone(), wait)));
    }
    over.sort_by(|(a_rule, _, a), (b_rule, _, b)| {
        let id = |slot: u32| shard.rules.get_index(slot as usize);
        (a.deadline, a.occurrence.order(), id(*a_rule)).cmp(&(b.deadline, b.occurrence.order(), id(*b_rule)))
    });
    for (rule, key, wait) in over {
        let id = shard.rule_id(rule).clone();
        let still_waits = |compiled: &&Arc<Compiled>| {
            compiled.rule.status != Status::Off
                && matches!(compiled.rule.trigger.form, TriggerForm::Absence { .. })
        };
        // Who waits is inside: by the release of the wait, as long as the rule goes on.
        let own = release.rule_of(shard.release_id(wait.release), &id);
        let Some(compiled) = own.filter(|_| release.rule(&id).filter(still_waits).is_some()) else {
            count(&id, NonEntryReason::RuleOff, wait.deadline, effects);
            continue;
        };
        let at = wait.deadline;
        let exited = wait.exited.map(|exited| *exited);
        let Some(first) = compiled.rule.trigger.form.first() else { continue };
        let event_name = first.event().event.clone();
        let (occurrence, release_slot) = (wait.occurrence, wait.release);
        let Shard { people, rules, releases, .. } = &mut *shard;
        let neighbours = Neighbours { release, rules, releases };
        let entry = Entry {
            release,
            compiled,
            rule,
            release_slot,
            key,
            occurrence,
            event_name,
            at,
            neighbours,
            exited,
        };
        let (subject, person) = people.get_index_mut(index).expect("an index of somebody kept");
        enter(entry, subject, person, effects);
    }
}

/// One person's judge, for one tick.
pub(super) struct Judge<'a, 'e> {
    pub release: &'a Release,
    /// The shard's tables: what the numbers in people's state name.
    pub rules: &'a IndexSet<Arc<str>, FixedHasher>,
    pub releases: &'a IndexSet<Arc<str>, FixedHasher>,
    pub subject: &'a SubjectId,
    pub moment: Moment,
    pub effects: &'e mut Effects,
    /// Segments that steps have turned, which are entered when all steps are judged.
    pub turned: Vec<Turned>,
}

impl<'a> Judge<'a, '_> {
    pub fn compiled(&self, journey: &Journey) -> Option<&'a Arc<Compiled>> {
        if planted::is_on(Bug::ReleaseOfNow) {
            return self.release.rule(&self.rules[journey.rule as usize]);
        }
        self.release.rule_of(&self.releases[journey.release as usize], &self.rules[journey.rule as usize])
    }

    /// The journey whose step is to be judged next.
    fn next_due(&self, person: &Person) -> Option<usize> {
        let due = person.journeys.iter().enumerate().filter_map(|(at, journey)| {
            let (ready_at, due_at) = journey.state.timer()?;
            let is_due = ready_at <= self.moment.now && self.moment.until.is_none_or(|until| due_at <= until);
            if !is_due {
                return None;
            }
            let priority = self.compiled(journey).map_or(0, |compiled| compiled.rule.priority);
            let priority = if planted::is_on(Bug::PriorityIgnored) { 0 } else { priority };
            let id = &self.rules[journey.rule as usize];
            Some(((Reverse(priority), due_at, journey.occurrence.place, id), at))
        });
        due.min().map(|(_, at)| at)
    }

    /// Judges the step that journey `at` stands at.
    fn step(&mut self, person: &mut Person, at: usize) {
        let journey = &person.journeys[at];
        let Some((_, due_at)) = journey.state.timer() else { return };
        let is_never_late = matches!(journey.state, JourneyState::Due { is_never_late: true, .. });
        let id = &self.rules[journey.rule as usize];
        let Some(compiled) = self.compiled(journey).filter(|_| !self.release.is_off(id)) else {
            count(id, NonEntryReason::RuleOff, journey.entered_at, self.effects);
            person.journeys.remove(at);
            return;
        };
        let Some(op) = op_of(compiled, journey) else {
            person.journeys.remove(at);
            return;
        };
        let scope = Captured::of(&journey.occurrence).scope_of(&journey.event_name, person, self.moment.now);
        let to = match &op.kind {
            OpKind::Message(message) => return self.message(person, at, compiled, (op, message)),
            OpKind::Wait(_) => op.next,
            // Its time is over.
            OpKind::WaitUntil { otherwise, .. } => *otherwise,
            OpKind::WaitFor(word) => match self.clock(person, journey, *word) {
                Some(state) => {
                    person.journeys[at].state = state;
                    return;
                }
                None => op.next,
            },
            OpKind::If { condition, then, otherwise } => {
                if condition.holds(&scope) {
                    *then
                } else {
                    *otherwise
                }
            }
            OpKind::Split(parts) => {
                let seed = self.release.settings.hash_seed;
                split::draw(parts, seed, &compiled.rule.id, &op.name, self.subject).unwrap_or(op.next)
            }
            OpKind::Set(traits) => {
                // Who is held out gets nothing, a shadow changes nothing, and who has left is not written to either.
                let is_shadow = journey.is_shadow || self.release.is_shadow(id);
                if journey.arm == Arm::Treated && !is_shadow && journey.exited.is_none() {
                    let occurrence = journey.occurrence.clone();
                    let by = Setter { rule: compiled.rule.id.clone(), step: op.name.clone(), occurrence };
                    self.set(person, traits, &by);
                }
                op.next
            }
            OpKind::Exit => END,
        };
        compiled.program.note_way(person.journeys[at].step, to);
        let from = From { at: due_at, is_never_late };
        let Person { journeys, aside, .. } = &mut *person;
        if !advance(&mut journeys[at], compiled, to, from, aside) {
            person.journeys.remove(at);
        }
    }

    /// Judges a message step that is due.
    fn message(
        &mut self,
        person: &mut Person,
        at: usize,
        compiled: &'a Compiled,
        (op, message): (&'a Op, &'a MessageStep),
    ) {
        let journey = &person.journeys[at];
        let JourneyState::Due { due_at, is_never_late, .. } = journey.state else { return };
        let id = &self.rules[journey.rule as usize];
        let (zone_name, zone) = zone_of(person, self.release);
        let draft = Draft {
            rule: id,
            compiled,
            step: &op.name,
            message,
            subject: self.subject,
            person,
            journey,
            due_at,
            zone: zone_name,
        };
        let scope = Captured::of(&journey.occurrence).scope_of(&journey.event_name, person, self.moment.now);
        let judged = Judged {
            release: self.release,
            compiled,
            message,
            person,
            journey,
            due_at,
            is_never_late,
            now: self.moment.now,
            zone: &zone,
            neighbours: Neighbours { release: self.release, rules: self.rules, releases: self.releases },
            scope,
        };
        let is_shadow = journey.is_shadow || self.release.is_shadow(id);
        let stop = if journey.arm == Arm::Treated { policy::judge(&judged) } else { None };
        let (verdict, fact) = match stop {
            Some(Stop::Hold { until, is_never_late }) => {
                person.journeys[at].state = JourneyState::Due { due_at, ready_at: until, is_never_late };
                return;
            }
            Some(Stop::Refuse(refusal, fact)) => (Verdict::Refuse(refusal), fact),
            None if journey.arm == Arm::Treated && is_shadow => (Verdict::Shadow, None),
            None if journey.arm == Arm::Treated => (Verdict::Send, None),
            None => (Verdict::Holdout, None),
        };
        let decision = decide(&draft, verdict, fact, &scope, self.moment.now);
        let is_late = verdict == Verdict::Refuse(Refusal::Late)
            || (verdict == Verdict::Holdout
                && self.moment.now.since(due_at) > policy::late::behind_max(compiled, message));
        if is_late {
            give_back(person, at);
        } else {
            // A message that is sent may still expire: its outcome says.
            mark(person, at, verdict != Verdict::Send);
        }
        match verdict {
            Verdict::Send => self.send(person, at, &decision, compiled),
            Verdict::Refuse(refusal) => self.go_on(person, at, compiled, op, refusal),
            // As if it were sent at once.
            Verdict::Shadow => self.pass(person, at, compiled, op),
            Verdict::Holdout => {
                person.journeys.remove(at);
            }
        }
        self.effects.push(Effect::Decide(Box::new(decision)));
    }

    fn send(&mut self, person: &mut Person, at: usize, decision: &Decision, compiled: &Compiled) {
        let full = shown::note(person, at, decision, compiled);
        self.effects.extend(full.map(Effect::Cancel));
        let journey = &mut person.journeys[at];
        journey.state = JourneyState::InFlight(decision.id);
        let counted = Counted {
            decision: decision.id,
            channel: decision.channel,
            judged_at: self.moment.now,
            is_in_flight: true,
            is_transactional: decision.is_transactional,
            rule: journey.rule,
            entered_at: journey.entered_at,
        };
        push_exactly(&mut person.messages, counted);
    }

    /// After what is recorded alone.
    fn pass(&self, person: &mut Person, at: usize, compiled: &Compiled, op: &Op) {
        let Person { journeys, aside, .. } = &mut *person;
        let (journey, from) = (&mut journeys[at], From::outcome(self.moment.now));
        if journey.exited.is_some() || !advance(journey, compiled, op.next, from, aside) {
            person.journeys.remove(at);
        }
    }

    /// After a refusal: a message that was refused does not stop the journey; exit, opt-out and lost audience do.
    fn go_on(&self, person: &mut Person, at: usize, compiled: &Compiled, op: &Op, refusal: Refusal) {
        let Person { journeys, aside, .. } = &mut *person;
        let journey = &mut journeys[at];
        let ends = refusal.ends_journey() || journey.exited.is_some();
        if ends || !advance(journey, compiled, op.next, From::outcome(self.moment.now), aside) {
            person.journeys.remove(at);
        }
    }

    /// Takes back messages in flight of journeys that are over (exit, lost audience, opt-out), and what products show.
    fn recheck(&mut self, person: &mut Person) {
        if !person.take_recheck() {
            return;
        }
        let now = self.moment.now;
        self.follow_zone(person);
        for at in (0..person.journeys.len()).rev() {
            let journey = &person.journeys[at];
            let JourneyState::InFlight(decision) = journey.state else { continue };
            let Some(compiled) = self.compiled(journey) else { continue };
            let Some(message) = message_of(compiled, journey) else { continue };
            let standing = Standing {
                compiled,
                person,
                exited: journey.exited.as_ref(),
                channel: message.channel,
                topic: message.topic.as_deref(),
                is_transactional: message.is_transactional,
                scope: Captured::of(&journey.occurrence).scope_of(&journey.event_name, person, now),
            };
            if let Some(reason) = policy::takes_back(&standing) {
                self.effects.push(Effect::Cancel(Cancel { decision, reason: reason.into(), at: now }));
                person.journeys.remove(at);
                shown::forget(person, decision);
            }
        }
        let rule_of = |shown: &Shown| {
            self.release.rule_of(&self.releases[shown.release as usize], &self.rules[shown.rule as usize])
        };
        let taken_back = shown::take_back(person, rule_of, now);
        self.effects.extend(taken_back.into_iter().map(Effect::Cancel));
    }
}

/// An entry counts for `once_per` whatever becomes of its messages, unless all of them were late or expired: the entry of
/// journey `at` counts, for good where a message of it was judged or ended otherwise.
pub(super) fn mark(person: &mut Person, at: usize, is_for_good: bool) {
    let journey = &mut person.journeys[at];
    journey.counts |= is_for_good;
    let (rule, key, entered_at) = (journey.rule, journey.key.clone(), journey.entered_at);
    let case = person.case_mut(rule, key.as_deref());
    if let Some(case) = case.filter(|case| case.entered_at.get().is_none_or(|at| at < entered_at)) {
        case.entered_at = Some(entered_at).into();
    }
}

/// The entry of journey `at` is given back, unless it counts for good: its message was late, or expired.
pub(super) fn give_back(person: &mut Person, at: usize) {
    let journey = &person.journeys[at];
    let (rule, key, entered_at) = (journey.rule, journey.key.clone(), journey.entered_at);
    if journey.counts {
        return;
    }
    let case = person.case_mut(rule, key.as_deref());
    if let Some(case) = case.filter(|case| case.entered_at.get() == Some(entered_at)) {
        case.entered_at = None.into();
    }
}

fn message_of<'c>(compiled: &'c Compiled, journey: &Journey) -> Option<&'c MessageStep> {
    match &op_of(compiled, journey)?.kind {
        OpKind::Message(message) => Some(message),
        OpKind::Wait(_)
        | OpKind::WaitUntil { .. }
        | OpKind::WaitFor(_)
        | OpKind::If { .. }
        | OpKind::Split(_)
        | OpKind::Set(_)
        | OpKind::Exit => None,
    }
}
