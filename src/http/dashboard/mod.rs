//! The service's own page for operators: what comes in, what was decided and why, people, rules, health.
//!
//! Server-rendered: every page is whole without a script, and the one script only keeps it live. Who may see it is
//! `access`'s word, what a page may load is `policy`'s. A host (the demo) adds pages of its own with an [`Annex`].

mod assets;
mod feed;
mod funnel;
mod guard;
mod live;
mod login;
mod people;
mod person;
mod policy;
mod pulse;
mod row;
mod rules;
mod shell;
mod stream;
mod wording;

pub use assets::Asset;
pub use feed::{CurrentRelease, Feed};
pub use policy::Policy;
pub use pulse::{NotReady, Pulse};
pub use shell::{NavEntry, Page, Shell};

use super::access::Access;
use super::admin::Operate;
use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::worker::journal::Journal;
use crate::worker::{Found, PersonReport};
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// All that is known of a person, by `user:ada` or a bare id; what is wrong comes back in words.
pub type PersonQuery = Arc<dyn Fn(&str) -> Result<PersonReport, String> + Send + Sync>;

/// People whose id or address has the text in it, at most so many.
pub type Search = Arc<dyn Fn(&str, usize) -> Vec<Found> + Send + Sync>;

/// What the pages are made of.
pub struct Dashboard<D> {
    pub access: Arc<Access>,
    pub clock: Clock,
    pub not_ready: NotReady,
    pub ledger: Arc<D>,
    pub journal: Journal,
    pub release: CurrentRelease,
    pub person: PersonQuery,
    pub find: Search,
    pub operate: Operate,
    /// Ends the streams: a stop does not wait for who watches.
    pub stop: CancellationToken,
}

/// What a host of the dashboard adds: entries of the menu after ours, and the pages behind them. Its handlers take a
/// [`Shell`]; they stand behind the same guard.
#[derive(Default)]
pub struct Annex {
    pub nav: Vec<NavEntry>,
    pub routes: Router,
}

/// What the handlers share.
pub(super) struct Desk<D> {
    clock: Clock,
    ledger: Arc<D>,
    journal: Journal,
    feed: Feed<D>,
    feeler: Arc<pulse::Feeler<D>>,
    release: CurrentRelease,
    person: PersonQuery,
    find: Search,
    operate: Operate,
    streams: Arc<Semaphore>,
    stop: CancellationToken,
}

const NAV: [(&str, &str); 3] = [("/", "Live"), ("/people", "People"), ("/rules", "Rules")];

/// The routes. Serve them with connect info.
pub fn router<D: Ledger + 'static>(dashboard: Dashboard<D>, annex: Annex) -> Router {
    let (access, clock) = (dashboard.access.clone(), dashboard.clock.clone());
    let own = NAV.map(|(href, label)| NavEntry { href: href.into(), label: label.into() });
    let desk = Arc::new(Desk::new(dashboard));
    let guard = guard::Guard {
        access: access.clone(),
        clock: clock.clone(),
        nav: own.into_iter().chain(annex.nav).collect(),
        feeler: desk.feeler.clone(),
    };
    let pages = Router::new()
        .route("/", get(live::page::<D>))
        .route("/live/stream", get(stream::follow::<D>))
        .route("/people", get(people::page::<D>))
        .route("/people/{subject}", get(person::page::<D>))
        .route("/rules", get(rules::all::<D>))
        .route("/rules/{id}", get(rules::one::<D>))
        .route("/rules/{id}/{command}", post(rules::hold::<D>))
        .with_state(desk)
        .merge(annex.routes);
    let guarded = pages.layer(axum::middleware::from_fn_with_state(Arc::new(guard), guard::stand::<D>));
    guarded.merge(assets::router()).merge(login::router(Arc::new(login::Door { access, clock })))
}

impl<D: Ledger + 'static> Desk<D> {
    fn new(dashboard: Dashboard<D>) -> Desk<D> {
        let Dashboard { clock, not_ready, ledger, journal, release, person, find, operate, stop, .. } =
            dashboard;
        Desk {
            feed: Feed::new(journal.clone(), ledger.clone(), release.clone(), clock()),
            feeler: Arc::new(pulse::Feeler::new(not_ready, ledger.clone())),
            streams: Arc::new(Semaphore::new(stream::STREAMS_MAX)),
            clock,
            ledger,
            journal,
            release,
            person,
            find,
            operate,
            stop,
        }
    }

    /// Work that waits for disks or locks, away from the async threads.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Desk<D>) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let desk = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&desk)).await;
        done.unwrap_or_else(|error| Err(error.to_string()))
    }
}
