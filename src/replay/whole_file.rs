//! A file that is there whole or not at all: written beside its place, and moved there when it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file being written. Dropped before [`WholeFile::finish`], it leaves nothing.
pub struct WholeFile {
    to: PathBuf,
    /// Where it is until then; nothing once it was moved.
    beside: Option<PathBuf>,
    writer: BufWriter<File>,
}

impl WholeFile {
    /// Begins a file that will be at `to`, whose folder must exist.
    pub fn create(to: &Path) -> io::Result<WholeFile> {
        let name = to.file_name().ok_or_else(|| io::Error::other("expected the path of a file"))?;
        let beside = to.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
        let writer = BufWriter::new(File::create(&beside)?);
        Ok(WholeFile { to: to.to_owned(), beside: Some(beside), writer })
    }

    /// Puts the file in its place, over one that was there.
    pub fn finish(mut self) -> io::Result<()> {
        self.writer.flush()?;
        self.writer.get_ref().sync_all()?;
        if let Some(beside) = self.beside.take() {
            fs::rename(beside, &self.to)?;
        }
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // Nothing more can be done about a file that was given up.
            let _ = fs::remove_file(beside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_given_up_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.ndjson");
        fs::write(&path, "old").unwrap();
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
