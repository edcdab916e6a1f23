//! The sample stream: what happens to the people of a small made-up product, as events of Segment's form.
//!
//! Time is quickened by writing events of the past: who signed up three days and two minutes ago is judged now.

use super::people::{ASLEEP, AWAKE, DOMAINS};
use super::scribe::{Actor, Scribe};
use super::seed::Seed;
use outreach_engine::{Length, Timestamp};
use serde_json::{Value, json};

/// One scene: what somebody does, and what is to be seen of it.
pub(super) struct Scene {
    pub actor: Actor,
    /// "starts a trial and is silent for three days".
    pub tells: &'static str,
    pub deed: Deed,
    pub expects: Expects,
}

pub(super) enum Deed {
    /// Events come in by HTTP.
    Sends(Vec<Value>),
    /// The person unsubscribes with one click, by the link of their newest mail.
    Unsubscribes,
}

/// After this a scene is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expects {
    /// The person has so many rows in the ledger.
    Rows(usize),
    /// They are known, and no rule waits for anything or has them inside.
    Silence,
    /// A journey of theirs is held.
    Hold,
    /// They have opted out of a topic.
    OptOut,
    /// So many dead letters are kept.
    DeadLetters(usize),
}

/// Writes the events.
struct Writer<'s> {
    seed: &'s mut Seed,
    now: Timestamp,
    scribe: Scribe,
}

const TRIAL: Length = Length(Length::days(3).0 + Length::minutes(2).0);
/// A trial lasts 14 days, and its rule looks at it three before they are over.
const TRIAL_NEARLY_OVER: Length = Length(Length::days(11).0 + Length::minutes(2).0);

/// The story. `is_held_out` says of an id whether the hash puts it into the arm of the trial's rule that gets nothing.
pub(super) fn story(seed: &mut Seed, now: Timestamp, is_held_out: &dyn Fn(&str) -> bool) -> Vec<Scene> {
    let (mut awake, mut asleep) = (AWAKE.to_vec(), ASLEEP.to_vec());
    let mut cast = |seed: &mut Seed, is_asleep: bool, wants_held_out: bool| {
        let who = seed.take(if is_asleep { &mut asleep } else { &mut awake });
        let fits = |id: &String| is_held_out(id) == wants_held_out;
        let id = std::iter::repeat_with(|| format!("u_{:08x}", seed.next() as u32)).find(fits);
        let id = id.expect("an endless supply of ids");
        Actor { id, who, address: Some(format!("{}@{}", who.mailbox(), seed.pick(&DOMAINS))) }
    };
    let [silent, prompt, leaver, capped, tired, repeater, payer, old] =
        [(); 8].map(|()| cast(seed, false, false));
    // One mailbox, two users: caps are the mailbox's.
    let second_account = Actor { id: cast(seed, false, false).id, ..capped.clone() };
    let nameless = Actor { address: None, ..cast(seed, false, false) };
    let (sleeper, compared) = (cast(seed, true, false), cast(seed, false, true));
    let scribe = Scribe::new(seed);
    let mut w = Writer { seed, now, scribe };
    let mut scenes = w.trials(&silent, &prompt, &sleeper, &compared, &old);
    scenes.extend(w.payments(&payer, &repeater, &nameless));
    scenes.extend(w.second_acts(&leaver, &capped, &second_account, &tired));
    scenes.push(w.broken(&payer));
    scenes
}

impl Writer<'_> {
    fn trials(
        &mut self,
        silent: &Actor,
        prompt: &Actor,
        sleeper: &Actor,
        compared: &Actor,
        old: &Actor,
    ) -> Vec<Scene> {
        let mut in_time = self.trial(prompt, TRIAL);
        in_time.push(self.track(prompt, Length::days(2), "Project Created", json!({ "name": "Website" })));
        let [first, at_night, control, late] =
            [(silent, TRIAL), (sleeper, TRIAL), (compared, TRIAL), (old, Length::days(21))]
                .map(|(actor, ago)| self.trial(actor, ago));
        const SILENT: &str = "started a trial three days ago, and made no project";
        vec![
            scene(silent, SILENT, first, Expects::Rows(1)),
            scene(
                prompt,
                "started a trial three days ago, and made a project on the second day",
                in_time,
                Expects::Silence,
            ),
            scene(
                sleeper,
                "started a trial three days ago, and made no project; it is night there",
                at_night,
                Expects::Hold,
            ),
            scene(compared, SILENT, control, Expects::Rows(1)),
            scene(
                old,
                "started a trial three weeks ago: an event that comes late, as imported history does",
                late,
                Expects::Rows(1),
            ),
        ]
    }

    fn payments(&mut self, payer: &Actor, repeater: &Actor, nameless: &Actor) -> Vec<Scene> {
        let third = self.failures(payer, 3);
        let mut repeated = self.failures(repeater, 2);
        // A client that got no answer sends the same event again: one `messageId`, one event.
        repeated.extend(repeated.last().cloned());
        let unreachable = self.failures(nameless, 3);
        vec![
            scene(payer, "had a third payment fail within a day", third, Expects::Rows(1)),
            scene(
                repeater,
                "had two payments fail, and one of the events came twice",
                repeated,
                Expects::Silence,
            ),
            scene(
                nameless,
                "had a third payment fail, and never gave an address",
                unreachable,
                Expects::Rows(1),
            ),
        ]
    }

    fn second_acts(
        &mut self,
        leaver: &Actor,
        capped: &Actor,
        second_account: &Actor,
        tired: &Actor,
    ) -> Vec<Scene> {
        let [one, two, three, four] =
            [leaver, capped, tired, second_account].map(|actor| self.trial(actor, TRIAL));
        let project = vec![self.track(leaver, Length::ZERO, "Project Created", json!({ "name": "Garden" }))];
        let ends_at = (self.now - TRIAL_NEARLY_OVER + Length::days(14)).to_string();
        let [ending, ending_too] = [capped, tired].map(|actor| {
            vec![self.track(actor, TRIAL_NEARLY_OVER, "Trial Started", json!({ "trial_end_date": ends_at }))]
        });
        const SILENT: &str = "started a trial three days ago, and made no project";
        vec![
            scene(leaver, SILENT, one, Expects::Rows(1)),
            scene(leaver, "makes a project now, before the rule's next step", project, Expects::Rows(2)),
            scene(capped, SILENT, two, Expects::Rows(1)),
            scene(
                capped,
                "is in an older trial too, which ends in three days: a second rule, the same day",
                ending,
                Expects::Rows(2),
            ),
            scene(
                second_account,
                "did the same in a second account with the same address",
                four,
                Expects::Rows(1),
            ),
            scene(tired, SILENT, three, Expects::Rows(1)),
            Scene {
                actor: tired.clone(),
                tells: "unsubscribes with one click",
                deed: Deed::Unsubscribes,
                expects: Expects::OptOut,
            },
            scene(tired, "is in an older trial too, which ends in three days", ending_too, Expects::Rows(2)),
        ]
    }

    /// An event nobody can place in time: kept with its reason, and the stream goes on.
    fn broken(&mut self, actor: &Actor) -> Scene {
        let mut event = self.track(actor, Length::ZERO, "Report Exported", json!({}));
        event["timestamp"] = json!("last Tuesday");
        scene(actor, "has an event whose time is “last Tuesday”", vec![event], Expects::DeadLetters(1))
    }

    fn trial(&mut self, actor: &Actor, ago: Length) -> Vec<Value> {
        let identify = self.identify(actor, ago);
        vec![identify, self.track(actor, ago, "Signed Up", json!({ "plan": "trial" }))]
    }

    fn failures(&mut self, actor: &Actor, count: i64) -> Vec<Value> {
        let amount = self.seed.pick(&[19, 49, 99, 240]);
        let mut events = vec![self.identify(actor, Length::days(90))];
        for hours in (0..count).rev() {
            let properties = json!({ "amount": amount, "currency": "EUR", "card_last4": "4242" });
            events.push(self.track(actor, Length::hours(3 * hours), "Payment Failed", properties));
        }
        events
    }

    fn identify(&mut self, actor: &Actor, ago: Length) -> Value {
        self.scribe.identify(actor, self.now - ago)
    }

    fn track(&mut self, actor: &Actor, ago: Length, event: &str, properties: Value) -> Value {
        self.scribe.track(actor, self.now - ago, event, properties)
    }
}

fn scene(actor: &Actor, tells: &'static str, events: Vec<Value>, expects: Expects) -> Scene {
    Scene { actor: actor.clone(), tells, deed: Deed::Sends(events), expects }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(seed: u64) -> Vec<(String, String)> {
        let scenes =
            story(&mut Seed::new(seed), Timestamp::EPOCH + Length::days(20_000), &|id| id.ends_with('0'));
        scenes.into_iter().map(|scene| (scene.actor.id, scene.actor.who.name())).collect()
    }

    #[test]
    fn the_same_seed_tells_the_same_story_and_another_one_another() {
        assert_eq!(told(7), told(7));
        assert_ne!(told(7), told(8));
    }

    #[test]
    fn one_person_is_compared_and_no_other_is() {
        for seed in 0..20 {
            let mut held_out: Vec<_> = told(seed).into_iter().filter(|(id, _)| id.ends_with('0')).collect();
            held_out.dedup();
            assert_eq!(held_out.len(), 1, "seed {seed}");
        }
    }
}
