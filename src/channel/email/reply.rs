//! What the end of an SMTP attempt means: one table from (stage, answer) to a [`Delivery`].
//!
//! `Stage::End` begins with the moment the last byte of the final `CRLF.CRLF` was handed to the operating system. A
//! connection lost before it has delivered nothing (RFC 5321, 4.1.1.4: without the end of data the server must not
//! deliver); lost after it, nobody knows.

use crate::channel::Delivery;
use std::fmt;

/// How far an attempt had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Connecting, greeting, EHLO, TLS, login: nothing of this message was said yet.
    Session,
    Mail,
    Rcpt,
    /// The DATA command and the body, up to the last byte of its end.
    Data,
    /// The end of the message was sent.
    End,
}

/// How a stage ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Reply(Reply),
    /// No reply: closed, timed out, unreadable.
    Lost(String),
}

/// A server's reply. The text is that of all its lines, without control characters, cut to [`REPLY_CHARS_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub code: u16,
    pub text: String,
}

/// Enough to understand a refusal with its link; the ledger keeps it for each message.
pub(super) const REPLY_CHARS_MAX: usize = 400;

/// The server closes the connection (RFC 5321, 3.8), whatever it was asked.
pub(super) const SERVICE_CLOSES: u16 = 421;
/// Replies about our login (RFC 4954, 6): the message is not to blame, wherever they come.
const LOGIN_CODES: [u16; 4] = [530, 534, 535, 538];
/// Enhanced codes (RFC 3463) that say: this address does not exist, or is closed for good. Policy (5.7.x) and
/// fullness (5.2.2) are not among them.
const NO_SUCH_ADDRESS: [&str; 7] = ["5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];
/// What an attempt that ended at `stage` with `answer` was.
pub(super) fn classify(stage: Stage, answer: Answer) -> Delivery {
    let reply = match answer {
        Answer::Reply(reply) => reply,
        Answer::Lost(why) if stage == Stage::End => {
            return Delivery::Unknown { why: format!("the message was sent and no reply came: {why}") };
        }
        Answer::Lost(why) => return Delivery::Transient { code: None, reply: format!("{why} ({stage})") },
    };
    let text = reply.to_string();
    match reply.code {
        200..=299 if stage == Stage::End => Delivery::Accepted { reply: text },
        SERVICE_CLOSES => Delivery::Transient { code: None, reply: text },
        code if stage == Stage::Session || LOGIN_CODES.contains(&code) => {
            Delivery::Transient { code: None, reply: format!("{text} ({stage})") }
        }
        code @ 400..=499 => Delivery::Transient { code: Some(code), reply: text },
        code @ 500..=599 if reply.says_no_such_address(stage) => Delivery::HardBounce { code, reply: text },
        code @ 500..=599 => Delivery::Permanent { code: Some(code), reply: text },
        _ if stage == Stage::End => Delivery::Unknown {
            why: format!("the message was sent and the reply cannot be understood: {text}"),
        },
        _ => Delivery::Transient { code: None, reply: format!("unexpected reply {text} ({stage})") },
    }
}

impl Reply {
    /// The enhanced status code (RFC 2034) that the text begins with, if it agrees with the code.
    fn enhanced(&self) -> Option<&str> {
        let word = self.text.split_whitespace().next()?;
        let mut parts = word.split('.');
        let class = parts.next()?.parse::<u16>().ok()?;
        let rest: Vec<_> = parts.collect();
        let is_numbers = rest.len() == 2 && rest.iter().all(|part| part.parse::<u16>().is_ok());
        (is_numbers && class == self.code / 100).then_some(word)
    }

    /// At RCPT the server judges the address, and after the end of data it may too (one message goes to one address).
    /// Only an explicit code counts: a bare 550 is said of relaying, listings and content as well, and a suppression
    /// of everybody by a relay that is set up wrongly would be for good.
    fn says_no_such_address(&self, stage: Stage) -> bool {
        let is_asked = matches!(stage, Stage::Rcpt | Stage::End);
        is_asked && self.enhanced().is_some_and(|code| NO_SUCH_ADDRESS.contains(&code))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Session => "before the message",
            Stage::Mail => "at MAIL FROM",
            Stage::Rcpt => "at RCPT TO",
            Stage::Data => "at DATA, before its end",
            Stage::End => "after the end of DATA",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stage: Stage, code: u16, text: &str) -> &'static str {
        classify(stage, Answer::Reply(Reply { code, text: text.into() })).code()
    }

    #[test]
    fn each_stage_and_answer_has_its_meaning() {
        let table = [
            (Stage::Session, 554, "no service", "transient"),
            (Stage::Session, 535, "5.7.8 wrong password", "transient"),
            (Stage::Mail, 451, "4.3.0 try later", "transient"),
            (Stage::Mail, 552, "5.3.4 too large", "permanent"),
            (Stage::Mail, 550, "5.1.1 not about the recipient", "permanent"),
            (Stage::Mail, 530, "5.7.0 log in first", "transient"),
            (Stage::Rcpt, 450, "4.2.1 greylisted", "transient"),
            (Stage::Rcpt, 550, "5.1.1 no such user", "hard-bounce"),
            (Stage::Rcpt, 550, "5.1.10 null MX", "hard-bounce"),
            (Stage::Rcpt, 550, "no such user", "permanent"),
            (Stage::Rcpt, 550, "5.7.1 your address is listed", "permanent"),
            (Stage::Rcpt, 552, "5.2.2 mailbox full", "permanent"),
            (Stage::Rcpt, 554, "5.7.1 relay access denied", "permanent"),
            (Stage::Rcpt, 550, "4.1.1 a class that does not agree", "permanent"),
            (Stage::Rcpt, 421, "4.3.2 shutting down", "transient"),
            (Stage::Data, 554, "no valid recipients", "permanent"),
            (Stage::Data, 250, "not what DATA answers", "transient"),
            (Stage::End, 250, "2.0.0 queued", "accepted"),
            (Stage::End, 451, "4.7.1 scanning failed", "transient"),
            (Stage::End, 554, "5.7.1 spam", "permanent"),
            (Stage::End, 550, "looks like spam", "permanent"),
            (Stage::End, 550, "5.1.1 no such user after all", "hard-bounce"),
            (Stage::End, 421, "4.3.2 shutting down, not taken", "transient"),
            (Stage::End, 354, "what?", "unknown"),
        ];
        for (stage, code, text, meaning) in table {
            assert_eq!(said(stage, code, text), meaning, "{code} {text} ({stage})");
        }
    }

    #[test]
    fn only_a_loss_after_the_end_of_data_is_unknown() {
        for stage in [Stage::Session, Stage::Mail, Stage::Rcpt, Stage::Data] {
            let delivery = classify(stage, Answer::Lost("closed".into()));
            assert!(matches!(delivery, Delivery::Transient { code: None, .. }), "{stage}: {delivery:?}");
        }
        assert_eq!(classify(Stage::End, Answer::Lost("closed".into())).code(), "unknown");
    }

    #[test]
    fn the_breaker_hears_of_the_servers_faults_and_not_of_the_messages() {
        let blames = |stage, code, text: &str| {
            classify(stage, Answer::Reply(Reply { code, text: text.into() })).blames_server()
        };
        assert!(blames(Stage::Session, 554, "go away"));
        assert!(blames(Stage::Mail, 421, "closing"));
        assert!(!blames(Stage::Rcpt, 450, "greylisted"));
        assert!(!blames(Stage::Rcpt, 550, "5.1.1 unknown"));
    }
}
