//! What outreach makes of a person: what it waits for, and what was decided, beside the product that they use.

use super::super::stage::is_ended;
use super::super::world::World;
use super::product::Asked;
use crate::ledger::{Gone, Ledger, LedgerEntry, MessageState};
use crate::worker::PersonView;
use axum::extract::{Query, State};
use maud::{Markup, html};
use outreach_engine::effect::{Channel, Verdict};
use outreach_engine::event::Subject;
use outreach_engine::{Timestamp, zone};
use std::sync::Arc;

const DECISIONS_MAX: u32 = 6;

/// The panel alone, for the script that keeps it true.
pub(super) async fn panel(State(world): State<Arc<World>>, Query(asked): Query<Asked>) -> Markup {
    let id = super::product::actor(&world, &asked).id.clone();
    shown(&world, id).await
}

/// Asks shard and ledger, away from the async threads.
pub(super) async fn shown(world: &Arc<World>, id: String) -> Markup {
    let world = world.clone();
    let looked = tokio::task::spawn_blocking(move || look(&world, &id)).await;
    looked.unwrap_or_else(|_| html! { p.quiet { "The service does not answer." } })
}

fn look(world: &World, id: &str) -> Markup {
    let Some(operations) = world.operations.get() else {
        return html! { p.quiet { "The service is starting." } };
    };
    let person = (operations.viewer)(Subject::user(id)).ok().flatten();
    let subject = Subject::user(id).to_string();
    let entries = operations.ledger.reading(|transaction| transaction.entries(&subject, DECISIONS_MAX));
    html! {
        h3 { "Waits for" }
        (waits(world, person.as_ref()))
        h3 { "Has decided" }
        @match entries {
            Ok(entries) if entries.is_empty() => { p.quiet { "Nothing yet." } }
            Ok(entries) => { ol.decided { @for entry in &entries { (decided(entry)) } } }
            Err(_) => { p.quiet { "The ledger does not answer." } }
        }
        p { a href={ "/people/user:" (id) } { "All that is known of them" } }
    }
}

fn waits(world: &World, person: Option<&PersonView>) -> Markup {
    let Some(person) = person else {
        return html! { p.quiet { "Nobody here yet: they have done nothing." } };
    };
    let said = person.traits.get("timezone").and_then(|zone| zone.as_str());
    let zone = said.or(person.zone.as_deref()).unwrap_or("UTC");
    html! {
        @if person.waits.is_empty() && person.journeys.is_empty() { p.quiet { "Nothing." } }
        ul.waits {
            @for wait in &person.waits {
                li { strong { (wait.rule) } ": decides " (when(world, &wait.deadline, zone)) ", unless they do before what it waits for" }
            }
            @for journey in &person.journeys {
                li { strong { (journey.rule) } ": " (with_times(&journey.state, zone)) " (their time)" }
            }
        }
        @if person.all_off { p { "They want no messages at all." } }
        @if !person.topics_off.is_empty() { p { "They want no more of " (person.topics_off.join(", ")) "." } }
    }
}

fn decided(entry: &LedgerEntry) -> Markup {
    let decision = &entry.decision;
    let what = match decision.channel {
        Channel::Email => "email",
        Channel::InProduct => "in the product",
    };
    let (word, why) = match (decision.verdict, &entry.message) {
        (Verdict::Refuse(refusal), _) => ("No", refusal.sentence()),
        (Verdict::Holdout, _) => ("No", "gets nothing and is compared"),
        (Verdict::Shadow, _) => ("No", "recorded only"),
        (Verdict::Send, Some((MessageState::Sent, _, _))) if decision.channel == Channel::Email => {
            ("Yes", "sent")
        }
        (Verdict::Send, Some((MessageState::Sent, _, _))) => match &entry.gone {
            None => ("Yes", "put into their inbox"),
            Some((Gone::Dismissed, _)) => ("Yes", "and they dismissed it"),
            Some((Gone::TakenBack(_), _)) => ("Yes", "and taken back out of their inbox"),
        },
        (Verdict::Send, Some((MessageState::Held, _, _))) => ("Yes", "held at the gate"),
        (Verdict::Send, Some(_)) if is_ended(entry) => ("Yes", "and stopped at the gate"),
        (Verdict::Send, _) => ("Yes", "on its way"),
    };
    html! {
        li {
            span class={ "mark " (decision.verdict.code()) } { (word) }
            span { strong { (decision.rule) } ", " (what) " “" (decision.template) "”: " (why) }
        }
    }
}

/// A moment on the person's own clock, and how far off it is.
fn when(world: &World, instant: &str, zone: &str) -> Markup {
    let Some(at) = Timestamp::parse(instant) else { return html! { (instant) } };
    let hours = at.since(world.time.now()).0 / 3_600_000_000;
    let local = zone::find(zone).map(|zone| zone.to_datetime(at.to_jiff()).strftime("%A %H:%M").to_string());
    html! {
        "in " @if hours >= 48 { (hours / 24) " days" } @else if hours >= 2 { (hours) " hours" } @else { "a little while" }
        @if let Some(local) = local { " (" (local) " there)" }
    }
}

/// With its moments on the person's own clock.
fn with_times(text: &str, zone: &str) -> String {
    let local = |word: &str| {
        let at = Timestamp::parse(word.trim_end_matches([',', ';']))?;
        Some(zone::find(zone)?.to_datetime(at.to_jiff()).strftime("%A %H:%M").to_string())
    };
    let words = text.split(' ').map(|word| local(word).unwrap_or_else(|| word.to_owned()));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_on_the_clock_of_the_person() {
        let told = with_times("held until 2026-03-02T23:00:00Z, by night", "Asia/Tokyo");
        assert_eq!(told, "held until Tuesday 08:00 by night");
    }
}
