//! What a rule says, in plain English: made from the checked rule, so it cannot say anything else than what runs.

use super::condition::{About, clause};
use super::step::steps;
use super::{listed, quoted};
use crate::rule::{
    Condition, EventMatch, Exit, FirstPart, Inactivity, OnChange, OncePer, PerDay, Repeat, Rule, Status,
    Trigger, TriggerForm, Turn,
};
use crate::time::Length;
use std::fmt;

/// A rule in words, by parts. `Display` puts them together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// `When “Signed Up” happens and their email is known`.
    pub when: String,
    /// `send the email “welcome”, wait 2 days, then send the email “tips”`.
    pub then: String,
    /// Whole sentences: what ends it, how often, who is held out, whether it is off.
    pub besides: Vec<String>,
}

impl Sentence {
    pub fn of(rule: &Rule) -> Sentence {
        let audience = rule.audience.as_ref().and_then(|audience| clause(audience, About::Person));
        let only = audience.map_or_else(String::new, |audience| format!(", and {audience}"));
        let all = [
            off(rule),
            exits(rule),
            Some(once_per(rule)),
            mutes(rule),
            goal(rule),
            holdout(rule),
            unproven(rule),
            backfill(rule),
            expected(rule),
            inside(rule),
        ];
        Sentence {
            when: format!("When {}{only}", trigger(&rule.trigger)),
            then: steps(&rule.steps),
            besides: all.into_iter().flatten().collect(),
        }
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}.", self.when, self.then)?;
        self.besides.iter().try_for_each(|sentence| write!(f, " {sentence}"))
    }
}

fn trigger(trigger: &Trigger) -> String {
    let words = match &trigger.form {
        TriggerForm::Happens(first) => holds(first),
        TriggerForm::Absence { first, without, within, repeat } => {
            let (is, is_event) = match first {
                FirstPart::Event(_) => ("is", true),
                FirstPart::Count { .. } => ("is", false),
                FirstPart::Sequence { .. } => ("are", false),
            };
            let by = if is_event && is_same(first.event(), without) {
                "by another".to_owned()
            } else {
                format!("by {}", named(without))
            };
            let from = match repeat {
                Repeat::Keep => "",
                Repeat::Restart => " of the latest",
            };
            let what = match first {
                FirstPart::Event(event) => named(event),
                FirstPart::Count { .. } | FirstPart::Sequence { .. } => format!("{} and", holds(first)),
            };
            format!("{what} {is} not followed {by} within {within}{from}")
        }
        TriggerForm::Inactive(inactivity) => silent(inactivity),
        TriggerForm::Segment { condition, to } => turns(condition, *to),
    };
    match trigger.form.matches().find_map(|event| event.key.as_ref()) {
        Some(key) => format!("{words} (each {key} for itself)"),
        None => words,
    }
}

fn holds(first: &FirstPart) -> String {
    match first {
        FirstPart::Event(event) => happens(event),
        FirstPart::Count { event, count, within } => {
            format!("{} {count} times within {within}", happens(event))
        }
        FirstPart::Sequence { steps, within } => {
            let names: Vec<String> = steps.iter().map(named).collect();
            format!("{} happen in this order within {within}", listed(&names, "and"))
        }
    }
}

/// `somebody did nothing for 14 days`.
fn silent(inactivity: &Inactivity) -> String {
    let Inactivity { after, events, or_never } = inactivity;
    let names: Vec<String> = events.iter().map(named).collect();
    let what = if names.is_empty() { "nothing".to_owned() } else { format!("no {}", listed(&names, "or")) };
    let never = if *or_never { ", or never since they were first seen" } else { "" };
    format!("somebody did {what} for {after} after the last time{never}")
}

/// `it comes to be that their seats is at least 10`.
fn turns(condition: &Condition, to: Turn) -> String {
    let condition = clause(condition, About::Person).unwrap_or_else(|| "anything is so".to_owned());
    match to {
        Turn::Enters => format!("it comes to be that {condition}"),
        Turn::Leaves => format!("it is no longer so that {condition}"),
    }
}

/// The same event without any condition: its next one.
fn is_same(first: &EventMatch, without: &EventMatch) -> bool {
    first.event == without.event && first.condition.is_none() && without.condition.is_none()
}

/// `“Signed Up” happens`.
pub(super) fn happens(event: &EventMatch) -> String {
    format!("{} happens", named(event))
}

/// `“Signed Up” (its plan is “trial”)`.
fn named(event: &EventMatch) -> String {
    let condition = event.condition.as_ref().and_then(|condition| clause(condition, About::Event));
    let condition = condition.map_or_else(String::new, |condition| format!(" ({condition})"));
    format!("{}{condition}", quoted(&event.event))
}

fn off(rule: &Rule) -> Option<String> {
    match rule.status {
        Status::Live => None,
        Status::Shadow => {
            Some("It is a shadow: all of this is decided and recorded, and nothing is sent.".to_owned())
        }
        Status::Off => Some("It is off: none of this happens.".to_owned()),
    }
}

fn exits(rule: &Rule) -> Option<String> {
    let exit = |exit: &Exit| match exit {
        Exit::Event(event) => happens(event),
        Exit::Person(condition) => {
            clause(condition, About::Person).unwrap_or_else(|| "anything happens".to_owned())
        }
    };
    let exits: Vec<String> = rule.exits.iter().map(exit).collect();
    (!exits.is_empty()).then(|| format!("It stops as soon as {}.", listed(&exits, "or")))
}

fn once_per(rule: &Rule) -> String {
    let whose = if rule.trigger.form.is_keyed() { "for each person and key" } else { "for each person" };
    match rule.limits.once_per {
        OncePer::Ever => format!("Once {whose}, ever."),
        OncePer::Always => "Every time anew.".to_owned(),
        OncePer::Length(length) => format!("At most once in {length} {whose}."),
        OncePer::CalendarDay => format!("At most once a calendar day {whose}."),
    }
}

fn mutes(rule: &Rule) -> Option<String> {
    let mutes = rule.limits.mutes.as_ref()?;
    let tags: Vec<String> = mutes.tags.iter().map(|tag| quoted(tag)).collect();
    let after = if mutes.length == Length::ZERO {
        String::new()
    } else {
        format!(", and for {} after its last message", mutes.length)
    };
    Some(format!(
        "While somebody is inside{after}, other rules tagged {} are held back.",
        listed(&tags, "or")
    ))
}

fn expected(rule: &Rule) -> Option<String> {
    let per_day = rule.expect.map(|expect| match expect.per_day {
        PerDay { min: Some(min), max: Some(max) } => format!("{min} to {max} messages a day are expected"),
        PerDay { min: Some(min), max: None } => format!("at least {min} messages a day are expected"),
        PerDay { min: None, max: Some(max) } => format!("at most {max} messages a day are expected"),
        PerDay { min: None, max: None } => String::new(),
    });
    let per_hour = rule.limits.max_per_hour.map(|max| format!("more than {max} messages an hour are held"));
    let said: Vec<String> = [per_day, per_hour].into_iter().flatten().collect();
    let mut words = listed(&said, "and");
    let first = words.chars().next()?;
    words.replace_range(..first.len_utf8(), &first.to_uppercase().to_string());
    Some(format!("{words}."))
}

fn inside(rule: &Rule) -> Option<String> {
    match rule.on_change {
        OnChange::Keep => None,
        OnChange::Follow => Some("When it changes, those inside go on by what is new.".to_owned()),
        OnChange::Leave => Some("When it changes, those inside leave.".to_owned()),
    }
}

fn goal(rule: &Rule) -> Option<String> {
    let goal = rule.goal.as_ref()?;
    let within = goal.within.map_or_else(String::new, |within| format!(" within {within}"));
    Some(format!("It has helped when {}{within}.", happens(goal.event.as_ref()?)))
}

fn holdout(rule: &Rule) -> Option<String> {
    let share = rule.goal.as_ref()?.holdout?;
    Some(format!("{share} of them get nothing and are compared."))
}

fn unproven(rule: &Rule) -> Option<String> {
    rule.trigger.accepts_unproven.then(|| "Events that nobody vouches for set it off, too.".to_owned())
}

fn backfill(rule: &Rule) -> Option<String> {
    rule.trigger
        .backfills
        .then(|| "Those for whom it is so when the rule is released are among them.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::parse::{Known, parse};

    fn said(text: &str) -> String {
        let (rule, _) = parse("r", "rules/r.toml", text, &known()).unwrap_or_else(|bad| panic!("{bad:?}"));
        Sentence::of(&rule).to_string()
    }

    fn known() -> Known {
        Known { transactional_rules: Some(["r".into()].into_iter().collect()), ..Known::default() }
    }

    fn rule(trigger: &str, more: &str) -> String {
        format!(
            "name = \"R\"\ntopic = \"t\"\n[trigger]\n{trigger}\n{more}\n[[step]]\nin_product = \"hello\"\n"
        )
    }

    #[test]
    fn an_event_is_told() {
        assert_eq!(
            said(&rule("event = \"Plan Upgraded\"\nwhere = { \"properties.plan\" = \"team\" }", "")),
            "When “Plan Upgraded” (its plan is “team”) happens, show “hello” in the product. \
             Once for each person, ever."
        );
    }

    #[test]
    fn a_count_is_told() {
        let trigger =
            "event = \"Payment Failed\"\ncount = 3\nwithin = \"1 day\"\nkey = \"properties.order_id\"";
        assert_eq!(
            said(&rule(trigger, "[limits]\nonce_per = \"7 days\"")),
            "When “Payment Failed” happens 3 times within 1 day (each properties.order_id for itself), \
             show “hello” in the product. At most once in 7 days for each person and key."
        );
    }

    #[test]
    fn an_absence_is_told_whole() {
        let text = "name = \"R\"\ntopic = \"t\"\n[trigger]\nevent = \"Signed Up\"\n\
            where = { \"properties.plan\" = \"trial\" }\nwithout = \"Project Created\"\nwithin = \"3 days\"\n\
            [audience]\nwhere = { \"traits.email\" = { exists = true } }\n[exit]\nevent = \"Project Created\"\n\
            [limits]\nonce_per = \"30 days\"\n[goal]\nevent = \"Project Created\"\nwithin = \"7 days\"\n\
            holdout = \"10%\"\n[[step]]\nemail = \"stalled\"\n[[step]]\nwait = \"2 days\"\n[[step]]\nin_product = \"list\"\n";
        assert_eq!(
            said(text),
            "When “Signed Up” (its plan is “trial”) is not followed by “Project Created” within 3 days, and their \
             email is known, send the email “stalled”, wait 2 days, then show “list” in the product. It stops as soon \
             as “Project Created” happens. At most once in 30 days for each person. It has helped when “Project \
             Created” happens within 7 days. 10% of them get nothing and are compared."
        );
    }

    #[test]
    fn an_absence_after_a_count_is_told_with_both_lengths() {
        let trigger = "event = \"Payment Failed\"\ncount = 3\nwithin = \"1 day\"\n\
             without = { event = \"Payment Succeeded\", within = \"3 days\" }";
        assert!(said(&rule(trigger, "")).starts_with(
            "When “Payment Failed” happens 3 times within 1 day and is not followed by “Payment Succeeded” within 3 \
             days, show"
        ));
    }

    #[test]
    fn an_absence_of_the_same_event_is_told_as_its_next() {
        let trigger = "event = \"Session Started\"\nwithout = \"Session Started\"\nwithin = \"14 days\"\nrepeat = \"restart\"";
        assert!(said(&rule(trigger, "")).starts_with(
            "When “Session Started” is not followed by another within 14 days of the latest, show"
        ));
    }

    #[test]
    fn a_sequence_is_told_in_its_order() {
        let trigger = "sequence = [\"Cart Viewed\", { event = \"Checkout Started\", where = { \"properties.n\" = 1 } }]\n\
             within = \"1 hour\"";
        let words =
            "When “Cart Viewed” and “Checkout Started” (its n is 1) happen in this order within 1 hour";
        let alone = said(&rule(trigger, ""));
        assert!(alone.starts_with(&format!("{words}, show")), "{alone}");
        let without = "without = { event = \"Order Placed\", within = \"3 days\" }";
        let absence = said(&rule(&format!("{trigger}\n{without}"), ""));
        assert!(
            absence
                .starts_with(&format!("{words} and are not followed by “Order Placed” within 3 days, show")),
            "{absence}"
        );
    }

    #[test]
    fn an_inactivity_is_told() {
        let any = said(&rule("inactive_for = \"14 days\"", ""));
        assert!(any.starts_with("When somebody did nothing for 14 days after the last time, show"), "{any}");
        let named = "inactive_for = \"1 day\"\nevents = [\"Login\", \"Export\"]\nor_never = true";
        let named = said(&rule(named, ""));
        let words = "When somebody did no “Login” or “Export” for 1 day after the last time, or never since they were \
                     first seen, show";
        assert!(named.starts_with(words), "{named}");
    }

    #[test]
    fn a_segment_is_told_and_whether_those_inside_are_meant() {
        let enters = said(&rule("enters = { \"traits.seats\" = { gte = 10 } }\nbackfill = true", ""));
        assert_eq!(
            enters,
            "When it comes to be that their seats is at least 10, show “hello” in the product. Once for each person, \
             ever. Those for whom it is so when the rule is released are among them."
        );
        let leaves = said(&rule("leaves = { \"traits.plan\" = \"trial\" }", ""));
        assert!(leaves.starts_with("When it is no longer so that their plan is “trial”, show"), "{leaves}");
    }

    #[test]
    fn neighbours_and_what_is_expected_are_told() {
        let limits = "[limits]\nmax_per_hour = 50\nmutes = { tags = [\"upsell\", \"nps\"], for = \"7 days\" }\n\
             [expect]\nper_day = { min = 5, max = 400 }";
        let said =
            said(&format!("on_change = \"leave\"\nstatus = \"shadow\"\n{}", rule("event = \"A\"", limits)));
        let parts = [
            "It is a shadow: all of this is decided and recorded, and nothing is sent.",
            "While somebody is inside, and for 7 days after its last message, other rules tagged “upsell” or “nps” are \
             held back.",
            "5 to 400 messages a day are expected and more than 50 messages an hour are held.",
            "When it changes, those inside leave.",
        ];
        parts.iter().for_each(|part| assert!(said.contains(part), "{said}"));
    }

    #[test]
    fn limits_exits_and_what_passes_them_are_told() {
        let always =
            said(&format!("unproven = true\n{}", rule("event = \"A\"", "[limits]\nonce_per = \"always\"")));
        assert!(
            always.contains("Every time anew. Events that nobody vouches for set it off, too."),
            "{always}"
        );
        let day = said(&rule("event = \"A\"", "[limits]\nonce_per = \"calendar day\""));
        assert!(day.contains("At most once a calendar day for each person."), "{day}");
        let exits = "[exit]\nany = [ { event = \"B\" }, { where = { \"traits.plan\" = \"paid\" } } ]";
        let exits = said(&rule("event = \"A\"", exits));
        assert!(exits.contains("It stops as soon as “B” happens or their plan is “paid”."), "{exits}");
        let off = said(&format!("status = \"off\"\n{}", rule("event = \"A\"", "")));
        assert!(off.contains("It is off: none of this happens."), "{off}");
        let sure = "name = \"R\"\ntopic = \"t\"\n[trigger]\nevent = \"A\"\n[[step]]\nemail = \"e\"\ntransactional = true\n";
        assert!(said(sure).contains("“e” (transactional: no cap or quiet hour holds it)."), "{}", said(sure));
    }
}
