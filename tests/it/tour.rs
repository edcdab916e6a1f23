//! The README's first ten minutes, as they stand there: its files are written, each of its commands runs, in their order,
//! and what it says one sees is waited for. The ports are its own as well, unless somebody has them: then they are
//! others, for several tests run at a time, and another test holds that the page's are the defaults.

use super::world::http::Http;
use super::world::process::Process;
use super::world::{ports, wait};
use outreach::project::{Environment, Project};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const CLONE: &str = env!("CARGO_MANIFEST_DIR");

/// What `outreach run` takes events on, what it serves operators on, and what `outreach mailbox` takes mail on.
const DEFAULTS: [u16; 3] = [8080, 8081, 1025];

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
    /// Stands in a clone, with nothing beside it.
    fn begin() -> Tour {
        let folder = TempDir::new().unwrap();
        let at = folder.path().join("outreach");
        std::os::unix::fs::symlink(CLONE, &at).unwrap();
        let [http, admin, smtp] =
            if ports::are_free(&DEFAULTS) { DEFAULTS } else { DEFAULTS.map(|_| ports::free()) };
        Tour { folder, at, http, admin, smtp, running: Vec::new(), seen: String::new() }
    }

    fn has_defaults(&self) -> bool {
        [self.http, self.admin, self.smtp] == DEFAULTS
    }

    /// The page's ports are those of a machine with one service.
    fn with_ports(&self, text: &str) -> String {
        text.replace("127.0.0.1:8080", &format!("127.0.0.1:{}", self.http))
    }

    fn shell(&self, line: &str) -> Command {
        let node = Path::new(CLONE).join(".cache/node/bin");
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", &self.with_ports(line)]).current_dir(&self.at);
        // What cargo installs goes into this folder, and is found there before any other of its name.
        let installed = self.folder.path().join("installed");
        command.env("PATH", format!("{}:{}:{path}", installed.join("bin").display(), node.display()));
        command.env("CARGO_INSTALL_ROOT", installed);
        // What cargo has built for these tests need not be built again; the binary that they run stays as it is.
        let binary = Path::new(env!("CARGO_BIN_EXE_outreach"));
        command.env("CARGO_BUILD_BUILD_DIR", binary.ancestors().nth(2).unwrap());
        command.env("CARGO_TARGET_DIR", self.folder.path().join("target"));
        command.env("CARGO_NET_OFFLINE", "true");
        // Cargo tells a test about its package; told so again, build scripts would find all changed.
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        for (name, _) in std::env::vars() {
            if of_package.iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.env("npm_config_prefer_offline", "true");
        if !self.has_defaults() {
            command.env("OUTREACH__HTTP__LISTEN", format!("127.0.0.1:{}", self.http));
            command.env("OUTREACH__HTTP__ADMIN_LISTEN", format!("127.0.0.1:{}", self.admin));
            command.env("OUTREACH__EMAIL__SMTP__PORT", self.smtp.to_string());
        }
        command
    }

    fn file(&self, path: &str, text: &str) {
        std::fs::write(self.at.join(path), self.with_ports(text))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    fn command(&mut self, line: &str) {
        let (line, comment) = line.split_once("  # ").unwrap_or((line, ""));
        let line = line.trim();
        if line == "cd .." {
            // As a shell does it: out of the link.
            self.at.pop();
        } else if let Some(folder) = line.strip_prefix("cd ") {
            self.at.push(folder);
            assert!(self.at.is_dir(), "{}", self.at.display());
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

    fn start(&mut self, line: &str) {
        let number = self.running.len();
        let is_elsewhere = line.contains("mailbox") && !self.has_defaults();
        let port = if is_elsewhere { format!(" --port {}", self.smtp) } else { String::new() };
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
    let readme = std::fs::read_to_string(Path::new(CLONE).join("README.md")).unwrap();
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

/// The ports of this machine that a page names.
fn named_ports(page: &str) -> Vec<u16> {
    let names = page.split("127.0.0.1:").skip(1);
    let digits = names.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
    digits.filter_map(|digits| digits.parse().ok()).collect()
}

#[test]
fn the_ports_of_the_tour_are_the_defaults_wherever_they_are_said() {
    let [http, admin, smtp] = DEFAULTS;
    let page = |path: &str| std::fs::read_to_string(Path::new(CLONE).join(path)).unwrap();
    let folder = TempDir::new().unwrap();
    let outreach = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
        let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let process = |text: &str| {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("outreach.toml"), text).unwrap();
        Project::read(folder.path(), &Environment::new([])).process.expect("settings that can be read")
    };
    outreach(&["init", "acme"]);
    let made = std::fs::read_to_string(folder.path().join("acme/outreach.toml")).unwrap();
    for text in ["", &made, &page("docs/outreach.toml")] {
        let process = process(text);
        let listen = process.http.listen.to_string();
        assert_eq!((listen, process.http.admin_listen.port()), (format!("127.0.0.1:{http}"), admin));
    }
    assert_eq!(process("").http.public_url, format!("http://127.0.0.1:{http}"));
    let mail = process(&made).email.expect("[email]").smtp;
    assert_eq!((mail.host.as_str(), mail.port), ("127.0.0.1", smtp));
    assert!(outreach(&["mailbox", "--help"]).contains(&format!("[default: {smtp}]")));
    let schema: serde_json::Value = serde_json::from_str(&page("schema/project.json")).unwrap();
    let keys = &schema["properties"]["http"]["properties"];
    assert_eq!(keys["listen"]["default"], format!("127.0.0.1:{http}"));
    assert_eq!(keys["admin_listen"]["default"], format!("127.0.0.1:{admin}"));
    let (readme, commands) = (page("README.md"), page("docs/commands.md"));
    assert!(commands.contains(&format!("port {smtp} of this machine")), "{commands}");
    for (of, page) in [("README.md", &readme), ("docs/commands.md", &commands)] {
        let named = named_ports(page);
        assert!(named.contains(&admin), "{of} names {named:?}");
        assert!(named.iter().all(|port| [http, admin].contains(port)), "{of} names {named:?}");
    }
    assert!(named_ports(&readme).contains(&http));
}
