//! One mail, ready to leave: headers, a text part always, HTML, and the envelope.
//!
//! The same draft gives the same bytes. No value can add a header or end one early: control characters in addresses
//! and links are refused, in the subject they become spaces, and both bodies are quoted-printable, so that the
//! boundary (which holds `=_`) cannot occur in them.

use crate::channel::Delivery;
use crate::template::one_line;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use outreach_engine::{DecisionId, Timestamp};
use std::time::{Duration, SystemTime};

/// What a mail is made of. All texts are as rendered; nothing needs to be escaped for mail.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    pub decision: DecisionId,
    /// The sender, with a display name or without: `Ada at Acme <hello@acme.example>`.
    pub from: &'a str,
    /// The recipient's bare address.
    pub to: &'a str,
    /// Bounces come back to `b+DECISIONID@` this domain.
    pub return_path_domain: &'a str,
    pub subject: &'a str,
    pub html: &'a str,
    pub text: &'a str,
    /// Where a POST unsubscribes (RFC 8058); http or https.
    pub unsubscribe_url: Option<&'a str>,
    /// What Gmail's Postmaster Tools group complaints by: `rule:topic:outreach`.
    pub feedback_id: Option<&'a str>,
    /// The Date header.
    pub at: Timestamp,
    /// A mail that nobody decided: its id is that of no decision, and stands where none is looked for.
    pub is_test: bool,
}

/// A mail that only has to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    pub decision: DecisionId,
    pub envelope_from: Address,
    pub envelope_to: Address,
    /// RFC 5322, ASCII, lines end in CRLF, dots not yet doubled.
    pub bytes: Vec<u8>,
}

/// Why no mail can be made of a draft. It will not get better by waiting. Names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    #[error("expected {0} without control characters, found one")]
    ControlCharacter(&'static str),
    #[error("expected {0} as name@domain in ASCII without quotes, found something else")]
    Address(&'static str),
    #[error("expected an http(s) unsubscribe link of at most {HEADER_CHARS_MAX} printable characters")]
    UnsubscribeUrl,
    #[error("expected a Feedback-ID of at most {HEADER_CHARS_MAX} printable ASCII characters")]
    FeedbackId,
    #[error("expected a text part, found none")]
    NoText,
    #[error("the mail cannot be built: a header is missing")]
    Build,
}

impl From<ComposeError> for Delivery {
    fn from(error: ComposeError) -> Delivery {
        Delivery::Permanent { code: None, reply: error.to_string() }
    }
}

/// A header line may hold 998 characters (RFC 5322, 2.1.1); these are written unfolded, behind their name. A token of
/// the longest id and address takes 850.
const HEADER_CHARS_MAX: usize = 970;
/// RFC 5321, 4.5.3.1.3: a path holds 256 octets with its brackets.
const ADDRESS_CHARS_MAX: usize = 254;
/// Subjects beyond this are noise to every reader, and a value of an event may be long.
const SUBJECT_CHARS_MAX: usize = 250;
/// The last second that four digits of a year can say: the Date header knows no more.
const DATE_SECONDS_MAX: u64 = 253_402_300_799;

/// The mail of this draft.
pub fn compose(draft: &Draft<'_>) -> Result<Composed, ComposeError> {
    let to = address(draft.to, "the recipient's address")?;
    let from = mailbox(draft.from)?;
    let (bounces, name) = if draft.is_test { ("test", "test.") } else { ("b", "") };
    let return_path = format!("{bounces}+{}@{}", draft.decision, draft.return_path_domain);
    let envelope_from = address(&return_path, "the return path")?;
    if draft.text.trim().is_empty() {
        return Err(ComposeError::NoText);
    }
    let message_id = format!("<{name}{}@{}>", draft.decision, from.email.domain());
    let envelope =
        Envelope::new(Some(envelope_from.clone()), vec![to.clone()]).map_err(|_| ComposeError::Build)?;
    let mut builder = Message::builder()
        .date(date(draft.at))
        .from(from)
        .to(Mailbox::new(None, to.clone()))
        .subject(one_line(draft.subject, SUBJECT_CHARS_MAX))
        .message_id(Some(message_id))
        .envelope(envelope)
        .header(AutoSubmitted);
    if let Some(url) = draft.unsubscribe_url {
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if !is_web || !is_printable(url) || url.contains([' ', '<', '>', ',']) {
            return Err(ComposeError::UnsubscribeUrl);
        }
        builder = builder.header(ListUnsubscribe(format!("<{url}>"))).header(ListUnsubscribePost);
    }
    if let Some(id) = draft.feedback_id {
        if !is_printable(id) {
            return Err(ComposeError::FeedbackId);
        }
        builder = builder.header(FeedbackId(id.to_owned()));
    }
    let parts = MultiPart::alternative()
        .boundary(format!("=_{}", draft.decision))
        .singlepart(part(ContentType::TEXT_PLAIN, draft.text))
        .singlepart(part(ContentType::TEXT_HTML, draft.html));
    let bytes = builder.multipart(parts).map_err(|_| ComposeError::Build)?.formatted();
    Ok(Composed { decision: draft.decision, envelope_from, envelope_to: to, bytes })
}

/// A bare address. Quoted local parts and non-ASCII are refused: hardly anyone has one, and a quoted part may hold
/// nearly anything.
fn address(text: &str, what: &'static str) -> Result<Address, ComposeError> {
    if text.chars().any(char::is_control) {
        return Err(ComposeError::ControlCharacter(what));
    }
    let is_plain = text.len() <= ADDRESS_CHARS_MAX
        && text.chars().all(|c| c.is_ascii_graphic() && !"\"()<>[]\\,;:".contains(c));
    if !is_plain {
        return Err(ComposeError::Address(what));
    }
    text.parse().map_err(|_| ComposeError::Address(what))
}

fn mailbox(text: &str) -> Result<Mailbox, ComposeError> {
    const WHAT: &str = "the sender's address";
    if text.chars().any(char::is_control) {
        return Err(ComposeError::ControlCharacter(WHAT));
    }
    let mailbox: Mailbox = text.parse().map_err(|_| ComposeError::Address(WHAT))?;
    address(mailbox.email.as_ref(), WHAT)?;
    Ok(mailbox)
}

fn date(at: Timestamp) -> SystemTime {
    let seconds = u64::try_from(at.0 / 1_000_000).unwrap_or(0).min(DATE_SECONDS_MAX);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// NUL is not allowed in any body (RFC 5322, 2.3); quoted-printable would carry it to the reader.
fn part(kind: ContentType, text: &str) -> SinglePart {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
    SinglePart::builder().header(kind).header(ContentTransferEncoding::QuotedPrintable).body(lines)
}

fn is_printable(text: &str) -> bool {
    text.len() <= HEADER_CHARS_MAX && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

/// Says that no person wrote this, so that no vacation responder answers (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;
#[derive(Clone)]
struct ListUnsubscribe(String);
#[derive(Clone)]
struct ListUnsubscribePost;
#[derive(Clone)]
struct FeedbackId(String);

/// A header whose value was checked to be printable ASCII on one line, written as it is.
macro_rules! checked_header {
    ($header:ty, $name:literal, $value:expr, $parse:expr) => {
        impl Header for $header {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }
            fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok($parse(text))
            }
            fn display(&self) -> HeaderValue {
                let value: String = $value(self);
                HeaderValue::dangerous_new_pre_encoded(Self::name(), value.clone(), value)
            }
        }
    };
}

checked_header!(AutoSubmitted, "Auto-Submitted", |_: &Self| "auto-generated".into(), |_: &str| AutoSubmitted);
checked_header!(ListUnsubscribe, "List-Unsubscribe", |header: &Self| header.0.clone(), |text: &str| {
    ListUnsubscribe(text.into())
});
checked_header!(
    ListUnsubscribePost,
    "List-Unsubscribe-Post",
    |_: &Self| "List-Unsubscribe=One-Click".into(),
    |_: &str| ListUnsubscribePost
);
checked_header!(FeedbackId, "Feedback-ID", |header: &Self| header.0.clone(), |text: &str| FeedbackId(
    text.into()
));

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    fn draft() -> Draft<'static> {
        Draft {
            decision: DecisionId([0xab; 16]),
            from: "Ada at Acme <hello@acme.example>",
            to: "grace@example.com",
            return_path_domain: "bounce.acme.example",
            subject: "Grüße: your project waits",
            html: "<p>Hello</p>",
            text: "Hello",
            unsubscribe_url: Some("https://acme.example/u/TOKEN"),
            feedback_id: None,
            at: Timestamp::parse("2026-03-05T10:00:00Z").unwrap(),
            is_test: false,
        }
    }

    fn header_lines(composed: &Composed) -> Vec<String> {
        let text = String::from_utf8(composed.bytes.clone()).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        head.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn a_mail_says_what_receivers_ask_for() {
        let composed = compose(&draft()).unwrap();
        let id = "ab".repeat(16);
        assert_eq!(composed.envelope_from.to_string(), format!("b+{id}@bounce.acme.example"));
        assert_eq!(composed.envelope_to.to_string(), "grace@example.com");
        let lines = header_lines(&composed);
        for line in [
            "Date: Thu, 05 Mar 2026 10:00:00 +0000",
            "From: \"Ada at Acme\" <hello@acme.example>",
            "To: grace@example.com",
            &format!("Message-ID: <{id}@acme.example>"),
            "List-Unsubscribe: <https://acme.example/u/TOKEN>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(lines.iter().any(|found| found == line), "{line} is not among {lines:#?}");
        }
        let parsed = MessageParser::default().parse(&composed.bytes).unwrap();
        assert_eq!(parsed.subject(), Some("Grüße: your project waits"));
        assert_eq!(parsed.body_text(0).unwrap().trim(), "Hello");
        assert_eq!(parsed.body_html(0).unwrap().trim(), "<p>Hello</p>");
    }

    #[test]
    fn the_same_draft_gives_the_same_bytes() {
        assert_eq!(compose(&draft()).unwrap(), compose(&draft()).unwrap());
    }

    #[test]
    fn bytes_are_ascii_with_crlf_and_lines_that_every_server_takes() {
        let text = "ä€😀\nline\r\nmixed\rend\n.\n..\nFrom x\n".repeat(20) + &"x".repeat(5000);
        let composed = compose(&Draft { text: &text, html: &text, ..draft() }).unwrap();
        assert!(composed.bytes.is_ascii());
        let all = String::from_utf8(composed.bytes).unwrap();
        for line in all.split("\r\n") {
            assert!(line.len() <= 998 && !line.contains(['\r', '\n']), "{line}");
        }
    }

    #[test]
    fn no_subject_can_add_a_header() {
        for evil in [
            "Hi\r\nBcc: all@example.com",
            "Hi\nBcc: all@example.com",
            "Hi\rBcc: all@example.com",
            "Hi\0\r\n\r\n<script>",
            "Hi\u{85}Bcc: all@example.com",
            "Hi\u{2028}Bcc: all@example.com",
            "\u{b}\u{c}Bcc: all@example.com",
            "é\r\nBcc: all@example.com",
        ] {
            let composed = compose(&Draft { subject: evil, ..draft() }).unwrap();
            let lines = header_lines(&composed);
            assert!(!lines.iter().any(|line| line.starts_with("Bcc")), "{evil:?} gave {lines:#?}");
            assert_eq!(lines.len(), header_lines(&compose(&draft()).unwrap()).len());
        }
    }

    #[test]
    fn no_address_or_link_can_add_anything() {
        for evil in [
            "a@example.com\r\nBcc: b@example.com",
            "a@example.com\nRCPT TO:<b@example.com>",
            "a@example.com, b@example.com",
            "a@example.com>\u{20}NOTIFY=SUCCESS",
            "\"a b\"@example.com",
            "Ada <a@example.com>",
            "a@example.com\0",
            "a@exa mple.com",
            "no address",
            "@example.com",
            "a@",
            "",
        ] {
            let error = compose(&Draft { to: evil, ..draft() }).unwrap_err();
            assert_eq!(Delivery::from(error).code(), "permanent", "{evil:?}");
            assert!(evil.len() < 4 || !error.to_string().contains(evil), "{error}");
            assert!(compose(&Draft { from: &format!("Ada <{evil}>"), ..draft() }).is_err(), "{evil:?}");
            assert!(compose(&Draft { return_path_domain: evil, ..draft() }).is_err(), "{evil:?}");
        }
        for evil in
            ["https://x/\r\nBcc: b@example.com", "https://x/>, <mailto:y", "javascript:alert(1)", "/u/x"]
        {
            assert!(compose(&Draft { unsubscribe_url: Some(evil), ..draft() }).is_err(), "{evil:?}");
        }
        assert!(compose(&Draft { feedback_id: Some("a\nb"), ..draft() }).is_err());
    }

    #[test]
    fn a_mail_without_text_is_refused() {
        assert_eq!(compose(&Draft { text: " \n", ..draft() }), Err(ComposeError::NoText));
    }

    #[test]
    fn a_boundary_in_the_body_ends_nothing() {
        let boundary = format!("--=_{}--\n", "ab".repeat(16));
        let composed = compose(&Draft { text: &boundary, ..draft() }).unwrap();
        let parsed = MessageParser::default().parse(&composed.bytes).unwrap();
        assert_eq!(parsed.body_text(0).unwrap().trim(), boundary.trim());
        assert_eq!(parsed.parts.len(), 3);
    }

    proptest! {
        #[test]
        fn any_texts_give_one_well_formed_mail_or_a_refusal(
            subject in ".*", to in ".*", text in ".*", name in ".*", at in any::<i64>(),
        ) {
            let from = format!("{name} <hello@acme.example>");
            let odd = Draft { subject: &subject, text: &text, at: Timestamp(at), ..draft() };
            if let Ok(composed) = compose(&odd) {
                let plain = header_lines(&compose(&draft()).unwrap()).len();
                prop_assert_eq!(header_lines(&composed).len(), plain);
                prop_assert!(composed.bytes.is_ascii());
            }
            if let Ok(composed) = compose(&Draft { to: &to, ..odd }) {
                prop_assert!(composed.envelope_to.to_string().chars().all(|c| c.is_ascii_graphic()));
            }
            if let Ok(composed) = compose(&Draft { from: &from, ..odd }) {
                prop_assert!(!header_lines(&composed).iter().any(|line| line.starts_with("Bcc")));
            }
        }
    }
}
