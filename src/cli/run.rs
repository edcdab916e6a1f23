//! `outreach run`: the service.

use super::{End, Format, check, diagnostics, quoted, say, secrets};
use crate::app::{Service, sources, telemetry};
use crate::project::{Environment, Project};
use anyhow::{Context, bail, ensure};
use outreach_engine::effect::Channel;
use std::io::IsTerminal;
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

/// Runs until SIGTERM or Ctrl-C; a second signal aborts. With JSON as format the logs are JSON on a terminal, too, and the
/// problems of a project that cannot run are those of `check`, on stdout.
pub(super) fn run(dir: &Path, format: Format) -> anyhow::Result<End> {
    let mut reading = Project::read(dir, &Environment::of_process());
    sources::check(&mut reading);
    let is_plain = !std::io::stderr().is_terminal() || std::env::var_os("NO_COLOR").is_some();
    let is_json = format == Format::Json;
    if is_json && reading.has_errors() {
        say(check::json(&reading)?.trim_end());
    } else if !reading.problems.is_empty() {
        let drawn =
            reading.problems.iter().map(|problem| diagnostics::draw(problem, &reading.texts, is_plain));
        eprint!("{}", drawn.collect::<String>());
    }
    if reading.errors_for_running().next().is_some() {
        eprintln!("nothing was started: mend what is shown above, or look again with `outreach check`");
        return Ok(End::Findings);
    }
    let project = reading.project.context("expected a project with outreach.toml")?;
    ensure_mail(&project)?;
    ensure_secrets(&project)?;
    // What a source waits for is said once, in our words: librdkafka repeats it many times a second.
    telemetry::start_logs("info,refinery_core=warn,rdkafka=off,librdkafka=off", is_json);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(until_stopped(&project))?;
    Ok(End::Ok)
}

fn ensure_mail(project: &Project) -> anyhow::Result<()> {
    let missing = project.process.missing_for_mail();
    let sends = project.release.rules.iter().find(|rule| rule.sends_by(Channel::Email));
    if let (Some(rule), false) = (sends, missing.is_empty()) {
        bail!("rule {} sends mail, and outreach.toml has no {}", rule.id, missing.join(", "));
    }
    Ok(())
}

/// All that are missing at once, and what makes those that may be new.
fn ensure_secrets(project: &Project) -> anyhow::Result<()> {
    let needed = secrets::needed(&project.process);
    let (mut lines, mut can_be_new) = (Vec::new(), false);
    for needed in &needed {
        if let Err(error) = needed.place.read() {
            can_be_new |= needed.can_be_new && secrets::is_absent(&error);
            lines.push(format!("  {}: {:#}", needed.what, anyhow::Error::from(error)));
        }
    }
    let is_here = project.dir == Path::new(".");
    let place = if is_here { String::new() } else { format!(" {}", quoted(&project.dir)) };
    let help = format!(
        "\nthey are not in git: copy those that are in use elsewhere, and make the others by `outreach init --secrets{place}`"
    );
    let help = if can_be_new { help.as_str() } else { "" };
    ensure!(lines.is_empty(), "secrets are missing:\n{}{help}", lines.join("\n"));
    Ok(())
}

async fn until_stopped(project: &Project) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let service = Service::start(project).await?;
    tokio::select! {
        biased;
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: what is leaving is finished first; a second signal aborts");
    let stopped = tokio::select! {
        biased;
        stopped = service.stop() => stopped,
        _ = terminate.recv() => bail!("aborted by a second signal"),
        _ = interrupt.recv() => bail!("aborted by a second signal"),
    };
    ensure!(stopped.is_ok(), "stopped, though not in order: {:#}", stopped.unwrap_err());
    tracing::info!("stopped");
    Ok(())
}
