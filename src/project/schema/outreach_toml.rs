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
    /// The time zone of people whose own is not known, by its IANA name. Default: UTC.
    #[schemars(extend("default" = "UTC"), example = &"Europe/Paris")]
    timezone: Option<String>,
    /// The language of templates without one of their own, by its BCP 47 tag; also how they write numbers and dates. Default:
    /// en.
    #[schemars(extend("default" = "en"), example = &"de-AT")]
    locale: Option<String>,
    /// No message leaves between these two, by the clock of the person's zone; at the second it may again. Default: none.
    #[schemars(regex(pattern = r"^\d{1,2}:\d{2} *- *\d{1,2}:\d{2}$"), example = &"21:00-08:00")]
    quiet_hours: Option<String>,
    /// This share of all people gets no marketing at all, to compare with. Default: nobody.
    #[schemars(example = &"2%")]
    holdout: Option<Share>,
    /// The ids of rules that may say `transactional = true`, which no cap or quiet hour holds. Default: none.
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

/// How many messages a person may get at most: `"1 per day"` is any 24 hours, `"1 per calendar day"` the local one. Default:
/// no cap.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Caps {
    /// Of mails. Default: no cap.
    #[schemars(example = ["1 per day", "3 per 7 days"])]
    email: Option<Vec<String>>,
    /// Of messages in the product. Default: no cap, and they stand outside `all` as well.
    #[schemars(example = ["5 per day"])]
    in_product: Option<Vec<String>>,
    /// Of all channels together. Default: no cap.
    #[schemars(example = ["5 per 7 days"])]
    all: Option<Vec<String>>,
}

/// What a recipient can opt out of.
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
    /// The folder; one process owns it. Default: `data`.
    #[schemars(extend("default" = "data"), example = &"data")]
    dir: Option<Words>,
    /// How many parts the log has, 1 to 1024; fixed when it is created. Default: 8.
    #[schemars(range(min = 1, max = 1024), extend("default" = 8), example = 8)]
    partitions: Option<u32>,
}

/// Where it listens.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Http {
    /// Address and port for events and for the links in mails; `0.0.0.0` is every network. Default: 127.0.0.1:8080.
    #[schemars(extend("default" = "127.0.0.1:8080"), example = &"0.0.0.0:8080")]
    listen: Option<String>,
    /// Address and port for operators: their page, health, metrics, commands. Default: 127.0.0.1:8081.
    #[schemars(extend("default" = "127.0.0.1:8081"), example = &"127.0.0.1:8081")]
    admin_listen: Option<String>,
    /// The file of the token that opens `admin_listen` to other machines. Or the variable OUTREACH__HTTP__ADMIN_TOKEN.
    /// Default: this machine alone is answered.
    #[schemars(example = &"secrets/admin.token")]
    admin_token_file: Option<String>,
    /// How `listen` is reached from outside; begins the links in mails. Default: http:// and `listen`.
    #[schemars(regex(pattern = "^https?://"), example = &"https://mail.acme.example")]
    public_url: Option<String>,
}

/// Who shows this key may send events.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct WriteKey {
    /// Its name in metrics, and in the variable that may hold the key: OUTREACH__WRITE_KEYS__NAME.
    #[schemars(example = &"backend")]
    name: Id,
    /// How far its events are trusted.
    kind: WriteKeyKind,
    /// The file that holds the key, unless that variable does. `outreach init --secrets` makes it where it is missing.
    #[schemars(example = &"secrets/backend.key")]
    key_file: Option<String>,
    /// Events a second; what comes above is answered 429, and sent again later. Default: 5000.
    #[schemars(range(min = 1), extend("default" = 5000), example = 200)]
    events_per_second_max: Option<u32>,
    /// Bytes a second, unzipped; what comes above is answered 429. Default: 4,096 for each of `events_per_second_max`.
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

/// A key that signs tokens.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct IdentityKey {
    /// The `kid` of its tokens.
    #[schemars(example = &"app")]
    name: Id,
    /// How its tokens are signed: no token can choose another way.
    algorithm: Algorithm,
    /// With HS256: the file that holds the secret, 32 bytes or more. Or the variable OUTREACH__IDENTITY__KEYS__NAME.
    #[schemars(example = &"secrets/identity.key")]
    secret_file: Option<String>,
    /// With EdDSA: the file of the Ed25519 public key, as PEM.
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

/// What signs the links that unsubscribe; needed where mail is sent.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Unsubscribe {
    /// The file that holds the secret, 16 bytes or more. Or the variable OUTREACH__UNSUBSCRIBE__SECRET.
    #[schemars(example = &"secrets/unsubscribe.key")]
    secret_file: Option<String>,
    /// The files of secrets that were replaced: the links of older mails still work. Default: none.
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
    /// Connections to the mail server at a time, 1 to 64. Default: 4.
    #[schemars(range(min = 1, max = 64), extend("default" = 4), example = 4)]
    connections_max: Option<u32>,
}

/// The mail server.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Smtp {
    /// Its name, or its address.
    #[schemars(example = &"smtp.acme.example")]
    host: Words,
    /// Its port. Default: 587 with starttls, 465 with tls, 25 with none.
    #[schemars(range(min = 1, max = 65535), example = 587)]
    port: Option<u32>,
    /// How the connection is protected. Default: `"starttls"`.
    #[schemars(extend("default" = "starttls"))]
    tls: Option<Tls>,
    /// The name to log in by. Default: no login.
    #[schemars(example = &"outreach")]
    user: Option<String>,
    /// With `user`: the file that holds the password. Or the variable OUTREACH__EMAIL__SMTP__PASSWORD.
    #[schemars(example = &"secrets/smtp.key")]
    password_file: Option<String>,
    /// A file of authorities to trust beside the public ones, PEM. Default: none.
    #[schemars(example = &"mail-ca.pem")]
    ca_file: Option<Words>,
    /// What it is told our name is (EHLO). Default: the return path's domain.
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
    /// Mails a second to the addresses of one domain. Default: no bound.
    #[schemars(range(min = 1), example = 50)]
    messages_per_second_max: Option<u32>,
    /// After a crash: so many seconds a message may be on its way before its end counts as unknown. Default: 600.
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

/// A topic of Kafka that is copied.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Source {
    /// Its name in metrics, under which its position is kept as well.
    #[schemars(example = &"product")]
    name: Id,
    /// The topic's name in Kafka.
    #[schemars(example = &"product-events")]
    topic: Words,
    /// How a record is read. Default: `"segment"`.
    #[schemars(extend("default" = "segment"))]
    format: Option<Format>,
    fields: Option<Fields>,
    /// Where a partition of which nothing was read yet begins: `"earliest"`, `"latest"` or a time. Default: `"earliest"`.
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
