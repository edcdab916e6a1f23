//! One SMTP connection (RFC 5321) over our own stream with TCP_NODELAY.
//!
//! Invariants:
//! - The moment the last byte of a message's end is taken divides "nothing was handed over" ([`Stage::Data`]) from
//!   "nobody knows" ([`Stage::End`]).
//! - A connection that lost its step (a broken read, a timeout, an open DATA that nobody wants) is never used again.
//! - Lines of a message end in CRLF and nothing else, so no server sees an end of data that we did not mean.
//! - Nothing waits for ever: each step has its own limit, and all steps before the end of DATA share one deadline.

use super::compose::Composed;
use super::reply::{Answer, Reply, SERVICE_CLOSES, Stage, classify};
use super::session;
use super::tls::TlsKind;
use super::wire::{Stream, Wire};
use crate::channel::Delivery;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// Where mail is handed over, and how.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub tls: TlsKind,
    pub login: Option<Login>,
    /// PEM text of certificate authorities to trust beside the public ones.
    pub extra_ca: Option<Vec<u8>>,
    /// The name said in EHLO: a host name, or an address in brackets.
    pub hello_name: String,
    pub timeouts: Timeouts,
}

/// A user and a password for AUTH PLAIN or LOGIN. Prints as nothing.
#[derive(Clone)]
pub struct Login {
    pub user: String,
    pub password: String,
}

/// How long each step may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// The TCP connection, and TLS after it.
    pub connect: Duration,
    /// The reply to a command.
    pub command: Duration,
    /// Everything from the call to the end of DATA, waiting for a free connection included.
    pub handover: Duration,
    /// The reply to the end of DATA.
    pub end: Duration,
}

/// A server that has not answered in ten seconds is down.
const CONNECT: Duration = Duration::from_secs(10);
/// Greylisting and tarpits answer within seconds. RFC 5321 would allow five minutes, but a message must be gone or
/// back at the gate within one.
const COMMAND: Duration = Duration::from_secs(10);
/// Together with the reply to the end of DATA this stays within the minute that the gate reckons with.
const HANDOVER: Duration = Duration::from_secs(15);
/// What the minute leaves: scanners at the far end take their time, and an answer that is not awaited is an unknown.
const END: Duration = Duration::from_secs(40);

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts { connect: CONNECT, command: COMMAND, handover: HANDOVER, end: END }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

pub(super) struct SmtpConnection {
    wire: Wire<Box<dyn Stream>>,
    has_pipelining: bool,
    timeouts: Timeouts,
    /// A transaction was begun and refused: the server must forget it before the next.
    needs_reset: bool,
    pub attempts: u32,
    pub used_at: Instant,
}

/// How an attempt over one connection ended.
pub(super) struct Attempt {
    pub delivery: Delivery,
    /// The connection may carry another message.
    pub is_reusable: bool,
    /// The connection was dead before the server said a word about this message.
    pub is_stale: bool,
}

/// A stage that ended the attempt.
pub(super) struct Ended {
    pub stage: Stage,
    pub answer: Answer,
}

impl SmtpConnection {
    /// Connects, says EHLO, protects the connection and logs in, all before `deadline`.
    pub async fn open(
        settings: &SmtpSettings,
        connector: &TlsConnector,
        deadline: Instant,
    ) -> Result<SmtpConnection, Delivery> {
        let (wire, extensions) = session::open(settings, connector, deadline)
            .await
            .map_err(|answer| classify(Stage::Session, tidy(answer)))?;
        Ok(SmtpConnection {
            wire,
            has_pipelining: extensions.has_pipelining,
            timeouts: settings.timeouts,
            needs_reset: false,
            attempts: 0,
            used_at: Instant::now(),
        })
    }

    /// One attempt at one message. Everything before the end of DATA must be done by `deadline`.
    pub async fn send(&mut self, mail: &Composed, deadline: Instant) -> Attempt {
        self.attempts += 1;
        let mut is_data_open = false;
        let ended = match self.say_envelope(mail, deadline, &mut is_data_open).await {
            Ok(()) => {
                is_data_open = false;
                self.say_body(&mail.bytes, deadline).await
            }
            Err(ended) => ended,
        };
        self.used_at = Instant::now();
        self.needs_reset = ended.stage != Stage::End;
        // A reply that fits nowhere (354 to the end of DATA) says that we no longer speak of the same thing.
        let is_in_step = matches!(&ended.answer, Answer::Reply(reply)
            if reply.code != SERVICE_CLOSES && reply.code / 100 != 3);
        Attempt {
            is_reusable: is_in_step && !is_data_open,
            is_stale: ended.stage == Stage::Mail && matches!(ended.answer, Answer::Lost(_)),
            delivery: classify(ended.stage, tidy(ended.answer)),
        }
    }

    /// Says goodbye without waiting for the answer.
    pub async fn quit(mut self) {
        let deadline = Instant::now() + self.timeouts.connect;
        if let Err(unwritten) = self.wire.write(b"QUIT\r\n", deadline).await {
            tracing::debug!(why = unwritten.why, "the mail server was gone before QUIT");
        }
    }

    /// RSET if needed, MAIL, RCPT and DATA: in one write where the server takes that (RFC 2920). All replies are read,
    /// the first refusal counts. `is_data_open` tells that the server waits for a message.
    async fn say_envelope(
        &mut self,
        mail: &Composed,
        deadline: Instant,
        is_data_open: &mut bool,
    ) -> Result<(), Ended> {
        let reset = self.needs_reset.then(|| (Stage::Mail, "RSET\r\n".to_owned()));
        let commands: Vec<(Stage, String)> = reset
            .into_iter()
            .chain([
                (Stage::Mail, format!("MAIL FROM:<{}>\r\n", mail.envelope_from)),
                (Stage::Rcpt, format!("RCPT TO:<{}>\r\n", mail.envelope_to)),
                (Stage::Data, "DATA\r\n".to_owned()),
            ])
            .collect();
        if self.has_pipelining {
            let all: String = commands.iter().map(|(_, command)| command.as_str()).collect();
            self.write(Stage::Mail, all.as_bytes(), deadline).await?;
        }
        let mut refused = None;
        for (stage, command) in &commands {
            if !self.has_pipelining {
                self.write(*stage, command.as_bytes(), deadline).await?;
            }
            let reply = match self.read(*stage, deadline).await {
                Ok(reply) => reply,
                Err(lost) => return Err(refused.unwrap_or(lost)),
            };
            let is_taken = if *stage == Stage::Data { reply.code == 354 } else { reply.code / 100 == 2 };
            *is_data_open |= reply.code == 354;
            if !is_taken {
                refused.get_or_insert(Ended { stage: *stage, answer: Answer::Reply(reply) });
                if !self.has_pipelining {
                    break;
                }
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// The message and its end, then the last word about it.
    async fn say_body(&mut self, message: &[u8], deadline: Instant) -> Ended {
        if let Err(unwritten) = self.wire.write(&end_of_data(message), deadline).await {
            let stage = if unwritten.is_all_taken { Stage::End } else { Stage::Data };
            return Ended { stage, answer: Answer::Lost(unwritten.why) };
        }
        let reply = self.wire.read_reply(Instant::now() + self.timeouts.end).await;
        Ended { stage: Stage::End, answer: reply.map_or_else(Answer::Lost, Answer::Reply) }
    }

    async fn write(&mut self, stage: Stage, bytes: &[u8], deadline: Instant) -> Result<(), Ended> {
        let deadline = deadline.min(Instant::now() + self.timeouts.command);
        let written = self.wire.write(bytes, deadline).await;
        written.map_err(|unwritten| Ended { stage, answer: Answer::Lost(unwritten.why) })
    }

    async fn read(&mut self, stage: Stage, deadline: Instant) -> Result<Reply, Ended> {
        let deadline = deadline.min(Instant::now() + self.timeouts.command);
        self.wire.read_reply(deadline).await.map_err(|why| Ended { stage, answer: Answer::Lost(why) })
    }
}

fn tidy(answer: Answer) -> Answer {
    match answer {
        Answer::Reply(reply) => Answer::Reply(reply.tidy()),
        Answer::Lost(why) => Answer::Lost(why),
    }
}

/// The message as it goes over the wire: every line end a CRLF (a lone CR or LF too: some servers take `LF.LF` for the
/// end), leading dots doubled, `.` on a line of its own at the end.
fn end_of_data(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 64 + 5);
    let mut is_line_start = true;
    let mut bytes = message.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' || byte == b'\n' {
            if byte == b'\r' && bytes.peek() == Some(&b'\n') {
                bytes.next();
            }
            out.extend_from_slice(b"\r\n");
            is_line_start = true;
            continue;
        }
        if is_line_start && byte == b'.' {
            out.push(b'.');
        }
        out.push(byte);
        is_line_start = false;
    }
    if !is_line_start {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dots_are_doubled_and_the_end_stands_alone() {
        assert_eq!(end_of_data(b""), b".\r\n");
        assert_eq!(end_of_data(b"a\r\n.b\r\n..\r\n"), b"a\r\n..b\r\n...\r\n.\r\n");
        assert_eq!(end_of_data(b"a\n.\nb\r.\rc"), b"a\r\n..\r\nb\r\n..\r\nc\r\n.\r\n");
    }

    proptest! {
        #[test]
        fn no_message_holds_an_end_of_its_own(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text: Vec<u8> = end_of_data(&message);
            let body = &text[..text.len() - 3];
            let lone = body.windows(2).any(|pair| (pair[1] == b'\n') != (pair[0] == b'\r'));
            prop_assert!(!lone || body.len() < 2);
            prop_assert!(!body.windows(5).any(|five| five == b"\r\n.\r\n"));
            prop_assert!(!body.starts_with(b".\r\n"));
        }
    }
}
