//! Debian's Postfix, run from a folder of its own: what a real mail server says, delivers and sends back.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::process::Process;
use super::{ports, wait};

/// It greets within half a second; a machine that compiles beside it may take longer.
const READY_WITHIN: Duration = Duration::from_secs(30);
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// A mail as it was delivered, with Postfix's own headers on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The envelope's recipient before any rewriting.
    pub to: String,
    /// The envelope's sender; empty for a DSN.
    pub from: String,
    pub raw: Vec<u8>,
}

pub struct Postfix {
    folder: TempDir,
    port: u16,
    master: Option<Process>,
}

impl Postfix {
    /// Started and greeting. It needs root and the package `postfix` (scripts/setup).
    pub fn start() -> Postfix {
        let folder = tempfile::Builder::new().prefix("outreach-postfix-").tempdir().expect("a folder");
        let mut postfix = Postfix { folder, port: ports::free(), master: None };
        postfix.lay_out();
        postfix.up();
        postfix
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again after `stop`, on the same port, queue and mails.
    pub fn up(&mut self) {
        let mut command = Command::new("/usr/lib/postfix/sbin/master");
        // In the foreground: a daemon would leave our process group.
        command.args(["-d", "-c"]).arg(self.folder.path().join("etc"));
        let mut master =
            Process::start(command, &self.folder.path().join("log/master")).expect("Postfix starts");
        let port = self.port;
        let ready =
            wait::for_value(READY_WITHIN, || (master.ended().is_some() || greets(port)).then_some(()));
        let running = ready.is_some() && master.ended().is_none();
        assert!(running, "expected Postfix on port {port}:\n{}\n{}", master.log_tail(), self.log());
        self.master = Some(master);
    }

    pub fn stop(&mut self) {
        if let Some(mut master) = self.master.take() {
            master.terminate();
            // If it does not stop by itself, the drop kills it.
            let _ = master.wait(STOPPED_WITHIN);
        }
    }

    /// All mails in the mailbox, oldest first.
    pub fn mails(&self) -> Vec<Delivered> {
        let Ok(files) = fs::read_dir(self.folder.path().join("mail/all/new")) else { return Vec::new() };
        let mut mails: Vec<_> = files
            .map(|file| {
                let path = file.expect("an entry of the Maildir").path();
                let written_at = path.metadata().and_then(|file| file.modified()).expect("its time");
                (written_at, delivered(fs::read(&path).expect("a mail")))
            })
            .collect();
        mails.sort_by_key(|(written_at, _)| *written_at);
        mails.into_iter().map(|(_, mail)| mail).collect()
    }

    /// Waits until at least `count` mails are delivered, and gives them all; fails the test after `at_most`.
    #[track_caller]
    pub fn wait_for(&self, count: usize, at_most: Duration) -> Vec<Delivered> {
        let arrived = wait::for_value(at_most, || Some(self.mails()).filter(|mails| mails.len() >= count));
        arrived.unwrap_or_else(|| {
            panic!("expected {count} mails within {at_most:?}, got {}:\n{}", self.mails().len(), self.log())
        })
    }

    /// Postfix's own log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log/maillog")).unwrap_or_default()
    }

    fn lay_out(&self) {
        let folder = self.folder.path();
        // Postfix's daemons run as their own user and must reach it.
        fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("our own folder");
        let (uid, gid) = (id("-u"), id("-g"));
        for (name, owner) in [("etc", 0), ("queue", 0), ("log", 0), ("data", uid), ("mail", uid)] {
            let path = folder.join(name);
            fs::create_dir(&path).expect("a folder");
            chown(&path, Some(owner), None).unwrap_or_else(|error| panic!("Postfix needs root: {error}"));
        }
        let fill_in = |text: &str| {
            text.replace("@FOLDER@", &folder.display().to_string())
                .replace("@PORT@", &self.port.to_string())
                .replace("@UID@", &uid.to_string())
                .replace("@GID@", &gid.to_string())
        };
        let etc = folder.join("etc");
        fs::write(etc.join("main.cf"), fill_in(include_str!("main.cf"))).expect("main.cf");
        fs::write(etc.join("master.cf"), fill_in(include_str!("master.cf"))).expect("master.cf");
        // Makes the queue's folders with their owners.
        let check = Command::new("/usr/sbin/postfix").arg("-c").arg(&etc).arg("check").output();
        let check = check.expect("the package postfix: run scripts/setup");
        assert!(check.status.success(), "postfix check: {}", String::from_utf8_lossy(&check.stderr));
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.stop();
    }
}

fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    if stream.set_read_timeout(Some(Duration::from_secs(5))).is_err() {
        return false;
    }
    let mut greeting = String::new();
    BufReader::new(stream).read_line(&mut greeting).is_ok() && greeting.starts_with("220 ")
}

/// The user's (`-u`) or the group's (`-g`) number that the package made for Postfix.
fn id(which: &str) -> u32 {
    let output = Command::new("id").args([which, "postfix"]).output().expect("id");
    let number = String::from_utf8_lossy(&output.stdout);
    number.trim().parse().expect("the user postfix of the package: run scripts/setup")
}

fn delivered(raw: Vec<u8>) -> Delivered {
    let text = String::from_utf8_lossy(&raw);
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().trim_start_matches('<').trim_end_matches('>').to_owned()
    };
    let (to, from) = (value("X-Original-To:"), value("Return-Path:"));
    Delivered { to, from, raw }
}
