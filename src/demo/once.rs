//! The demo on the terminal: scenes, each with what followed of it, and an end.

use super::catcher::Catcher;
use super::folder::Folder;
use super::project::{self, Quiet};
use super::report::Report;
use super::seed::Seed;
use super::stage::{Ended, Stage};
use super::story::{self, Scene};
use super::{Options, mails_folder, nobody_reads_on, write_key};
use crate::app::{Held, Host, Service};
use crate::project::Project;
use anyhow::{Context, bail};
use outreach_engine::policy::holdout;
use outreach_engine::state::Arm;
use outreach_engine::{Subject, Timestamp};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Time to read a scene before the next.
const PACE: Duration = Duration::from_millis(250);

/// Plays the demo to its end, or until SIGINT, SIGTERM or SIGHUP.
pub async fn run(options: Options, mut out: impl Write + Send + 'static) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hangup = signal(SignalKind::hangup())?;
    let seed = options.seed.unwrap_or_else(Seed::any);
    let folder = Folder::new().context("no temporary folder")?;
    let mails = mails_folder(&options, &folder)?;
    let catcher = Arc::new(Catcher::start(&mails).await?);
    let mut numbers = Seed::new(seed);
    let now = Timestamp::from(jiff::Timestamp::now());
    let project_dir = folder.path().join("project");
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port");
    let held = Held { public: free()?, admin: free()? };
    let project = project::write(&project_dir, catcher.port, &held, Quiet::InJapan(now), &numbers)?;
    let scenes = story::story(&mut numbers, now, &|id| is_compared(&project, id));
    let service = Service::start_with(&project, Host { held: Some(held), ..Host::default() }).await?;
    let stop = CancellationToken::new();
    let stage = Stage {
        operations: service.operations.clone(),
        catcher: catcher.clone(),
        url: project.process.http.public_url.clone(),
        write_key: write_key(&project)?,
        stop: stop.clone(),
        pace: if options.is_watched { PACE } else { Duration::ZERO },
    };
    let stays = options.out.is_some() || options.keeps_mails;
    let is_plain = options.is_plain;
    let play = move || {
        let mut report = Report::new(&mut out, is_plain);
        say_beginning(&mut report, &project, &stage, seed)?;
        play(&mut report, &stage, &scenes, &mails, stays)
    };
    let mut playing = tokio::task::spawn_blocking(play);
    let played = tokio::select! {
        played = &mut playing => played,
        _ = terminate.recv() => { stop.cancel(); playing.await }
        _ = interrupt.recv() => { stop.cancel(); playing.await }
        _ = hangup.recv() => { stop.cancel(); playing.await }
    };
    let stopped = service.stop().await;
    played.context("the demo has failed")?.or_else(nobody_reads_on)?;
    stopped.context("stopped, though not in order")
}

/// Whether a person is in the arm of some rule that gets nothing.
fn is_compared(project: &Project, id: &str) -> bool {
    let subject = Subject::user(id).to_owned();
    let parts = &project.release;
    parts.rules.iter().any(|rule| holdout::draw(&parts.settings, rule, &subject) != Arm::Treated)
}

fn say_beginning(
    report: &mut Report<'_>,
    project: &Project,
    stage: &Stage,
    seed: u64,
) -> std::io::Result<()> {
    report.line("outreach demo: the whole service in this process. Nothing leaves this machine.\n")?;
    report.pair("events", &format!("come in at {}/v1/batch", stage.url))?;
    report.pair("mails", &format!("go to a mail catcher on 127.0.0.1:{}", stage.catcher.port))?;
    for (number, rule) in project.release.rules.iter().enumerate() {
        let word = if number == 0 { "rules" } else { "" };
        report.pair(word, &format!("{:<21} {}", rule.id, rule.description))?;
    }
    let quiet = project.release.settings.quiet_hours.map_or_else(String::new, |quiet| {
        let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        format!(
            "; quiet hours {}-{}, so that it is night in Japan now",
            clock(quiet.from),
            clock(quiet.until)
        )
    });
    report.pair("limits", &format!("one mail a day{quiet}"))?;
    report.pair("seed", &format!("{seed} (the same people again: --seed {seed})"))
}

fn play(
    report: &mut Report<'_>,
    stage: &Stage,
    scenes: &[Scene],
    mails: &Path,
    stays: bool,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let ended = stage.play(scenes, report)?;
    if ended == Ended::Stopped {
        report.line("\nstopped")?;
    }
    let counts = report.counts;
    if ended == Ended::Played && counts.sent != stage.catcher.count() {
        bail!("expected {} mails in the catcher, found {}", counts.sent, stage.catcher.count());
    }
    report.line(&format!(
        "\n{} yes, {} no, {} held, each with its reason; {} with nothing to decide; {} dead letter; in {:.1} s",
        counts.sent,
        counts.refused,
        counts.held,
        counts.silent,
        counts.dead_letters,
        began.elapsed().as_secs_f64()
    ))?;
    if stays {
        report.line(&format!("the mails are in {}", mails.display()))?;
    } else {
        report.line("the mails are gone with the demo: --keep or --out DIR keeps them")?;
    }
    Ok(())
}
