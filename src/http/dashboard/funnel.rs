//! How far people came in a rule, from counts: the trigger held, they entered, yes was said, the message left.

use crate::ledger::{MessageState, Tally};
use maud::{Markup, html};
use outreach_engine::Refusal;
use outreach_engine::effect::{Channel, Verdict};
use outreach_engine::rule::Rule;
use outreach_engine::rule::step::entered;
use std::collections::BTreeMap;

use super::wording;

/// The counts of one rule over a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Funnel {
    /// Why no journey began, by code.
    pub not_entered: BTreeMap<String, u64>,
    /// By step, in the rule's order; steps that it no longer has come last.
    pub steps: Vec<(String, StepCounts)>,
    /// Journeys that came to their first message: all that began, but for those that still wait for it.
    entered: u64,
    /// Whether anybody can tell that a message was seen: in the product.
    pub is_seen: bool,
}

/// What was decided at one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StepCounts {
    pub yes: u64,
    pub shadow: u64,
    pub held_out: u64,
    pub refused: BTreeMap<Refusal, u64>,
    pub messages: BTreeMap<MessageState, u64>,
    pub seen: u64,
    pub clicked: u64,
}

impl StepCounts {
    fn judged(&self) -> u64 {
        self.yes + self.shadow + self.held_out + self.refused.values().sum::<u64>()
    }

    fn sent(&self) -> u64 {
        let of = |state| self.messages.get(&state).copied().unwrap_or_default();
        of(MessageState::Sent) + of(MessageState::Unknown)
    }
}

impl Funnel {
    /// The part of all counts that is this rule's.
    pub fn of(rule: &Rule, tallies: &[Tally], non_entries: &[(String, String, u64)]) -> Funnel {
        let own = rule.all_steps().into_iter().filter(|step| step.message().is_some());
        let mut steps: Vec<(String, StepCounts)> =
            own.map(|step| (step.name.to_string(), StepCounts::default())).collect();
        for tally in tallies.iter().filter(|tally| *tally.rule == *rule.id) {
            let at = steps.iter().position(|(name, _)| *name == tally.step);
            let at = at.unwrap_or_else(|| {
                steps.push((tally.step.clone(), StepCounts::default()));
                steps.len() - 1
            });
            steps[at].1.add(tally);
        }
        let own = non_entries.iter().filter(|(of, ..)| **of == *rule.id);
        let judged = |name: &str| {
            let step = steps.iter().find(|(own, _)| own == name);
            step.map_or(0, |(_, counts)| counts.judged())
        };
        Funnel {
            entered: entered(&rule.steps, &judged),
            not_entered: own.map(|(_, reason, count)| (reason.clone(), *count)).collect(),
            steps,
            is_seen: rule.sends_by(Channel::InProduct),
        }
    }

    fn sum(&self, count: impl Fn(&StepCounts) -> u64) -> u64 {
        self.steps.iter().map(|(_, counts)| count(counts)).sum()
    }
}

impl StepCounts {
    fn add(&mut self, tally: &Tally) {
        match tally.verdict {
            Verdict::Send => self.yes += tally.count,
            Verdict::Shadow => self.shadow += tally.count,
            Verdict::Holdout => self.held_out += tally.count,
            Verdict::Refuse(refusal) => *self.refused.entry(refusal).or_default() += tally.count,
        }
        self.seen += tally.seen;
        self.clicked += tally.clicked;
        if let Some(state) = tally.state {
            *self.messages.entry(state).or_default() += tally.count;
        }
    }
}

/// The stations, each with a bar; below them why not.
pub(super) fn bars(funnel: &Funnel) -> Markup {
    let entered = funnel.entered;
    let held: u64 = entered + funnel.not_entered.values().sum::<u64>();
    let mut stations = vec![
        ("Trigger held", held),
        ("Entered", entered),
        ("Yes", funnel.sum(|counts| counts.yes)),
        ("Sent", funnel.sum(StepCounts::sent)),
    ];
    if funnel.is_seen {
        stations.push(("Seen", funnel.sum(|counts| counts.seen)));
        stations.push(("Clicked", funnel.sum(|counts| counts.clicked)));
    }
    let most = stations.iter().map(|(_, count)| *count).max().unwrap_or_default();
    if most == 0 {
        return html! { p.funnel.quiet { "Its trigger did not hold in this time." } };
    }
    html! {
        dl.funnel {
            @for (name, count) in stations.iter().copied() {
                div {
                    dt { (name) }
                    dd { (bar(count, most)) span.number { (grouped(count)) } }
                }
            }
        }
    }
}

/// A part of a hundred, as a picture: a style in the page would be inline.
fn bar(count: u64, most: u64) -> Markup {
    let width = (count as f64 / most as f64 * 100.0).max(if count > 0 { 1.0 } else { 0.0 });
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.ground width="100" height="8" {}
            rect.part width=(format!("{width:.2}")) height="8" {}
        }
    }
}

/// Why not, in words, the most frequent first.
pub(super) fn reasons(funnel: &Funnel) -> Markup {
    let mut refused: BTreeMap<Refusal, u64> = BTreeMap::new();
    for (refusal, count) in funnel.steps.iter().flat_map(|(_, counts)| &counts.refused) {
        *refused.entry(*refusal).or_default() += count;
    }
    let held_out = funnel.sum(|counts| counts.held_out);
    let mut all: Vec<(u64, &str, String)> = Vec::new();
    all.extend(
        funnel
            .not_entered
            .iter()
            .map(|(code, count)| (*count, "did not enter", wording::reason(code).to_owned())),
    );
    all.extend(refused.iter().map(|(refusal, count)| (*count, "no", refusal.sentence().to_owned())));
    if held_out > 0 {
        all.push((held_out, "held out", "they get nothing and are compared".to_owned()));
    }
    let shadow = funnel.sum(|counts| counts.shadow);
    if shadow > 0 {
        all.push((shadow, "shadow", "decided and recorded only".to_owned()));
    }
    all.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
    html! {
        @if !all.is_empty() {
            ul.reasons-why {
                @for (count, how, words) in &all {
                    li { span.number { (grouped(*count)) } " " strong { (how) } ": " (words) }
                }
            }
        }
    }
}

/// A table of the steps, with where their messages stand.
pub(super) fn table(funnel: &Funnel) -> Markup {
    let columns = ["Step", "Judged", "Yes", "No", "Held out", "Waiting", "Sent", "Not sent"];
    html! {
        div.scroll tabindex="0" role="region" aria-label="Counts by step" {
            table {
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody {
                    @for (name, counts) in &funnel.steps {
                        @let of = |states: &[MessageState]| states.iter().filter_map(|state| counts.messages.get(state)).sum::<u64>();
                        tr {
                            th scope="row" { (name) }
                            @for count in [
                                counts.judged(),
                                counts.yes,
                                counts.refused.values().sum(),
                                counts.held_out,
                                of(&[MessageState::Queued, MessageState::Held, MessageState::Leaving]),
                                counts.sent(),
                                of(&[MessageState::Failed, MessageState::Cancelled, MessageState::Expired, MessageState::Skipped]),
                            ] { td { (grouped(count)) } }
                        }
                    }
                }
            }
        }
    }
}

/// `12 345`, with thin spaces that do not break.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use outreach_engine::rule::parse::{Known, parse};

    fn rule() -> Rule {
        let text = "name = \"R\"\n[trigger]\nevent = \"A\"\n[[step]]\nin_product = \"one\"\n[[step]]\nwait = \"1 day\"\n\
            [[step]]\nin_product = \"two\"\n";
        parse("r", "rules/r.toml", text, &Known::default()).expect("a sound rule").0
    }

    fn tally(rule: &str, step: &str, verdict: Verdict, state: Option<MessageState>, count: u64) -> Tally {
        let (seen, clicked) = if state == Some(MessageState::Sent) { (3, 1) } else { (0, 0) };
        Tally { rule: rule.into(), step: step.into(), verdict, state, count, seen, clicked }
    }

    #[test]
    fn people_are_counted_once_at_each_station() {
        let tallies = [
            tally("r", "one", Verdict::Send, Some(MessageState::Sent), 5),
            tally("r", "one", Verdict::Send, Some(MessageState::Held), 2),
            tally("r", "one", Verdict::Refuse(Refusal::Cap), None, 3),
            tally("r", "one", Verdict::Holdout, None, 1),
            tally("r", "two", Verdict::Send, Some(MessageState::Sent), 4),
            tally("r", "gone", Verdict::Send, Some(MessageState::Unknown), 1),
            tally("other", "one", Verdict::Send, Some(MessageState::Sent), 99),
        ];
        let non_entries = [("r".into(), "audience".into(), 7), ("other".into(), "audience".into(), 9)];
        let funnel = Funnel::of(&rule(), &tallies, &non_entries);
        let names: Vec<_> = funnel.steps.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["one", "two", "gone"], "in the rule's order, then what it had");
        assert_eq!(funnel.entered, 11);
        assert_eq!(funnel.sum(|counts| counts.yes), 12);
        assert_eq!(funnel.sum(StepCounts::sent), 10);
        assert_eq!((funnel.sum(|counts| counts.seen), funnel.sum(|counts| counts.clicked)), (6, 2));
        assert_eq!(funnel.not_entered, BTreeMap::from([("audience".to_owned(), 7)]));
        let words = reasons(&funnel).into_string();
        assert!(
            words.contains("7</span> <strong>did not enter</strong>: the person was not in the audience"),
            "{words}"
        );
        assert!(words.contains("3</span> <strong>no</strong>: the person has had as many"), "{words}");
        let bars = bars(&funnel).into_string();
        assert!(bars.contains("width=\"100.00\"") && !bars.contains("style="), "{bars}");
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            (grouped(0), grouped(999), grouped(1_234_567)),
            ("0".into(), "999".into(), "1\u{202f}234\u{202f}567".into())
        );
    }
}
