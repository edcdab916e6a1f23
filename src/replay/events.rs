//! The events of a file, as a replay reads them, for those who only look at what they bring.

use super::input::{self, Line};
use outreach_engine::event::Event;
use std::io;
use std::path::Path;

/// Shows every event in the file's order, and nothing for a line that is none.
pub fn each_event(path: &Path, show: &mut dyn FnMut(Option<&Event<'_>>)) -> io::Result<()> {
    let mut lines = input::open(path, |file| file)?;
    input::read(&path.to_string_lossy(), &mut lines, None, |line| {
        match line {
            Line::Event(event) => show(Some(&event)),
            Line::Reject(_) => show(None),
        }
        Ok(())
    })
}
