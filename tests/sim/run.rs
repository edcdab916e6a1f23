//! A seed from its beginning to its verdict.

use crate::checks::{self, Findings};
use crate::faults::Plan;
use crate::operators::team;
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
    /// Runs a seed with faults, now and then twice, and once without, and compares.
    pub fn of(seed: u64, is_loud: bool) -> Verdict {
        let mut first = once(seed, Plan::of(seed), is_loud);
        if first.violations.is_empty() {
            let again = once(seed, Plan::of(seed), false);
            if again.sum != first.sum {
                first.violations.push(format!("two runs differ: {:x} and {:x}", first.sum, again.sum));
            }
            let ideal = once(seed, Plan::without_faults(), false);
            first.violations.extend(ideal.violations.iter().map(|text| format!("without faults: {text}")));
            if !ideal.findings.clipped.is_empty() {
                first.violations.push(format!("without faults: of the future: {:?}", ideal.findings.clipped));
            }
            first.violations.extend(differences(&first.findings, &ideal.findings, seed));
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
    (0..PARTITIONS).for_each(|partition| world.note_position(partition));
    wrong.into_iter().for_each(|text| world.violated(text));
}

/// Faults do not change who enters what, and when it is due. Left out are rules that come and go with a release, since a
/// fault may move where a shard reads of it; and people of whom a machine whose clock was behind took an event for one of now.
pub fn differences(found: &Findings, ideal: &Findings, seed: u64) -> Vec<String> {
    let deploys = team(seed).deploys.into_iter();
    let changed: Vec<&str> = deploys.flat_map(|deploy| deploy.version.rules_that_come_and_go()).collect();
    let is_compared =
        |row: &&checks::EntryRow| !changed.contains(&&*row.0) && !found.clipped.contains(&row.1);
    let only = |a: &Findings, b: &Findings, which: &str| -> Vec<String> {
        let rows = a.entries.difference(&b.entries).filter(is_compared);
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
