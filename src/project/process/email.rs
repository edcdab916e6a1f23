//! `[sender]`, `[email]` and `[delivery]`: who writes, through which server, and to whom at most.

use super::{Context, SecretPlace};
use crate::project::environment::SMTP_PASSWORD;
use lettre::Address;
use lettre::message::Mailbox;
use outreach_engine::rule::diagnostic::Code;
use outreach_engine::rule::document::{Item, Problems};
use std::path::PathBuf;

/// What a mail must say of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub name: String,
    /// The postal address in the footer.
    pub address: String,
}

#[derive(Clone, Debug)]
pub struct Email {
    /// `Ada at Acme <hello@acme.example>`.
    pub from: String,
    /// Bounces come to `b+DECISIONID@` this domain. Default: the domain of `from`.
    pub return_path_domain: String,
    pub smtp: Smtp,
    /// Default 4, at most 64.
    pub connections_max: u32,
}

#[derive(Clone, Debug)]
pub struct Smtp {
    pub host: String,
    /// Default by `tls`: 25, 587, 465.
    pub port: u16,
    pub tls: SmtpTls,
    /// Absent: no login.
    pub user: Option<String>,
    /// For `user`.
    pub password: SecretPlace,
    /// Certificate authorities to trust beside the public ones, PEM.
    pub ca_file: Option<PathBuf>,
    /// The name said in EHLO. Default: the domain of the return path.
    pub hello_name: String,
}

/// How the connection is protected. Default: STARTTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    None,
    Starttls,
    Tls,
}

/// What keeps a staging system from reaching customers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Empty: nobody.
    pub deliver_only_to: Vec<AddressPattern>,
    /// All mail goes there instead; checks and caps use the true address.
    pub redirect_all_to: Option<String>,
}

/// To whom mail may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressPattern {
    /// `*`.
    Everybody,
    /// `*@acme.example`; lower case.
    Domain(String),
    /// Lower case.
    Address(String),
}

const CONNECTIONS: u32 = 4;
/// Mail servers refuse more from one client; caps what a slow one can hold.
const CONNECTIONS_MAX: i64 = 64;

impl AddressPattern {
    /// Whether mail may go to `address`. Letters' case does not matter.
    pub fn allows(&self, address: &str) -> bool {
        let address = address.to_lowercase();
        match self {
            AddressPattern::Everybody => true,
            AddressPattern::Domain(domain) => address.rsplit_once('@').is_some_and(|(_, of)| of == domain),
            AddressPattern::Address(only) => address == *only,
        }
    }
}

impl Delivery {
    /// Whether mail may go to `address`.
    pub fn allows(&self, address: &str) -> bool {
        self.deliver_only_to.iter().any(|pattern| pattern.allows(address))
    }
}

pub(super) fn sender(problems: &mut Problems, item: &Item<'_>) -> Option<Sender> {
    let mut table = item.table(problems)?;
    let name = table
        .require(problems, "name", "add name = \"Acme\": who writes")
        .and_then(|item| item.words(problems));
    let address = table
        .require(
            problems,
            "address",
            "add address = \"1 Acme Street, Paris\": the postal address in the footer",
        )
        .and_then(|item| item.words(problems));
    table.finish(problems, &[]);
    Some(Sender { name: name?, address: address? })
}

pub(super) fn email(problems: &mut Problems, item: &Item<'_>, context: &Context<'_>) -> Option<Email> {
    let mut table = item.table(problems)?;
    let from = table
        .require(problems, "from", "add from = \"Acme <hello@acme.example>\"")
        .and_then(|item| mailbox(problems, &item));
    let domain = table.take("return_path_domain").and_then(|item| domain(problems, &item));
    let domain = domain.or_else(|| from.as_ref().map(|from| from.email.domain().to_owned()));
    let smtp = table.require(problems, "smtp", "add smtp = { host = \"smtp.acme.example\" }");
    let smtp = smtp.and_then(|item| smtp_server(problems, &item, context, domain.as_deref()));
    let connections =
        table.take("connections_max").and_then(|item| item.integer(problems, 1..=CONNECTIONS_MAX));
    table.finish(problems, &[]);
    Some(Email {
        from: from?.to_string(),
        return_path_domain: domain?,
        smtp: smtp?,
        connections_max: connections.and_then(|count| u32::try_from(count).ok()).unwrap_or(CONNECTIONS),
    })
}

fn mailbox(problems: &mut Problems, item: &Item<'_>) -> Option<Mailbox> {
    let text = item.text(problems)?;
    let mailbox = text.parse::<Mailbox>().ok().filter(|_| !text.chars().any(char::is_control));
    if mailbox.is_none() {
        let message = "expected a sender such as \"Ada at Acme <hello@acme.example>\"";
        problems.error(Code::BadValue, &item.place, message);
    }
    mailbox
}

fn domain(problems: &mut Problems, item: &Item<'_>) -> Option<String> {
    let text = item.text(problems)?;
    let is_fitting = Address::new("b", text).is_ok();
    if !is_fitting {
        let message = format!("expected a domain such as \"bounce.acme.example\", found \"{text}\"");
        problems.error(Code::BadValue, &item.place, message);
    }
    is_fitting.then(|| text.to_owned())
}

fn smtp_server(
    problems: &mut Problems,
    item: &Item<'_>,
    context: &Context<'_>,
    domain: Option<&str>,
) -> Option<Smtp> {
    let mut table = item.table(problems)?;
    let host = table
        .require(problems, "host", "add host = \"smtp.acme.example\"")
        .and_then(|item| item.words(problems));
    let kinds = [("none", SmtpTls::None), ("starttls", SmtpTls::Starttls), ("tls", SmtpTls::Tls)];
    let tls = table.take("tls").and_then(|item| item.choice(problems, &kinds)).unwrap_or(SmtpTls::Starttls);
    let port = table.take("port").and_then(|item| item.integer(problems, 1..=i64::from(u16::MAX)));
    let user = table.take("user").and_then(|item| item.text(problems)).filter(|user| !user.is_empty());
    let password_file = table.take("password_file");
    let password = context.secret(problems, password_file, SMTP_PASSWORD.to_owned());
    let ca_file = table.take("ca_file").and_then(|item| context.path(problems, &item));
    let hello_name = table.take("hello_name").and_then(|item| item.words(problems));
    table.finish(problems, &[]);
    let default_port = match tls {
        SmtpTls::None => 25,
        SmtpTls::Starttls => 587,
        SmtpTls::Tls => 465,
    };
    Some(Smtp {
        host: host?,
        port: port.and_then(|port| u16::try_from(port).ok()).unwrap_or(default_port),
        tls,
        user: user.map(str::to_owned),
        password,
        ca_file,
        hello_name: hello_name.or_else(|| domain.map(str::to_owned))?,
    })
}

pub(super) fn delivery(problems: &mut Problems, item: Option<Item<'_>>) -> Delivery {
    let Some(mut table) = item.and_then(|item| item.table(problems)) else { return Delivery::default() };
    let patterns =
        table.take("deliver_only_to").map(|item| (item.texts(problems).unwrap_or_default(), item.place));
    let redirect = table.take("redirect_all_to").and_then(|item| address(problems, &item));
    table.finish(problems, &[]);
    let mut deliver_only_to = Vec::new();
    if let Some((texts, place)) = patterns {
        for text in texts {
            match pattern(&text) {
                Some(pattern) => deliver_only_to.push(pattern),
                None => {
                    let message =
                        format!("expected \"*\", \"*@acme.example\" or an address, found \"{text}\"");
                    problems.error(Code::BadValue, &place, message);
                }
            }
        }
    }
    Delivery { deliver_only_to, redirect_all_to: redirect }
}

fn pattern(text: &str) -> Option<AddressPattern> {
    if text == "*" {
        return Some(AddressPattern::Everybody);
    }
    let lower = text.to_lowercase();
    match lower.strip_prefix("*@") {
        Some(domain) => Address::new("x", domain).ok().map(|_| AddressPattern::Domain(domain.to_owned())),
        None => lower.parse::<Address>().ok().map(|_| AddressPattern::Address(lower)),
    }
}

fn address(problems: &mut Problems, item: &Item<'_>) -> Option<String> {
    let text = item.text(problems)?;
    let is_fitting = text.parse::<Address>().is_ok();
    if !is_fitting {
        let message = "expected an address such as \"team@acme.example\"";
        problems.error(Code::BadValue, &item.place, message);
    }
    is_fitting.then(|| text.to_owned())
}
