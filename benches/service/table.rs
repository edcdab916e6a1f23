//! The table that is printed at the end, in Markdown.

use std::fmt;

/// How often each measurement is made: an odd number has a median.
pub const RUNS: usize = 3;

#[derive(Default)]
pub struct Table {
    rows: Vec<[String; 5]>,
}

/// One run: how many a second, and what a thousand of them cost the measured process, in milliseconds of one core.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    pub per_second: f64,
    pub cpu_ms_a_thousand: f64,
}

impl Run {
    pub fn new(count: usize, seconds: f64, cpu_seconds: f64) -> Run {
        Run { per_second: count as f64 / seconds, cpu_ms_a_thousand: cpu_seconds * 1e6 / count as f64 }
    }
}

impl Table {
    /// Adds a row for several runs of one measurement; says it at once on stderr too. Returns the median rate.
    pub fn add(&mut self, what: &str, unit: &str, runs: &[Run], note: &str) -> f64 {
        let rates = sorted(runs.iter().map(|run| run.per_second));
        let cpu = sorted(runs.iter().map(|run| run.cpu_ms_a_thousand));
        let middle = runs.len() / 2;
        let spread = format!("{} to {}", grouped(rates[0]), grouped(rates[rates.len() - 1]));
        let median = format!("{} {unit}", grouped(rates[middle]));
        self.row([what.into(), median, spread, format!("{:.2}", cpu[middle]), note.into()]);
        rates[middle]
    }

    /// Adds a row that is one fact.
    pub fn fact(&mut self, what: &str, value: &str, note: &str) {
        self.row([what.into(), value.into(), String::new(), String::new(), note.into()]);
    }

    fn row(&mut self, row: [String; 5]) {
        eprintln!("{}", row.join(" | "));
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | median | of {RUNS} runs | CPU ms a thousand | note |")?;
        writeln!(f, "|---|---:|---:|---:|---|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// `1234567.8` is `1,234,568`.
pub fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
