//! `on_change = "follow"`: somebody inside goes on by the rule as it is now, from the step of the same name.

use crate::rule::Rule;
use crate::state::Journey;

/// The step of `new` at which a journey that stood at a step of `old` goes on: the one of that name, else the first written
/// behind it whose name is still there. What it waits for it goes on waiting for. False where none is there any more.
pub(super) fn follow(journey: &mut Journey, old: &Rule, new: &Rule) -> bool {
    let new = new.all_steps();
    let left = old.all_steps().into_iter().skip(journey.step as usize);
    // A program numbers the steps as they are written.
    let place = left.into_iter().find_map(|step| new.iter().position(|other| other.name == step.name));
    if let Some(place) = place {
        journey.step = place as u32;
    }
    place.is_some()
}
