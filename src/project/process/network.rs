//! `[data]`, `[http]` and `[dispatch]`: where this process keeps things, listens, and how it hands over.

use super::{Context, SecretPlace};
use crate::project::environment::ADMIN_TOKEN;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Item, Problems};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Log, ledger, snapshots and the lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Default: `data`, in the project's folder.
    pub dir: PathBuf,
    /// Of the log, fixed when it is created. Default 8, at most 1,024.
    pub partitions: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Ingest, unsubscribe, later pages. Default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// Health, metrics, and what the command line asks. Default 127.0.0.1:8081.
    pub admin_listen: SocketAddr,
    /// Opens `admin_listen` to other machines. Default: this machine alone is answered.
    pub admin_token: SecretPlace,
    /// Begins the links in mails; http or https, no slash at its end. Default: `http://` and `listen`.
    pub public_url: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// How long a message may be `leaving` before a crash is assumed. Default 600.
    pub leaving_seconds_max: u32,
    /// Pace: messages a second for each destination. Default: no bound.
    pub messages_per_second_max: Option<NonZeroU32>,
}

const DATA_DIR: &str = "data";
const PARTITIONS: u32 = 8;
/// Each partition has a log, a shard and a snapshot of its own.
const PARTITIONS_MAX: i64 = 1_024;
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const ADMIN_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);
const LEAVING_SECONDS: u32 = 600;
const LEAVING_SECONDS_MAX: i64 = 86_400;

pub(super) fn data(problems: &mut Problems, item: Option<Item<'_>>, context: &Context<'_>) -> Data {
    let mut data = Data { dir: context.dir.join(DATA_DIR), partitions: PARTITIONS };
    let Some(mut table) = item.and_then(|item| item.table(problems)) else { return data };
    if let Some(dir) = table.take("dir").and_then(|item| context.path(problems, &item)) {
        data.dir = dir;
    }
    let partitions = table.take("partitions").and_then(|item| item.integer(problems, 1..=PARTITIONS_MAX));
    data.partitions = partitions.and_then(|count| u32::try_from(count).ok()).unwrap_or(PARTITIONS);
    table.finish(problems, &[]);
    data
}

pub(super) fn http(problems: &mut Problems, item: Option<Item<'_>>, context: &Context<'_>) -> Http {
    let mut table = item.and_then(|item| item.table(problems));
    let mut take = |key| table.as_mut().and_then(|table| table.take(key));
    let (listen, admin_listen, public_url) = (take("listen"), take("admin_listen"), take("public_url"));
    let admin_token = context.secret(problems, take("admin_token_file"), ADMIN_TOKEN.to_owned());
    if let Some(table) = table {
        table.finish(problems, &[]);
    }
    let listen = listen.and_then(|item| socket(problems, &item)).unwrap_or(LISTEN);
    Http {
        listen,
        admin_listen: admin_listen.and_then(|item| socket(problems, &item)).unwrap_or(ADMIN_LISTEN),
        admin_token,
        public_url: public_url
            .and_then(|item| web_address(problems, &item))
            .unwrap_or_else(|| format!("http://{listen}")),
    }
}

fn socket(problems: &mut Problems, item: &Item<'_>) -> Option<SocketAddr> {
    let text = item.text(problems)?;
    let address = text.parse().ok();
    if address.is_none() {
        let message = format!("expected an address and a port such as \"127.0.0.1:8080\", found \"{text}\"");
        problems
            .error(Code::BadValue, &item.place, message)
            .with_help("for all interfaces write \"0.0.0.0:8080\"");
    }
    address
}

fn web_address(problems: &mut Problems, item: &Item<'_>) -> Option<String> {
    let text = item.text(problems)?;
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_fitting = |host: &str| {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>\\".contains(&byte);
        !host.is_empty() && !host.starts_with('/') && host.bytes().all(is_plain)
    };
    if !host.is_some_and(is_fitting) {
        let message =
            format!("expected a web address such as \"https://mail.acme.example\", found \"{text}\"");
        problems.error(Code::BadValue, &item.place, message);
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

pub(super) fn dispatch(problems: &mut Problems, item: Option<Item<'_>>) -> Dispatch {
    let mut dispatch = Dispatch { leaving_seconds_max: LEAVING_SECONDS, messages_per_second_max: None };
    let Some(mut table) = item.and_then(|item| item.table(problems)) else { return dispatch };
    let leaving = table.take("leaving_seconds_max");
    let leaving = leaving.and_then(|item| item.integer(problems, 1..=LEAVING_SECONDS_MAX));
    if let Some(seconds) = leaving.and_then(|seconds| u32::try_from(seconds).ok()) {
        dispatch.leaving_seconds_max = seconds;
    }
    let pace = table.take("messages_per_second_max");
    dispatch.messages_per_second_max = pace.and_then(|item| per_second(problems, &item));
    table.finish(problems, &[]);
    dispatch
}

/// A rate of 1 or more a second.
pub(super) fn per_second(problems: &mut Problems, item: &Item<'_>) -> Option<NonZeroU32> {
    let rate = item.integer(problems, 1..=i64::from(u32::MAX))?;
    u32::try_from(rate).ok().and_then(NonZeroU32::new)
}
