//! Logs to stderr, metrics for `/metrics`. Neither carries personal data at info and above.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Logs as text to a terminal unless JSON is asked for, as JSON elsewhere; `OUTREACH_LOG` filters (`debug`,
/// `outreach=debug`).
pub fn start_logs(default: &str, is_json: bool) {
    let filter = EnvFilter::try_from_env("OUTREACH_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process (a test, a demo) keeps the first.
    let started =
        if std::io::stderr().is_terminal() && !is_json { logs.try_init() } else { logs.json().try_init() };
    if started.is_err() {
        tracing::debug!("logs were started before");
    }
}

/// Metrics of this process; a second start in one process has its own, and they stay empty.
pub fn start_metrics() -> PrometheusHandle {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::debug!("metrics were started before");
    }
    handle
}
