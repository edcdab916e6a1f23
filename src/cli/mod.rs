//! The command line, one file a command.

use std::process::ExitCode;

/// Runs the command line; the exit codes are 0 ok, 1 findings, 2 usage, 3 failure.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
