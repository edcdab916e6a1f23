//! Rules: what each says in plain English, how far people came in it, and a hold for when it should stop.

use super::Desk;
use super::funnel::{self, Funnel};
use super::row;
use super::shell::{Page, Shell};
use crate::ledger::{Ledger, LedgerEntry, Pause, Tally};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use outreach_engine::explain;
use outreach_engine::explain::Sentence;
use outreach_engine::rule::{Rule, Status};
use outreach_engine::{Length, Release};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    since: Span,
}

/// What the counts are of.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Span {
    #[default]
    Day,
    Week,
    Month,
}

impl Span {
    const ALL: [(Span, &'static str, &'static str); 3] =
        [(Span::Day, "day", "24 hours"), (Span::Week, "week", "7 days"), (Span::Month, "month", "30 days")];

    fn length(self) -> Length {
        match self {
            Span::Day => Length::days(1),
            Span::Week => Length::days(7),
            Span::Month => Length::days(30),
        }
    }
}

/// What a page of rules is made of.
struct Counted {
    release: Option<Arc<Release>>,
    tallies: Vec<Tally>,
    non_entries: Vec<(String, String, u64)>,
    pauses: Vec<Pause>,
    /// Of the one rule that the page is about.
    newest: Vec<LedgerEntry>,
}

/// So many decisions are counted: about a second's work, in which nobody else who watches is served.
const TALLIED_MAX: u32 = 1_000_000;
/// A rule's newest decisions that its page shows.
const NEWEST_MAX: u32 = 50;

pub(super) async fn all<D: Ledger + 'static>(
    shell: Shell,
    State(desk): State<Arc<Desk<D>>>,
    Query(asked): Query<Asked>,
) -> Response {
    match desk.blocking(move |desk| count(desk, asked.since, None)).await {
        Ok(counted) => shell.show(Page::new("Rules", all_body(&counted, asked.since))),
        Err(reason) => shell.trouble(&reason),
    }
}

pub(super) async fn one<D: Ledger + 'static>(
    shell: Shell,
    State(desk): State<Arc<Desk<D>>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let wanted = id.clone();
    match desk.blocking(move |desk| count(desk, asked.since, Some(&wanted))).await {
        Ok(counted) => {
            let release = counted.release.clone();
            let compiled = release.as_deref().and_then(|release| release.rule(&id));
            match compiled {
                Some(compiled) => {
                    let body = one_body(&compiled.rule, &counted, asked.since);
                    shell.show(Page::new(&compiled.rule.name, body))
                }
                None => {
                    shell.show(Page::new("No such rule", gone(&id, &counted)).status(StatusCode::NOT_FOUND))
                }
            }
        }
        Err(reason) => shell.trouble(&reason),
    }
}

/// Holds a rule's messages at the gate, or lets them go: the same command as `outreach pause`.
pub(super) async fn hold<D: Ledger + 'static>(
    shell: Shell,
    State(desk): State<Arc<Desk<D>>>,
    Path((id, command)): Path<(String, Command)>,
) -> Response {
    let rule = (id != EVERYTHING).then_some(id.as_str());
    let request = serde_json::json!({ "command": command.as_str(), "rule": rule }).to_string();
    let done = desk.blocking(move |desk| (desk.operate)(request.as_bytes())).await;
    match (done, rule) {
        (Ok(_), Some(id)) => Redirect::to(&format!("/rules/{}", row::segment(id))).into_response(),
        (Ok(_), None) => Redirect::to("/rules").into_response(),
        (Err(reason), _) => shell.trouble(&reason),
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Command {
    Pause,
    Resume,
}

/// In an address, where the id of a rule would stand: no id has this sign.
const EVERYTHING: &str = "*";

impl Command {
    fn as_str(self) -> &'static str {
        match self {
            Command::Pause => "pause",
            Command::Resume => "resume",
        }
    }
}

fn count<D: Ledger>(desk: &Desk<D>, span: Span, rule: Option<&str>) -> Result<Counted, String> {
    let since = (desk.clock)() - span.length();
    let read = desk.ledger.reading(|transaction| {
        Ok(Counted {
            release: (desk.release)(),
            tallies: transaction.tallies(since, TALLIED_MAX)?,
            non_entries: transaction.non_entries(since)?,
            pauses: transaction.pauses()?,
            newest: match rule {
                Some(rule) => transaction.entries_of_rule(rule, since, NEWEST_MAX)?,
                None => Vec::new(),
            },
        })
    });
    read.map_err(|error| error.to_string())
}

fn all_body(counted: &Counted, span: Span) -> Markup {
    let is_held = counted.pauses.iter().any(|pause| pause.rule.is_none());
    html! {
        div.title {
            h1 { "Rules" }
            (spans("/rules", span))
            (button(EVERYTHING, is_held, "everything"))
        }
        @if counted.release.as_deref().is_none_or(|release| release.rules().len() == 0) {
            p.quiet { "No rule was released. A rule is a file in the project's " code { "rules" } " folder." }
        }
        (how_many(counted))
        p.quiet.note { "Entered is counted when the first message is judged, Yes at every message: a rule of several may say more Yes than Entered." }
        ul.cards {
            @for compiled in counted.release.iter().flat_map(|release| release.rules()) {
                @let rule = &compiled.rule;
                li.card {
                    div.head {
                        h2 { a href={ "/rules/" (row::segment(&rule.id)) } { (rule.name) } }
                        (status(rule, counted))
                    }
                    p { (Sentence::of(rule)) }
                    (funnel::bars(&Funnel::of(rule, &counted.tallies, &counted.non_entries)))
                }
            }
        }
    }
}

fn one_body(rule: &Rule, counted: &Counted, span: Span) -> Markup {
    let funnel = Funnel::of(rule, &counted.tallies, &counted.non_entries);
    let sentence = Sentence::of(rule);
    let own = format!("/rules/{}", row::segment(&rule.id));
    let name = |_: &str| rule.name.clone();
    html! {
        div.title {
            h1 { (rule.name) }
            (status(rule, counted))
            (spans(&own, span))
            (button(&rule.id, is_paused(rule, counted), &rule.name))
        }
        @if !rule.description.is_empty() { p.lead { (rule.description) } }
        div.person {
            div.aside {
                section.card {
                    h2 { "What it says" }
                    p { (sentence.when) ", " (sentence.then) "." }
                    @for more in &sentence.besides { p.quiet { (more) } }
                }
                section.card { h2 { "About" } (about(rule)) }
            }
            div {
                section.card {
                    h2 { "How far people came" }
                    (funnel::bars(&funnel))
                    (funnel::reasons(&funnel))
                    (how_many(counted))
                    p.quiet.note { "Entered is counted when the first message is judged: who still waits for it is not in." }
                    (funnel::table(&funnel))
                }
                section.pane.tall aria-labelledby="h-newest" {
                    div.head { h2 #h-newest { "Newest decisions" } }
                    ol.rows { @for entry in &counted.newest { (row::fell(entry, &name, row::Around::Rule)) } }
                    p.empty { "None in this time." }
                }
            }
        }
    }
}

/// Says so where the counts are not of the whole time.
fn how_many(counted: &Counted) -> Markup {
    let all: u64 = counted.tallies.iter().map(|tally| tally.count).sum();
    html! {
        @if all >= u64::from(TALLIED_MAX) {
            p.quiet.note { "Counted over the newest " (funnel::grouped(all)) " decisions of this time." }
        }
    }
}

fn about(rule: &Rule) -> Markup {
    let or_none = |text: Option<&str>| text.unwrap_or("none").to_owned();
    let pairs = [
        ("Id", rule.id.to_string()),
        ("Owner", or_none(rule.owner.as_deref())),
        ("Topic", or_none(rule.topic.as_deref())),
        ("Tags", if rule.tags.is_empty() { "none".to_owned() } else { rule.tags.join(", ") }),
    ];
    html! {
        dl.pairs {
            @for (name, value) in pairs { div { dt { (name) } dd { (value) } } }
            div {
                dt { "Steps" }
                dd {
                    @for (at, step) in rule.steps.iter().enumerate() {
                        @if at > 0 { ", " }
                        @match step.message() {
                            Some(message) => (row::says(message.channel, &message.template)),
                            None => (explain::step::step(step)),
                        }
                    }
                }
            }
        }
    }
}

/// A rule that the current release does not have may have decided all the same.
fn gone(id: &str, counted: &Counted) -> Markup {
    let name = |id: &str| id.to_owned();
    html! {
        div.title { h1 { "No such rule" } }
        p { "The release that holds now has no rule “" (id) "”. " a href="/rules" { "All rules" } }
        @if !counted.newest.is_empty() {
            section.pane.tall aria-labelledby="h-newest" {
                div.head { h2 #h-newest { "What it decided" } }
                ol.rows { @for entry in &counted.newest { (row::fell(entry, &name, row::Around::Rule)) } }
            }
        }
    }
}

fn is_paused(rule: &Rule, counted: &Counted) -> bool {
    counted.pauses.iter().any(|pause| pause.rule.as_deref() == Some(&*rule.id))
}

fn status(rule: &Rule, counted: &Counted) -> Markup {
    let (class, word) = match rule.status {
        Status::Off => ("off", "off"),
        Status::Shadow => ("off", "shadow"),
        Status::Live if is_paused(rule, counted) => ("paused", "paused"),
        Status::Live => ("live-now", "live"),
    };
    html! { span class={ "tag " (class) } { (word) } }
}

fn spans(path: &str, span: Span) -> Markup {
    html! {
        nav.spans aria-label="Time of the counts" {
            @for (one, word, label) in Span::ALL {
                a href={ (path) "?since=" (word) } aria-current=[(one == span).then_some("true")] { (label) }
            }
        }
    }
}

fn button(id: &str, is_held: bool, what: &str) -> Markup {
    let command = if is_held { Command::Resume } else { Command::Pause };
    let word = if is_held { "Resume" } else { "Pause" };
    html! {
        form method="post" action={ "/rules/" (row::segment(id)) "/" (command.as_str()) } {
            button.quiet type="submit" { (word) @if id == EVERYTHING { " everything" } @else { span.unseen { " " (what) } } }
        }
    }
}
