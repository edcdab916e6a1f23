//! The real binary with a project of its own: started, killed, stopped, started again.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tempfile::TempDir;

use super::http::Http;
use super::process::Process;
use super::{ports, wait};

/// From the start to the first `/readyz` with 200; includes recovery of what a test has put in.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// An ordered stop: what is leaving is finished, a snapshot is written.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// A team's folder: outreach.toml, rules, templates, secrets.
pub struct Project {
    folder: TempDir,
    pub http_port: u16,
    pub admin_port: u16,
}

impl Project {
    /// A folder with this outreach.toml; `@HTTP_PORT@` and `@ADMIN_PORT@` in it become free ports.
    pub fn new(outreach_toml: &str) -> Project {
        let folder = tempfile::Builder::new().prefix("outreach-project-").tempdir().expect("a folder");
        let project = Project { folder, http_port: ports::free(), admin_port: ports::free() };
        project.write("outreach.toml", outreach_toml);
        project
    }

    /// Writes a file of the project, with the folders on its way; the ports are put in as in `new`.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file in the folder")).expect("its folder");
        let text = text
            .replace("@HTTP_PORT@", &self.http_port.to_string())
            .replace("@ADMIN_PORT@", &self.admin_port.to_string());
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Copies a folder of the repository (such as `rules`) into the project under the same name.
    pub fn copy(&self, folder: &str) {
        copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &self.path().join(folder));
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `outreach ARGUMENTS… --project FOLDER`, run to its end.
    pub fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.command(arguments).output().expect("the binary runs")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outreach"));
        command.args(arguments).arg("--project").arg(self.path()).current_dir(self.path());
        command
    }
}

/// `outreach run` on a project.
pub struct Service<'p> {
    project: &'p Project,
    process: Option<Process>,
    pub http: Http,
    pub admin: Http,
}

impl<'p> Service<'p> {
    /// Started and ready.
    #[track_caller]
    pub fn start(project: &'p Project) -> Service<'p> {
        Service::try_start(project).unwrap_or_else(|why| panic!("expected a service that is ready: {why}"))
    }

    /// As `start`; the error says why it is not ready, with the end of its log.
    pub fn try_start(project: &'p Project) -> Result<Service<'p>, String> {
        let mut service = Service::launch(project);
        service.wait_ready().map(|()| service)
    }

    /// Started, whether it gets ready or not.
    pub fn launch(project: &'p Project) -> Service<'p> {
        let (http, admin) = (Http::new(project.http_port), Http::new(project.admin_port));
        let mut service = Service { project, process: None, http, admin };
        service.launch_again();
        service
    }

    /// Starts it again, after `kill` or `stop`, and waits until it is ready.
    #[track_caller]
    pub fn restart(&mut self) {
        self.launch_again();
        self.wait_ready().unwrap_or_else(|why| panic!("expected a service that is ready again: {why}"));
    }

    /// Starts it again without waiting.
    pub fn launch_again(&mut self) {
        self.process = None;
        let mut command = self.project.command(&["run"]);
        command.env("RUST_BACKTRACE", "1");
        let log = self.project.path().join("service.log");
        self.process = Some(Process::start(command, &log).expect("the binary starts"));
    }

    /// Waits for 200 from `/readyz`.
    pub fn wait_ready(&mut self) -> Result<(), String> {
        let process = self.process.as_mut().expect("a service that was started");
        let mut last = "no answer".to_owned();
        let ready = wait::for_value(READY_WITHIN, || {
            if let Some(status) = process.ended() {
                return Some(Err(format!("it ended with {status} before it was ready")));
            }
            match self.admin.try_get("/readyz") {
                Ok(reply) if reply.status == 200 => return Some(Ok(())),
                Ok(reply) => last = format!("/readyz says {}: {}", reply.status, reply.body),
                Err(error) => last = format!("/readyz: {error}"),
            }
            None
        });
        let ready = ready.unwrap_or_else(|| Err(format!("not ready within {READY_WITHIN:?}, {last}")));
        ready.map_err(|why| format!("{why}\n{}", process.log_tail()))
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// SIGTERM, and waits for the end.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("a service that was started");
        process.terminate();
        let status = process.wait(STOPPED_WITHIN);
        status.unwrap_or_else(|| panic!("not stopped within {STOPPED_WITHIN:?}:\n{}", process.log_tail()))
    }

    /// The running process, for signals and for its end.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("a service that was started")
    }

    /// What it has written to stdout and stderr, over all its starts.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.project.path().join("service.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder in the project");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
