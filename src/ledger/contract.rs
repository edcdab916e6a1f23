//! What every ledger holds, as functions that the tests of each kind call. They panic with what was broken.
//!
//! Each takes a fresh, empty ledger.

mod consent;
mod inbox;
mod messages;
mod operators;
mod shards;
mod watching;

pub use shards::{decision, decisions, entries_of};

use super::{Ledger, LedgerError, MessageKey, MessageState, Transaction};
use outreach_engine::Timestamp;
use outreach_engine::effect::{Decision, DecisionId};

/// All of it, each on its own ledger.
pub fn holds<L: Ledger>(fresh: impl Fn() -> L) {
    shards::a_second_owner_is_fenced_and_writes_nothing(&fresh());
    shards::a_transaction_that_fails_leaves_nothing(&fresh());
    shards::a_decision_is_there_once(&fresh());
    shards::decisions_read_back_newest_first(&fresh());
    shards::positions_of_partitions_are_apart(&fresh());
    messages::a_message_lives_from_queued_to_sent(&fresh());
    messages::what_is_decided_again_is_no_second_message(&fresh());
    messages::only_decisions_to_send_become_messages(&fresh());
    messages::each_channel_is_looked_for_by_itself(&fresh());
    messages::what_is_held_comes_back_when_it_is_due(&fresh());
    messages::what_was_not_handed_over_goes_back(&fresh());
    messages::moves_that_are_not_in_the_picture_are_refused(&fresh());
    messages::what_has_ended_stays_as_it_is(&fresh());
    messages::what_has_not_left_is_taken_back(&fresh());
    messages::what_was_leaving_when_taken_back_ends_when_it_comes_back(&fresh());
    messages::an_outcome_goes_into_the_outbox_with_its_move(&fresh());
    messages::the_outbox_is_in_order_and_never_gives_a_number_twice(&fresh());
    consent::caps_count_what_left_or_is_leaving(&fresh());
    consent::a_suppression_holds_for_the_address_whoever_has_it(&fresh());
    consent::a_lifted_suppression_is_gone_and_others_stay(&fresh());
    inbox::what_is_kept_is_shown_to_its_person_newest_first(&fresh());
    inbox::what_is_over_is_shown_no_more_and_told_once(&fresh());
    inbox::the_first_reaction_wins_and_is_told_with_its_row(&fresh());
    inbox::nobody_reacts_for_others_or_to_what_was_not_kept(&fresh());
    inbox::a_kept_message_that_is_taken_back_is_gone(&fresh());
    inbox::what_a_rule_shows_is_taken_back_together(&fresh());
    inbox::changes_have_rising_numbers_and_say_whose_they_are(&fresh());
    operators::a_pause_is_of_one_rule_or_of_everything(&fresh());
    operators::releases_are_kept_in_order_and_announced_one_at_a_time(&fresh());
    operators::a_letter_of_one_origin_is_kept_once(&fresh());
    operators::a_letter_that_is_sent_again_is_one_and_is_counted(&fresh());
    operators::a_topic_created_anew_gives_its_offsets_to_other_letters(&fresh());
    operators::letters_are_listed_after_an_id_and_marked_when_replayed(&fresh());
    operators::what_is_old_is_forgotten_and_what_waits_keeps_its_render(&fresh());
    watching::the_newest_of_all_and_of_a_rule_are_found(&fresh());
    watching::decisions_are_tallied_by_what_became_of_them(&fresh());
    watching::non_entries_are_summed_over_hours(&fresh());
}

/// Runs `work`, which must succeed.
fn commit<T>(ledger: &impl Ledger, work: impl FnOnce(&mut dyn Transaction) -> Result<T, LedgerError>) -> T {
    ledger.transaction(work).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp(second * 1_000_000)
}

fn key_of(decision: &Decision) -> MessageKey {
    MessageKey { judged_at: decision.judged_at, id: decision.id }
}

/// Writes a queued message for `decision` in partition 1.
fn queue(ledger: &impl Ledger, decision: &Decision) -> MessageKey {
    commit(ledger, |t| t.insert_decisions(1, std::slice::from_ref(decision)));
    key_of(decision)
}

fn state(ledger: &impl Ledger, key: MessageKey) -> MessageState {
    commit(ledger, |t| t.message(key)).expect("the message is there").state
}

fn id(number: u32) -> DecisionId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
    id[12..].copy_from_slice(&number.to_be_bytes());
    DecisionId(id)
}
