//! What the clocks showed when a process on this folder last believed them: a jump while none ran is seen at the next
//! start. It says nothing after the machine was started anew, when its steady clock began again.

use crate::clock::Reading;
use outreach_engine::{Length, Timestamp};
use std::path::Path;

const FILE: &str = "clock";
/// Another one after every start of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What was noted since the machine was started; nothing where nothing was, or what it says is no reading.
pub fn read(dir: &Path) -> Option<Reading> {
    let text = std::fs::read_to_string(dir.join(FILE)).ok()?;
    parse(&text, &boot_id()?)
}

/// Notes it, whole or not at all.
pub fn write(dir: &Path, reading: Reading) -> std::io::Result<()> {
    let Some(boot_id) = boot_id() else { return Ok(()) };
    let new = dir.join(format!("{FILE}.new"));
    std::fs::write(&new, format!("{boot_id} {} {}\n", reading.steady.0, reading.wall.0))?;
    std::fs::rename(new, dir.join(FILE))
}

fn boot_id() -> Option<String> {
    std::fs::read_to_string(BOOT_ID).ok().map(|id| id.trim().to_string())
}

fn parse(text: &str, boot_id: &str) -> Option<Reading> {
    let (boot, rest) = text.trim().split_once(' ')?;
    let (steady, wall) = rest.split_once(' ')?;
    let (steady, wall) = (Length(steady.parse().ok()?), Timestamp(wall.parse().ok()?));
    (boot == boot_id).then_some(Reading { wall, steady })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_back_until_the_machine_is_started_anew() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        let reading = Reading { wall: Timestamp(5_000), steady: Length(7) };
        write(dir.path(), reading).unwrap();
        assert_eq!(read(dir.path()), Some(reading));
        std::fs::write(dir.path().join(FILE), "another-boot 7 5000\n").unwrap();
        assert_eq!(read(dir.path()), None);
        std::fs::write(dir.path().join(FILE), "torn").unwrap();
        assert_eq!(read(dir.path()), None);
    }
}
