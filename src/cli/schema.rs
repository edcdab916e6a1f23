//! `outreach schema`: what an editor needs to complete and to explain every key of a file.

use super::{End, say};
use crate::project::{self, SchemaOf};
use clap::ValueEnum;

/// What `schema` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Of which file.
    #[arg(value_enum, default_value_t = File::Rule)]
    of: File,
}

/// What a team writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum File {
    /// rules/ID.toml
    Rule,
    /// outreach.toml
    Project,
    /// rules/ID.test.toml
    Test,
}

pub(super) fn run(options: &Options) -> anyhow::Result<End> {
    let of = match options.of {
        File::Rule => SchemaOf::Rule,
        File::Project => SchemaOf::Project,
        File::Test => SchemaOf::Test,
    };
    say(project::schema(of).trim_end());
    Ok(End::Ok)
}
