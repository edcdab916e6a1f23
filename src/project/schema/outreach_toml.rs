//! outreach.toml as it is written.
#![expect(
    dead_code,
    reason = "the types are what matters: the readers are `project::settings` and `project::process`"
)]

use super::condition::Plain;
use super::text::{Id, Share, Words};
use schemars::JsonSchema;
use std::collections::BTreeMap;

/// The settings of a project. What decides goes into the release; any other key may be overridden by a variable, its path
/// in capitals: OUTREACH__HTTP__LISTEN. Paths are relative to this file's folder.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(title = "outreach.toml")]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectFile {
    /// Where a person's own zone is not known: an IANA name. Default: UTC.
    #[schemars(extend("default" = "UTC"), example = &"Europe/Paris")]
    timezone: Option<String>,
    /// Nothing leaves in them, by the person's zone; half-open. Default: none.
    #[schemars(regex(pattern = r"^\d{1,2}:\d{2} *- *\d{1,2}:\d{2}$"), example = &"21:00-08:00")]
    quiet_hours: Option<String>,
    /// So many of everybody get no marketing, to compare with. Default: none.
    #[schemars(example = &"2%")]
    holdout: Option<Share>,
    /// The rules that may say `transactional = true`. Default: none.
    #[schemars(example = ["third-failed-payment"])]
    transactional_rules: Option<Vec<Words>>,
    caps: Option<Caps>,
    /// What a recipient can opt out of, by id; every rule that sends mail names one.
    #[schemars(example = serde_json::json!({ "onboarding": { "name": "Getting started" } }))]
    topics: Option<BTreeMap<String, Topic>>,
    data: Option<Data>,
    http: Option<Http>,
    /// Who may send events by HTTP, a `[[write_keys]]` each. Default: nobody.
    write_keys: Option<Vec<WriteKey>>,
    identity: Option<Identity>,
    unsubscribe: Option<Unsubscribe>,
    sender: Option<Sender>,
    email: Option<Email>,
    delivery: Option<Delivery>,
    dispatch: Option<Dispatch>,
    kafka: Option<Kafka>,
    /// Topics of Kafka that are copied, a `[[sources]]` each; they are only read. Default: none.
    sources: Option<Vec<Source>>,
}

/// How many messages a person may get: `"1 per day"` is any 24 hours, `"1 per calendar day"` the local one.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Caps {
    /// Mails. Default: no cap.
    #[schemars(example = ["1 per day", "3 per 7 days"])]
    email: Option<Vec<String>>,
    /// Messages in the product; without it they stand outside all caps.
    #[schemars(example = ["5 per day"])]
    in_product: Option<Vec<String>>,
    /// Over all channels. Default: no cap.
    #[schemars(example = ["5 per 7 days"])]
    all: Option<Vec<String>>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Topic {
    /// What recipients read where they opt out.
    #[schemars(example = &"Getting started")]
    name: Words,
}

/// What is kept: log, ledger, snapshots, lock file.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Data {
    /// The folder. Default: `data`.
    #[schemars(extend("default" = "data"), example = &"data")]
    dir: Option<Words>,
    /// Of the log; fixed when it is created. Default: 8.
    #[schemars(range(min = 1, max = 1024), extend("default" = 8), example = 8)]
    partitions: Option<u32>,
}

/// Where it listens.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Http {
    /// Events, and the links in mails. Default: 127.0.0.1:8080.
    #[schemars(extend("default" = "127.0.0.1:8080"), example = &"0.0.0.0:8080")]
    listen: Option<String>,
    /// The page for operators, health, metrics, commands. Default: 127.0.0.1:8081.
    #[schemars(extend("default" = "127.0.0.1:8081"), example = &"127.0.0.1:8081")]
    admin_listen: Option<String>,
    /// Holds the token that opens `admin_listen` to other machines. Default: this machine alone is answered.
    #[schemars(example = &"secrets/admin.token")]
    admin_token_file: Option<String>,
    /// Begins the links in mails. Default: http:// and `listen`.
    #[schemars(regex(pattern = "^https?://"), example = &"https://mail.acme.example")]
    public_url: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct WriteKey {
    /// Its name in metrics, and in the variable that may hold the key: OUTREACH__WRITE_KEYS__NAME.
    #[schemars(example = &"backend")]
    name: Id,
    /// How far its events are trusted.
    kind: WriteKeyKind,
    /// Holds the key.
    #[schemars(example = &"secrets/backend.key")]
    key_file: Option<String>,
    /// Above it 429. Default: 5000.
    #[schemars(range(min = 1), extend("default" = 5000), example = 200)]
    events_per_second_max: Option<u32>,
    /// Of bodies, unzipped; above it 429. Default: 4,096 for each of `events_per_second_max`.
    #[schemars(range(min = 1), example = 20_480_000)]
    bytes_per_second_max: Option<u32>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum WriteKeyKind {
    /// A secret of your own machines.
    Server,
    /// Public: its events are unproven, set no address and set off nothing by default.
    Browser,
}

/// Who a browser's user is: tokens (JWT) that your server signs. Default: nobody is known.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Identity {
    /// The `aud` of every token.
    #[schemars(example = &"acme-app")]
    audience: Words,
    /// The keys that sign, an `[[identity.keys]]` each.
    keys: Vec<IdentityKey>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct IdentityKey {
    /// The `kid` of its tokens.
    #[schemars(example = &"app")]
    name: Id,
    /// Fixed here: no token can choose another.
    algorithm: Algorithm,
    /// With HS256: holds the secret, 32 bytes or more.
    #[schemars(example = &"secrets/identity.key")]
    secret_file: Option<String>,
    /// With EdDSA: the Ed25519 public key as PEM.
    #[schemars(example = &"identity.pem")]
    public_key_file: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
enum Algorithm {
    /// One secret, which your server has too.
    #[serde(rename = "HS256")]
    Hs256,
    /// Ed25519: your server keeps the private key.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// The links that unsubscribe.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Unsubscribe {
    /// Holds the secret that signs them, 16 bytes or more.
    #[schemars(example = &"secrets/unsubscribe.key")]
    secret_file: Option<String>,
    /// Secrets that were replaced: the links of older mails still work. Default: none.
    #[schemars(example = ["secrets/unsubscribe-2025.key"])]
    old_secret_files: Option<Vec<Words>>,
}

/// What every mail must say of its sender; needed where mail is sent.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Sender {
    /// Who writes.
    #[schemars(example = &"Acme")]
    name: Words,
    /// The postal address in the footer.
    #[schemars(example = &"1 Acme Street, 75001 Paris, France")]
    address: Words,
}

/// How mail is sent; needed where it is.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Email {
    /// The sender as mail programs show it.
    #[schemars(example = &"Ada at Acme <hello@acme.example>")]
    from: String,
    /// Bounces come to an address at this domain. Default: the domain of `from`.
    #[schemars(example = &"bounce.acme.example")]
    return_path_domain: Option<String>,
    smtp: Smtp,
    /// To the mail server at a time. Default: 4.
    #[schemars(range(min = 1, max = 64), extend("default" = 4), example = 4)]
    connections_max: Option<u32>,
}

/// The mail server.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Smtp {
    /// Its name.
    #[schemars(example = &"smtp.acme.example")]
    host: Words,
    /// Default by `tls`: 587, 465, 25.
    #[schemars(range(min = 1, max = 65535), example = 587)]
    port: Option<u32>,
    /// How the connection is protected. Default: `"starttls"`.
    #[schemars(extend("default" = "starttls"))]
    tls: Option<Tls>,
    /// No login when absent.
    #[schemars(example = &"outreach")]
    user: Option<String>,
    /// Holds the password. Or the variable OUTREACH__EMAIL__SMTP__PASSWORD.
    #[schemars(example = &"secrets/smtp.key")]
    password_file: Option<String>,
    /// Authorities to trust beside the public ones, PEM. Default: none.
    #[schemars(example = &"mail-ca.pem")]
    ca_file: Option<Words>,
    /// Said in EHLO. Default: the return path's domain.
    #[schemars(example = &"outreach.acme.example")]
    hello_name: Option<Words>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum Tls {
    /// Asked for after the greeting, and needed.
    Starttls,
    /// From the first byte.
    #[serde(rename = "tls")]
    FromTheStart,
    /// Not at all: for a server on this machine.
    None,
}

/// What keeps a staging system from reaching customers.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Delivery {
    /// Who may get mail: addresses, `"*@acme.example"`, or `"*"` for everybody. Default: nobody.
    #[schemars(example = ["*@acme.example", "ada@example.org"])]
    deliver_only_to: Option<Vec<Words>>,
    /// Mail goes there instead; checks and caps use the true address. Default: none.
    #[schemars(example = &"team@acme.example")]
    redirect_all_to: Option<String>,
}

/// How messages are handed over.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Dispatch {
    /// To one domain. Default: no pace.
    #[schemars(range(min = 1), example = 50)]
    messages_per_second_max: Option<u32>,
    /// After a crash: so long a message may be on its way before it is unknown. Default: 600.
    #[schemars(range(min = 1, max = 86400), extend("default" = 600), example = 600)]
    leaving_seconds_max: Option<u32>,
}

/// How Kafka is reached.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Kafka {
    /// Passed to librdkafka as they stand, names in quotes.
    #[schemars(example = serde_json::json!({ "bootstrap.servers": "127.0.0.1:9092" }))]
    properties: Option<BTreeMap<String, Plain>>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Source {
    /// Its name in metrics and in our position.
    #[schemars(example = &"product")]
    name: Id,
    /// The topic's name in Kafka.
    #[schemars(example = &"product-events")]
    topic: Words,
    /// How a record is read. Default: `"segment"`.
    #[schemars(extend("default" = "segment"))]
    format: Option<Format>,
    fields: Option<Fields>,
    /// For a partition with no position of ours: `"earliest"`, `"latest"` or a time. Default: `"earliest"`.
    #[schemars(extend("default" = "earliest"), example = &"latest", example = &"2026-01-01T00:00:00Z")]
    start: Option<String>,
    /// Whether timers wait while it cannot be read. Default: true.
    #[schemars(extend("default" = true), example = false)]
    required: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// Segment's calls as JSON.
    Segment,
    /// Any JSON object: `fields` says where things stand.
    Json,
}

/// With `format = "json"`: where things stand in a record, as JSON pointers.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The user's id.
    #[schemars(example = &"/customer/id")]
    user: Pointer,
    /// The event's name; needed without `type`.
    #[schemars(example = &"/kind")]
    event: Option<Pointer>,
    /// When it happened.
    #[schemars(example = &"/at")]
    time: Pointer,
    /// What the event says. Default: nothing.
    #[schemars(example = &"/data")]
    properties: Option<Pointer>,
    /// The record's own id. Default: its place in the topic.
    #[schemars(example = &"/id")]
    message_id: Option<Pointer>,
    /// The call: track, identify, … Default: track.
    #[schemars(example = &"/call")]
    r#type: Option<Pointer>,
}

/// A JSON pointer.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(extend("pattern" = "^/"))]
struct Pointer(String);
