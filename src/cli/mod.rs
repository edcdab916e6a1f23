//! The command line, one file a command.
//!
//! Data goes to stdout, all else to stderr. Exit codes: 0 ok, 1 findings, 2 usage, 3 failure.

mod ask;
mod check;
mod demo;
mod diagnostics;
mod dlq;
mod explain;
mod fmt;
mod init;
mod mailbox;
mod pages;
mod pause;
mod preview;
mod replay;
mod run;
mod schema;
mod secrets;
mod send_test;
mod test;
mod topics;
mod user;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Outreach rules as code: watch the product's events, decide whom to write to and when, send, and say why.
#[derive(Debug, Parser)]
#[command(name = "outreach", version)]
struct Arguments {
    /// The folder with outreach.toml, rules/ and templates/ [default: .]
    #[arg(long, global = true, value_name = "DIR")]
    project: Option<PathBuf>,
    /// How results are written to stdout [default: text]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    format: Option<AnyFormat>,
    #[command(subcommand)]
    command: Command,
}

/// How results may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AnyFormat {
    Text,
    Json,
    /// `check` alone: commands of a workflow of GitHub's.
    Github,
    /// `check` alone: SARIF 2.1.0, for code scanning.
    Sarif,
    /// `test` alone: JUnit's XML, for CI.
    Junit,
}

/// How a command writes its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show all problems of the project at once, each with its place, reason and fix.
    Check(check::Options),
    /// See it work: a sample product, its events, the decisions with their reasons and the mails, in this process.
    Demo(demo::Options),
    /// Say what a problem's code means, why it is one, and how it is mended.
    Explain(explain::Options),
    /// Lay out rules, rule tests and outreach.toml; comments are kept.
    Fmt(fmt::Options),
    /// Make a folder with a project to begin with: settings, a rule, a template, tests.
    Init(init::Options),
    /// Show mails instead of delivering them: a mail server for trying things out.
    Mailbox(mailbox::Options),
    /// Run the service: read events, decide, send.
    Run,
    /// Show a person: state, journeys, decisions and why.
    User(user::Options),
    /// Hold messages at the gate, of one rule or of all.
    Pause(pause::Options),
    /// Let held messages go again.
    Resume(pause::Options),
    /// Look at input that could not be used.
    #[command(subcommand)]
    Dlq(dlq::Command),
    /// Look after the product's topics.
    #[command(subcommand)]
    Topics(topics::Command),
    /// Show what a template makes of its sample or of a person: the mail's text, subject and HTML, the message in the product.
    Preview(preview::Options),
    /// Send a template to an address of your own, marked as a test. It counts nowhere.
    SendTest(send_test::Options),
    /// Print the JSON Schema of a file of the project, for editors.
    Schema(schema::Options),
    /// Run the rule tests, `rules/<id>.test.toml`.
    Test(test::Options),
    /// Show what the rules would have decided over real history. Nothing is sent.
    Replay(replay::Options),
}

/// How a command ended, as the exit code says it. Wrong usage (2) is found before a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Ok,
    /// It ran, and what it found is no good.
    Findings,
}

const USAGE: u8 = 2;
const FAILURE: u8 = 3;

/// Runs the command line; the exit codes are 0 ok, 1 findings, 2 usage, 3 failure.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse().and_then(Arguments::fitting) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version come as errors too, and belong on stdout. Nobody is left to tell if that fails.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match run(&arguments) {
        Ok(End::Ok) => ExitCode::SUCCESS,
        Ok(End::Findings) => ExitCode::from(1),
        Err(error) => {
            eprintln!("outreach: {error:#}");
            ExitCode::from(FAILURE)
        }
    }
}

impl Arguments {
    /// What would have no effect is refused, not passed over: some commands look at no project.
    fn fitting(self) -> Result<Arguments, clap::Error> {
        let (name, has_project) = match self.command {
            Command::Demo(_) => ("demo", "brings a project of its own"),
            Command::Init(_) => ("init", "makes one: name its folder behind `init`"),
            Command::Mailbox(_) => ("mailbox", "looks at none"),
            Command::Schema(_) => ("schema", "looks at none"),
            Command::Check(_) if self.format != Some(AnyFormat::Junit) => return Ok(self),
            Command::Test(_) if self.format == Some(AnyFormat::Junit) => return Ok(self),
            Command::Check(_)
            | Command::Explain(_)
            | Command::Fmt(_)
            | Command::Run
            | Command::User(_)
            | Command::Pause(_)
            | Command::Resume(_)
            | Command::Dlq(_)
            | Command::Topics(_)
            | Command::Preview(_)
            | Command::SendTest(_)
            | Command::Test(_) => return self.with_plain_format(),
            Command::Replay(ref options) => {
                replay::usage(options).map_err(unfit_usage)?;
                return self.with_plain_format();
            }
        };
        let is_json_anyway = matches!(self.command, Command::Schema(_));
        let unfit = match (&self.project, self.format) {
            (Some(_), _) => format!("--project: `outreach {name}` {has_project}"),
            (None, Some(AnyFormat::Json)) if !is_json_anyway => {
                format!("--format json: `outreach {name}` is to be looked at")
            }
            (None, Some(_) | None) => return self.with_plain_format(),
        };
        Err(unfit_usage(unfit))
    }

    /// What problems alone can be written as has no effect on other answers.
    fn with_plain_format(self) -> Result<Arguments, clap::Error> {
        match self.format {
            Some(AnyFormat::Github | AnyFormat::Sarif) => {
                Err(unfit_usage("--format github and sarif: only `outreach check` writes them".to_owned()))
            }
            Some(AnyFormat::Junit) => {
                Err(unfit_usage("--format junit: only `outreach test` writes it".to_owned()))
            }
            Some(AnyFormat::Text | AnyFormat::Json) | None => Ok(self),
        }
    }
}

fn unfit_usage(unfit: String) -> clap::Error {
    Arguments::command().error(ErrorKind::ArgumentConflict, unfit)
}

fn run(arguments: &Arguments) -> anyhow::Result<End> {
    let dir = arguments.project.as_deref().unwrap_or(Path::new("."));
    let any_format = arguments.format.unwrap_or(AnyFormat::Text);
    let format = if any_format == AnyFormat::Json { Format::Json } else { Format::Text };
    match &arguments.command {
        Command::Check(options) => check::run(dir, any_format, options),
        Command::Demo(options) => demo::run(options),
        Command::Explain(options) => explain::run(dir, format, options),
        Command::Fmt(options) => fmt::run(dir, format, options),
        Command::Init(options) => init::run(options),
        Command::Mailbox(options) => mailbox::run(options),
        Command::Run => run::run(dir, format),
        Command::User(options) => user::run(dir, format, options),
        Command::Pause(options) => pause::run(dir, format, options, true),
        Command::Resume(options) => pause::run(dir, format, options, false),
        Command::Dlq(command) => dlq::run(dir, format, command),
        Command::Topics(command) => topics::run(dir, format, command),
        Command::Preview(options) => preview::run(dir, format, options),
        Command::SendTest(options) => send_test::run(dir, format, options),
        Command::Schema(options) => schema::run(options),
        Command::Test(options) => test::run(dir, any_format, options),
        Command::Replay(options) => replay::run(dir, format, options),
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let text = if text.starts_with('-') { format!("./{text}") } else { text };
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Prints an answer as JSON.
fn print_json(answer: &serde_json::Value) -> anyhow::Result<End> {
    say(&serde_json::to_string_pretty(answer)?);
    Ok(End::Ok)
}

/// Writes a line to stdout. Who has read enough (`| head`) ends the command, and that is no failure.
fn say(text: &str) {
    use std::io::Write;
    if let Err(error) = writeln!(std::io::stdout(), "{text}") {
        let has_read_enough = error.kind() == std::io::ErrorKind::BrokenPipe;
        std::process::exit(if has_read_enough { 0 } else { FAILURE.into() });
    }
}
