//! The README's first ten minutes, as they stand there: its files are written, its commands run in their order against the
//! real binary, and what it says one sees is waited for. Only ports are others, for several tests run at a time.

use super::world::http::Http;
use super::world::process::Process;
use super::world::{ports, wait};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// The tour itself waits for ten seconds; the machine may be busy.
const SEEN_WITHIN: Duration = Duration::from_secs(90);
const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// What the page has between two fences, with the prose before it.
struct Block<'p> {
    language: &'p str,
    before: &'p str,
    text: &'p str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut parts = page.split("```");
    let mut before = parts.next().unwrap_or_default();
    while let (Some(block), Some(after)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').expect("a fence and its lines");
        found.push(Block { language, before, text });
        before = after;
    }
    found
}

/// The words between backticks in the prose before a block: the last that is a path.
fn named_file(before: &str) -> &str {
    let words = before.split('`').skip(1).step_by(2);
    words.filter(|word| word.contains('.') && !word.contains(' ')).last().expect("the name of a file")
}

struct Tour {
    folder: TempDir,
    /// Where the reader stands.
    at: PathBuf,
    http: u16,
    admin: u16,
    smtp: u16,
    /// What was started, the last first, and all that it prints.
    running: Vec<(String, Process)>,
    seen: String,
}

impl Tour {
    fn begin() -> Tour {
        let folder = TempDir::new().unwrap();
        let at = folder.path().to_owned();
        let (http, admin, smtp) = (ports::free(), ports::free(), ports::free());
        Tour { folder, at, http, admin, smtp, running: Vec::new(), seen: String::new() }
    }

    /// The page's ports are those of a machine with one service.
    fn with_ports(&self, text: &str) -> String {
        text.replace("127.0.0.1:8080", &format!("127.0.0.1:{}", self.http))
    }

    fn shell(&self, line: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_outreach")).parent().unwrap();
        let node = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/node/bin");
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", &self.with_ports(line)]).current_dir(&self.at);
        command.env("PATH", format!("{}:{}:{path}", binary.display(), node.display()));
        command.env("OUTREACH__HTTP__LISTEN", format!("127.0.0.1:{}", self.http));
        command.env("OUTREACH__HTTP__ADMIN_LISTEN", format!("127.0.0.1:{}", self.admin));
        command.env("OUTREACH__EMAIL__SMTP__PORT", self.smtp.to_string());
        command
    }

    fn file(&self, path: &str, text: &str) {
        std::fs::write(self.at.join(path), self.with_ports(text))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    fn command(&mut self, line: &str) {
        let (line, comment) = line.split_once("  # ").unwrap_or((line, ""));
        let line = line.trim();
        if line.starts_with("cargo build ") {
            return; // This test is built from the same tree.
        }
        if let Some(folder) = line.strip_prefix("cd ") {
            self.at.push(folder);
        } else if let Some(package) = line.strip_prefix("npm install ") {
            self.install(package);
        } else if comment.contains("terminal") {
            self.start(line);
        } else {
            let output = self.shell(line).output().expect("bash runs");
            let printed = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
            let printed = String::from_utf8_lossy(&printed);
            assert!(output.status.success(), "{line}\n{printed}\n{}", self.logs());
            self.seen.push_str(&printed);
        }
    }

    /// The package that `scripts/setup` brought, as npm would put it there.
    fn install(&self, package: &str) {
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/node_modules");
        assert!(
            modules.join(package).exists(),
            "expected {package} in {}: run scripts/setup",
            modules.display()
        );
        std::os::unix::fs::symlink(modules, self.at.join("node_modules")).unwrap();
    }

    fn start(&mut self, line: &str) {
        let number = self.running.len();
        let port = if line.contains("mailbox") { format!(" --port {}", self.smtp) } else { String::new() };
        let command = self.shell(&format!("exec {line}{port}"));
        let process = Process::start(command, &self.folder.path().join(format!("{number}.log"))).unwrap();
        self.running.insert(0, (line.to_owned(), process));
        if line == "outreach run" {
            let admin = Http::new(self.admin);
            let is_ready = || admin.try_get("/readyz").is_ok_and(|reply| reply.status == 200);
            let ready = wait::for_value(SEEN_WITHIN, || is_ready().then_some(()));
            assert!(ready.is_some(), "not ready: {}", self.logs());
        } else {
            wait::until("the mail server", SEEN_WITHIN, || self.logs().contains("is shown here"));
        }
    }

    fn logs(&self) -> String {
        self.running.iter().map(|(_, process)| process.log()).collect()
    }

    /// What the page says one sees, `…` standing for anything at a line's end.
    fn sees(&mut self, text: &str, last_command: &str) {
        for line in text.lines().filter(|line| !line.is_empty()) {
            let wanted = self.with_ports(line.trim_end_matches('…'));
            let seen = wait::for_value(SEEN_WITHIN, || {
                let is_there = self.seen.contains(&wanted) || self.logs().contains(&wanted);
                if !is_there && last_command.starts_with("outreach ") {
                    // A reader asks again.
                    self.command(last_command);
                }
                is_there.then_some(())
            });
            assert!(seen.is_some(), "{wanted:?} is not seen in:\n{}\n{}", self.seen, self.logs());
        }
    }
}

#[test]
fn the_first_ten_minutes_of_the_readme_go_as_they_are_written() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let start = readme.find("## The first ten minutes").expect("the tour");
    let page = &readme[start..start + readme[start..].find("\n## What").expect("its end")];
    let mut tour = Tour::begin();
    let mut last = String::new();
    let mut counts = std::collections::BTreeMap::new();
    for block in blocks(page) {
        *counts.entry(block.language.to_owned()).or_insert(0) += 1;
        match block.language {
            "toml" | "js" => tour.file(named_file(block.before), block.text),
            "text" => tour.sees(block.text, &last),
            "sh" => {
                let whole = block.text.replace("\\\n", " ");
                for line in whole.lines() {
                    tour.command(line);
                    line.split("  # ").next().unwrap_or_default().trim().clone_into(&mut last);
                }
            }
            other => panic!("a block of {other:?} in the tour"),
        }
    }
    assert!(
        counts["sh"] >= 5 && counts["toml"] == 2 && counts["js"] == 1 && counts["text"] >= 3,
        "{counts:?}"
    );
    let service = &mut tour.running[0].1;
    service.signal(libc::SIGINT);
    assert!(service.wait(STOPPED_WITHIN).is_some_and(|status| status.success()), "{}", tour.logs());
    let mails = std::fs::read_dir(tour.at.join("mails")).unwrap().count();
    assert_eq!(mails, 2, "Lin's mail went nowhere");
}
