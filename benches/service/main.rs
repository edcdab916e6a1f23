//! How much the service carries, on this machine: `cargo bench --bench service [-- PART…]`, or `scripts/bench`.
//!
//! Parts: `kafka`, `http`, `mail`, `idle` (default: all). Each is run several times; the table at the end has the
//! median and the spread of the runs, and what the service's own processor time says, which a busy machine blurs least.
//! Servers are real: Apache Kafka, the release build of `outreach`, an SMTP server in this process; all on this machine,
//! so they share its cores with what is measured.

#[path = "../../tests/world/mod.rs"]
mod world;

mod door;
mod idle;
mod kafka;
mod mail;
mod processor;
mod project;
mod stream;
mod table;

use table::Table;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|word| word == part);
    let mut table = Table::default();
    let load_before = processor::load();
    if is_wanted("idle") {
        idle::measure(&mut table);
    }
    if is_wanted("mail") {
        mail::measure(&mut table);
    }
    if is_wanted("http") {
        door::measure(&mut table);
    }
    if is_wanted("kafka") {
        kafka::measure(&mut table);
    }
    println!("{}; load before {load_before}, after {}", processor::machine(), processor::load());
    println!();
    print!("{table}");
}
