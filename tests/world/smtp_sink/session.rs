//! One connection: the dialogue of RFC 5321 with PIPELINING, 8BITMIME, STARTTLS and AUTH PLAIN.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine;

use super::wire::Wire;
use super::{Fault, Mail, Security, Shared};

/// Serves a connection to its end.
pub fn run(shared: &Shared, stream: TcpStream, connection: u64) -> io::Result<()> {
    match shared.options.security {
        Security::Plain => Session::new(shared, stream, connection, false).greet_and_talk().map(drop),
        Security::TlsOnConnect => {
            let stream = shared.certificate.as_ref().expect("made at the start").accept(stream)?;
            Session::new(shared, stream, connection, true).greet_and_talk().map(drop)
        }
        Security::StartTls => {
            let plain = Session::new(shared, stream, connection, false);
            if let Ended::Upgrade(stream) = plain.greet_and_talk()? {
                let stream = shared.certificate.as_ref().expect("made at the start").accept(stream)?;
                Session::new(shared, stream, connection, true).talk()?;
            }
            Ok(())
        }
    }
}

/// How a session ends, if not by an error.
enum Ended<S> {
    Gone,
    /// The client goes on with a TLS handshake.
    Upgrade(S),
}

/// What follows a command.
enum Next {
    Go,
    Quit,
    Upgrade,
}

struct Session<'s, S> {
    shared: &'s Shared,
    wire: Wire<S>,
    connection: u64,
    over_tls: bool,
    user: Option<String>,
    from: Option<String>,
    to: Vec<String>,
}

impl<'s, S: Read + Write> Session<'s, S> {
    fn new(shared: &'s Shared, stream: S, connection: u64, over_tls: bool) -> Session<'s, S> {
        let wire = Wire::new(stream);
        Session { shared, wire, connection, over_tls, user: None, from: None, to: Vec::new() }
    }

    fn greet_and_talk(mut self) -> io::Result<Ended<S>> {
        let cleared = self.shared.cleared();
        let greeting =
            self.shared.fault(|fault| matches!(fault, Fault::SlowGreeting(_) | Fault::RefuseGreeting));
        match greeting {
            Some(Fault::SlowGreeting(length)) => self.shared.hold_up(length, cleared),
            Some(Fault::RefuseGreeting) => {
                self.wire.reply("421 4.3.2 sink.test is not taking mail")?;
                return Ok(Ended::Gone);
            }
            Some(_) | None => {}
        }
        self.wire.reply("220 sink.test ESMTP")?;
        self.talk()
    }

    fn talk(mut self) -> io::Result<Ended<S>> {
        while let Some(line) = self.wire.line()? {
            match self.command(&line)? {
                Next::Go => {}
                Next::Quit => return Ok(Ended::Gone),
                Next::Upgrade => return Ok(Ended::Upgrade(self.wire.into_inner()?)),
            }
        }
        Ok(Ended::Gone)
    }

    fn command(&mut self, line: &str) -> io::Result<Next> {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello()?,
            "HELO" => self.wire.reply("250 sink.test")?,
            "STARTTLS" if self.wants_tls() => {
                self.wire.reply("220 2.0.0 go ahead")?;
                return Ok(Next::Upgrade);
            }
            "AUTH" => self.login(argument)?,
            "MAIL" => self.mail_from(argument)?,
            "RCPT" => self.rcpt_to(argument)?,
            "DATA" => return self.data(),
            "RSET" => {
                self.reset();
                self.wire.reply("250 2.0.0 ok")?;
            }
            "NOOP" => self.wire.reply("250 2.0.0 ok")?,
            "QUIT" => {
                self.wire.reply("221 2.0.0 bye")?;
                self.wire.flush()?;
                return Ok(Next::Quit);
            }
            _ => self.wire.reply("500 5.5.2 unknown command")?,
        }
        Ok(Next::Go)
    }

    fn wants_tls(&self) -> bool {
        self.shared.options.security == Security::StartTls && !self.over_tls
    }

    fn hello(&mut self) -> io::Result<()> {
        let mut lines = vec!["sink.test", "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
        if self.wants_tls() {
            lines.push("STARTTLS");
        }
        if self.shared.options.login.is_some() {
            lines.push("AUTH PLAIN");
        }
        let last = lines.pop().expect("at least one");
        let mut reply = String::new();
        for line in lines {
            reply.push_str(&format!("250-{line}\r\n"));
        }
        self.wire.reply(&format!("{reply}250 {last}"))
    }

    /// RFC 4616: an authorization id, the name and the password, parted by NUL.
    fn login(&mut self, argument: &str) -> io::Result<()> {
        let Some((name, password)) = &self.shared.options.login else {
            return self.wire.reply("503 5.5.1 no login is asked for");
        };
        let given = match argument.split_once(' ') {
            Some((_, initial)) => initial.to_owned(),
            None => {
                self.wire.reply("334 ")?;
                self.wire.line()?.unwrap_or_default()
            }
        };
        let given = base64::engine::general_purpose::STANDARD.decode(given).unwrap_or_default();
        if given == format!("\0{name}\0{password}").into_bytes() {
            self.user = Some(name.clone());
            self.wire.reply("235 2.7.0 welcome")
        } else {
            self.wire.reply("535 5.7.8 wrong name or password")
        }
    }

    fn mail_from(&mut self, argument: &str) -> io::Result<()> {
        if self.wants_tls() {
            return self.wire.reply("530 5.7.0 STARTTLS first");
        }
        if self.shared.options.login.is_some() && self.user.is_none() {
            return self.wire.reply("530 5.7.0 AUTH first");
        }
        self.reset();
        match address(argument, "FROM:") {
            Some(from) => {
                self.from = Some(from);
                self.wire.reply("250 2.1.0 ok")
            }
            None => self.wire.reply("501 5.5.4 expected FROM:<address>"),
        }
    }

    fn rcpt_to(&mut self, argument: &str) -> io::Result<()> {
        if self.from.is_none() {
            return self.wire.reply("503 5.5.1 MAIL first");
        }
        let Some(to) = address(argument, "TO:") else {
            return self.wire.reply("501 5.5.4 expected TO:<address>");
        };
        let refused = self
            .shared
            .fault(|fault| matches!(fault, Fault::RefuseRecipient { recipient, .. } if *recipient == to));
        if let Some(Fault::RefuseRecipient { reply, .. }) = refused {
            return self.wire.reply(&reply);
        }
        self.to.push(to);
        self.wire.reply("250 2.1.5 ok")
    }

    fn data(&mut self) -> io::Result<Next> {
        if self.to.is_empty() {
            self.wire.reply("503 5.5.1 RCPT first")?;
            return Ok(Next::Go);
        }
        self.wire.reply("354 end with a dot")?;
        let Some(raw) = self.wire.mail()? else { return Ok(Next::Quit) };
        let to = std::mem::take(&mut self.to);
        let cleared = self.shared.cleared();
        let fault = self.shared.fault(|fault| concerns_data(fault, &to));
        let mail = Mail {
            from: self.from.take().unwrap_or_default(),
            to,
            raw,
            connection: self.connection,
            over_tls: self.over_tls,
            user: self.user.clone(),
            answered: fault != Some(Fault::DropAfterData),
            received_at: Instant::now(),
        };
        match fault {
            Some(Fault::RefuseData { reply, .. }) => {
                self.wire.reply(&reply)?;
                return Ok(Next::Go);
            }
            Some(Fault::DropBeforeAcceptance) => return Ok(Next::Quit),
            Some(Fault::DropAfterData) => {
                self.shared.keep(mail);
                return Ok(Next::Quit);
            }
            Some(Fault::SlowReply(length)) => {
                self.shared.keep(mail);
                self.shared.hold_up(length, cleared);
            }
            Some(Fault::HoldReply) => {
                self.shared.keep(mail);
                self.shared.hold_up(Duration::MAX, cleared);
            }
            Some(Fault::SlowGreeting(_) | Fault::RefuseGreeting | Fault::RefuseRecipient { .. }) | None => {
                self.shared.keep(mail);
            }
        }
        self.wire.reply("250 2.0.0 taken")?;
        Ok(Next::Go)
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }
}

fn concerns_data(fault: &Fault, to: &[String]) -> bool {
    match fault {
        Fault::RefuseData { recipient, .. } => to.contains(recipient),
        Fault::SlowReply(_) | Fault::HoldReply | Fault::DropAfterData | Fault::DropBeforeAcceptance => true,
        Fault::SlowGreeting(_) | Fault::RefuseGreeting | Fault::RefuseRecipient { .. } => false,
    }
}

/// The address between the angle brackets; parameters after them are taken and ignored.
fn address(argument: &str, keyword: &str) -> Option<String> {
    let (found, rest) = argument.split_at_checked(keyword.len())?;
    let (address, _) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    found.eq_ignore_ascii_case(keyword).then(|| address.to_owned())
}
