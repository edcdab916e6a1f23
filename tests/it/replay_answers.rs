//! Replay over real events gives the decisions that others computed, to the last row, whatever the events stand in.
//!
//! Data, rules and answers, their sources and licences: `tests/data/online-retail/README.md` and
//! `tests/data/complete-journey/README.md`.

mod convert;

use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of `tests/data/`.
struct DataSet {
    name: &'static str,
    events: &'static str,
    rules: &'static [&'static str],
}

const ONLINE_RETAIL: DataSet = DataSet {
    name: "online-retail",
    events: "events.ndjson.zst",
    rules: &[
        "big-order-once",
        "cancelled-no-order-14d-restart",
        "cancelled-no-order-30d",
        "order-cancel-order-7d",
        "quiet-60d",
        "three-orders-a-day",
    ],
};

const COMPLETE_JOURNEY: DataSet = DataSet {
    name: "complete-journey",
    events: "events.parquet",
    rules: &[
        "big-basket-no-coupon-30d-monthly",
        "campaign-monthly",
        "campaign-no-coupon-14d",
        "campaign-order-coupon-14d",
        "campaign-order-then-no-coupon-3d",
        "quiet-30d",
        "three-orders-2d",
    ],
};

impl DataSet {
    fn path(&self, path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(self.name).join(path)
    }

    fn events(&self) -> PathBuf {
        self.path(self.events)
    }

    /// Runs `outreach replay` with a project of the folder; it must succeed.
    fn replay(&self, project: &str, files: &[&Path], out: &Path, more: &[&str]) -> Output {
        replay(&self.path(project), files, out, more)
    }

    fn answers(&self, file: &str) -> Vec<Answer> {
        let mut text = String::new();
        let file = File::open(self.path(&format!("answers/{file}.csv.gz"))).unwrap();
        GzDecoder::new(file).read_to_string(&mut text).unwrap();
        let fields = |line: &str| std::array::from_fn(|at| line.split(',').nth(at).unwrap().to_owned());
        sorted(text.lines().skip(1).map(fields).collect())
    }
}

fn replay(project: &Path, files: &[&Path], out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
    command.arg("replay").arg("--project").arg(project).args(files).arg("--out").arg(out).args(more);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A decision as the answers have it: rule, user, due_at, triggered_at.
type Answer = [String; 4];

fn sorted(mut answers: Vec<Answer>) -> Vec<Answer> {
    answers.sort();
    answers
}

fn rows(out: &Path) -> Vec<Value> {
    let text = fs::read_to_string(out).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows of this verdict and reason, by rule.
fn decided(rows: &[Value], verdict: &str, reason: Option<&str>) -> BTreeMap<String, Vec<Answer>> {
    let mut by_rule: BTreeMap<String, Vec<Answer>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row["verdict"] == verdict && row["reason"].as_str() == reason) {
        let field = |name: &str| row[name].as_str().unwrap().to_owned();
        let answer = [field("rule"), field("user"), field("due_at"), field("triggered_at")];
        by_rule.entry(field("rule")).or_default().push(answer);
    }
    by_rule.into_iter().map(|(rule, answers)| (rule, sorted(answers))).collect()
}

/// The first rows that only one side has: a whole list says nothing.
fn assert_same(found: &[Answer], expected: &[Answer], what: &str) {
    let only = |a: &[Answer], b: &[Answer]| {
        a.iter().filter(|row| b.binary_search(row).is_err()).take(5).cloned().collect::<Vec<_>>()
    };
    let (missing, surplus) = (only(expected, found), only(found, expected));
    assert!(
        found == expected,
        "{what}: {} rows for {}; missing {missing:#?}; surplus {surplus:#?}",
        found.len(),
        expected.len()
    );
}

/// Each rule is run in a project that has no other, and all of them in one: they do not know of each other.
fn assert_single_rules(data: &DataSet) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects.ndjson");
    let out = dir.path().join("all.ndjson");
    let output = data.replay("single", &[&data.events()], &out, &["--rejects", rejects.to_str().unwrap()]);
    let listed = fs::read_to_string(&rejects).unwrap();
    let (all, decided_all) = (rows(&out), decided(&rows(&out), "send", None));
    assert_eq!(decided_all.values().map(Vec::len).sum::<usize>(), all.len(), "nothing else is decided");
    let of_folder = fs::read_dir(data.path("single/rules")).unwrap();
    let of_folder: BTreeSet<String> =
        of_folder.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(of_folder, data.rules.iter().map(|rule| format!("{rule}.toml")).collect());
    for rule in data.rules {
        let answers = data.answers(rule);
        assert_same(&decided_all[*rule], &answers, rule);
        let alone = dir.path().join(rule);
        project_of_one(&data.path("single"), &alone, rule);
        replay(&alone, &[&data.events()], &out, &[]);
        let rows = rows(&out);
        assert_same(&decided(&rows, "send", None)[*rule], &answers, rule);
        assert_eq!(rows.len(), answers.len(), "{rule}: nothing else is decided");
    }
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(listed.lines().count() > 0, told.contains("rejected"), "{told}");
    output
}

fn project_of_one(from: &Path, to: &Path, rule: &str) {
    let copy = |path: &str| {
        fs::create_dir_all(to.join(path).parent().unwrap()).unwrap();
        fs::copy(from.join(path), to.join(path)).unwrap();
    };
    copy("outreach.toml");
    copy(&format!("rules/{rule}.toml"));
    copy("templates/probe/in_product.toml");
    copy("templates/probe/sample.json");
}

fn assert_caps(data: &DataSet) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("caps.ndjson");
    data.replay("caps-a", &[&data.path("identities.ndjson.gz"), &data.events()], &out, &[]);
    let rows = rows(&out);
    let all = |by_rule: BTreeMap<String, Vec<Answer>>| sorted(by_rule.into_values().flatten().collect());
    let (sent, capped) = (all(decided(&rows, "send", None)), all(decided(&rows, "refuse", Some("cap"))));
    assert_same(&sent, &data.answers("caps-a"), "sent");
    assert_same(&capped, &data.answers("caps-a.suppressed"), "suppressed");
    assert_eq!(sent.len() + capped.len(), rows.len(), "nothing else is decided");
}

#[test]
fn each_rule_alone_decides_as_the_answers_say() {
    let output = assert_single_rules(&ONLINE_RETAIL);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("no-id: 3710"), "{told}");
    assert!(told.contains("events.ndjson.zst:79: expected userId or anonymousId"), "{told}");
}

#[test]
fn each_rule_alone_decides_over_parquet_as_the_answers_say() {
    let output = assert_single_rules(&COMPLETE_JOURNEY);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn caps_let_go_and_hold_back_what_the_answers_say() {
    assert_caps(&ONLINE_RETAIL);
    assert_caps(&COMPLETE_JOURNEY);
}

#[test]
fn the_way_events_are_packed_and_cut_into_files_changes_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let run = |files: &[&Path]| {
        let out = path("out.ndjson");
        ONLINE_RETAIL.replay("single", files, &out, &[]);
        fs::read(out).unwrap()
    };
    let expected = run(&[&ONLINE_RETAIL.events()]);

    let plain = zstd::decode_all(File::open(ONLINE_RETAIL.events()).unwrap()).unwrap();
    // The names say nothing: what a file is packed with is told by its first bytes.
    fs::write(path("plain.gz"), &plain).unwrap();
    fs::write(path("gzip.zst"), convert::gzip(&plain)).unwrap();
    assert!(run(&[&path("plain.gz")]) == expected, "plain");
    assert!(run(&[&path("gzip.zst")]) == expected, "gzip");

    // Days go to two files in turn, and stand in them backwards: what happened at one time stays in its order.
    let mut halves: [Vec<&[u8]>; 2] = [Vec::new(), Vec::new()];
    for (number, day) in convert::days(&plain).into_iter().enumerate() {
        halves[number % 2].push(day);
    }
    for half in &mut halves {
        half.reverse();
    }
    fs::write(path("a.ndjson"), halves[0].concat()).unwrap();
    let members: Vec<Vec<u8>> = halves[1].iter().map(|day| convert::gzip(day)).collect();
    fs::write(path("b.ndjson"), members.concat()).unwrap();
    assert!(run(&[&path("a.ndjson"), &path("b.ndjson")]) == expected, "a, b");
    assert!(run(&[&path("b.ndjson"), &path("a.ndjson")]) == expected, "b, a");
}

#[test]
fn what_events_stand_in_changes_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let run = |data: &DataSet, file: &Path, more: &[&str]| {
        let out = path("out.ndjson");
        data.replay("single", &[file], &out, more);
        fs::read(out).unwrap()
    };
    let expected = run(&COMPLETE_JOURNEY, &COMPLETE_JOURNEY.events(), &[]);
    let events = convert::of_parquet(&COMPLETE_JOURNEY.events());
    // Bags as objects; as JSON text; in CSV, under other names.
    convert::write_ndjson(&path("nested.ndjson"), &events, false);
    convert::write_ndjson(&path("text.ndjson"), &events, true);
    convert::write_csv(&path("events.csv.gz"), &events);
    assert!(run(&COMPLETE_JOURNEY, &path("nested.ndjson"), &[]) == expected, "nested");
    assert!(run(&COMPLETE_JOURNEY, &path("text.ndjson"), &[]) == expected, "text");
    let map = ["--map", "type=kind,event=what,userId=household,messageId=id", "--map", "timestamp=at:utc"];
    assert!(run(&COMPLETE_JOURNEY, &path("events.csv.gz"), &map) == expected, "CSV");

    let expected = run(&ONLINE_RETAIL, &ONLINE_RETAIL.events(), &[]);
    let plain = zstd::decode_all(File::open(ONLINE_RETAIL.events()).unwrap()).unwrap();
    let events = convert::of_ndjson(&plain);
    convert::write_parquet(&path("events.parquet"), &events);
    assert!(run(&ONLINE_RETAIL, &path("events.parquet"), &[]) == expected, "Parquet");
}

#[test]
fn decisions_are_the_same_rows_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let out = dir.path().join(name);
        let files = [&*ONLINE_RETAIL.path("identities.ndjson.gz"), &*ONLINE_RETAIL.events()];
        ONLINE_RETAIL.replay("caps-a", &files, &out, &[]);
        out
    };
    let of_ndjson = rows(&write("out.ndjson"));
    assert!(of_ndjson.len() > 20_000);
    let names = [
        "rule",
        "user",
        "kind",
        "key",
        "step",
        "channel",
        "template",
        "verdict",
        "reason",
        "triggered_at",
        "due_at",
        "judged_at",
    ];
    let expected: Vec<Vec<String>> = of_ndjson
        .iter()
        .map(|row| names.iter().map(|name| row[*name].as_str().unwrap_or_default().to_owned()).collect())
        .collect();

    let text = fs::read_to_string(write("out.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(lines.next().unwrap(), names);
    assert!(lines.eq(expected.iter().cloned()), "CSV");

    let out = write("out.parquet");
    let (columns, found) = convert::texts_of_parquet(&out);
    assert_eq!(columns, names);
    assert!(found == expected, "Parquet");
    assert!(
        fs::read(&out).unwrap() == fs::read(write("again.parquet")).unwrap(),
        "the same bytes every time"
    );
}
