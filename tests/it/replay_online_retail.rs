//! Replay over real orders of a year gives the decisions that others computed, to the last row.
//!
//! Data, rules and answers, their source and licence: `tests/data/online-retail/README.md`.

use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/online-retail").join(path)
}

/// Runs `outreach replay` with a project of the data folder; it must succeed.
fn replay(project: &str, files: &[&Path], out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
    command.arg("replay").arg("--project").arg(data(project)).args(files).arg("--out").arg(out).args(more);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A decision as the answers have it: rule, user, due_at, triggered_at.
type Answer = [String; 4];

fn answers(file: &str) -> Vec<Answer> {
    let mut text = String::new();
    GzDecoder::new(File::open(data(file)).unwrap()).read_to_string(&mut text).unwrap();
    let fields = |line: &str| std::array::from_fn(|at| line.split(',').nth(at).unwrap().to_owned());
    sorted(text.lines().skip(1).map(fields).collect())
}

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

#[test]
fn each_rule_alone_decides_as_the_answers_say() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("single.ndjson");
    let rejects = dir.path().join("rejects.ndjson");
    let rejects_path = rejects.to_str().unwrap();
    let output = replay("single", &[&data("events.ndjson.zst")], &out, &["--rejects", rejects_path]);
    let rows = rows(&out);
    let sent = decided(&rows, "send", None);
    for rule in
        ["big-order-once", "three-orders-a-day", "cancelled-no-order-30d", "cancelled-no-order-14d-restart"]
    {
        assert_same(&sent[rule], &answers(&format!("answers/{rule}.csv.gz")), rule);
    }
    assert_eq!(sent.values().map(Vec::len).sum::<usize>(), rows.len(), "nothing else is decided");

    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("no-id: 3710"), "{told}");
    let listed = fs::read_to_string(&rejects).unwrap();
    assert_eq!(listed.lines().count(), 3710);
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert_eq!(first["code"], "no-id");
    assert!(first["line"].as_u64() > Some(0) && first["reason"].is_string(), "{first}");
}

#[test]
fn caps_let_go_and_hold_back_what_the_answers_say() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("caps.ndjson");
    replay("caps-a", &[&data("identities.ndjson.gz"), &data("events.ndjson.zst")], &out, &[]);
    let rows = rows(&out);
    let all = |by_rule: BTreeMap<String, Vec<Answer>>| sorted(by_rule.into_values().flatten().collect());
    let (sent, capped) = (all(decided(&rows, "send", None)), all(decided(&rows, "refuse", Some("cap"))));
    assert_same(&sent, &answers("answers/caps-a.csv.gz"), "sent");
    assert_same(&capped, &answers("answers/caps-a.suppressed.csv.gz"), "suppressed");
    assert_eq!(sent.len() + capped.len(), rows.len(), "nothing else is decided");
}

#[test]
fn the_way_events_are_packed_and_cut_into_files_changes_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let run = |files: &[&Path]| {
        let out = path("out.ndjson");
        replay("single", files, &out, &[]);
        fs::read(out).unwrap()
    };
    let expected = run(&[&data("events.ndjson.zst")]);

    let plain = zstd::decode_all(File::open(data("events.ndjson.zst")).unwrap()).unwrap();
    // The names say nothing: what a file is packed with is told by its first bytes.
    fs::write(path("plain.gz"), &plain).unwrap();
    fs::write(path("gzip.zst"), gzip(&plain)).unwrap();
    assert!(run(&[&path("plain.gz")]) == expected, "plain");
    assert!(run(&[&path("gzip.zst")]) == expected, "gzip");

    // Days go to two files in turn, and stand in them backwards: what happened at one time stays in its order.
    let mut halves: [Vec<&[u8]>; 2] = [Vec::new(), Vec::new()];
    for (number, day) in days(&plain).into_iter().enumerate() {
        halves[number % 2].push(day);
    }
    for half in &mut halves {
        half.reverse();
    }
    fs::write(path("a.ndjson"), halves[0].concat()).unwrap();
    let members: Vec<Vec<u8>> = halves[1].iter().map(|day| gzip(day)).collect();
    fs::write(path("b.ndjson"), members.concat()).unwrap();
    assert!(run(&[&path("a.ndjson"), &path("b.ndjson")]) == expected, "a, b");
    assert!(run(&[&path("b.ndjson"), &path("a.ndjson")]) == expected, "b, a");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The lines of each date, in order of the text: one date stands in one piece.
fn days(text: &[u8]) -> Vec<&[u8]> {
    let date = |line: &[u8]| {
        let line = std::str::from_utf8(line).unwrap();
        let at = line.find(r#""timestamp": ""#).unwrap() + 14;
        line[at..at + 10].to_owned()
    };
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut days = Vec::new();
    let mut start = 0;
    for same in lines.chunk_by(|a, b| date(a) == date(b)) {
        let end = start + same.iter().map(|line| line.len()).sum::<usize>();
        days.push(&text[start..end]);
        start = end;
    }
    days
}
