//! `inactive_for = "14 days"`: nothing that is asked for since the last of it, up to and including the deadline; once a
//! spell.
//!
//! A silence counts from the last record in the person's order. What is done after its deadline leaves it over, to be
//! judged a grace after that; what comes late in the log and stands inside of one that is not judged undoes it, and what
//! stands inside of one that was judged begins no other.

use super::Met;
use crate::event::Place;
use crate::release::Compiled;
use crate::rule::{Inactivity, Rule};
use crate::state::{Began, Quiet, Silence, Spell};
use crate::time::{Length, Timestamp};
use thin_vec::ThinVec;

/// A rule's own part in a silence.
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    pub after: Length,
    pub grace: Length,
    pub or_never: bool,
    pub backfills: bool,
    /// Silences that were over by then were so before the rule was released.
    pub since: Timestamp,
    pub release: u32,
}

/// What a record does to the last one.
pub(crate) enum Moves {
    /// It is not the last, or the same once more.
    No,
    /// It is, and so is the silence before it over or not.
    On,
}

impl Asking {
    /// Nothing where the rule asks for no inactivity.
    pub fn of(compiled: &Compiled, since: Timestamp, release: u32) -> Option<Asking> {
        let Rule { trigger, limits, .. } = &compiled.rule;
        let Inactivity { after, or_never, .. } = trigger.form.inactivity()?;
        let (after, or_never, backfills) = (*after, *or_never, trigger.backfills);
        Some(Asking { after, grace: limits.grace, or_never, backfills, since, release })
    }

    /// Whether a silence that began so is one that the rule asks for.
    pub fn counts(&self, quiet: &Quiet) -> bool {
        match quiet.began {
            Began::Done => true,
            Began::FirstRecord => self.or_never,
            Began::Release => self.backfills,
        }
    }

    /// When a silence is over, and when that may be judged; nothing where it counts for nothing.
    pub fn over(&self, quiet: &Quiet, silence: Option<&Silence>) -> Option<(Timestamp, Timestamp)> {
        let due_at = quiet.last.at + self.after;
        let judged_until = silence.and_then(|silence| silence.judged_until.get());
        let is_new = judged_until.is_none_or(|until| quiet.last.at > until) && due_at > self.since;
        (is_new && self.counts(quiet)).then_some((due_at, due_at + self.grace))
    }
}

/// Whether a record becomes the one from which the silence counts.
pub(crate) fn moves(quiet: Option<&Quiet>, order: (Timestamp, Place), hash: u64) -> Moves {
    let is_last = |quiet: &Quiet| {
        quiet.began != Began::Done || (order > quiet.last.order() && quiet.last.message_id.hash() != hash)
    };
    if quiet.is_none_or(is_last) { Moves::On } else { Moves::No }
}

/// Something was done after the deadline of the silence before it: that one is over.
pub(crate) fn end(quiet: &Quiet, silence: &mut Silence, at: Timestamp, asking: Asking) {
    let Some((deadline, ready_at)) = asking.over(quiet, Some(silence)).filter(|(due_at, _)| *due_at < at)
    else {
        return;
    };
    let is_known = |spell: &Spell| spell.quiet.last.message_id == quiet.last.message_id;
    if !silence.over.iter().any(is_known) {
        silence.over.push(Spell { quiet: quiet.clone(), deadline, ready_at, release: asking.release });
    }
}

/// What comes late stands inside of silences that are over and not judged: there was none.
pub(crate) fn undo(over: &mut ThinVec<Spell>, (at, place): (Timestamp, Place), hash: u64) -> bool {
    let count = over.len();
    over.retain(|spell| {
        let is_inside = (at, place) > spell.quiet.last.order() && at <= spell.deadline;
        !is_inside || spell.quiet.last.message_id.hash() == hash
    });
    over.len() < count
}

/// One of the events that a rule names.
pub(crate) fn notice(silence: &mut Silence, met: &Met<'_>, asking: Asking) {
    if !(met.is_of_trigger)(silence.release) {
        silence.quiet = None;
    }
    silence.release = met.release;
    let new = || Quiet {
        last: (met.occurrence)(),
        event_name: met.event_name.clone(),
        began: Began::Done,
        exits: ThinVec::new(),
    };
    match moves(silence.quiet.as_ref(), met.order, met.hash) {
        Moves::No => {
            // It began a silence of its own, which the next thing that was done may have ended too late.
            if undo(&mut silence.over, met.order, met.hash)
                && met.may_begin
                && let Some(next_at) = silence.quiet.as_ref().map(|quiet| quiet.last.at)
            {
                end(&new(), silence, next_at, asking);
            }
        }
        Moves::On => {
            if let Some(quiet) = silence.quiet.take() {
                end(&quiet, silence, met.order.0, asking);
            }
            // What nobody vouches for ends an anonymous person's silence, and begins none.
            silence.quiet = met.may_begin.then(new);
        }
    }
}
