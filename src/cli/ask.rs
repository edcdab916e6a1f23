//! How commands reach what they ask about: a running service at its `admin_listen`, else the data folder itself.

use crate::app::operations::{Operations, Request, Viewer};
use crate::app::releases::ReleaseStore;
use crate::app::storage::Storage;
use crate::ledger::Ledger;
use crate::project::{Environment, Process, Project};
use crate::worker::{SNAPSHOT_SLICE, Standing, Tools, Worker};
use anyhow::{Context, anyhow, bail};
use serde_json::Value;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A running service answers within this time, or is stuck.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The process's part of outreach.toml. Rules with problems do not matter here: a service runs an earlier release, and
/// must be stopped or looked at all the same.
pub(super) fn process(dir: &Path) -> anyhow::Result<Process> {
    let reading = Project::read(dir, &Environment::of_process());
    reading.process.with_context(|| {
        format!("outreach.toml in {} cannot be read: `outreach check` shows why", dir.display())
    })
}

/// Asks the running service, or opens the folder.
pub(super) fn ask(dir: &Path, request: &Request) -> anyhow::Result<Value> {
    let process = process(dir)?;
    match ask_service(&process, request)? {
        Some(answer) => Ok(answer),
        None => ask_folder(&process, request),
    }
}

/// Nothing when nobody listens.
fn ask_service(process: &Process, request: &Request) -> anyhow::Result<Option<Value>> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_WITHIN))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let mut address = process.http.admin_listen;
    // Where it listens on all addresses, this machine asks under its own.
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    let url = format!("http://{address}/operate");
    let mut answer = match agent.post(&url).send_json(request) {
        Ok(answer) => answer,
        Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            return Ok(None);
        }
        Err(ureq::Error::ConnectionFailed) => return Ok(None),
        Err(error) => return Err(error).context(format!("the service at {url}")),
    };
    if answer.status().is_success() {
        return Ok(Some(answer.body_mut().read_json()?));
    }
    let status = answer.status();
    let words = answer.body_mut().read_to_string().unwrap_or_default();
    if status.as_u16() == 422 {
        bail!("{words}")
    } else {
        bail!("the service at {url} answered {status}: {words}")
    }
}

fn ask_folder(process: &Process, request: &Request) -> anyhow::Result<Value> {
    let storage = Arc::new(Storage::open(&process.data)?);
    let viewed = storage.clone();
    let viewer: Viewer = Arc::new(move |subject| {
        let store = Arc::new(ReleaseStore::new(viewed.ledger.clone()));
        let number = subject.partition(crate::log::Log::partitions(&*viewed.log));
        let tools = Tools {
            log: viewed.log.clone(),
            ledger: viewed.ledger.clone(),
            snapshots: viewed.snapshots.clone(),
            // Who looks writes none.
            writer: Arc::new(|_| {}),
            snapshot_slice: SNAPSHOT_SLICE,
            releases: Arc::new(move |id| store.find(id).map(|built| built.release.clone())),
            read_through: Arc::new(|| Some(outreach_engine::Timestamp::MIN)),
            clock: viewed.clock.clone(),
            in_doubt: viewed.guard.in_doubt(),
            standing: Arc::new(Standing::new(crate::log::Log::partitions(&*viewed.log))),
        };
        let mut worker = Worker::start(number, tools).map_err(|error| error.to_string())?;
        worker.look().map_err(|error| error.to_string())?;
        Ok(worker.view(subject))
    });
    let store = Arc::new(ReleaseStore::new(storage.ledger.clone()));
    let operations = Operations::new(&storage, process, store, viewer)?;
    operations.carry_out(request).map_err(|reason| anyhow!(reason))
}

/// Whether the ledger can be used by a command of this process alone.
pub(super) fn storage(process: &Process) -> anyhow::Result<Storage> {
    let storage = Storage::open(&process.data)?;
    storage.ledger.transaction(|transaction| transaction.pauses().map(drop))?;
    Ok(storage)
}
