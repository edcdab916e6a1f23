//! The libraries, and how each is run: by the lines of `docs/sdks.md`, then a script of `tests/sdks/`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::USER;
use crate::world::browser;
use crate::world::solo::{BROWSER_KEY, SERVER_KEY};

/// A client library, and what it does on the wire.
pub struct Library {
    /// Its heading in docs/sdks.md.
    pub heading: &'static str,
    pub runs_in: RunsIn,
    /// How far the clock of its machine is off.
    pub clock_off_hours: i64,
    /// `Content-Type` and `Content-Encoding` of all that it posts.
    pub content: (&'static str, Option<&'static str>),
    /// The refusals after which it waits as long as `Retry-After` says.
    pub waits_as_told: &'static [u16],
    /// Whether what it repeats says anew when it was sent.
    pub says_anew_when_it_sends: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RunsIn {
    Node,
    Python,
    Browser,
}

pub const SEGMENT_NODE: Library = Library {
    heading: "Segment, Node",
    runs_in: RunsIn::Node,
    clock_off_hours: 5,
    content: ("application/json", None),
    waits_as_told: &[429],
    says_anew_when_it_sends: true,
};

pub const SEGMENT_BROWSER: Library = Library {
    heading: "Segment, browser",
    runs_in: RunsIn::Browser,
    clock_off_hours: -5,
    content: ("text/plain", None),
    waits_as_told: &[429],
    says_anew_when_it_sends: true,
};

pub const SEGMENT_PYTHON: Library = Library {
    heading: "Segment, Python",
    runs_in: RunsIn::Python,
    clock_off_hours: -50,
    content: ("application/json", None),
    waits_as_told: &[429, 503],
    says_anew_when_it_sends: true,
};

/// It labels its zipped JSON as a form.
pub const RUDDERSTACK_NODE: Library = Library {
    heading: "RudderStack, Node",
    runs_in: RunsIn::Node,
    clock_off_hours: -5,
    content: ("application/x-www-form-urlencoded", Some("gzip")),
    waits_as_told: &[429, 503],
    says_anew_when_it_sends: false,
};

pub const RUDDERSTACK_BROWSER: Library = Library {
    heading: "RudderStack, browser",
    runs_in: RunsIn::Browser,
    clock_off_hours: 50,
    content: ("application/json;charset=UTF-8", None),
    waits_as_told: &[],
    says_anew_when_it_sends: true,
};

pub const RUDDERSTACK_PYTHON: Library = Library {
    heading: "RudderStack, Python",
    runs_in: RunsIn::Python,
    clock_off_hours: 50,
    content: ("application/json", Some("gzip")),
    waits_as_told: &[],
    says_anew_when_it_sends: true,
};

pub const POSTHOG_NODE: Library = Library {
    heading: "PostHog, Node",
    runs_in: RunsIn::Node,
    clock_off_hours: -50,
    content: ("application/json", Some("gzip")),
    waits_as_told: &[],
    says_anew_when_it_sends: false,
};

impl Library {
    /// Runs a script of `tests/sdks/` against the service at `base`.
    #[track_caller]
    pub fn run(&self, script: &str, base: &str) {
        match self.runs_in {
            RunsIn::Browser => self.run_page(&self.lines(base), script, None),
            RunsIn::Node => {
                let command = [".cache/node/bin/node", "--input-type=module", "-"];
                run(&command, &self.program(base, "clock.mjs", script), self.clock_off_hours);
            }
            RunsIn::Python => {
                let command = [".cache/python/bin/python", "-"];
                run(&command, &self.program(base, "clock.py", script), self.clock_off_hours);
            }
        }
    }

    /// Runs a page with `lines`, which says what `part` of `browser.mjs` says; where the port of operators is given, the
    /// page is left at once.
    #[track_caller]
    pub fn run_page(&self, lines: &str, part: &str, admin_port: Option<u16>) {
        let settings = json!({
            "snippet": lines, "user": USER, "part": part, "admin": admin_port, "hours": self.clock_off_hours,
        });
        let told = browser::run("../sdks/browser.mjs", &settings);
        let asked = told["asked"].as_array().expect("hosts");
        let is_here = |host: &Value| host.as_str().is_some_and(|host| host.starts_with("127.0.0.1:"));
        assert!(asked.iter().all(is_here), "nobody else is asked: {told}");
    }

    /// What comes with a public key is unproven.
    pub fn is_proven(&self) -> bool {
        self.runs_in != RunsIn::Browser
    }

    fn program(&self, base: &str, clock: &str, script: &str) -> String {
        let ours = |name: &str| text_of(&format!("tests/sdks/{name}"));
        [ours(clock), self.lines(base), ours(script)].concat()
    }

    /// The lines under its heading, for this service and a key of it.
    pub fn lines(&self, base: &str) -> String {
        let key = if self.is_proven() { SERVER_KEY } else { BROWSER_KEY };
        let page = text_of("docs/sdks.md");
        let section = page.split("\n## ").find(|section| section.starts_with(self.heading));
        let block = section.and_then(|section| section.split("```").nth(1));
        let block = block.unwrap_or_else(|| panic!("expected code under {:?}", self.heading));
        let (_, lines) = block.split_once('\n').expect("lines");
        lines.replace("https://events.acme.example", base).replace("WRITE_KEY", key)
    }
}

fn text_of(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a program that stands on stdin: packages are found from where it runs, in `tests/browser`.
#[track_caller]
fn run(command: &[&str], program: &str, clock_off_hours: i64) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = root.join(command[0]);
    assert!(binary.exists(), "expected {}: run scripts/setup", binary.display());
    let mut child = Command::new("timeout")
        .args(["--kill-after=1", "100"])
        .arg(binary)
        .args(&command[1..])
        .env("SDK_USER", USER)
        .env("SDK_HOURS", clock_off_hours.to_string())
        .current_dir(root.join("tests/browser"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("its input").write_all(program.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("its end");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}{err}\n{program}", output.status);
}
