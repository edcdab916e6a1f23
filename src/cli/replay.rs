//! `outreach replay`: what the rules would have decided over real history. It has no way to send.

use super::{End, Format, diagnostics};
use crate::clock;
use crate::project::{Environment, Project};
use crate::replay::{self, History, Mapping, OutFormat, Progress, Report};
use anyhow::Context;
use clap::builder::PossibleValue;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use outreach_engine::Timestamp;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// What `replay` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Events in Segment's form: NDJSON, Parquet, or CSV (a name that ends in .csv or .tsv); text plain, gzip or zstd. Of
    /// events of one time, those of the first file and line come first.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Which column is which field, where its name does not say it: userId=customer_id,timestamp=at:ms. A constant stands
    /// in quotes, 'event="Order Completed"'; properties=* are all other columns. Behind a colon stands how a column is to
    /// be read: number, boolean, text, json; s, ms, us, ns (a time since 1970); utc (a time without an offset).
    #[arg(long, value_name = "FIELD=COLUMN,…")]
    map: Vec<Mapping>,
    /// Where the decisions and judged refusals go: a file that ends in .ndjson, .parquet or .csv.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What they are written as, whatever the file's name.
    #[arg(long, value_name = "FORMAT")]
    out_format: Option<OutFormat>,
    /// Lists the lines that were no events: file, line, code and reason, as NDJSON.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// The end of time, for everybody alike. Default: the time of the last event.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Take events later than now too.
    #[arg(long)]
    accept_future: bool,
}

impl clap::ValueEnum for OutFormat {
    fn value_variants<'v>() -> &'v [OutFormat] {
        &[OutFormat::Ndjson, OutFormat::Parquet, OutFormat::Csv]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            OutFormat::Ndjson => "ndjson",
            OutFormat::Parquet => "parquet",
            OutFormat::Csv => "csv",
        }))
    }
}

/// What the options say together; in words, why that is wrong usage.
pub(super) fn usage(options: &Options) -> Result<(Mapping, OutFormat), String> {
    let mapping = Mapping::union(options.map.iter().cloned()).map_err(|words| format!("--map: {words}"))?;
    let format = options.out_format.or_else(|| OutFormat::of(&options.out)).ok_or_else(|| {
        let out = options.out.display();
        format!("--out {out}: expected a file that ends in .ndjson, .parquet or .csv, or --out-format")
    })?;
    Ok((mapping, format))
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .ok_or_else(|| "expected a time with its offset from UTC, such as \"2026-03-02T10:00Z\"".to_owned())
}

/// The numbers go to stdout; rejected lines and how far it is to stderr.
pub(super) fn run(dir: &Path, format: Format, options: &Options) -> anyhow::Result<End> {
    let started_at = clock::system()();
    let (mapping, out_format) = usage(options).map_err(anyhow::Error::msg)?;
    let reading = Project::read(dir, &Environment::of_process());
    let errors: Vec<_> = reading.errors_for_replay().collect();
    if !errors.is_empty() {
        for problem in errors {
            eprint!("{}", diagnostics::draw(problem, &reading.texts, true));
        }
        return Ok(End::Findings);
    }
    let project = reading.project.context("the project cannot be read")?;
    keep_input(options)?;
    let history = History {
        files: options.files.clone(),
        mapping,
        out: options.out.clone(),
        out_format,
        rejects: options.rejects.clone(),
        until: options.until,
        latest: (!options.accept_future).then_some(started_at),
    };
    let mut bar = Bar::new(&options.files);
    let report = replay::replay(&project.release.release(), &history, &mut |step| bar.show(step));
    bar.bar.finish_and_clear();
    let report = report?;
    let mut out = std::io::stdout().lock();
    let written = match format {
        Format::Text => out.write_all(text(&report).as_bytes()),
        Format::Json => out.write_all((serde_json::to_string_pretty(&report)? + "\n").as_bytes()),
    };
    written.and_then(|()| out.flush()).context("the numbers cannot be written to stdout")?;
    tell_rejects(&report, options);
    Ok(End::Ok)
}

/// A replay over its own input would destroy it.
fn keep_input(options: &Options) -> anyhow::Result<()> {
    let outputs = std::iter::once(&options.out).chain(&options.rejects);
    for output in outputs {
        let Ok(output) = output.canonicalize() else { continue };
        for file in &options.files {
            let is_input = file.canonicalize().is_ok_and(|file| file == output);
            anyhow::ensure!(
                !is_input,
                "expected an output that is none of the inputs, found {}",
                file.display()
            );
        }
    }
    let is_same = options.rejects.as_ref() == Some(&options.out);
    anyhow::ensure!(!is_same, "expected two files for --out and --rejects, found one");
    Ok(())
}

fn tell_rejects(report: &Report, options: &Options) {
    let count: u64 = report.rejected.values().sum();
    if count > 0 {
        let lines = if count == 1 { "line was" } else { "lines were" };
        eprintln!("{count} {lines} rejected:");
        for (code, count) in &report.rejected {
            eprintln!("  {code}: {count}");
            if let Some(first) = report.first_rejected.get(code) {
                eprintln!("    first {first}");
            }
        }
        if options.rejects.is_none() {
            eprintln!("  which they are is written with --rejects FILE");
        }
    }
    if report.after_end > 0 {
        eprintln!("{} events after --until were left out", report.after_end);
    }
    if report.unusable > 0 {
        eprintln!("{} records could not be used", report.unusable);
    }
}

fn text(report: &Report) -> String {
    let mut text = format!("{} events\n", report.events);
    for (id, rule) in report.rules.rules() {
        text.push_str(&format!("{id}: {} entered, {} sent", rule.entered, rule.sent));
        for (count, word) in [(rule.holdout, "held out"), (rule.shadow, "shadow")] {
            if count > 0 {
                text.push_str(&format!(", {count} {word}"));
            }
        }
        for (words, counts) in [("refused", &rule.refused), ("not entered", &rule.not_entered)] {
            if !counts.is_empty() {
                let counts: Vec<String> =
                    counts.iter().map(|(code, count)| format!("{code} {count}")).collect();
                text.push_str(&format!("; {words}: {}", counts.join(", ")));
            }
        }
        text.push('\n');
    }
    text
}

/// How far it is, on a terminal; nowhere else.
struct Bar {
    bar: ProgressBar,
}

impl Bar {
    fn new(files: &[PathBuf]) -> Bar {
        let sizes = files.iter().filter_map(|file| file.metadata().ok());
        let bytes = sizes.map(|metadata| metadata.len()).sum();
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(bytes), target);
        let style = ProgressStyle::with_template("reading  {wide_bar} {bytes}/{total_bytes} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bar { bar }
    }

    fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Read(0) => {}
            Progress::Read(bytes) => self.bar.inc(bytes),
            Progress::Sorted(events) => {
                self.bar.reset();
                self.bar.set_length(events);
                let style = ProgressStyle::with_template("deciding {wide_bar} {pos}/{len} events {eta}");
                self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            }
            Progress::Decided(events) => self.bar.inc(events),
        }
    }
}
