//! `outreach fmt`: rules, rule tests and outreach.toml in their one layout.

use super::{End, Format, print_json, say};
use crate::project::{laid_out, layout_files};
use anyhow::Context;
use std::path::{Path, PathBuf};

/// What `fmt` may be told.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Write nothing; name what would change, and end with 1 if there is any.
    #[arg(long)]
    check: bool,
    /// Files of the project. Default: outreach.toml and all of rules/.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// The files that changed, or would, go to stdout; what could not be laid out to stderr.
pub(super) fn run(dir: &Path, format: Format, options: &Options) -> anyhow::Result<End> {
    let files = if options.files.is_empty() {
        layout_files(dir).into_iter().map(|path| dir.join(path)).collect()
    } else {
        options.files.clone()
    };
    let (mut changed, mut has_failed) = (Vec::new(), false);
    for file in files {
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        // By its name alone: a rule is laid out as one wherever it lies.
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match laid_out(&name, &text) {
            Ok(tidy) if tidy == text => {}
            Ok(tidy) => {
                if !options.check {
                    std::fs::write(&file, tidy)
                        .with_context(|| format!("{} cannot be written", file.display()))?;
                }
                changed.push(file.display().to_string());
            }
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                has_failed = true;
            }
        }
    }
    match format {
        Format::Text => changed.iter().for_each(|file| say(file)),
        Format::Json => {
            print_json(&serde_json::json!({ "changed": changed, "written": !options.check }))?;
        }
    }
    let has_findings = has_failed || (options.check && !changed.is_empty());
    Ok(if has_findings { End::Findings } else { End::Ok })
}
