//! One person: where they stand with each rule, what comes next, and all that happened, newest first.

use super::Desk;
use super::feed::rule_name;
use super::row::{self, RuleName};
use super::shell::{Page, Shell};
use crate::ledger::{Ledger, LedgerEntry};
use crate::worker::journal::{Line, Lines, What};
use crate::worker::{PersonReport, PersonView};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use outreach_engine::event::Subject;
use outreach_engine::{Release, Timestamp};
use std::sync::Arc;

/// Of a person's events, so many are shown.
const LINES_MAX: usize = 200;

struct Known {
    report: PersonReport,
    lines: Lines,
    release: Option<Arc<Release>>,
}

pub(super) async fn page<D: Ledger + 'static>(
    shell: Shell,
    State(desk): State<Arc<Desk<D>>>,
    Path(asked): Path<String>,
) -> Response {
    let wanted = asked.clone();
    let known = desk.blocking(move |desk| look_up(desk, &wanted)).await;
    match known {
        Ok(Some(known)) => shell.show(Page::new(&known.report.subject, body(&known))),
        Ok(None) => shell.show(Page::new("Nobody", nobody(&asked)).status(StatusCode::NOT_FOUND)),
        Err(reason) => shell.trouble(&reason),
    }
}

/// Somebody whom no rule looks at has events all the same.
fn look_up<D: Ledger>(desk: &Desk<D>, asked: &str) -> Result<Option<Known>, String> {
    let subject = Subject::parse(asked).unwrap_or(Subject::user(asked));
    let lines = desk.journal.of(subject, LINES_MAX)?;
    let report = match (desk.person)(asked) {
        Ok(report) => report,
        Err(_) if !lines.lines.is_empty() => {
            PersonReport { subject: subject.to_string(), person: None, entries: Vec::new() }
        }
        Err(_) => return Ok(None),
    };
    Ok(Some(Known { report, lines, release: (desk.release)() }))
}

fn nobody(asked: &str) -> Markup {
    html! {
        div.title { h1 { "Nobody" } }
        p { "Nothing is known of “" (asked) "”: no event of theirs stands in the log, and nothing was decided." }
        p { a href="/people" { "Find somebody else" } }
    }
}

fn body(known: &Known) -> Markup {
    let (kind, id) = known.report.subject.split_once(':').unwrap_or(("", &known.report.subject));
    let release = known.release.as_deref();
    let name = |id: &str| rule_name(release, id);
    let person = known.report.person.as_ref();
    html! {
        div.title {
            h1 { (id) }
            @if kind != "user" { span.tag { "anonymous" } }
            @if let Some(address) = person.and_then(address) { span.quiet { (address) } }
        }
        @if let Some(person) = person { (wishes(person)) }
        div.person {
            div.aside {
                @if let Some(person) = person {
                    (next(person, &name))
                    (standing(person, release))
                    (traits(person))
                } @else {
                    section.card { h2 { "Not kept" } p.quiet { "No rule has looked at this person, or they were let go: only what happened is known." } }
                }
            }
            (timeline(known, &name))
        }
    }
}

fn address(person: &PersonView) -> Option<&str> {
    person.traits.get("email").and_then(|email| email.as_str())
}

fn wishes(person: &PersonView) -> Markup {
    html! {
        @if person.all_off { p.wish { "Wants no messages at all." } }
        @if !person.topics_off.is_empty() {
            p.wish { "Wants no more of " (person.topics_off.join(", ")) "." }
        }
    }
}

/// Pending timers: waits that are not over, steps that are not due.
fn next(person: &PersonView, name: RuleName<'_>) -> Markup {
    let is_idle = person.journeys.is_empty() && person.waits.is_empty();
    html! {
        section.card {
            h2 { "What comes next" }
            @if is_idle { p.quiet { "Nothing is pending: no wait runs, and no journey." } }
            ul.next {
                @for wait in &person.waits {
                    li {
                        p { a.strong href={ "/rules/" (row::segment(&wait.rule)) } { (name(&wait.rule)) } (key(&wait.key)) }
                        p.quiet { "Waits since " (when(&wait.began_at)) "; judged " (when(&wait.deadline)) "." }
                    }
                }
                @for journey in &person.journeys {
                    li {
                        p { a.strong href={ "/rules/" (row::segment(&journey.rule)) } { (name(&journey.rule)) } (key(&journey.key)) }
                        p.quiet { "In it since “" (journey.event) "” " (when(&journey.triggered_at)) "; at step " (journey.step + 1) ": " (stands(&journey.state)) "." }
                    }
                }
            }
        }
    }
}

/// Each rule, and whether this person is, was, or never came into it.
fn standing(person: &PersonView, release: Option<&Release>) -> Markup {
    let now = |rule: &str| {
        let entered = person.entries.iter().filter(|entry| entry.rule == rule);
        let entered = entered.map(|entry| entry.entered_at.as_str()).max();
        html! {
            @if person.journeys.iter().any(|journey| journey.rule == rule) { strong { "in it now" } }
            @else if person.waits.iter().any(|wait| wait.rule == rule) { strong { "waiting" } }
            @else if let Some(at) = entered { "entered " (when(at)) }
            @else { span.quiet { "never entered" } }
        }
    };
    html! {
        section.card {
            h2 { "Rules and this person" }
            dl.pairs {
                @for compiled in release.into_iter().flat_map(Release::rules) {
                    div { dt { a href={ "/rules/" (row::segment(&compiled.rule.id)) } { (compiled.rule.name) } } dd { (now(&compiled.rule.id)) } }
                }
            }
        }
    }
}

fn traits(person: &PersonView) -> Markup {
    html! {
        section.card {
            h2 { "Known of them" }
            dl.pairs {
                @for (path, value) in &person.traits { div { dt { (path) } dd { (plain(value)) } } }
                @if let Some(zone) = &person.zone { div { dt { "last seen in" } dd { (zone) } } }
                div { dt { "true up to" } dd { (when(&person.known_until)) } }
            }
        }
    }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What happened, as it stands in log and ledger. What became of a message is told by its decision.
enum Moment<'k> {
    Came(&'k Line),
    Fell(&'k LedgerEntry),
}

fn timeline(known: &Known, name: RuleName<'_>) -> Markup {
    let is_own = |line: &&Line| match &line.what {
        What::Event { .. } | What::Consent(_) => true,
        What::Outcome { kind, .. } => kind.is_reaction(),
    };
    let lines = known.lines.lines.iter().filter(is_own);
    let came = lines.map(|line| (line.at, Moment::Came(line)));
    let fell = known.report.entries.iter().map(|entry| (entry.decision.judged_at, Moment::Fell(entry)));
    let mut moments: Vec<(Timestamp, Moment<'_>)> = came.chain(fell).collect();
    moments.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    html! {
        section.pane.tall aria-labelledby="h-timeline" {
            div.head { h2 #h-timeline { "What happened" } span.quiet { "newest first" } }
            @if moments.is_empty() { p.quiet { "Nothing that the log still holds." } }
            ol.rows {
                @for (_, moment) in &moments {
                    @match moment {
                        Moment::Came(line) => (row::came(line, row::Around::Person)),
                        Moment::Fell(entry) => (row::fell(entry, name, row::Around::Person)),
                    }
                }
            }
            @if let Some(at) = known.lines.looked_back_to {
                p.quiet.end { "Events were looked for back to " (row::moment(at)) "." }
            }
        }
    }
}

fn key(key: &str) -> Markup {
    html! { @if !key.is_empty() { " " span.tag { (key) } } }
}

/// RFC 3339, as an age that stays true.
fn when(at: &str) -> Markup {
    html! { @match Timestamp::parse(at) { Some(at) => (row::age(at)), None => (at) } }
}

/// Where a journey stands. A message on its way is the row of its decision.
fn stands(state: &str) -> Markup {
    let decision = state.strip_prefix("message ").and_then(|rest| rest.strip_suffix(" on its way"));
    html! {
        @match decision {
            Some(id) => { a href={ "#d-" (id) } { "its message" } " is on its way" },
            None => (row::with_ages(state)),
        }
    }
}
