//! A folder of this run alone, which is gone when the run is over.

use std::io;
use std::path::{Path, PathBuf};

/// Removed, with all that is in it, when dropped.
pub(super) struct Folder {
    path: PathBuf,
}

/// Names that are tried: others may have made theirs at the same moment.
const TRIES_MAX: u32 = 100;

impl Folder {
    pub fn new() -> io::Result<Folder> {
        Ok(Folder { path: make("outreach-demo")? })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, folder = %self.path.display(), "a folder of the demo is left behind");
        }
    }
}

/// A new folder among the system's temporary ones, for this user alone.
pub(super) fn make(prefix: &str) -> io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let mut last = io::Error::other("no name was tried");
    for number in 0..TRIES_MAX {
        let path = std::env::temp_dir().join(format!("{prefix}-{}-{number}", std::process::id()));
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_folders_are_apart_and_gone_with_what_is_in_them() {
        let (a, b) = (Folder::new().unwrap(), Folder::new().unwrap());
        assert_ne!(a.path(), b.path());
        std::fs::write(a.path().join("file"), "x").unwrap();
        let path = a.path().to_owned();
        drop(a);
        assert!(!path.exists() && b.path().exists());
    }
}
