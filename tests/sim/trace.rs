//! What happened, line by line: a hash of all, and the last of it for whoever looks for a cause.

use std::collections::VecDeque;
use xxhash_rust::xxh3::Xxh3;

/// Lines that are kept to be printed.
const KEPT_MAX: usize = 80;

pub struct Trace {
    hash: Xxh3,
    kept: VecDeque<String>,
    /// Prints every line as it comes.
    is_loud: bool,
}

impl Trace {
    pub fn new(is_loud: bool) -> Trace {
        Trace { hash: Xxh3::new(), kept: VecDeque::new(), is_loud }
    }

    pub fn line(&mut self, at: i64, text: &str) {
        let line = format!("{} {text}", outreach_engine::Timestamp(at));
        if self.is_loud {
            println!("{line}");
        }
        self.bytes(line.as_bytes());
        if self.kept.len() == KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(line);
    }

    /// Takes bytes into the hash alone.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.hash.update(&(bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
    }

    pub fn sum(&self) -> u64 {
        self.hash.digest()
    }

    pub fn last_lines(&self) -> Vec<String> {
        self.kept.iter().cloned().collect()
    }
}
