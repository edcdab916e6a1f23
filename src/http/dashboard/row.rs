//! One thing that happened as a row of a list: the same on a page as in its stream.

use super::wording;
use crate::ledger::{Gone, LedgerEntry};
use crate::worker::journal::{Line, What, Wish};
use maud::{Markup, html};
use outreach_engine::effect::{Channel, Decision, Fact, Verdict};
use outreach_engine::event::EventKind;
use outreach_engine::{Length, Timestamp};
use std::fmt::Write;

/// The name of a rule for people; its id where it has none.
pub(super) type RuleName<'n> = &'n dyn Fn(&str) -> String;

/// What the page around a row says already, so that the row need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    /// Neither whom nor which rule.
    All,
    Person,
    Rule,
}

/// Of a bag, so many values are shown, each so long.
const BAG_VALUES_MAX: usize = 4;
const BAG_CHARS_MAX: usize = 40;

/// What came in much later than it happened says so.
const LATE_AFTER: Length = Length::minutes(1);

/// An event, an outcome or a wish.
pub(super) fn came(line: &Line, page: Around) -> Markup {
    let (kind, name, bag) = match &line.what {
        What::Event { kind, name, properties, traits, .. } => {
            let bag = if *kind == EventKind::Identify { traits } else { properties };
            let name = if name.is_empty() { called(*kind).to_owned() } else { name.clone() };
            (kind.as_str(), name, summary(bag))
        }
        What::Outcome { kind, .. } => ("outcome", format!("Message {}", kind.as_str()), String::new()),
        What::Consent(wish) => ("consent", self::wish(wish), String::new()),
    };
    let is_late = line.appended_at.since(line.at) > LATE_AFTER;
    let is_unproven = matches!(line.what, What::Event { is_proven: false, .. });
    html! {
        li.row.came {
            span.kind { (kind) }
            div.said {
                p {
                    strong { (name) }
                    @if page != Around::Person { " " (person(&line.subject)) }
                    @if is_unproven { " " span.tag title="Came by a public key: nobody vouches for it" { "unproven" } }
                }
                @if !bag.is_empty() { p.bag { (bag) } }
                @if is_late && page != Around::Person { p.bag { "happened " (age(line.at)) } }
            }
            (age(if page == Around::Person { line.at } else { line.appended_at }))
        }
    }
}

/// A decision, and what became of its message.
pub(super) fn fell(entry: &LedgerEntry, name: RuleName<'_>, page: Around) -> Markup {
    let decision = &entry.decision;
    html! {
        li.row.fell id={ "d-" (decision.id) } {
            (mark(decision.verdict))
            div.said {
                p {
                    @if page != Around::Rule {
                        a.strong href={ "/rules/" (segment(&decision.rule)) } { (name(&decision.rule)) }
                    }
                    @if page != Around::Person { " " (person(&decision.subject.to_string())) }
                    span.what { " · " (says(decision.channel, &decision.template)) }
                }
                p.why { (why(decision)) (became(entry)) }
                (rests_on(&decision.facts))
            }
            (age(decision.judged_at))
        }
    }
}

/// Yes or no, in a word and a colour.
pub(super) fn mark(verdict: Verdict) -> Markup {
    html! { span class={ "mark " (verdict.code()) } { (wording::word(verdict)) } }
}

/// `“Signed Up” happened, and nothing stands against it.`
fn why(decision: &Decision) -> Markup {
    let trigger = decision.facts.iter().find(|fact| &*fact.what == "trigger");
    let event = trigger.and_then(|fact| fact.value.rsplit_once(" at ")).map(|(event, _)| event);
    html! {
        @if let Some(event) = event { "“" (event) "”" (wording::joint(decision.verdict)) }
        (wording::why(decision.verdict))
        @if let (Verdict::Refuse(_), Some(fact)) = (decision.verdict, the_rails(decision)) {
            " (" (fact.what) ": " (fact.value) ")"
        }
        "."
    }
}

/// What the refusing rail said: it stands last, behind what every decision rests on.
fn the_rails(decision: &Decision) -> Option<&Fact> {
    decision.facts.last().filter(|fact| {
        let is_common = &*fact.what == "trigger" || &*fact.what == "arm" || is_path(&fact.what);
        !is_common
    })
}

fn is_path(what: &str) -> bool {
    ["traits.", "properties.", "context.", "event.name"].iter().any(|root| what.starts_with(root))
}

fn became(entry: &LedgerEntry) -> Markup {
    let Some((state, at, reason)) = &entry.message else { return html! {} };
    let words = wording::state(*state, entry.decision.channel);
    html! {
        " "
        span class={ "became " (state.as_str()) } {
            (words)
            @if let Some(reason) = reason { ": " (wording::reason(reason)) }
        }
        " " (age(*at))
        @if let Some((how, at)) = &entry.gone {
            ", "
            @match how {
                Gone::Dismissed => "dismissed",
                Gone::TakenBack(None) => "taken back",
                Gone::TakenBack(Some(code)) => { "taken back: " (wording::reason(code)) }
            }
            " " (age(*at))
        }
    }
}

fn rests_on(facts: &[Fact]) -> Markup {
    html! {
        @if !facts.is_empty() {
            details.facts {
                summary { "What it rests on" }
                dl {
                    @for fact in facts {
                        dt { (fact.what) }
                        dd {
                            (fact.value)
                            @if let Some(event) = &fact.event { " " span.event title="The message id of the event" { (event) } }
                        }
                    }
                }
            }
        }
    }
}

/// A link to a person's page. The kind is told where it is not a user.
pub(super) fn person(subject: &str) -> Markup {
    let (kind, id) = subject.split_once(':').unwrap_or(("", subject));
    html! {
        a.person href={ "/people/" (segment(subject)) } {
            @if kind != "user" { span.quiet { (kind) ":" } }
            (id)
        }
    }
}

/// A moment: the script makes an age of it and keeps it true.
pub(super) fn age(at: Timestamp) -> Markup {
    html! { time.age datetime=(at) title=(stamp(at)) data-age { (clock(at)) } }
}

/// A text in which moments are ages: `due at 2026-11-24T21:00:00.000000Z` is `due in 3 h`.
pub(super) fn with_ages(text: &str) -> Markup {
    let words: Vec<(&str, Option<Timestamp>)> = text
        .split_inclusive(' ')
        .map(|word| (word, Timestamp::parse(word.trim_end_matches([' ', ',', ';', ':']))))
        .collect();
    html! {
        @for (index, (word, at)) in words.iter().enumerate() {
            @let is_before_age = words.get(index + 1).is_some_and(|(_, next)| next.is_some());
            @match at {
                Some(at) => { (age(*at)) (word.trim_start_matches(|c: char| !" ,;".contains(c))) }
                None if is_before_age && *word == "at " => {}
                None => (word),
            }
        }
    }
}

/// A moment in full.
pub(super) fn moment(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (stamp(at)) } }
}

/// `2026-11-24 23:45:12 UTC`.
pub(super) fn stamp(at: Timestamp) -> String {
    at.to_jiff().strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn clock(at: Timestamp) -> String {
    at.to_jiff().strftime("%-d %b %H:%M:%S").to_string()
}

/// What an event without a name is called.
fn called(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Identify => "Traits became known",
        EventKind::Group => "Joined a group",
        EventKind::Alias => "Two ids are one person",
        EventKind::Track => "An event without a name",
        EventKind::Page => "Page Viewed",
        EventKind::Screen => "Screen Viewed",
    }
}

fn wish(wish: &Wish) -> String {
    match wish {
        Wish::TopicOff(topic) => format!("Wants no more of {topic}"),
        Wish::TopicOn(topic) => format!("Wants {topic} again"),
        Wish::AllOff => "Wants no messages at all".to_owned(),
        Wish::AllOn => "Wants messages again".to_owned(),
        Wish::Bounced(address) => format!("{address} bounced"),
        Wish::Complained(address) => format!("{address} complained"),
    }
}

/// `plan: trial, seats: 4`: the first plain values of a JSON object.
fn summary(bag: &str) -> String {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_str(bag) else { return String::new() };
    let mut text = String::new();
    let plain = members.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
    for (name, value) in plain.take(BAG_VALUES_MAX) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let comma = if text.is_empty() { "" } else { ", " };
        write!(text, "{comma}{}: {}", cut(name), cut(&value)).expect("a String takes all");
    }
    text
}

/// Without what turns the direction of a line: the values stand beside each other in one.
fn cut(text: &str) -> String {
    let text: String =
        text.chars().filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')).collect();
    match text.char_indices().nth(BAG_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// One segment of a path: all but what needs no escape.
pub(super) fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes all");
        }
    }
    out
}

/// How a message is sent, for tables: `email “welcome”`.
pub(super) fn says(channel: Channel, template: &str) -> Markup {
    html! { (wording::channel(channel)) " “" (template) "”" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bag_shows_its_first_plain_values_cut() {
        assert_eq!(
            summary(r#"{"plan":"trial","a":{"b":1},"seats":4,"vip":true}"#),
            "plan: trial, seats: 4, vip: true"
        );
        assert_eq!(summary(&format!(r#"{{"x":"{}"}}"#, "é".repeat(50))), format!("x: {}…", "é".repeat(40)));
        assert_eq!(summary("{\"a\":\"b\u{202e}c\",\"d\":1}"), "a: bc, d: 1");
        assert_eq!(summary("{}") + &summary("[1]") + &summary("{"), "");
    }

    #[test]
    fn moments_in_a_text_become_ages_and_the_rest_stays() {
        let html = with_ages("held at night; due at 2026-11-24T21:00:00.000000Z, or so").into_string();
        assert!(html.starts_with("held at night; due <time"), "{html}");
        assert!(html.ends_with("24 Nov 21:00:00</time>, or so"), "{html}");
    }

    #[test]
    fn an_id_of_any_text_is_one_segment() {
        assert_eq!(segment("user:a/b?c#d é"), "user%3Aa%2Fb%3Fc%23d%20%C3%A9");
    }

    #[test]
    fn what_people_wrote_is_escaped_in_text_and_in_attributes() {
        let evil = r#""><script>alert(1)</script>"#;
        let line = Line {
            appended_at: Timestamp(0),
            subject: format!("user:{evil}"),
            at: Timestamp(0),
            what: What::Event {
                kind: EventKind::Track,
                name: evil.to_owned(),
                is_proven: true,
                properties: serde_json::json!({ evil: evil }).to_string(),
                traits: "{}".to_owned(),
            },
        };
        let html = came(&line, Around::All).into_string();
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
        assert!(!html.contains(r#"href="/people/user%3A""#), "{html}");
    }
}
