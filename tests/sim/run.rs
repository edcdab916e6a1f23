//! A seed from its beginning to its verdict.

use crate::checks::{self, Findings};
use crate::faults::Plan;
use crate::people::POSTS;
use crate::time::HOUR;
use crate::world::{PARTITIONS, World};
use outreach::worker::Step;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

/// What is said of a seed.
pub struct Verdict {
    pub seed: u64,
    pub violations: Vec<String>,
    pub decisions: usize,
    pub accepted: usize,
    pub sum: u64,
    last_lines: Vec<String>,
}

/// Simulated runs at a time.
const THREADS: usize = 2;
/// Violations that are printed of a seed.
const PRINTED_MAX: usize = 5;

/// Runs these seeds and gives those that break a promise.
pub fn seeds(numbers: impl IntoIterator<Item = u64>) -> Vec<Verdict> {
    let left: Mutex<VecDeque<u64>> = Mutex::new(numbers.into_iter().collect());
    let bad = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some(seed) = left.lock().expect("no panic while held").pop_front() else { return };
                    let verdict = Verdict::of(seed, false);
                    if !verdict.is_good() {
                        println!("{verdict}");
                        bad.lock().expect("no panic while held").push(verdict);
                    }
                }
            });
        }
    });
    let mut bad = bad.into_inner().expect("no panic while held");
    bad.sort_by_key(|verdict: &Verdict| verdict.seed);
    bad
}

impl Verdict {
    /// Runs a seed twice with faults and once without, and compares.
    pub fn of(seed: u64, is_loud: bool) -> Verdict {
        let mut first = once(seed, Plan::of(seed), is_loud);
        if first.violations.is_empty() {
            let again = once(seed, Plan::of(seed), false);
            if again.sum != first.sum {
                first.violations.push(format!("two runs differ: {:x} and {:x}", first.sum, again.sum));
            }
            let ideal = once(seed, Plan::without_faults(), false);
            first.violations.extend(ideal.violations.iter().map(|text| format!("without faults: {text}")));
            first.violations.extend(differences(&first.findings.entries, &ideal.findings.entries, seed));
        }
        Verdict {
            seed,
            violations: first.violations,
            decisions: first.findings.decisions,
            accepted: first.findings.accepted,
            sum: first.sum,
            last_lines: first.last_lines,
        }
    }

    pub fn is_good(&self) -> bool {
        self.violations.is_empty()
    }
}

/// One run.
pub struct Run {
    pub findings: Findings,
    pub violations: Vec<String>,
    pub sum: u64,
    pub last_lines: Vec<String>,
}

/// Runs a seed once. A panic is a broken promise like any other.
pub fn once(seed: u64, plan: Plan, is_loud: bool) -> Run {
    let mut world = World::new(seed, plan, is_loud);
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.run();
        finish(&mut world);
    }));
    if ran.is_err() {
        world.violated("a panic".into());
    }
    let mut findings = checks::check(&mut world);
    Run {
        violations: std::mem::take(&mut findings.violations),
        findings,
        sum: world.trace.sum(),
        last_lines: world.trace.last_lines(),
    }
}

/// The ordered end: all that was read is written down.
fn finish(world: &mut World) {
    if !world.violations.is_empty() {
        return;
    }
    let Some(process) = &mut world.owners[0].process else {
        return world.violated("no process stands at the end".into());
    };
    let mut wrong = Vec::new();
    for partition in 0..PARTITIONS {
        let ended = process.worker(partition).and_then(|worker| {
            while worker.step()? == Step::Busy {}
            worker.finish()
        });
        wrong.extend(ended.err().map(|error| format!("worker {partition} cannot finish: {error}")));
    }
    wrong.into_iter().for_each(|text| world.violated(text));
}

type Entries = std::collections::BTreeSet<checks::EntryRow>;

/// Faults do not change who enters what, and when it is due.
pub fn differences(found: &Entries, ideal: &Entries, seed: u64) -> Vec<String> {
    // An event that claims to be of the future is taken as of now; with a clock hours behind, all posted ones do.
    let has_wrong_clock = Plan::of(seed).ahead_max > HOUR;
    let is_posted = |row: &checks::EntryRow| row.1.contains(POSTS);
    let only = |a: &Entries, b: &Entries, which: &str| -> Vec<String> {
        let rows = a.difference(b).filter(|row| !(has_wrong_clock && is_posted(row)));
        rows.map(|(rule, user, key, due_at)| format!("only {which} faults: {rule} {user} {key} due {due_at}"))
            .collect()
    };
    [only(found, ideal, "with"), only(ideal, found, "without")].concat()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = option_env!("GITHUB_SHA").map_or_else(commit, str::to_owned);
        for line in &self.last_lines {
            writeln!(f, "  {line}")?;
        }
        for violation in self.violations.iter().take(PRINTED_MAX) {
            writeln!(f, "  ! {violation}")?;
        }
        write!(
            f,
            "seed {} at commit {commit}: {} violations, {} decisions, {} mails, sum {:016x}",
            self.seed,
            self.violations.len(),
            self.decisions,
            self.accepted,
            self.sum
        )
    }
}

/// The commit that was tested, if git knows it.
fn commit() -> String {
    let output = std::process::Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let text = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".into())
}
