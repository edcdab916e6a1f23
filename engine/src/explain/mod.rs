//! What rules and decisions mean, in plain English. Pure functions: words out, nothing decided.

pub mod condition;
pub mod sentence;
pub mod step;

pub use sentence::Sentence;

/// `a, b or c`.
fn listed(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} {word} {last}", init.join(", ")),
    }
}

/// Names of events and texts as people write them, in quotes.
fn quoted(text: &str) -> String {
    format!("“{text}”")
}
