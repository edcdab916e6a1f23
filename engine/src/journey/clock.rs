//! `wait_for`: until a local time of the person, by the zone that is known then.

use super::advance::op_of;
use super::enter::zone_of;
use super::judge::Judge;
use crate::local_time::ClockWord;
use crate::release::OpKind;
use crate::state::{Journey, JourneyState, Person};
use crate::time::Timestamp;

impl Judge<'_, '_> {
    /// How a journey waits that has come to the step; nothing where it waits no longer.
    pub(super) fn clock(&self, person: &Person, journey: &Journey, word: ClockWord) -> Option<JourneyState> {
        match journey.state {
            JourneyState::Due { due_at: since, .. } if journey.exited.is_none() => {
                let due_at = self.comes_at(person, word, since);
                (due_at > since).then_some(JourneyState::AwaitsClock { since, due_at })
            }
            JourneyState::Due { .. } | JourneyState::AwaitsClock { .. } | JourneyState::InFlight(_) => None,
        }
    }

    fn comes_at(&self, person: &Person, word: ClockWord, since: Timestamp) -> Timestamp {
        let (_, zone) = zone_of(person, self.release);
        word.due_at(&zone, since).unwrap_or(Timestamp::MAX)
    }

    /// A person who is elsewhere now waits for the time there. What has come by the zone that was known has come.
    pub(super) fn follow_zone(&self, person: &mut Person) {
        let now = self.moment.now;
        for at in 0..person.journeys.len() {
            let journey = &person.journeys[at];
            let JourneyState::AwaitsClock { since, due_at } = journey.state else { continue };
            let op = self.compiled(journey).and_then(|compiled| op_of(compiled, journey));
            let Some(OpKind::WaitFor(word)) = op.map(|op| &op.kind) else { continue };
            if due_at > now {
                let due_at = self.comes_at(person, *word, since.max(now));
                person.journeys[at].state = JourneyState::AwaitsClock { since, due_at };
            }
        }
    }
}
