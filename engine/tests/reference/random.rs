//! Random cases, small enough that things meet: four events, three people, and lengths and pauses from one short list, so
//! that what happens falls on deadlines, a microsecond beside them, and on one another.

use super::case::Case;
use super::time::{DAY, HOUR, MINUTE, Micros, shown};

/// 2026-03-28T12:00Z: summer time begins in Europe that night.
const START: Micros = 1_774_699_200_000_000;

/// SplitMix64: a case is its seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_add(1).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    pub fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % count as u64) as usize
    }

    pub fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    /// Once in so many times.
    pub fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

const LENGTHS: &[&str] = &["1 hour", "6 hours", "1 day", "2 days"];

pub fn case(seed: u64) -> Case {
    let mut dice = Dice::new(seed);
    let rules = 1 + dice.below(3);
    Case {
        settings: settings(&mut dice),
        rules: (0..rules).map(|_| rule(&mut dice)).collect(),
        events: events(&mut dice),
        ends_in_all_ways: dice.once_in(4),
    }
}

fn settings(dice: &mut Dice) -> Vec<String> {
    let mut lines = vec![format!("timezone = {:?}", dice.one_of(&["UTC", "Europe/Paris"]))];
    let caps = [
        "caps = { email = [\"1 per day\"], all = [\"2 per 2 days\"] }",
        "caps = { email = [\"2 per calendar day\"], in_product = [\"1 per 6 hours\"] }",
        "caps = { all = [\"1 per 6 hours\"], in_product = [\"2 per day\"] }",
    ];
    if dice.once_in(2) {
        lines.push(dice.one_of(&caps).to_owned());
    }
    if dice.once_in(3) {
        lines
            .push(format!("quiet_hours = {:?}", dice.one_of(&["21:00-08:00", "02:30-05:00", "12:00-18:00"])));
    }
    if dice.once_in(10) {
        lines.push("holdout = \"30%\"".to_owned());
    }
    lines
}

fn rule(dice: &mut Dice) -> Vec<String> {
    let mut lines = vec!["name = \"R\"".to_owned(), "topic = \"probe\"".to_owned()];
    if dice.once_in(3) {
        lines.push(format!("priority = {}", dice.one_of(&[-1, 1])));
    }
    if dice.once_in(12) {
        lines.push("unproven = true".to_owned());
    }
    if dice.once_in(20) {
        lines.push("status = \"off\"".to_owned());
    }
    lines.push("[trigger]".to_owned());
    let is_keyed = trigger(dice, &mut lines);
    if dice.once_in(3) {
        let traits = condition(dice, "traits.plan", &["\"pro\"", "\"team\"", "\"free\""]);
        lines.extend(["[audience]".to_owned(), format!("where = {{ {traits} }}")]);
    }
    if dice.once_in(3) {
        lines.push("[exit]".to_owned());
        lines.push(exit(dice, is_keyed));
    }
    limits(dice, &mut lines);
    for number in 0..1 + dice.below(3) {
        let step =
            if number == 0 && dice.once_in(2) { "in_product = \"card\"".to_owned() } else { step(dice) };
        let is_message = !step.starts_with("wait");
        lines.extend(["[[step]]".to_owned(), step]);
        message(dice, &mut lines, is_message);
    }
    lines
}

fn limits(dice: &mut Dice, lines: &mut Vec<String>) {
    let once_per = ["", "always", "always", "always", "1 day", "6 hours", "calendar day"];
    let once_per = dice.one_of(&once_per);
    let mut limits = Vec::new();
    if !once_per.is_empty() {
        limits.push(format!("once_per = {once_per:?}"));
    }
    if dice.once_in(4) {
        limits.push(format!("late = {:?}", dice.one_of(&["3 hours", "6 hours", "2 days"])));
    }
    if dice.once_in(6) {
        limits.push(format!("grace = {:?}", dice.one_of(&["0 seconds", "30 minutes"])));
    }
    if !limits.is_empty() {
        lines.push("[limits]".to_owned());
        lines.extend(limits);
    }
    if dice.once_in(8) {
        lines.extend(["[goal]", "event = \"E\"", "holdout = \"40%\""].map(str::to_owned));
    }
}

/// Whether it is keyed.
fn trigger(dice: &mut Dice, lines: &mut Vec<String>) -> bool {
    let form = dice.below(12);
    if form == 0 {
        let word = dice.one_of(&["enters", "leaves"]);
        let traits = condition(dice, "traits.plan", &["\"pro\"", "\"team\"", "\"free\""]);
        lines.push(format!("{word} = {{ {traits} }}"));
        return false;
    }
    let is_keyed = dice.once_in(4);
    let has_long_form = form >= 6;
    match form {
        1..=3 | 9..=10 => lines.push(format!("event = {:?}", dice.one_of(&["A", "B"]))),
        4 | 5 => {
            lines.push(format!("event = {:?}", dice.one_of(&["A", "B"])));
            lines.push(format!("count = {}", 1 + dice.below(3)));
            lines.push(format!("within = {:?}", dice.one_of(LENGTHS)));
        }
        6 => {
            lines.push(format!("event = {:?}", dice.one_of(&["A", "B"])));
            lines.push(format!("count = {}", 2 + dice.below(2)));
            lines.push(format!("within = {:?}", dice.one_of(LENGTHS)));
        }
        _ => {
            let steps: Vec<_> = (0..2 + dice.below(2)).map(|_| sequence_step(dice)).collect();
            lines.push(format!("sequence = [{}]", steps.join(", ")));
            lines.push(format!("within = {:?}", dice.one_of(LENGTHS)));
        }
    }
    if (form < 7 || form == 9 || form == 10) && dice.once_in(3) {
        lines.push(format!("where = {{ {} }}", condition(dice, "properties.n", &["1", "2", "3"])));
    }
    if is_keyed {
        lines.push("key = \"properties.k\"".to_owned());
    }
    let is_absence = matches!(form, 3 | 6 | 8 | 9 | 10);
    if is_absence {
        without(dice, lines, has_long_form && form != 9, is_keyed);
    }
    is_keyed
}

fn sequence_step(dice: &mut Dice) -> String {
    let event = dice.one_of(&["A", "B", "C"]);
    match dice.once_in(4) {
        true => {
            format!(
                "{{ event = {event:?}, where = {{ {} }} }}",
                condition(dice, "properties.n", &["1", "2", "3"])
            )
        }
        false => format!("{event:?}"),
    }
}

fn without(dice: &mut Dice, lines: &mut Vec<String>, is_long: bool, is_keyed: bool) {
    let event = dice.one_of(&["A", "B", "C", "C"]);
    let within = dice.one_of(LENGTHS);
    if is_long {
        let test = match dice.once_in(3) {
            true => format!("where = {{ {} }}, ", condition(dice, "properties.n", &["1", "2", "3"])),
            false => String::new(),
        };
        let key = if is_keyed && dice.once_in(3) { "key = \"properties.j\", " } else { "" };
        lines.push(format!("without = {{ event = {event:?}, {test}{key}within = {within:?} }}"));
    } else {
        lines.push(format!("without = {event:?}"));
        lines.push(format!("within = {within:?}"));
    }
    if dice.once_in(3) {
        lines.push("repeat = \"restart\"".to_owned());
    }
}

fn condition(dice: &mut Dice, path: &str, values: &[&str]) -> String {
    let (one, two) = (dice.one_of(values), dice.one_of(values));
    let (one, two) = if one <= two { (one, two) } else { (two, one) };
    let is_number = !one.starts_with('"');
    let test = match dice.below(if is_number { 9 } else { 6 }) {
        0 | 1 => one.to_owned(),
        2 => format!("{{ not = {one} }}"),
        3 => format!("{{ in = [{one}, {two}] }}"),
        4 => format!("{{ not_in = [{one}, {two}] }}"),
        5 => format!("{{ exists = {} }}", dice.one_of(&["true", "false"])),
        6 => format!("{{ {} = {one} }}", dice.one_of(&["gt", "gte"])),
        7 => format!("{{ {} = {one} }}", dice.one_of(&["lt", "lte"])),
        _ => format!("{{ between = [{one}, {two}] }}"),
    };
    let plain = format!("\"{path}\" = {test}");
    match dice.below(8) {
        0 => format!("any = [{{ {plain} }}, {{ \"{path}\" = {two} }}]"),
        1 => format!("none = [{{ {plain} }}]"),
        _ => plain,
    }
}

fn exit(dice: &mut Dice, is_keyed: bool) -> String {
    if is_keyed {
        return format!("event = {:?}", dice.one_of(&["B", "D"]));
    }
    let exits = [
        "event = \"D\"",
        "event = \"B\"\nwhere = { \"properties.n\" = { gte = 2 } }",
        "where = { \"traits.plan\" = \"team\" }",
        "any = [{ event = \"C\" }, { where = { \"traits.plan\" = \"team\" } }]",
    ];
    dice.one_of(&exits).to_owned()
}

fn step(dice: &mut Dice) -> String {
    let steps = [
        "in_product = \"card\"",
        "in_product = \"banner\"",
        "email = \"mail\"",
        "email = \"mail\"",
        "email = \"news\"",
        "wait = \"5 hours\"",
        "wait = \"1 day\"",
    ];
    dice.one_of(&steps).to_owned()
}

fn message(dice: &mut Dice, lines: &mut Vec<String>, is_message: bool) {
    if !is_message {
        return;
    }
    if dice.once_in(5) {
        lines.push("topic = \"news\"".to_owned());
    }
    if dice.once_in(4) {
        lines.push("on_cap = \"wait\"".to_owned());
    }
    if dice.once_in(4) {
        lines.push(format!("expires = {:?}", dice.one_of(&["2 hours", "6 hours", "2 days"])));
    }
    if dice.once_in(12) {
        lines.push("transactional = true".to_owned());
    }
}

fn events(dice: &mut Dice) -> Vec<String> {
    let pauses = [
        0,
        0,
        0,
        1,
        MINUTE / 2,
        MINUTE,
        HOUR,
        HOUR,
        HOUR - 1,
        3 * HOUR,
        6 * HOUR,
        6 * HOUR - MINUTE,
        7 * HOUR,
        DAY,
        DAY - HOUR,
    ];
    let delays = [1, MINUTE / 2, MINUTE, 2 * HOUR, 6 * HOUR, DAY, DAY + HOUR];
    let comes_in_order = dice.once_in(2);
    let people = 1 + dice.below(3);
    let mut at = START;
    let mut lines: Vec<String> = Vec::new();
    let mut stopped_since = None;
    for number in 0..2 + dice.below(16) {
        at += dice.one_of(&pauses);
        let who = dice.one_of(&["ada", "bob", "anon:7f"][..people]);
        if dice.once_in(25) {
            lines.push(format!("{}  {}", shown(at), if stopped_since.is_some() { "start" } else { "stop" }));
            stopped_since = stopped_since.xor(Some(at));
            continue;
        }
        if dice.once_in(10) && !lines.is_empty() {
            lines.extend(repeated(&dice.one_of(&lines), at));
            continue;
        }
        let mut line = match dice.below(12) {
            0 | 1 => format!("{}  {who}  {}", shown(at), about(dice)),
            2 if dice.once_in(3) => format!("{}  {who}  {}", shown(at), consent(dice)),
            _ => track(dice, at, who, number),
        };
        if dice.once_in(15) && line.contains("  id=") && (comes_in_order || !who.starts_with("anon")) {
            line.push_str("  unproven");
        }
        if !comes_in_order && dice.once_in(4) && !is_consent(&line) {
            line.push_str(&format!("  arrives={}", shown(at + dice.one_of(&delays))));
        }
        lines.push(line);
    }
    lines
}

/// The same record once more, now.
fn repeated(line: &str, at: Micros) -> Option<String> {
    let record = line.split("  arrives=").next().expect("a record");
    record.contains("  id=").then(|| format!("{record}  arrives={}", shown(at)))
}

fn track(dice: &mut Dice, at: Micros, who: &str, number: usize) -> String {
    let name = dice.one_of(&["A", "A", "A", "B", "B", "C", "D"]);
    let (n, k, j) = (1 + dice.below(3), dice.one_of(&["x", "y"]), dice.one_of(&["x", "y"]));
    let properties = match dice.once_in(12) {
        true => String::new(),
        false => format!("  {{\"n\": {n}, \"k\": \"{k}\", \"j\": \"{j}\"}}"),
    };
    let zone = match dice.once_in(15) {
        true => "  context={\"timezone\": \"America/New_York\"}",
        false => "",
    };
    format!("{}  {who}  {name}{properties}  id=m{number}{zone}", shown(at))
}

fn about(dice: &mut Dice) -> String {
    let traits = [
        r#"{"plan": "pro", "email": "a@example.com"}"#,
        r#"{"plan": "pro", "email": "a@example.com"}"#,
        r#"{"plan": "team"}"#,
        r#"{"plan": "free", "email": "b@example.com"}"#,
        r#"{"timezone": "Asia/Tokyo"}"#,
    ];
    format!("identify  {}", dice.one_of(&traits))
}

fn consent(dice: &mut Dice) -> &'static str {
    dice.one_of(&[
        "topic-off news",
        "topic-on news",
        "topic-off probe",
        "all-off",
        "all-on",
        "bounced a@example.com",
    ])
}

fn is_consent(line: &str) -> bool {
    ["topic-", "all-", "bounced"].iter().any(|word| line.contains(&format!("  {word}")))
}
