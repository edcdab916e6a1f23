//! From nothing to a connection that may carry mail: TCP, greeting, EHLO, TLS, EHLO again, login.

use super::reply::Answer;
use super::smtp::{Login, SmtpSettings};
use super::tls::{self, TlsKind};
use super::wire::{Stream, Wire};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

/// What the server offers (its EHLO reply).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub has_pipelining: bool,
    has_starttls: bool,
    has_auth_plain: bool,
    has_auth_login: bool,
}

type Ready = (Wire<Box<dyn Stream>>, Extensions);

/// A connection on which MAIL may be said. Any answer but that is the server's or the settings' fault.
pub(super) async fn open(
    settings: &SmtpSettings,
    connector: &TlsConnector,
    deadline: Instant,
) -> Result<Ready, Answer> {
    let by = Steps { settings, deadline };
    let stream = connect(&by).await?;
    let (mut wire, extensions) = match settings.tls {
        TlsKind::None => {
            let mut wire = Wire::new(stream).boxed();
            by.expect(&mut wire, None, 220).await?;
            let extensions = by.hello(&mut wire).await?;
            (wire, extensions)
        }
        TlsKind::Tls => {
            let mut wire = protect(&by, connector, stream).await?;
            by.expect(&mut wire, None, 220).await?;
            let extensions = by.hello(&mut wire).await?;
            (wire, extensions)
        }
        TlsKind::Starttls => {
            let mut plain = Wire::new(stream);
            by.expect(&mut plain, None, 220).await?;
            if !by.hello(&mut plain).await?.has_starttls {
                return Err(Answer::Lost(
                    "the server offers no STARTTLS, and the settings ask for it".into(),
                ));
            }
            by.expect(&mut plain, Some("STARTTLS"), 220).await?;
            let stream = plain.into_stream().map_err(Answer::Lost)?;
            let mut wire = protect(&by, connector, stream).await?;
            let extensions = by.hello(&mut wire).await?;
            (wire, extensions)
        }
    };
    if let Some(login) = &settings.login {
        log_in(&by, &mut wire, extensions, login).await?;
    }
    Ok((wire, extensions))
}

async fn connect(by: &Steps<'_>) -> Result<TcpStream, Answer> {
    let address = (by.settings.host.as_str(), by.settings.port);
    let stream = timeout_at(by.connect_deadline(), TcpStream::connect(address))
        .await
        .map_err(|_| Answer::Lost("timed out while connecting".into()))?
        .map_err(|error| Answer::Lost(format!("no connection: {error}")))?;
    // Without it each small command waits for the peer's delayed ACK: 24 mails a second instead of thousands.
    stream.set_nodelay(true).map_err(|error| Answer::Lost(error.to_string()))?;
    Ok(stream)
}

async fn protect(
    by: &Steps<'_>,
    connector: &TlsConnector,
    stream: TcpStream,
) -> Result<Wire<Box<dyn Stream>>, Answer> {
    let stream = timeout_at(by.connect_deadline(), tls::wrap(connector, &by.settings.host, stream))
        .await
        .map_err(|_| Answer::Lost("timed out in the TLS handshake".into()))?
        .map_err(Answer::Lost)?;
    Ok(Wire::new(stream).boxed())
}

/// AUTH PLAIN in one step, else LOGIN in three (RFC 4954).
async fn log_in(
    by: &Steps<'_>,
    wire: &mut Wire<Box<dyn Stream>>,
    extensions: Extensions,
    login: &Login,
) -> Result<(), Answer> {
    if extensions.has_auth_plain {
        let secret = STANDARD.encode(format!("\0{}\0{}", login.user, login.password));
        by.expect(wire, Some(&format!("AUTH PLAIN {secret}")), 235).await?;
        return Ok(());
    }
    if !extensions.has_auth_login {
        return Err(Answer::Lost("the server offers neither AUTH PLAIN nor LOGIN".into()));
    }
    by.expect(wire, Some("AUTH LOGIN"), 334).await?;
    by.expect(wire, Some(&STANDARD.encode(&login.user)), 334).await?;
    by.expect(wire, Some(&STANDARD.encode(&login.password)), 235).await?;
    Ok(())
}

/// The steps of one opening share its deadline.
struct Steps<'a> {
    settings: &'a SmtpSettings,
    deadline: Instant,
}

impl Steps<'_> {
    fn connect_deadline(&self) -> Instant {
        self.deadline.min(Instant::now() + self.settings.timeouts.connect)
    }

    async fn hello<S: Stream>(&self, wire: &mut Wire<S>) -> Result<Extensions, Answer> {
        let hello = format!("EHLO {}", self.settings.hello_name);
        let lines = self.expect(wire, Some(&hello), 250).await?;
        Ok(Extensions::of(&lines))
    }

    /// Says `command`, if there is one, and answers the reply's text if it has this code.
    async fn expect<S: Stream>(
        &self,
        wire: &mut Wire<S>,
        command: Option<&str>,
        code: u16,
    ) -> Result<String, Answer> {
        let deadline = self.deadline.min(Instant::now() + self.settings.timeouts.command);
        if let Some(command) = command {
            let line = format!("{command}\r\n");
            wire.write(line.as_bytes(), deadline).await.map_err(|unwritten| Answer::Lost(unwritten.why))?;
        }
        let reply = wire.read_reply(deadline).await.map_err(Answer::Lost)?;
        if reply.code == code { Ok(reply.text) } else { Err(Answer::Reply(reply)) }
    }
}

impl Extensions {
    /// The first line greets, each further one names an extension.
    fn of(lines: &str) -> Extensions {
        let mut found = Extensions::default();
        for line in lines.lines().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("PIPELINING") => found.has_pipelining = true,
                Some("STARTTLS") => found.has_starttls = true,
                Some("AUTH") => {
                    let mechanisms: Vec<_> = words.collect();
                    found.has_auth_plain |= mechanisms.contains(&"PLAIN");
                    found.has_auth_login |= mechanisms.contains(&"LOGIN");
                }
                Some(_) | None => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_read_in_any_case_and_spelling() {
        let all = Extensions::of(
            "mx.example greets\nPIPELINING\nstarttls\nAUTH=LOGIN\nAUTH PLAIN CRAM-MD5\nSIZE 1",
        );
        let wanted = Extensions {
            has_pipelining: true,
            has_starttls: true,
            has_auth_plain: true,
            has_auth_login: true,
        };
        assert_eq!(all, wanted);
        assert_eq!(Extensions::of("PIPELINING is our name"), Extensions::default());
    }
}
