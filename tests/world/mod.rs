//! The world around the service, for tests: real servers that are started and always stopped again.
//!
//! Every server lives in a folder of its own, on free loopback ports, and dies with the test binary whatever ends it
//! (`process.rs`). Linux only, as the machines that run it are.
#![allow(dead_code, reason = "each test binary uses the part of it that it needs")]

pub mod wait;
pub mod ports;
pub mod process;
pub mod kafka;
pub mod smtp_sink;
pub mod postfix;
pub mod browser;
pub mod python;
pub mod http;
pub mod service;
pub mod faulty_proxy;
pub mod solo;
