//! A world for the engine, in a test's own memory: rules as their authors write them, a log of short lines, a driver
//! that ticks and answers, and decisions as lines to compare.

// Each test binary uses its own part of it.
#![allow(dead_code, unused_imports)]

pub mod driver;
pub mod entry;
pub mod lines;
pub mod project;
pub mod random;

pub use driver::{Answers, Driver};
pub use entry::{Entry, What};
