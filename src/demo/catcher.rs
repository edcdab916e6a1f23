//! A small mail server on loopback that delivers to nobody: each mail becomes a file, `01-ada.eml`.
//!
//! It speaks what RFC 5321 asks of a server, no more. A mail is on disk before the 250 that takes it.

use super::caught::Headers;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A mail that was taken.
#[derive(Clone, Debug)]
pub(super) struct Caught {
    pub headers: Headers,
    /// Of the envelope.
    pub to: String,
    pub path: PathBuf,
}

/// The server. It ends with the runtime.
pub(super) struct Catcher {
    pub port: u16,
    mailbox: Arc<Mailbox>,
}

/// What was taken, in order.
struct Mailbox {
    folder: PathBuf,
    mails: Mutex<Vec<Caught>>,
    /// Told of each.
    news: Notify,
}

/// RFC 5321, 4.5.3.1.4 asks for 512; links in commands do not come.
const LINE_BYTES_MAX: u64 = 4 * 1024;
/// Our own mails are under 200 kB.
const MAIL_BYTES_MAX: usize = 10 << 20;

impl Catcher {
    /// Listens on a free port; mails go to `folder`, which is there.
    pub async fn start(folder: &Path) -> anyhow::Result<Catcher> {
        Catcher::listen(0, folder).await
    }

    /// Listens on this port of loopback; 0 is any that is free.
    pub async fn listen(port: u16, folder: &Path) -> anyhow::Result<Catcher> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.with_context(|| format!("expected port {port} for mail to be free"))?;
        let port = listener.local_addr()?.port();
        let mailbox =
            Arc::new(Mailbox { folder: folder.to_owned(), mails: Mutex::default(), news: Notify::new() });
        let shared = mailbox.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mailbox = shared.clone();
                tokio::spawn(async move {
                    let ended = converse(stream, &mailbox).await;
                    ended.inspect_err(|error| tracing::debug!(%error, "a sender went away")).ok();
                });
            }
        });
        Ok(Catcher { port, mailbox })
    }

    /// The mail with this number, from 0; waits for it.
    pub async fn mail(&self, number: usize) -> Caught {
        loop {
            let news = self.mailbox.news.notified();
            let found = self.mailbox.mails.lock().expect("no panic while held").get(number).cloned();
            match found {
                Some(caught) => return caught,
                None => news.await,
            }
        }
    }

    /// The mail that carries this decision.
    pub fn of_decision(&self, decision: &str) -> Option<Caught> {
        let mails = self.mailbox.mails.lock().expect("no panic while held");
        mails.iter().find(|caught| caught.headers.decision == decision).cloned()
    }

    /// All, oldest first.
    pub fn mails(&self) -> Vec<Caught> {
        self.mailbox.mails.lock().expect("no panic while held").clone()
    }

    pub fn count(&self) -> usize {
        self.mailbox.mails.lock().expect("no panic while held").len()
    }
}

impl Mailbox {
    fn keep(&self, to: &str, mail: &[u8]) -> std::io::Result<()> {
        let mut mails = self.mails.lock().expect("no panic while held");
        let local = to.split('@').next().unwrap_or_default();
        let name: String =
            local.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect();
        // What another run left there stays.
        let mut paths = (mails.len() + 1..).map(|number| self.folder.join(format!("{number:02}-{name}.eml")));
        let path = paths.find(|path| !path.exists()).expect("numbers do not end");
        std::fs::write(&path, mail)?;
        mails.push(Caught { headers: Headers::read(mail), to: to.to_owned(), path });
        self.news.notify_one();
        Ok(())
    }
}

async fn converse(stream: TcpStream, mailbox: &Mailbox) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut recipient: Option<String> = None;
    stream.write_all(b"220 outreach-demo catches mail\r\n").await?;
    while let Some(line) = line(&mut stream).await? {
        let upper = line.to_ascii_uppercase();
        let verb = upper.split([' ', ':']).next().unwrap_or_default();
        let answer = match verb {
            "EHLO" => "250-outreach-demo\r\n250-PIPELINING\r\n250 8BITMIME",
            "HELO" | "NOOP" => "250 ok",
            "MAIL" | "RSET" => {
                recipient = None;
                "250 ok"
            }
            "RCPT" => {
                recipient = line.split(['<', '>']).nth(1).map(str::to_owned);
                if recipient.is_some() { "250 ok" } else { "501 expected RCPT TO:<address>" }
            }
            "DATA" => match recipient.take() {
                Some(to) => {
                    stream.write_all(b"354 go on, and end with a dot\r\n").await?;
                    let Some(mail) = body(&mut stream).await? else { return Ok(()) };
                    if mailbox.keep(&to, &mail).is_ok() {
                        "250 caught"
                    } else {
                        "451 the disk does not take it"
                    }
                }
                None => "503 expected a recipient first",
            },
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 not known here",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// A command without its line end; nothing at the end of the stream, or when a line is longer than commands are.
async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    stream.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
}

/// A mail up to its lone dot, with doubled dots undone; nothing when the sender went away, or does not end.
async fn body(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Vec<u8>>> {
    let mut mail = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let room = MAIL_BYTES_MAX - mail.len().min(MAIL_BYTES_MAX);
        (&mut *stream).take(room as u64).read_until(b'\n', &mut line).await?;
        if line.last() != Some(&b'\n') {
            return Ok(None);
        }
        if line == b".\r\n" {
            return Ok(Some(mail));
        }
        mail.extend_from_slice(if line.starts_with(b".") { &line[1..] } else { &line });
    }
}

#[cfg(test)]
mod tests {
    use super::super::folder::Folder;
    use super::*;

    async fn say(stream: &mut BufReader<TcpStream>, command: &str) -> String {
        stream.write_all(command.as_bytes()).await.unwrap();
        line(stream).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_mail_becomes_a_file_with_its_dots_undone() {
        let folder = Folder::new().unwrap();
        let catcher = Catcher::start(folder.path()).await.unwrap();
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", catcher.port)).await.unwrap());
        assert!(line(&mut stream).await.unwrap().unwrap().starts_with("220"));
        assert!(say(&mut stream, "HELO x\r\n").await.starts_with("250"));
        assert!(say(&mut stream, "DATA\r\n").await.starts_with("503"));
        assert!(say(&mut stream, "MAIL FROM:<b@bounce.example>\r\n").await.starts_with("250"));
        assert!(say(&mut stream, "RCPT TO:<../zoe@example.com>\r\n").await.starts_with("250"));
        assert!(say(&mut stream, "DATA\r\n").await.starts_with("354"));
        let mail = "Message-ID: <ab12@acme.example>\r\nSubject: Hi\r\n\r\n..dot\r\n.\r\n";
        assert!(say(&mut stream, mail).await.starts_with("250"));
        let caught = catcher.of_decision("ab12").unwrap();
        assert_eq!((caught.headers.subject.as_str(), catcher.count()), ("Hi", 1));
        assert_eq!(caught.path, folder.path().join("01-..zoe.eml"));
        let kept = std::fs::read_to_string(&caught.path).unwrap();
        assert!(kept.ends_with("\r\n\r\n.dot\r\n"), "{kept}");
        assert!(say(&mut stream, "QUIT\r\n").await.starts_with("221"));
    }

    #[tokio::test]
    async fn mails_of_another_run_stay_and_a_new_one_is_told() {
        let folder = Folder::new().unwrap();
        std::fs::write(folder.path().join("01-zoe.eml"), "of before").unwrap();
        let catcher = Catcher::start(folder.path()).await.unwrap();
        catcher.mailbox.keep("zoe@example.com", b"Subject: Hi\r\n\r\n").unwrap();
        let caught = catcher.mail(0).await;
        assert_eq!(caught.path, folder.path().join("02-zoe.eml"));
        assert_eq!(std::fs::read_to_string(folder.path().join("01-zoe.eml")).unwrap(), "of before");
    }
}
