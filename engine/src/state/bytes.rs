//! How many bytes people's rule state takes: what was asked of the allocator, room for more and headers counted too.
//! Not counted are profiles, keys, and what rules, releases and people are called.

use super::person::{Aside, Case, CaseState, Exited, Journey, Occurrence, OptOuts, Past, Person, Wait};
use super::profile::Profile;
use super::quiet::{Quiet, Silence, Watch};
use super::shown::Shown;
use thin_vec::ThinVec;

impl Person {
    /// Bytes asked of the allocator for their rule state, and their own; keys and the profile aside.
    pub(crate) fn rule_state_bytes(&self) -> usize {
        size_of::<Person>() - size_of::<Profile>()
            + list_bytes(&self.cases)
            + self.cases.iter().map(Case::heap_bytes).sum::<usize>()
            + list_bytes(&self.journeys)
            + self.journeys.iter().map(Journey::heap_bytes).sum::<usize>()
            + list_bytes(&self.messages)
            + self.aside.as_ref().map_or(0, |aside| aside.heap_bytes())
    }
}

impl Case {
    fn heap_bytes(&self) -> usize {
        let state = match &self.state {
            CaseState::Window(events) => list_bytes(events),
            CaseState::Waits { waits, past } => {
                list_bytes(waits)
                    + waits.iter().map(Wait::heap_bytes).sum::<usize>()
                    + past.as_ref().map_or(0, |past| past.heap_bytes())
            }
        };
        state + list_bytes(&self.occurrences)
    }
}

impl Wait {
    fn heap_bytes(&self) -> usize {
        let exited = self.exited.as_ref().map_or(0, |exited| size_of::<Exited>() + exited.heap_bytes());
        self.occurrence.heap_bytes() + exited
    }
}

impl Past {
    /// Of the past itself too: it stands in a box.
    fn heap_bytes(&self) -> usize {
        let silence = self.silence.as_ref().map_or(0, |silence| size_of::<Silence>() + silence.heap_bytes());
        size_of::<Past>() + list_bytes(&self.withouts) + list_bytes(&self.window) + silence
    }
}

impl Journey {
    /// Of its event's name nothing: it is the rule's.
    fn heap_bytes(&self) -> usize {
        self.occurrence.heap_bytes() + self.exited.as_ref().map_or(0, Exited::heap_bytes)
    }
}

impl Occurrence {
    fn heap_bytes(&self) -> usize {
        self.message_id.heap_bytes() + self.captured.as_ref().map_or(0, |captured| captured.len())
    }
}

impl Exited {
    fn heap_bytes(&self) -> usize {
        2 * ARC_HEADER_BYTES + self.message_id.len() + self.event_name.len()
    }
}

impl Aside {
    /// Of what stands aside itself too: it is in a box. What topics and addresses are called is no rule's.
    fn heap_bytes(&self) -> usize {
        size_of::<Aside>()
            + self.opt_outs.as_ref().map_or(0, |_| size_of::<OptOuts>())
            + list_bytes(&self.heard)
            + list_bytes(&self.shown)
            + self.shown.iter().map(Shown::heap_bytes).sum::<usize>()
            + self.history.heap_bytes()
            + list_bytes(&self.goals)
            + list_bytes(&self.mutes)
            + self.watch.as_ref().map_or(0, |watch| size_of::<Watch>() + watch.heap_bytes())
    }
}

impl Watch {
    fn heap_bytes(&self) -> usize {
        list_bytes(&self.activities)
            + self.activities.iter().map(|activity| activity.quiet.heap_bytes()).sum::<usize>()
    }
}

impl Silence {
    fn heap_bytes(&self) -> usize {
        let over = self.over.iter().map(|spell| spell.quiet.heap_bytes()).sum::<usize>();
        self.quiet.as_ref().map_or(0, Quiet::heap_bytes) + list_bytes(&self.over) + over
    }
}

impl Quiet {
    /// Of its event's name too: it is the person's own.
    fn heap_bytes(&self) -> usize {
        let exits =
            self.exits.iter().map(|(_, exited)| size_of::<Exited>() + exited.heap_bytes()).sum::<usize>();
        self.last.heap_bytes() + ARC_HEADER_BYTES + self.event_name.len() + list_bytes(&self.exits) + exits
    }
}

impl Shown {
    /// Of its event's name and its topic nothing: they are the rule's.
    fn heap_bytes(&self) -> usize {
        let exited = self.exited.as_ref().map_or(0, |exited| size_of::<Exited>() + exited.heap_bytes());
        self.occurrence.heap_bytes() + exited
    }
}

/// The counts in front of what an `Arc` shares.
const ARC_HEADER_BYTES: usize = 2 * size_of::<usize>();

/// A list's length and room, in front of its items; a list that never had any asked for nothing.
pub(super) fn list_bytes<T>(list: &ThinVec<T>) -> usize {
    let header = 2 * size_of::<usize>();
    if list.capacity() == 0 { 0 } else { header + list.capacity() * size_of::<T>() }
}

#[cfg(test)]
mod tests {
    use super::super::Counted;
    use super::*;

    /// Whoever lets one of these grow multiplies it by millions.
    #[test]
    fn what_there_are_millions_of_is_small() {
        assert_eq!(size_of::<Person>() - size_of::<Profile>(), 48);
        assert_eq!(size_of::<Case>(), 56);
        assert_eq!(size_of::<Wait>(), 88);
        assert_eq!(size_of::<Past>(), 56);
        assert_eq!(size_of::<Counted>(), 40);
    }
}
