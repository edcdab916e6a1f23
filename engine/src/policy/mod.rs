//! The guard rails, one file each; this is their order (rules.md, "Guard rails").
//!
//! A rail looks at one message step that is due and says what stops it, and by which fact. The first that stops it is
//! the recorded reason.

mod audience;
pub mod cap;
mod exit;
pub mod holdout;
pub(crate) mod late;
pub(crate) mod muted;
mod no_address;
pub mod once_per;
pub mod quiet_hours;
mod suppressed;
mod topic_opt_out;

use crate::effect::{Channel, Fact, Refusal};
use crate::release::{Compiled, Release};
use crate::rule::{MessageStep, Scope};
use crate::state::{Exited, Journey, Person};
use crate::time::Timestamp;
use jiff::tz::TimeZone;
use muted::Neighbours;

/// A message step that is due, and all that a rail may look at.
pub(crate) struct Judged<'a> {
    pub release: &'a Release,
    pub compiled: &'a Compiled,
    pub message: &'a MessageStep,
    pub person: &'a Person,
    pub journey: &'a Journey,
    pub due_at: Timestamp,
    pub is_never_late: bool,
    /// The tick.
    pub now: Timestamp,
    pub zone: &'a TimeZone,
    pub neighbours: Neighbours<'a>,
    pub scope: Scope<'a>,
}

/// A message, decided or about to be, and what is asked of it until its person can see it no more.
#[derive(Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub compiled: &'a Compiled,
    pub person: &'a Person,
    pub exited: Option<&'a Exited>,
    pub channel: Channel,
    pub topic: Option<&'a str>,
    pub is_transactional: bool,
    pub scope: Scope<'a>,
}

impl<'a> Judged<'a> {
    fn standing(&self) -> Standing<'a> {
        let Judged { compiled, message, person, journey, scope, .. } = *self;
        Standing {
            compiled,
            person,
            exited: journey.exited.as_ref(),
            channel: message.channel,
            topic: message.topic.as_deref(),
            is_transactional: message.is_transactional,
            scope,
        }
    }
}

/// What a rail says of a message that may not leave now.
pub(crate) enum Stop {
    Refuse(Refusal, Option<Fact>),
    /// Judged again then.
    Hold {
        until: Timestamp,
        is_never_late: bool,
    },
}

type Rail = fn(&Judged<'_>) -> Option<Stop>;

/// In this order.
const RAILS: [Rail; 10] = [
    late::stops,
    |judged| exit::stops(&judged.standing()),
    |judged| audience::stops(&judged.standing()),
    |judged| suppressed::stops(&judged.standing()),
    |judged| topic_opt_out::stops(&judged.standing()),
    no_address::stops,
    muted::stops,
    cap::stops,
    late::expired_stops,
    quiet_hours::stops,
];

/// What stops this message, if anything does.
pub(crate) fn judge(judged: &Judged<'_>) -> Option<Stop> {
    RAILS.iter().find_map(|rail| rail(judged))
}

/// What takes a message back that is in flight, or shown: the person left, or wants no more of it.
pub(crate) fn takes_back(standing: &Standing<'_>) -> Option<Refusal> {
    [exit::stops, audience::stops, suppressed::stops, topic_opt_out::stops].iter().find_map(
        |rail| match rail(standing) {
            Some(Stop::Refuse(refusal, _)) => Some(refusal),
            Some(Stop::Hold { .. }) | None => None,
        },
    )
}

/// A refusal without more to say.
fn refuse(refusal: Refusal) -> Option<Stop> {
    Some(Stop::Refuse(refusal, None))
}

/// A refusal, and what made it so.
fn refuse_because(refusal: Refusal, what: &str, value: String, event: Option<&str>) -> Option<Stop> {
    let fact = Fact { what: what.into(), value: value.into(), event: event.map(Into::into) };
    Some(Stop::Refuse(refusal, Some(fact)))
}

#[cfg(test)]
mod tests;
