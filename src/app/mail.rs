//! The mail channel and what letters are written with, from the project's settings.

use super::releases::ReleaseStore;
use crate::channel::email::{Composed, EmailChannel, Login, SmtpSettings, Timeouts, TlsKind};
use crate::channel::unsubscribe_token::Key;
use crate::channel::{Delivery, Mailer};
use crate::dispatch::Letters;
use crate::ledger::Ledger;
use crate::project::{Email, Process, SmtpTls};
use anyhow::{Context, anyhow};
use std::sync::Arc;

/// Mail goes out, or none is configured.
pub enum Post {
    Smtp(Box<EmailChannel>),
    None,
}

impl Post {
    pub fn new(process: &Process) -> anyhow::Result<Post> {
        let Some(email) = &process.email else { return Ok(Post::None) };
        let channel = EmailChannel::new(smtp(email)?, email.connections_max as usize);
        let channel = channel.map_err(|reason| anyhow!("[email] of outreach.toml: {reason}"))?;
        Ok(Post::Smtp(Box::new(channel)))
    }

    pub async fn close(&self) {
        if let Post::Smtp(channel) = self {
            channel.close().await;
        }
    }
}

impl Mailer for Post {
    async fn deliver(&self, mail: Composed) -> Delivery {
        match self {
            Post::Smtp(channel) => channel.deliver(mail).await,
            Post::None => Delivery::Permanent {
                code: None,
                reply: "no [email] in outreach.toml, so no mail is sent".into(),
            },
        }
    }
}

fn smtp(email: &Email) -> anyhow::Result<SmtpSettings> {
    let smtp = &email.smtp;
    let login = match &smtp.user {
        Some(user) => {
            let password = smtp.password.read().context("the password of the mail server")?;
            Some(Login { user: user.clone(), password: password.reveal().to_string() })
        }
        None => None,
    };
    let extra_ca = match &smtp.ca_file {
        Some(file) => Some(std::fs::read(file).with_context(|| format!("ca_file {}", file.display()))?),
        None => None,
    };
    Ok(SmtpSettings {
        host: smtp.host.clone(),
        port: smtp.port,
        tls: match smtp.tls {
            SmtpTls::None => TlsKind::None,
            SmtpTls::Starttls => TlsKind::Starttls,
            SmtpTls::Tls => TlsKind::Tls,
        },
        login,
        extra_ca,
        hello_name: smtp.hello_name.clone(),
        timeouts: Timeouts::default(),
    })
}

/// What letters are written with.
pub fn letters<D: Ledger + 'static>(process: &Process, key: Key, store: &Arc<ReleaseStore<D>>) -> Letters {
    let (templates, names) = (store.clone(), store.clone());
    let sender = process.sender.as_ref();
    let email = process.email.as_ref();
    Letters {
        templates: Arc::new(move |id| templates.find(id).map(|built| built.templates.clone())),
        from: email.map(|email| email.from.clone()).unwrap_or_default(),
        return_path_domain: email.map(|email| email.return_path_domain.clone()).unwrap_or_default(),
        sender_name: sender.map(|sender| sender.name.clone()).unwrap_or_default(),
        sender_address: sender.map(|sender| sender.address.clone()).unwrap_or_default(),
        public_url: process.http.public_url.clone(),
        unsubscribe_key: key,
        redirect_all_to: process.delivery.redirect_all_to.clone(),
        topic_name: Arc::new(move |release, topic| {
            let built = names.find(release).ok()?;
            built.release.settings.topics.get(topic).map(|topic| topic.name.clone())
        }),
    }
}

/// The key that signs the links of mails, and those that signed them before. Without mail there are no new links, and a
/// key of this process's own will do.
pub fn unsubscribe_key(process: &Process) -> anyhow::Result<Key> {
    const WHERE: &str = "[unsubscribe] of outreach.toml";
    let unfit = |reason| anyhow!("{WHERE}: {reason}");
    let mut key = if process.email.is_none() && !process.unsubscribe_secret.is_named() {
        Key::new(&uuid_like()).map_err(unfit)?
    } else {
        let secret = process.unsubscribe_secret.read().context(WHERE)?;
        Key::new(secret.reveal().as_bytes()).map_err(unfit)?
    };
    for older in &process.old_unsubscribe_secrets {
        key.accept_older(older.read().context(WHERE)?.reveal().as_bytes()).map_err(unfit)?;
    }
    Ok(key)
}

/// Bytes that nobody else has: keys of std's hashers are random.
fn uuid_like() -> [u8; 32] {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let mut bytes = [0; 32];
    for part in bytes.chunks_exact_mut(8) {
        part.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
    }
    bytes
}
