//! The demo that goes on: the product lives in quickened time, with pages, until it is stopped.

use super::catcher::Catcher;
use super::folder::Folder;
use super::life::Life;
use super::project::{self, IDENTITY_FILE, Quiet};
use super::scribe::{Actor, Scribe};
use super::seed::Seed;
use super::ticker::Ticker;
use super::time::{Time, WAITS_MAX};
use super::world::{self, World};
use super::{Options, acts::Act, mails_folder, nobody_reads_on, pages, write_key};
use crate::app::storage::Storage;
use crate::app::{Held, Host, Service};
use crate::ledger::{Ledger, MessageState};
use anyhow::Context;
use outreach_engine::Length;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Where the pages are unless told otherwise, if nobody else is there.
pub const PORT: u16 = 8088;
/// People whom a visitor may play.
const CAST: usize = 4;

/// Lives until SIGINT, SIGTERM or SIGHUP.
pub async fn run(options: Options, out: impl Write + Send + 'static) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hangup = signal(SignalKind::hangup())?;
    let seed = options.seed.unwrap_or_else(Seed::any);
    let folder = Folder::new().context("no temporary folder")?;
    let mails = mails_folder(&options, &folder)?;
    let catcher = Arc::new(Catcher::start(&mails).await?);
    let held = addresses(options.port)?;
    let admin = held.admin.local_addr()?;
    let mut numbers = Seed::new(seed);
    let project_dir = folder.path().join("project");
    let project = project::write(&project_dir, catcher.port, &held, Quiet::AtNight, &numbers)?;
    let time = Time::new(options.speed);
    let scribe = Scribe::new(&mut numbers);
    let mut life = Life::new(numbers, time.now());
    let cast = cast(&mut life, &time);
    let world = Arc::new(World {
        time,
        catcher: catcher.clone(),
        public_url: project.process.http.public_url.clone(),
        write_key: write_key(&project)?,
        identity_secret: std::fs::read_to_string(project_dir.join(IDENTITY_FILE))?,
        cast,
        scribe: Mutex::new(scribe),
        agent: world::agent(),
        names: Mutex::new(BTreeMap::new()),
        accounts: Mutex::new(BTreeMap::new()),
        operations: OnceLock::new(),
    });
    let host = Host { annex: pages::annex(&world), clocks: world.time.clocks(), held: Some(held) };
    let service = Service::start_with(&project, host).await?;
    world.operations.set(service.operations.clone()).ok();
    let stop = CancellationToken::new();
    let living = Living { world: world.clone(), storage: service.storage.clone(), stop: stop.clone() };
    let mut ticker = Ticker::new(Box::new(out), options.is_plain, world.clone());
    ticker.begin(&project, &format!("http://{admin}/demo"), seed)?;
    let stays = (options.out.is_some() || options.keeps_mails).then_some(mails);
    let mut living = tokio::task::spawn_blocking(move || {
        let lived = living.live(life, &mut ticker).or_else(nobody_reads_on);
        lived.and_then(|()| ticker.end(stays.as_deref()).or_else(|error| nobody_reads_on(error.into())))
    });
    let lived = tokio::select! {
        lived = &mut living => lived,
        _ = terminate.recv() => { stop.cancel(); living.await }
        _ = interrupt.recv() => { stop.cancel(); living.await }
        _ = hangup.recv() => { stop.cancel(); living.await }
    };
    drop(world);
    let stopped = service.stop().await;
    lived.context("the demo has failed")??;
    stopped.context("stopped, though not in order")
}

/// Pages at the port asked for, or an error; without one at the usual, or any free one. The doors for events are anywhere.
fn addresses(port: Option<u16>) -> anyhow::Result<Held> {
    let at = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let admin = match port {
        Some(port) => at(port).with_context(|| format!("port {port} of --port is not free"))?,
        None => at(PORT).or_else(|_| at(0)).context("no free port for the pages")?,
    };
    Ok(Held { public: at(0).context("no free port for events")?, admin })
}

/// Each stands before something else: a trial that stalls, a third payment, a customer, somebody new.
fn cast(life: &mut Life, time: &Time) -> Vec<Actor> {
    let now = time.now();
    let mut cast: Vec<Actor> = Vec::new();
    while cast.len() < CAST {
        let elsewhere = |city: &str| cast.iter().all(|actor| actor.who.city != city);
        cast.push(life.cast(now, &elsewhere));
    }
    let ago = |length: Length| now - length;
    life.does(ago(Length::hours(2)), &cast[0], Act::SignsUp);
    for (days, act) in
        [(60, Act::SignsUp), (59, Act::MakesProject("Website")), (52, Act::Subscribes), (1, Act::ComesBack)]
    {
        life.does(ago(Length::days(days)), &cast[1], act);
    }
    for hours in [3, 1] {
        life.does(ago(Length::hours(hours)), &cast[1], Act::PaymentFails(49));
    }
    for (days, act) in [(45, Act::SignsUp), (44, Act::MakesProject("Choir tour")), (34, Act::Subscribes)] {
        life.does(ago(Length::days(days)), &cast[2], act);
    }
    life.does(ago(Length::hours(5)), &cast[2], Act::ComesBack);
    cast
}

/// Lets time pass and things happen.
struct Living {
    world: Arc<World>,
    storage: Arc<Storage>,
    stop: CancellationToken,
}

impl Living {
    fn live(&self, mut life: Life, ticker: &mut Ticker) -> anyhow::Result<()> {
        while !self.stop.is_cancelled() {
            let happened = life.until((self.storage.clock)());
            self.world.happens(&happened)?;
            std::thread::sleep(self.world.time.rest());
            ticker.tell(&self.storage.ledger)?;
            if self.is_calm()? || self.world.time.waited() > WAITS_MAX {
                self.world.time.leap(&self.storage.guard);
                // Partitions look at once what came due, rather than when they would have.
                self.storage.log.rouse();
            }
        }
        Ok(())
    }

    /// Nothing is on its way, nor about to be.
    fn is_calm(&self) -> anyhow::Result<bool> {
        let counts = self.storage.ledger.reading(|transaction| transaction.message_counts())?;
        let moves = |state: MessageState| matches!(state, MessageState::Queued | MessageState::Leaving);
        Ok(!counts.iter().any(|(state, count)| moves(*state) && *count > 0))
    }
}
