//! The two addresses: the public one for events and links, the admin one for health, metrics and commands.

use crate::project::Http;
use anyhow::Context;
use axum::Router;
use axum::http::StatusCode;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

/// Both addresses, taken already: whoever picked free ports holds them until they are served.
pub struct Held {
    pub public: std::net::TcpListener,
    pub admin: std::net::TcpListener,
}

/// Listens at the public and the admin address, unless they are held; an error says which is taken.
pub async fn listen(http: &Http, held: Option<Held>) -> anyhow::Result<[TcpListener; 2]> {
    if let Some(Held { public, admin }) = held {
        public.set_nonblocking(true)?;
        admin.set_nonblocking(true)?;
        return Ok([TcpListener::from_std(public)?, TcpListener::from_std(admin)?]);
    }
    Ok([bind(http.listen, "listen").await?, bind(http.admin_listen, "admin_listen").await?])
}

async fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("[http] {key} = \"{address}\" of outreach.toml"))
}

/// A request that is not sent and answered within this time is given up: a client that trickles holds nothing for long.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// A stop waits so long for requests under way, and no longer for a client that does not finish one.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Serves until `stop`; requests under way are finished, within a time.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_WITHIN);
    let router = router.layer(timeout).layer(CatchPanicLayer::new());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(FINISH_WITHIN).await;
    };
    tokio::select! {
        served = served => {
            if let Err(error) = served {
                tracing::error!(%error, "an address is served no more");
            }
        }
        () = overdue => tracing::warn!("connections that did not finish are closed"),
    }
}
