//! The email channel: a few connections, used again and again.
//!
//! At most `connections_max` attempts run at a time. A connection that the server closed while it was idle costs no
//! message: before the end of DATA a fresh one is tried, once.

use super::compose::Composed;
use super::smtp::{Attempt, SmtpConnection, SmtpSettings};
use super::tls;
use crate::channel::{Delivery, Mailer};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

/// Hands mail to one server.
pub struct EmailChannel {
    settings: SmtpSettings,
    connector: TlsConnector,
    slots: Semaphore,
    idle: Mutex<Vec<SmtpConnection>>,
}

/// Many servers end a session after 100 messages (Exim, Gmail's relay); a new one costs next to nothing then.
const MESSAGES_PER_CONNECTION_MAX: u32 = 100;
/// Postfix and others close idle sessions after five minutes, middleboxes forget them sooner.
const IDLE_MAX: Duration = Duration::from_secs(30);

impl EmailChannel {
    /// A channel to this server; connects when there is mail. An error says what is wrong with the settings.
    pub fn new(settings: SmtpSettings, connections_max: usize) -> Result<EmailChannel, String> {
        if !settings.hello_name.chars().all(|c| c.is_ascii_graphic()) || settings.hello_name.is_empty() {
            return Err("expected a host name to greet the mail server with".into());
        }
        let connector = tls::connector(settings.extra_ca.as_deref())?;
        let slots = Semaphore::new(connections_max.clamp(1, Semaphore::MAX_PERMITS));
        Ok(EmailChannel { settings, connector, slots, idle: Mutex::default() })
    }

    /// One attempt to hand `mail` over. Dropped before it answers, it leaves no half-said message behind that a server
    /// could deliver, unless the end of DATA had left: then nobody knows.
    pub async fn deliver(&self, mail: Composed) -> Delivery {
        let deadline = Instant::now() + self.settings.timeouts.handover;
        let Ok(slot) = timeout_at(deadline, self.slots.acquire()).await else {
            return Delivery::Transient {
                code: None,
                reply: "all connections were busy for too long".into(),
            };
        };
        let (delivery, connection) = self.attempt(&mail, deadline).await;
        if let Some(connection) = connection {
            self.keep(connection);
        }
        drop(slot);
        delivery
    }

    /// Closes idle connections politely.
    pub async fn close(&self) {
        while let Some(connection) = self.take_idle() {
            connection.quit().await;
        }
    }

    async fn attempt(&self, mail: &Composed, deadline: Instant) -> (Delivery, Option<SmtpConnection>) {
        while let Some(connection) = self.take_idle() {
            if connection.used_at.elapsed() > IDLE_MAX || connection.attempts >= MESSAGES_PER_CONNECTION_MAX {
                connection.quit().await;
                continue;
            }
            match send(connection, mail, deadline).await {
                (Attempt { is_stale: true, .. }, _) => break,
                (attempt, connection) => return (attempt.delivery, connection),
            }
        }
        match SmtpConnection::open(&self.settings, &self.connector, deadline).await {
            Ok(connection) => {
                let (attempt, connection) = send(connection, mail, deadline).await;
                (attempt.delivery, connection)
            }
            Err(delivery) => (delivery, None),
        }
    }

    fn take_idle(&self) -> Option<SmtpConnection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, connection: SmtpConnection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

impl Mailer for EmailChannel {
    async fn deliver(&self, mail: Composed) -> Delivery {
        EmailChannel::deliver(self, mail).await
    }
}

async fn send(
    mut connection: SmtpConnection,
    mail: &Composed,
    deadline: Instant,
) -> (Attempt, Option<SmtpConnection>) {
    let attempt = connection.send(mail, deadline).await;
    let kept = attempt.is_reusable.then_some(connection);
    (attempt, kept)
}
