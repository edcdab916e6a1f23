//! What became of a message: its place under the caps is kept or given back, and the journey goes on.

use super::advance;
use crate::event::{Outcome, OutcomeKind};
use crate::release::Release;
use crate::state::{JourneyState, Shard};

/// Takes in an outcome. One that was had before, or that names no message in flight, changes nothing.
pub(crate) fn take_in(release: &Release, shard: &mut Shard, outcome: &Outcome<'_>) {
    let Some(index) = shard.people.get_index_of(&outcome.subject) else { return };
    let (rules, releases) = (&shard.rules, &shard.releases);
    let (_, person) = shard.people.get_index_mut(index).expect("just found");
    let is_this =
        |counted: &&mut crate::state::Counted| counted.decision == outcome.decision && counted.is_in_flight;
    let Some(counted) = person.messages.iter_mut().find(is_this) else { return };
    counted.is_in_flight = false;
    let (rule, entered_at) = (counted.rule, counted.entered_at);
    if !outcome.kind.counts_as_sent() {
        person.messages.retain(|counted| counted.decision != outcome.decision);
    }
    let journey =
        person.journeys.iter().position(|journey| journey.state == JourneyState::InFlight(outcome.decision));
    let is_first = journey.is_none_or(|at| !person.journeys[at].counts);
    if outcome.kind == OutcomeKind::Expired && is_first {
        let case =
            person.cases.iter_mut().find(|case| case.rule == rule && case.entered_at == Some(entered_at));
        if let Some(case) = case {
            case.entered_at = None;
        }
    }
    if let Some(at) = journey {
        let journey = &mut person.journeys[at];
        journey.counts |= outcome.kind != OutcomeKind::Expired;
        let id = rules.get_index(journey.rule as usize).expect("slots come from this table");
        let entered = releases.get_index(journey.release as usize).expect("slots come from this table");
        let goes_on = match release.rule_of(entered, id) {
            Some(compiled) => advance(journey, compiled, outcome.at),
            None => false,
        };
        if !goes_on {
            person.journeys.remove(at);
        }
    }
    shard.refile(index);
}
