//! What a broker needs before it can start quickly: jars, an empty data folder already formatted, a class archive.
//!
//! The jars come from scripts/setup. The other two are made here at the first start (about 8 s) and kept beside
//! them: formatting costs a JVM of its own, and with the archive a broker answers after 1 s instead of 2.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::super::process::Process;
use super::Broker;

/// Formatting takes 1 to 2 s of JVM alone; on a machine that compiles beside it, much longer.
const FORMATTED_WITHIN: Duration = Duration::from_secs(60);
/// Writing the archive at the end of a run takes 3 s.
const ARCHIVED_WITHIN: Duration = Duration::from_secs(60);
/// One id for all clusters of the tests: a data folder is a copy of the one formatted with it.
const CLUSTER_ID: &str = "AAAAAAAAQACAAAAAAAAAAQ";

#[derive(Clone, Debug)]
pub struct Installation {
    class_path: String,
    folder: PathBuf,
}

impl Installation {
    /// The one of this checkout, made complete at the first call.
    pub fn get() -> &'static Installation {
        static INSTALLATION: OnceLock<Installation> = OnceLock::new();
        INSTALLATION.get_or_init(|| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/kafka");
            let installation = Installation { class_path: class_path(&folder.join("libs")), folder };
            installation.complete();
            installation
        })
    }

    /// A JVM that starts quickly and stays small, with our classes.
    pub fn java(&self) -> Command {
        let mut java = Command::new("java");
        java.args([
            "-Xms128m",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
        ]);
        java.args(["-Djava.net.preferIPv4Stack=true", "-cp", &self.class_path]);
        java
    }

    /// Copies the formatted, empty data folder to `data`.
    pub fn copy_formatted(&self, data: &Path) {
        fs::create_dir(data).expect("a new data folder");
        for file in fs::read_dir(self.formatted()).expect("the formatted folder") {
            let file = file.expect("an entry of it");
            if file.file_type().expect("its type").is_file() {
                fs::copy(file.path(), data.join(file.file_name())).expect("a copy of it");
            }
        }
    }

    pub fn archive(&self) -> PathBuf {
        self.folder.join("broker.jsa")
    }

    fn formatted(&self) -> PathBuf {
        self.folder.join("formatted")
    }

    /// Makes what is missing, one process at a time; each thing appears whole, by a rename.
    fn complete(&self) {
        let lock = File::create(self.folder.join("lock")).expect("a lock file beside the jars");
        lock.lock().expect("the lock");
        if !self.formatted().exists() {
            self.format();
        }
        if !self.archive().exists() {
            self.make_archive();
        }
    }

    fn format(&self) {
        let work = tempfile::tempdir().expect("a temporary folder");
        let unfinished = self.folder.join("formatted.unfinished");
        let _ = fs::remove_dir_all(&unfinished);
        let properties = work.path().join("server.properties");
        fs::write(&properties, super::server_properties(1, 2, &unfinished)).expect("the properties");
        let mut java = self.java();
        java.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"]).arg(&properties);
        let mut format = Process::start(java, &work.path().join("log")).expect("java starts");
        let status = format.wait(FORMATTED_WITHIN);
        let done = status.is_some_and(|status| status.success());
        assert!(done, "expected a formatted data folder, found {status:?}:\n{}", format.log_tail());
        fs::rename(&unfinished, self.formatted()).expect("the formatted folder in its place");
    }

    fn make_archive(&self) {
        let unfinished = self.folder.join("broker.jsa.unfinished");
        let mut broker = Broker::new(self, format!("-XX:ArchiveClassesAtExit={}", unfinished.display()));
        broker.start();
        broker.terminate(ARCHIVED_WITHIN);
        fs::rename(&unfinished, self.archive()).expect("the archive in its place");
    }
}

/// The jars in a fixed order: the archive is good for one class path, letter for letter.
fn class_path(libs: &Path) -> String {
    let entries = fs::read_dir(libs).unwrap_or_else(|error| {
        panic!("expected Kafka's jars in {}, found none ({error}): run scripts/setup first", libs.display())
    });
    let mut jars: Vec<String> =
        entries.map(|entry| entry.expect("a jar").path().display().to_string()).collect();
    jars.sort();
    jars.join(":")
}
