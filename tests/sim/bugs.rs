//! Each promise is seen broken: a bug is planted, and the seeds find it.

use crate::faults::Plan;
use crate::run::{Run, differences, once};
use outreach_engine::planted::{Bug, plant};

/// A planted bug is found within so many seeds.
const SEEDS_MAX: u64 = 40;

/// The first seed that finds it, and what it says.
fn find(bug: Bug) -> Option<(u64, String)> {
    (0..SEEDS_MAX).find_map(|seed| {
        plant(Some(bug));
        let run = once(seed, Plan::of(seed), false);
        plant(None);
        let first = run.violations.first().cloned().or_else(|| differs_from_ideal(seed, &run));
        first.map(|violation| (seed, violation))
    })
}

fn differs_from_ideal(seed: u64, run: &Run) -> Option<String> {
    let ideal = once(seed, Plan::without_faults(), false);
    differences(&run.findings, &ideal.findings, seed).into_iter().next()
}

fn is_found(bug: Bug) {
    let (seed, violation) = find(bug).unwrap_or_else(|| panic!("{bug:?} is not found by {SEEDS_MAX} seeds"));
    println!("{bug:?} is found by seed {seed}: {violation}");
}

#[test]
fn a_position_that_is_not_checked_is_found() {
    is_found(Bug::PositionNotChecked);
}

#[test]
fn a_tick_while_behind_is_found() {
    is_found(Bug::TickWhileBehind);
}

#[test]
fn effects_that_a_rerun_writes_again_are_found() {
    is_found(Bug::EffectsNotDropped);
}

#[test]
fn a_gate_outside_the_transaction_is_found() {
    is_found(Bug::GateOutsideTransaction);
}

#[test]
fn a_clock_in_the_engine_is_found() {
    is_found(Bug::ClockInEngine);
}

#[test]
fn a_lost_outcome_is_found() {
    is_found(Bug::OutcomeLost);
}

#[test]
fn an_unknown_message_that_is_repeated_is_found() {
    is_found(Bug::UnknownRepeated);
}

#[test]
fn a_pause_that_the_gate_does_not_ask_for_is_found() {
    is_found(Bug::PauseIgnored);
}

#[test]
fn a_message_that_was_taken_back_and_stays_in_the_queue_is_found() {
    is_found(Bug::CancelIgnored);
}

#[test]
fn a_message_that_was_taken_back_and_stays_in_the_inbox_is_found() {
    is_found(Bug::ShownForGood);
}

#[test]
fn people_inside_who_go_by_the_newest_release_are_found() {
    is_found(Bug::ReleaseOfNow);
}

#[test]
fn an_in_product_message_that_is_lost_in_a_crash_is_found() {
    is_found(Bug::InProductUnknown);
}
