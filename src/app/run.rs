//! The solo service: everything in one process. Started in the order in which an event travels backwards, stopped in
//! the order in which it travels: doors first, then what is leaving, then the state is written down.

use super::health::Health;
use super::operations::Operations;
use super::releases::ReleaseStore;
use super::serve::{self, Held};
use super::storage::Storage;
use super::workers::Workers;
use super::{admin, announce, identity, mail, sources, upkeep};
use crate::clock::Clocks;
use crate::dispatch::{self, Dispatcher, Limits};
use crate::http::dashboard::Annex;
use crate::http::{inapp, links};
use crate::ingest::http::{self as door, HttpDoor, Takes};
use crate::ingest::identity::Identity;
use crate::ingest::kafka::KafkaSources;
use crate::ingest::keys::{KeyKind, Keys, WriteKey};
use crate::ledger::sqlite::SqliteLedger;
use crate::log::Log;
use crate::project::{Process, Project, WriteKeyKind};
use crate::worker::{ReadThrough, Standing};
use anyhow::Context;
use axum::Router;
use outreach_engine::{Length, Timestamp};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio_util::sync::CancellationToken;

/// A service that runs.
pub struct Service {
    pub storage: Arc<Storage>,
    pub operations: Arc<Operations>,
    stop: Stop,
    workers: Arc<Workers>,
    sources: Option<Arc<KafkaSources>>,
    post: Arc<mail::Post>,
    servers: Vec<tokio::task::JoinHandle<()>>,
    dispatch: tokio::task::JoinHandle<()>,
    upkeep: std::thread::JoinHandle<()>,
}

/// What whoever embeds the service brings: by default nothing but this machine's clocks.
#[derive(Default)]
pub struct Host {
    /// Pages beside the dashboard's own.
    pub annex: Annex,
    pub clocks: Clocks,
    /// The addresses, where they are taken already.
    pub held: Option<Held>,
}

/// What is told to stop, one after the other.
#[derive(Default)]
struct Stop {
    doors: CancellationToken,
    dispatch: CancellationToken,
    outbox: CancellationToken,
    workers: CancellationToken,
}

impl Service {
    /// Starts it, and releases the project if it differs from the last release.
    pub async fn start(project: &Project) -> anyhow::Result<Service> {
        Service::start_with(project, Host::default()).await
    }

    /// [`Service::start`], with what a host brings.
    pub async fn start_with(project: &Project, host: Host) -> anyhow::Result<Service> {
        let Host { annex, clocks, held } = host;
        let process = &project.process;
        let stop = Stop::default();
        // What is wrong with the settings is said before anything is begun.
        sources::ensure_known(process)?;
        let (keys, key) = (Keys::new(write_keys(process)?), mail::unsubscribe_key(process)?);
        let identity = Arc::new(identity::identity(process, crate::clock::system())?);
        let (post, access) = (Arc::new(mail::Post::new(process)?), admin::access(&process.http)?);
        let [listener, admin_listener] = serve::listen(&process.http, held).await?;
        let storage = Arc::new(Storage::open_by(&process.data, clocks)?);
        let store = Arc::new(ReleaseStore::new(storage.ledger.clone()));
        let now = (storage.clock)();
        announce::announce(&project.release, &*storage.log, &*storage.ledger, &store, now)?;

        let sources = sources::start(process, &storage)?.map(Arc::new);
        let standing = Arc::new(Standing::new(storage.log.partitions()));
        let read_through = read_through(sources.as_ref());
        let workers = Workers::start(&storage, &store, &read_through, &standing, &stop.workers)?;
        let workers = Arc::new(workers);
        let dispatcher = dispatcher(process, &storage, &store, standing.clone(), &key);
        let dispatch = tokio::spawn(dispatch::run(dispatcher.clone(), post.clone(), stop.dispatch.clone()));
        let upkeep = {
            let (storage, stop) = (storage.clone(), stop.outbox.clone());
            std::thread::Builder::new().name("upkeep".into()).spawn(move || upkeep::run(&storage, &stop))?
        };

        let viewing = workers.clone();
        let operations = Operations::new(
            &storage,
            process,
            store.clone(),
            Arc::new(move |subject| viewing.view(subject)),
        )?;
        let operations = Arc::new(operations);
        let health = Health {
            log: storage.log.clone(),
            guard: storage.guard.clone(),
            workers: workers.clone(),
            standing,
            sources: sources.as_ref().map(Arc::downgrade),
            dispatcher,
        };
        let inbox = inapp::Inapp::new(
            storage.ledger.clone(),
            identity.clone(),
            storage.clock.clone(),
            stop.doors.clone(),
        );
        let inbox = Arc::new(inbox);
        let taking = workers.clone();
        let takes: Takes = Arc::new(move |partition| taking.takes(partition));
        let public = public_router(process, &storage, &store, keys, key, identity, takes);
        let public = public.merge(inapp::router(inbox.clone()));
        let watched = admin::Watched {
            storage: storage.clone(),
            store,
            workers: workers.clone(),
            stop: stop.doors.clone(),
        };
        let admin = admin::router(health, operations.clone(), watched, access, annex);
        let servers = vec![
            tokio::spawn(serve::serve(listener, public, stop.doors.clone())),
            tokio::spawn(serve::serve(admin_listener, admin, stop.workers.clone())),
            tokio::spawn(inapp::watch(inbox)),
        ];
        tracing::info!(listen = %process.http.listen, admin = %process.http.admin_listen, "outreach runs");
        Ok(Service { storage, operations, stop, workers, sources, post, servers, dispatch, upkeep })
    }

    /// Stops in order: nothing new comes in, what is leaving is finished, its outcomes go into the log, and the state is
    /// written down.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.doors.cancel();
        if let Some(sources) = self.sources {
            // Dropping the last of them stops and waits.
            tokio::task::spawn_blocking(move || drop(sources)).await?;
        }
        self.stop.dispatch.cancel();
        self.dispatch.await.context("dispatch")?;
        self.post.close().await;
        self.stop.outbox.cancel();
        let upkeep = self.upkeep;
        tokio::task::spawn_blocking(move || upkeep.join()).await?.ok();
        self.stop.workers.cancel();
        for server in self.servers {
            server.await.context("a server")?;
        }
        drop(self.operations);
        let workers = self.workers;
        tokio::task::spawn_blocking(move || Workers::join(workers)).await?;
        Ok(())
    }
}

fn read_through(sources: Option<&Arc<KafkaSources>>) -> ReadThrough {
    match sources {
        Some(sources) => {
            let read_through = sources.read_through();
            Arc::new(move || read_through.least())
        }
        None => Arc::new(|| None),
    }
}

fn dispatcher(
    process: &Process,
    storage: &Storage,
    store: &Arc<ReleaseStore<SqliteLedger>>,
    standing: Arc<Standing>,
    key: &crate::channel::unsubscribe_token::Key,
) -> Arc<Dispatcher<SqliteLedger>> {
    let current = store.clone();
    let delivery = process.delivery.clone();
    let in_doubt = storage.guard.in_doubt();
    let limits = Limits {
        delivers_to: Arc::new(move |address| delivery.allows(address)),
        leaving_max: process.email.as_ref().map_or(1, |email| email.connections_max as usize),
        leaving_for_max: Length::seconds(i64::from(process.dispatch.leaving_seconds_max)),
        per_second_max: process.dispatch.messages_per_second_max.map(|count| count.get()),
    };
    Arc::new(Dispatcher::new(
        storage.ledger.clone(),
        Arc::new(move || current.current().map(|built| built.release.clone())),
        mail::letters(process, key.clone(), store),
        // Whoever stood at the log's end before the clock was in doubt is not fresh by it.
        Arc::new(move |partition| if in_doubt() { Timestamp::MIN } else { standing.last_at(partition) }),
        storage.clock.clone(),
        limits,
    ))
}

fn public_router(
    process: &Process,
    storage: &Storage,
    store: &Arc<ReleaseStore<SqliteLedger>>,
    keys: Keys,
    key: crate::channel::unsubscribe_token::Key,
    identity: Arc<Identity>,
    takes: Takes,
) -> Router {
    let door = HttpDoor {
        keys,
        identity,
        log: storage.log.clone(),
        letters: storage.ledger.clone(),
        clock: storage.clock.clone(),
        public_url: process.http.public_url.clone(),
        unnamed: AtomicU64::new(0),
        takes,
    };
    let current = store.clone();
    let links = links::Links {
        ledger: storage.ledger.clone(),
        key,
        sender_name: process.sender.as_ref().map(|sender| sender.name.clone()).unwrap_or_default(),
        topic_name: Arc::new(move |topic| {
            let built = current.current()?;
            built.release.settings.topics.get(topic).map(|topic| topic.name.clone())
        }),
        partitions: storage.log.partitions(),
        clock: storage.clock.clone(),
    };
    door::router(Arc::new(door)).merge(links::router(Arc::new(links)))
}

fn write_keys(process: &Process) -> anyhow::Result<Vec<WriteKey>> {
    let key = |key: &crate::project::WriteKey| {
        let secret = key.key.read().with_context(|| format!("write key {} of outreach.toml", key.name))?;
        Ok(WriteKey {
            name: key.name.clone(),
            kind: match key.kind {
                WriteKeyKind::Server => KeyKind::Server,
                WriteKeyKind::Browser => KeyKind::Browser,
            },
            secret: secret.reveal().to_string(),
            events_per_second_max: key.events_per_second_max,
            bytes_per_second_max: key.bytes_per_second_max,
        })
    };
    process.write_keys.iter().map(key).collect()
}
