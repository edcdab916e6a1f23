//! Child processes that never outlive the test binary.
//!
//! Each child leads a process group of its own, which is killed on drop, and asks the kernel for SIGKILL when its
//! parent dies. The kernel counts the parent *thread*: a child forked by a test's thread would die with that test, so
//! one thread that never ends forks them all.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use super::wait;

/// A killed process is gone within milliseconds; a slow machine gets this long.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// What is shown of a log when a start failed.
const LOG_TAIL_LINES: usize = 40;

pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output appended to the file `log`. The first error of the start itself is returned.
    pub fn start(mut command: Command, log: &Path) -> io::Result<Process> {
        let output = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        // SAFETY: prctl is async-signal-safe and touches nothing of ours.
        unsafe {
            command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            });
        }
        Ok(Process { child: fork_in_lasting_thread(command)?, log: log.to_owned() })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The status once it has ended, without waiting.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child")
    }

    pub fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        wait::for_value(at_most, || self.ended())
    }

    /// SIGTERM to the process alone, as an operator does it.
    pub fn terminate(&mut self) {
        self.signal(libc::SIGTERM);
    }

    pub fn signal(&mut self, signal: libc::c_int) {
        if self.ended().is_none() {
            // SAFETY: the child has not been waited for, so its id is still its own.
            unsafe { libc::kill(self.child.id().cast_signed(), signal) };
        }
    }

    /// SIGKILL to the whole group, and waits until the process is gone.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            // SAFETY: as above; the group's id is its leader's.
            unsafe { libc::kill(-self.child.id().cast_signed(), libc::SIGKILL) };
            self.wait(GONE_WITHIN).expect("a killed process ends");
        }
    }

    /// All it has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The end of that, for the message of a failed test.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

type Forked = io::Result<Child>;
type Wanted = (Command, Sender<Forked>);

fn fork_in_lasting_thread(command: Command) -> Forked {
    static FORKS: OnceLock<Mutex<Sender<Wanted>>> = OnceLock::new();
    let forks = FORKS.get_or_init(|| {
        let (send, wanted) = mpsc::channel::<Wanted>();
        std::thread::spawn(move || {
            for (mut command, answer) in wanted {
                // A test that no longer waits drops the child with the channel.
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(send)
    });
    let (answer, forked) = mpsc::channel();
    forks.lock().expect("no panic while held").send((command, answer)).expect("the thread never ends");
    forked.recv().expect("the thread answers")
}
