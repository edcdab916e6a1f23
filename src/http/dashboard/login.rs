//! In with the admin token, out again. The token is posted once; a cookie that scripts cannot read stands for it.

use super::policy::harden;
use super::shell::{Page, Shell};
use crate::clock::Clock;
use crate::http::access::{Access, COOKIE, Refused, SESSION};
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use maud::{Markup, html};
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;

/// What login needs.
pub struct Door {
    pub access: Arc<Access>,
    pub clock: Clock,
}

#[derive(Deserialize)]
struct Filled {
    token: String,
}

const FORM_BYTES_MAX: usize = 4 * 1024;
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

pub(super) fn router(door: Arc<Door>) -> Router {
    Router::new()
        .route("/login", get(ask).post(log_in))
        .route("/logout", post(log_out))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(axum::middleware::map_response(async |mut response: Response| {
            harden(response.headers_mut());
            response
        }))
        .with_state(door)
}

async fn ask() -> Response {
    Shell::bare().show(Page::new("Log in", form(false)))
}

async fn log_in(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    headers: HeaderMap,
    filled: Form<Filled>,
) -> Response {
    let now = (door.clock)();
    if door.access.admits(peer.ip(), &method, &headers, now) == Err(Refused::OtherSite) {
        return (StatusCode::FORBIDDEN, "not answered to pages of other sites\n").into_response();
    }
    match door.access.log_in(&filled.token, now) {
        Some(session) => {
            let seconds = SESSION.0 / 1_000_000;
            let cookie = cookie(&session, seconds, &headers);
            ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        None => {
            tracing::warn!("a login with a wrong admin token was refused");
            Shell::bare().show(Page::new("Log in", form(true)).status(StatusCode::UNAUTHORIZED))
        }
    }
}

async fn log_out(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    headers: HeaderMap,
    _: Bytes,
) -> Response {
    if door.access.admits(peer.ip(), &method, &headers, (door.clock)()) == Err(Refused::OtherSite) {
        return (StatusCode::FORBIDDEN, "not answered to pages of other sites\n").into_response();
    }
    ([(header::SET_COOKIE, cookie("", 0, &headers))], Redirect::to("/login")).into_response()
}

/// `Secure` where the way here was: a proxy that ends TLS says so.
fn cookie(session: &str, seconds: i64, headers: &HeaderMap) -> String {
    let is_secure = headers.get(FORWARDED_PROTO).is_some_and(|proto| proto == "https");
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{COOKIE}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

fn form(was_wrong: bool) -> Markup {
    html! {
        section.alone {
            h1 { "Log in" }
            p { "Show the admin token of this service: " code { "admin_token_file" } " of its outreach.toml names the file." }
            @if was_wrong { p.wrong role="alert" { "That is not the token. Nothing was changed." } }
            form method="post" action="/login" {
                label for="token" { "Admin token" }
                input #token type="password" name="token" autocomplete="current-password" required autofocus;
                button type="submit" { "Log in" }
            }
        }
    }
}
