//! The events of a file, as a replay reads them, for those who only look at what they bring.

use super::input::{Line, Mapping, Meter, Reading};
use outreach_engine::event::Event;
use std::io;
use std::path::Path;

/// Shows every event in the file's order, and nothing for a line that is none.
pub fn each_event(path: &Path, show: &mut dyn FnMut(Option<&Event<'_>>)) -> io::Result<()> {
    let reading = Reading { mapping: &Mapping::default(), latest: None };
    reading.read(path, &Meter::default(), |line| {
        match line {
            Line::Event(event) => show(Some(&event)),
            Line::Reject(_) => show(None),
        }
        Ok(())
    })
}
