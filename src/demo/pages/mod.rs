//! The demo's own pages, in the dashboard's frame: what one sees here, the mailbox, and the product as its user sees it.

mod clock;
mod guide;
mod knows;
mod mail;
mod mailbox;
mod product;

use super::world::World;
use crate::http::dashboard::{Annex, Asset, NavEntry, Page};
use axum::Router;
use axum::routing::{get, post};
use maud::Markup;
use std::sync::{Arc, LazyLock};

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("demo.css", "text/css; charset=utf-8", include_str!("assets/demo.css")));
static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("demo.js", "text/javascript; charset=utf-8", include_str!("assets/demo.js")));

const NAV: [(&str, &str); 3] = [("/demo", "Start here"), ("/mail", "Mailbox"), ("/product", "Product")];

/// What the demo adds to the dashboard.
pub(super) fn annex(world: &Arc<World>) -> Annex {
    let routes = Router::new()
        .route("/demo", get(guide::page))
        .route("/demo/clock", get(clock::now))
        .route("/demo/time", post(clock::pass))
        .route("/mail", get(mailbox::page))
        .route("/mail/list", get(mailbox::rows))
        .route("/mail/{number}", get(mail::page))
        .route("/mail/{number}/html", get(mail::body))
        .route("/mail/{number}/source", get(mail::source))
        .route("/mail/{number}/unsubscribe", post(mail::unsubscribe))
        .route("/product", get(product::page))
        .route("/product/app", get(product::app))
        .route("/product/do", post(product::act))
        .route("/product/token", get(product::token))
        .route("/product/knows", get(knows::panel))
        .with_state(world.clone());
    let nav = NAV.map(|(href, label)| NavEntry { href: href.into(), label: label.into() });
    Annex { nav: nav.into(), routes: routes.merge(STYLE.route()).merge(SCRIPT.route()) }
}

/// A page with the style and the script of all of these.
fn page(title: &str, body: Markup) -> Page<'_> {
    Page::new(title, body).style(&STYLE.href).script(&SCRIPT.href)
}
