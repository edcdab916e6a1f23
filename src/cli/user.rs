//! `outreach user ada`: what is known of a person, where they are in which journey, what was decided, and why.

use super::ask::ask;
use super::{End, Format, print_json, say};
use crate::app::operations::Request;
use crate::worker::PersonView;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

/// Whom to show.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A user's id, or `user:ID`, or `anon:ID`.
    subject: String,
}

pub(super) fn run(dir: &Path, format: Format, options: &Options) -> anyhow::Result<End> {
    let answer = ask(dir, &Request::User { subject: options.subject.clone() })?;
    if format == Format::Json {
        return print_json(&answer);
    }
    say(text(&answer)?.trim_end());
    Ok(End::Ok)
}

fn text(answer: &Value) -> anyhow::Result<String> {
    let mut out = format!("{}\n", answer["subject"].as_str().unwrap_or_default());
    if let Ok(Some(person)) = serde_json::from_value::<Option<PersonView>>(answer["person"].clone()) {
        write_person(&mut out, &person)?;
    }
    let decisions = answer["decisions"].as_array().map_or(&[][..], Vec::as_slice);
    if !decisions.is_empty() {
        writeln!(out, "\ndecisions, newest first")?;
    }
    decisions.iter().try_for_each(|decision| write_decision(&mut out, decision))?;
    Ok(out)
}

fn write_person(out: &mut String, person: &PersonView) -> std::fmt::Result {
    writeln!(out, "  known up to {} by release {}", person.known_until, person.release)?;
    for (path, value) in &person.traits {
        writeln!(out, "  traits.{path} = {value}")?;
    }
    if let Some(zone) = &person.zone {
        writeln!(out, "  last seen in zone {zone}")?;
    }
    if person.all_off {
        writeln!(out, "  wants no messages at all")?;
    }
    for topic in &person.topics_off {
        writeln!(out, "  wants no more of {topic}")?;
    }
    for journey in &person.journeys {
        let (rule, key) = (&journey.rule, key(&journey.key));
        writeln!(
            out,
            "  journey {rule}{key}: since {} at {}; {}",
            journey.event, journey.triggered_at, journey.state
        )?;
    }
    for wait in &person.waits {
        let (rule, key) = (&wait.rule, key(&wait.key));
        writeln!(out, "  waiting {rule}{key}: since {}, until {}", wait.began_at, wait.deadline)?;
    }
    for entry in &person.entries {
        writeln!(out, "  entered {}{} at {}", entry.rule, key(&entry.key), entry.entered_at)?;
    }
    Ok(())
}

fn key(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!(" [{key}]") }
}

fn write_decision(out: &mut String, decision: &Value) -> std::fmt::Result {
    let text = |key: &str| decision[key].as_str().unwrap_or_default();
    let (due_at, rule, step) = (text("due_at"), text("rule"), text("step"));
    let verdict = match (decision["reason"].as_str(), decision["why"].as_str()) {
        (Some(reason), Some(why)) => format!("refused: {reason}, {why}"),
        _ => text("verdict").to_string(),
    };
    writeln!(out, "  {due_at}  {rule} / {step} by {}: {verdict}", text("channel"))?;
    if let Some(state) = decision["message"]["state"].as_str() {
        let reason =
            decision["message"]["reason"].as_str().map_or(String::new(), |reason| format!(" ({reason})"));
        writeln!(
            out,
            "      message {state}{reason} at {}",
            decision["message"]["at"].as_str().unwrap_or_default()
        )?;
    }
    if let Some(how) = decision["gone"]["how"].as_str() {
        let gone = &decision["gone"];
        let reason = gone["reason"].as_str().map_or(String::new(), |reason| format!(" ({reason})"));
        writeln!(
            out,
            "      out of their inbox: {how}{reason} at {}",
            gone["at"].as_str().unwrap_or_default()
        )?;
    }
    for fact in decision["facts"].as_array().into_iter().flatten() {
        let event = fact["event"].as_str().map_or(String::new(), |event| format!(" [{event}]"));
        let (what, value) =
            (fact["what"].as_str().unwrap_or_default(), fact["value"].as_str().unwrap_or_default());
        writeln!(out, "      {what}: {value}{event}")?;
    }
    Ok(())
}
