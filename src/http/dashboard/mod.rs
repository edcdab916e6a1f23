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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::ledger::sqlite::SqliteLedger;
    use crate::log::embedded::EmbeddedLog;
    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use axum::http::{Request, StatusCode, header};
    use axum::response::Response;
    use maud::html;
    use std::net::SocketAddr;
    use tower::ServiceExt;

    /// A dashboard with a page of its host's.
    fn hosted(folder: &std::path::Path) -> Router {
        let clock = clock::system();
        let log = EmbeddedLog::open(folder, 1, clock.clone()).unwrap();
        let dashboard = Dashboard {
            access: Arc::new(Access::new([127, 0, 0, 1].into(), None)),
            clock,
            not_ready: Arc::new(|| vec!["the test says so".into()]),
            ledger: Arc::new(SqliteLedger::in_memory().unwrap()),
            journal: Journal::new(Arc::new(log)),
            release: Arc::new(|| None),
            person: Arc::new(|_| Err("nobody".into())),
            find: Arc::new(|_, _| Vec::new()),
            operate: Arc::new(|_| Err("not here".into())),
            stop: CancellationToken::new(),
        };
        let mailbox = async |shell: Shell| {
            let page = Page::new("Mailbox", html! { h1 { "Mailbox" } });
            shell.show(page.policy(Policy::default().frames("'self'")).script("/assets/demo.js"))
        };
        let nav = vec![NavEntry { href: "/mailbox".into(), label: "Mailbox".into() }];
        let routes = Router::new().route("/mailbox", get(mailbox)).route("/mailbox/{id}", get(mailbox));
        router(dashboard, Annex { nav, routes })
    }

    async fn asked(router: &Router, host: &str, path: &str) -> (StatusCode, String, String) {
        let peer: SocketAddr = ([127, 0, 0, 1], 9).into();
        let request = Request::get(path).header(header::HOST, host).extension(ConnectInfo(peer));
        let response: Response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, policy, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_hosts_page_stands_in_the_same_frame_behind_the_same_guard() {
        let folder = tempfile::tempdir().unwrap();
        let router = hosted(folder.path());
        let (status, policy, page) = asked(&router, "localhost:1", "/mailbox").await;
        assert_eq!(status, StatusCode::OK);
        assert!(policy.ends_with("frame-src 'self'"), "{policy}");
        for part in [
            "<title>Mailbox · outreach</title>",
            "<a href=\"/mailbox\" aria-current=\"page\">Mailbox</a>",
            "<a href=\"/\">Live</a>",
            "the test says so",
            "src=\"/assets/demo.js\"",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        let (_, _, below) = asked(&router, "localhost:1", "/mailbox/7").await;
        assert!(below.contains("<a href=\"/mailbox\" aria-current=\"true\">"), "{below}");
        let (status, policy, page) = asked(&router, "evil.example", "/mailbox").await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(!policy.contains("frame-src") && !page.contains("the test says so"), "{page}");
    }

    #[tokio::test]
    async fn an_empty_service_says_what_is_to_be_done() {
        let folder = tempfile::tempdir().unwrap();
        let router = hosted(folder.path());
        for (path, words) in [
            ("/", "Nothing came in yet"),
            ("/people", "Nobody yet"),
            ("/people?q=ada", "0 with “ada”"),
            ("/rules", "No rule was released"),
        ] {
            let (status, _, page) = asked(&router, "localhost:1", path).await;
            assert!(status == StatusCode::OK && page.contains(words), "{path}: {page}");
        }
        assert_eq!(asked(&router, "localhost:1", "/rules/none").await.0, StatusCode::NOT_FOUND);
        assert_eq!(asked(&router, "localhost:1", "/people/ada").await.0, StatusCode::NOT_FOUND);
    }
}
