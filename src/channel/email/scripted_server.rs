//! A mail server for tests: does at each step what its script says, and keeps what it took.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server does at a step.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Replies with these lines.
    Say(String),
    /// Closes the connection.
    Drop,
    /// Says nothing, and keeps the connection.
    Hang,
}

/// Asked at each step of each connection (counted from 1): `connect`, a command's line, `body` (the first line of a
/// message), `.` (its end). `None` is what a good server does.
pub(super) type Script = Arc<dyn Fn(usize, &str) -> Option<Act> + Send + Sync>;

/// How the server's side of TLS is done.
pub(super) type Acceptor = tokio_rustls::TlsAcceptor;

#[derive(Default)]
pub(super) struct Seen {
    /// Messages whose end was seen, dots undone.
    pub mails: Vec<String>,
    pub commands: Vec<String>,
    pub connections: usize,
}

pub(super) struct ScriptedServer {
    pub port: u16,
    pub seen: Arc<Mutex<Seen>>,
}

pub(super) fn say(text: &str) -> Option<Act> {
    Some(Act::Say(text.to_owned()))
}

impl ScriptedServer {
    pub async fn start(script: Script) -> ScriptedServer {
        ScriptedServer::start_with_tls(script, None, false).await
    }

    /// With an acceptor: TLS from the first byte, or after STARTTLS.
    pub async fn start_with_tls(script: Script, tls: Option<Acceptor>, is_starttls: bool) -> ScriptedServer {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut seen = shared.lock().unwrap();
                    seen.connections += 1;
                    seen.connections
                };
                stream.set_nodelay(true).unwrap();
                let host = Host { script: script.clone(), seen: shared.clone(), number };
                tokio::spawn(serve(host, stream, tls.clone(), is_starttls));
            }
        });
        ScriptedServer { port, seen }
    }

    pub fn mails(&self) -> Vec<String> {
        self.seen.lock().unwrap().mails.clone()
    }

    pub fn commands(&self) -> Vec<String> {
        self.seen.lock().unwrap().commands.clone()
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }
}

struct Host {
    script: Script,
    seen: Arc<Mutex<Seen>>,
    number: usize,
}

async fn serve(host: Host, stream: TcpStream, tls: Option<Acceptor>, is_starttls: bool) {
    match tls {
        Some(acceptor) if !is_starttls => {
            if let Ok(stream) = acceptor.accept(stream).await {
                host.talk(&mut BufReader::new(stream), true).await;
            }
        }
        Some(acceptor) => {
            let mut plain = BufReader::new(stream);
            if host.talk(&mut plain, true).await
                && let Ok(stream) = acceptor.accept(plain.into_inner()).await
            {
                host.talk(&mut BufReader::new(stream), false).await;
            }
        }
        None => {
            host.talk(&mut BufReader::new(stream), true).await;
        }
    }
}

impl Host {
    /// Answers until the connection ends; `true` when TLS is to begin.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufReader<S>, greets: bool) -> bool {
        if greets && !self.act(stream, "connect", "220 scripted").await {
            return false;
        }
        let mut line = String::new();
        while matches!(stream.read_line(&mut line).await, Ok(read) if read > 0) {
            let command = line.trim_end().to_owned();
            line.clear();
            self.seen.lock().unwrap().commands.push(command.clone());
            let verb = command.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let good = match verb.as_str() {
                "EHLO" => "250-scripted\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS",
                "DATA" => "354 go on",
                "STARTTLS" => "220 go on",
                "AUTH" => "235 welcome",
                _ => "250 fine",
            };
            if !self.act(stream, &command, good).await {
                return false;
            }
            match verb.as_str() {
                "STARTTLS" => return true,
                "QUIT" => return false,
                "DATA" if self.is_data_open(&command) && !self.take_message(stream).await => return false,
                _ => {}
            }
        }
        false
    }

    fn is_data_open(&self, command: &str) -> bool {
        (self.script)(self.number, command)
            .is_none_or(|act| matches!(act, Act::Say(text) if text.starts_with("354")))
    }

    async fn take_message<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufReader<S>) -> bool {
        if let Some(Act::Drop) = (self.script)(self.number, "body") {
            return false;
        }
        let (mut mail, mut line) = (String::new(), String::new());
        while matches!(stream.read_line(&mut line).await, Ok(read) if read > 0) {
            if line == ".\r\n" {
                self.seen.lock().unwrap().mails.push(mail);
                return self.act(stream, ".", "250 2.0.0 taken").await;
            }
            mail.push_str(line.strip_prefix('.').unwrap_or(&line));
            line.clear();
        }
        false
    }

    /// `false` when the connection is to end.
    async fn act<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        step: &str,
        good: &str,
    ) -> bool {
        let text = match (self.script)(self.number, step) {
            None => good.to_owned(),
            Some(Act::Say(text)) => text,
            Some(Act::Drop) => return false,
            Some(Act::Hang) => std::future::pending().await,
        };
        stream.write_all(format!("{text}\r\n").as_bytes()).await.is_ok() && stream.flush().await.is_ok()
    }
}
