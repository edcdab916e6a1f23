//! Our own SMTP server: takes every mail into a mailbox that the test can read, and misbehaves as it is told.
//!
//! What a client was told and what the mailbox holds may differ, as with a real server: `Mail::answered` is false for
//! a mail that was accepted without a reply.

mod fault;
mod session;
mod tls;
mod wire;

use std::collections::HashMap;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use self::fault::Fault;
pub use self::tls::Certificate;
use super::ports;

/// One mail, as the server holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Envelope sender, empty for a bounce.
    pub from: String,
    /// Envelope recipients that were not refused, in order.
    pub to: Vec<String>,
    /// Headers and body as they came, dots unstuffed, without the final dot.
    pub raw: Vec<u8>,
    /// Counts from 1.
    pub connection: u64,
    pub over_tls: bool,
    /// Who had logged in.
    pub user: Option<String>,
    /// Whether the client has been told that the mail was taken.
    pub answered: bool,
    /// When the server had it whole.
    pub received_at: Instant,
}

impl Mail {
    /// The first header of that name, unfolded; encoded words as they are.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.raw);
        let head =
            text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        let value = lines.find(|(found, _)| found.eq_ignore_ascii_case(name))?.1;
        Some(value.trim().to_owned())
    }
}

/// What the server offers and asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    #[default]
    Plain,
    /// STARTTLS is offered, and mail is refused without it.
    StartTls,
    /// TLS from the first byte.
    TlsOnConnect,
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    pub security: Security,
    /// Name and password that AUTH PLAIN must give before any mail; nobody is asked if absent.
    pub login: Option<(String, String)>,
}

pub struct SmtpSink {
    shared: Arc<Shared>,
    port: u16,
    listening: Mutex<Option<Listening>>,
}

struct Listening {
    thread: JoinHandle<()>,
    stop: Arc<std::sync::atomic::AtomicBool>,
}

/// What the sessions share with the test.
struct Shared {
    options: Options,
    certificate: Option<Certificate>,
    mailbox: Mutex<Mailbox>,
    changed: Condvar,
    connections: AtomicU64,
}

#[derive(Default)]
struct Mailbox {
    mails: Vec<Mail>,
    faults: fault::Plan,
    open: HashMap<u64, TcpStream>,
}

impl SmtpSink {
    /// A server without TLS and login, up.
    pub fn start() -> SmtpSink {
        SmtpSink::with(Options::default())
    }

    pub fn with(options: Options) -> SmtpSink {
        let certificate = match options.security {
            Security::Plain => None,
            Security::StartTls | Security::TlsOnConnect => Some(Certificate::for_loopback()),
        };
        let shared = Shared {
            options,
            certificate,
            mailbox: Mutex::default(),
            changed: Condvar::new(),
            connections: AtomicU64::new(0),
        };
        let sink = SmtpSink { shared: Arc::new(shared), port: ports::free(), listening: Mutex::new(None) };
        sink.up();
        sink
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate a client must trust, where there is TLS.
    pub fn certificate(&self) -> &Certificate {
        self.shared.certificate.as_ref().expect("a sink with TLS")
    }

    /// All mails so far, in the order of their arrival.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mailbox().mails.clone()
    }

    /// How many there are, without copying them.
    pub fn count(&self) -> usize {
        self.shared.mailbox().mails.len()
    }

    /// Connections taken since the start.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Waits until at least `count` mails are there, and gives them all; fails the test after `at_most`.
    #[track_caller]
    pub fn wait_for(&self, count: usize, at_most: Duration) -> Vec<Mail> {
        let arrived = self.wait_until(at_most, |mails| mails.len() >= count);
        arrived
            .unwrap_or_else(|mails| panic!("expected {count} mails within {at_most:?}, got {}", mails.len()))
    }

    /// Waits until `condition` holds of the mails; they come back as an error if it does not within `at_most`.
    pub fn wait_until(
        &self,
        at_most: Duration,
        condition: impl Fn(&[Mail]) -> bool,
    ) -> Result<Vec<Mail>, Vec<Mail>> {
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.shared.mailbox(), at_most, |mailbox| !condition(&mailbox.mails));
        let (mailbox, timeout) = waited.expect("no panic while held");
        let mails = mailbox.mails.clone();
        if timeout.timed_out() { Err(mails) } else { Ok(mails) }
    }

    /// From now on misbehaves so, on the next `times` occasions (`usize::MAX`: until `behave`).
    pub fn misbehave(&self, fault: Fault, times: usize) {
        self.shared.mailbox().faults.add(fault, times);
    }

    /// Forgets all faults; whoever is held up by one goes on.
    pub fn behave(&self) {
        self.shared.mailbox().faults.clear();
        self.shared.changed.notify_all();
    }

    /// Refuses connections from now on, and cuts the open ones.
    pub fn down(&self) {
        let Some(listening) = self.listening.lock().expect("no panic while held").take() else { return };
        listening.stop.store(true, Ordering::SeqCst);
        // Wakes the thread out of accept; if even that fails, it is awake already.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        listening.thread.join().expect("the listener ends");
        for stream in self.shared.mailbox().open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.behave();
    }

    /// Takes connections again, on the same port.
    pub fn up(&self) {
        let mut listening = self.listening.lock().expect("no panic while held");
        if listening.is_some() {
            return;
        }
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("our own port");
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&self.shared), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    shared.serve(stream);
                }
            }
        });
        *listening = Some(Listening { thread, stop });
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.down();
    }
}

impl Shared {
    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().expect("no panic while held")
    }

    /// One thread a connection: a mail client has few, and a blocking session reads like the RFC.
    fn serve(self: &Arc<Self>, stream: TcpStream) {
        let number = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let Ok(handle) = stream.try_clone() else { return };
        self.mailbox().open.insert(number, handle);
        let shared = Arc::clone(self);
        std::thread::spawn(move || {
            // A connection that breaks is the client's to notice: its mail is in the mailbox or it is not.
            let _ = session::run(&shared, stream, number);
            if let Some(handle) = shared.mailbox().open.remove(&number) {
                let _ = handle.shutdown(Shutdown::Both);
            }
        });
    }

    fn keep(&self, mail: Mail) {
        self.mailbox().mails.push(mail);
        self.changed.notify_all();
    }
}
