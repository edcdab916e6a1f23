//! The service's own page for operators: what comes in, what was decided and why, people, rules, health.
//!
//! Server-rendered: every page is whole without a script, and the one script only keeps it live. Who may see it is
//! `access`'s word, what a page may load is `policy`'s. A host (the demo) adds pages of its own with an [`Annex`].

mod assets;
mod guard;
mod live;
mod login;
mod policy;
mod pulse;
mod shell;

pub use assets::Asset;
pub use policy::Policy;
pub use pulse::{NotReady, Pulse};
pub use shell::{NavEntry, Page, Shell};

use super::access::Access;
use crate::clock::Clock;
use crate::ledger::Ledger;
use axum::Router;
use axum::routing::get;
use std::sync::Arc;

/// What the pages are made of.
pub struct Dashboard<D> {
    pub access: Arc<Access>,
    pub clock: Clock,
    pub not_ready: NotReady,
    pub ledger: Arc<D>,
}

/// What a host of the dashboard adds: entries of the menu after ours, and the pages behind them. Its handlers take a
/// [`Shell`]; they stand behind the same guard.
#[derive(Default)]
pub struct Annex {
    pub nav: Vec<NavEntry>,
    pub routes: Router,
}

const NAV: [(&str, &str); 1] = [("/", "Live")];

/// The routes. Serve them with connect info.
pub fn router<D: Ledger + 'static>(dashboard: Dashboard<D>, annex: Annex) -> Router {
    let Dashboard { access, clock, not_ready, ledger } = dashboard;
    let own = NAV.map(|(href, label)| NavEntry { href: href.into(), label: label.into() });
    let guard = guard::Guard {
        access: access.clone(),
        clock: clock.clone(),
        nav: own.into_iter().chain(annex.nav).collect(),
        feeler: Arc::new(pulse::Feeler::new(not_ready, ledger)),
    };
    let pages = Router::new().route("/", get(live::page)).merge(annex.routes);
    let guarded = pages.layer(axum::middleware::from_fn_with_state(Arc::new(guard), guard::stand::<D>));
    guarded.merge(assets::router()).merge(login::router(Arc::new(login::Door { access, clock })))
}
