//! What the gate asks, in this order (rules.md, "Guard rails: at the gate").

use super::pace::Pace;
use crate::ledger::{Counted, Message, Pause, Suppression, SuppressionKind};
use outreach_engine::effect::{Channel, OnCap};
use outreach_engine::event::OutcomeKind;
use outreach_engine::planted::{self, Bug};
use outreach_engine::policy::{cap, quiet_hours};
use outreach_engine::{Length, Release, Timestamp, zone};

/// All that a rail may look at, beside the message.
pub(super) struct Facts<'a> {
    pub release: &'a Release,
    pub pauses: &'a [Pause],
    /// Of the address.
    pub suppressions: Vec<Suppression>,
    /// Messages to the address.
    pub counted: Vec<Counted>,
    pub stood_at_end_at: Timestamp,
    pub delivers_to: &'a dyn Fn(&str) -> bool,
    pub breaker_until: Option<Timestamp>,
    pub pace: &'a mut Pace,
    pub now: Timestamp,
}

/// What the gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    /// Asked again then.
    Hold {
        until: Timestamp,
        code: &'static str,
    },
    /// It does not leave.
    End {
        outcome: OutcomeKind,
        code: &'static str,
    },
}

type Rail = fn(&mut Facts<'_>, &Message) -> Option<Verdict>;

/// In this order; the first that stops a message is the recorded reason.
const RAILS: [Rail; 9] =
    [rule_off, paused, expired, delivery_list, suppressed, stale, over_cap, in_quiet_hours, out_of_pace];

/// Resuming wakes what is held by a pause; this is for a wake-up that was lost.
const PAUSED_FOR: Length = Length::minutes(1);
/// A shard that is behind is looked at again soon.
const STALE_FOR: Length = Length::seconds(2);
/// A message is stale unless its shard stood at the log's end within this time.
const STALE_AFTER: Length = Length::minutes(1);
/// The gate starts quiet hours early, since a slow server may accept up to a minute after it.
const QUIET_EARLY: Length = Length::minutes(1);

pub(super) fn judge(mut facts: Facts<'_>, message: &Message) -> Verdict {
    RAILS.iter().find_map(|rail| rail(&mut facts, message)).unwrap_or(Verdict::Go)
}

fn rule_off(facts: &mut Facts<'_>, message: &Message) -> Option<Verdict> {
    // A shadow sends nothing, what was decided before it became one neither.
    let is_off = facts.release.is_off(&message.rule) || facts.release.is_shadow(&message.rule);
    is_off.then_some(Verdict::End { outcome: OutcomeKind::Cancelled, code: "rule-off" })
}

fn paused(facts: &mut Facts<'_>, message: &Message) -> Option<Verdict> {
    let is_paused =
        facts.pauses.iter().any(|pause| pause.rule.as_ref().is_none_or(|rule| *rule == message.rule));
    let is_paused = is_paused && !planted::is_on(Bug::PauseIgnored);
    is_paused.then_some(Verdict::Hold { until: facts.now + PAUSED_FOR, code: "paused" })
}

fn expired(facts: &mut Facts<'_>, message: &Message) -> Option<Verdict> {
    let is_expired = facts.now > message.expires_at;
    is_expired.then_some(Verdict::End { outcome: OutcomeKind::Expired, code: "expired" })
}

fn delivery_list(facts: &mut Facts<'_>, message: &Message) -> Option<Verdict> {
    let is_let = message.channel != Channel::Email || (facts.delivers_to)(&message.address);
    (!is_let).then_some(Verdict::End { outcome: OutcomeKind::Skipped, code: "not-in-delivery-list" })
}

/// By address, for several users may share one. Who opted out still gets what is transactional; an address that bounced,
/// or whose owner complained, gets nothing.
fn suppressed(facts: &mut Facts<'_>, message: &Message) -> Option<Verdict> {
    let code =
        facts.suppressions.iter().find_map(|suppression| match (suppression.kind, &suppression.topic) {
            (SuppressionKind::Bounced | SuppressionKind::Complained, _) => Some("suppressed"),
            (SuppressionKind::Unsubscribed, _) if message.is_transactional => None,
            (SuppressionKind::Unsubscribed, None) => Some("suppressed"),
            (SuppressionKind::Unsubscribed, Some(topic)) => {
                (message.topic.as_ref() == Some(topic)).then_some("topic-opt-out")
            }
        })?;
    Some(Verdict::End { outcome: OutcomeKind::Skipped, code })
}

fn stale(facts: &mut Facts<'_>, _: &Message) -> Option<Verdict> {
    let stood_at = facts.stood_at_end_at;
    let is_stale = stood_at == Timestamp::MIN || facts.now.since(stood_at) > STALE_AFTER;
    is_stale.then_some(Verdict::Hold { until: facts.now + STALE_FOR, code: "stale" })
}

fn over_cap(facts: &mut Facts<'_>, message: &Message) -> Option<Verdict> {
    if message.is_transactional {
        return None;
    }
    let (_, zone) = zone::first_known([message.zone.as_str()]);
    let counted: Vec<_> = facts.counted.iter().map(|counted| (counted.channel, counted.at)).collect();
    let hit = cap::hit(&facts.release.settings.caps, message.channel, &counted, facts.now, &zone)?;
    let may_wait = message.on_cap == OnCap::Wait && hit.frees_at <= message.expires_at;
    Some(if may_wait {
        Verdict::Hold { until: hit.frees_at, code: "cap" }
    } else {
        Verdict::End { outcome: OutcomeKind::Skipped, code: "cap" }
    })
}

fn in_quiet_hours(facts: &mut Facts<'_>, message: &Message) -> Option<Verdict> {
    let quiet = facts.release.settings.quiet_hours.filter(|_| !message.is_transactional)?;
    let (_, zone) = zone::first_known([message.zone.as_str()]);
    let now = facts.now;
    let until = quiet_hours::ends_at(quiet, &zone, now)
        .or_else(|| quiet_hours::ends_at(quiet, &zone, now + QUIET_EARLY))?;
    Some(Verdict::Hold { until, code: "quiet-hours" })
}

/// Last, since a place in the pace is taken by asking for it.
fn out_of_pace(facts: &mut Facts<'_>, message: &Message) -> Option<Verdict> {
    if let Some(until) = facts.breaker_until {
        return Some(Verdict::Hold { until, code: "server-down" });
    }
    let until = facts.pace.take(message, facts.now)?;
    Some(Verdict::Hold { until, code: "pace" })
}
