//! What stands before every page: who may see it, and the frame that it is shown in.

use super::policy::harden;
use super::pulse::{Feeler, Pulse};
use super::shell::{NavEntry, Page, Shell};
use crate::clock::Clock;
use crate::http::access::{Access, COOKIE, Refused};
use crate::ledger::Ledger;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use std::net::SocketAddr;
use std::sync::Arc;

/// Lets in, and gives each handler its [`Shell`].
pub struct Guard<D> {
    pub access: Arc<Access>,
    pub clock: Clock,
    pub nav: Arc<[NavEntry]>,
    pub feeler: Arc<Feeler<D>>,
}

/// The middleware.
pub async fn stand<D: Ledger + 'static>(
    State(guard): State<Arc<Guard<D>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let admitted = guard.access.admits(peer.ip(), request.method(), request.headers(), (guard.clock)());
    let mut response = match admitted {
        Ok(()) => match guard.feel().await {
            Ok(pulse) => {
                let shell = guard.shell(&request, pulse);
                request.extensions_mut().insert(shell);
                next.run(request).await
            }
            Err(response) => response,
        },
        Err(refused) => turn_away(refused, &request),
    };
    harden(response.headers_mut());
    response
}

impl<D: Ledger + 'static> Guard<D> {
    async fn feel(&self) -> Result<Arc<Pulse>, Response> {
        let feeler = self.feeler.clone();
        tokio::task::spawn_blocking(move || feeler.feel()).await.map_err(|error| {
            tracing::error!(%error, "a page's health was not felt");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        })
    }

    fn shell(&self, request: &Request, pulse: Arc<Pulse>) -> Shell {
        Shell {
            nav: self.nav.clone(),
            here: request.uri().path().to_owned(),
            pulse: Some(pulse),
            now: Some((self.clock)()),
            has_session: has_cookie(request.headers()),
        }
    }
}

fn has_cookie(headers: &HeaderMap) -> bool {
    let mut cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.any(|cookies| cookies.split(';').any(|pair| pair.trim().split('=').next() == Some(COOKIE)))
}

fn turn_away(refused: Refused, request: &Request) -> Response {
    let is_page = request.method() == Method::GET
        && request
            .headers()
            .get(header::ACCEPT)
            .is_some_and(|kinds| kinds.to_str().is_ok_and(|kinds| kinds.contains("text/html")));
    match refused {
        Refused::NoToken if is_page => Redirect::to("/login").into_response(),
        Refused::NoToken => (StatusCode::UNAUTHORIZED, "expected the admin token\n").into_response(),
        Refused::OtherSite => {
            (StatusCode::FORBIDDEN, "not answered to pages of other sites\n").into_response()
        }
        Refused::Elsewhere => Shell::bare().show(elsewhere()),
    }
}

fn elsewhere() -> Page<'static> {
    let body = html! {
        section.alone {
            h1 { "For this machine alone" }
            p { "This page answers to the machine that it runs on, under its own name: " code { "localhost" } " or its address." }
            p { "To open it to other machines, set " code { "admin_token_file" } " in " code { "[http]" } " of outreach.toml, and start the service again." }
        }
    };
    Page::new("For this machine alone", body).status(StatusCode::FORBIDDEN)
}
